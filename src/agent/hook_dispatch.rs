//! When hooks run, and what their outcome does to the turn.
//!
//! Owns the moments and the order; which hooks run and how is in [`super::hook`].
//! No hook holds up the loop or a switch: a turn waits for its own hooks, and an
//! interrupt kills them.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::hook::{
    AdditionalContext, HookDecision, HookEnvironment, HookEvent, HookFuture, HookInvocation, HookOutcome,
};
use super::permission::AskReason;
use super::runtime::AgentRuntime;
use super::tool::{Access, ToolOutcome};
use super::transcript_entry::TranscriptEntry;
use super::turn::{RequestedCall, RunningTurn, TurnStep, UserPrompt};
use super::turn_outcome::TurnOutcome;

/// The most times in a row that stop hooks may keep a turn from ending.
const MAX_STOP_BLOCKS: u32 = 8;
/// The time limit for end hooks (the official CLI's).
const END_HOOKS_TIMEOUT: Duration = Duration::from_millis(1500);

/// What hooks are asked about.
#[derive(Debug)]
pub enum HookPoint {
    /// The prompt that begins the turn.
    Prompt,
    /// A call before it runs.
    PreToolUse(RequestedCall),
    /// A call that a person is about to be asked about.
    PermissionRequest(Box<PendingPermission>),
    /// A call that ran.
    PostToolUse(Box<(RequestedCall, ToolOutcome)>),
    /// The turn's end.
    Stop,
}

/// A call that has to be asked about.
#[derive(Debug)]
pub struct PendingPermission {
    pub call: RequestedCall,
    /// What it would do.
    pub access: Access,
    /// Permission updates that would make the question needless.
    pub suggestions: Vec<Value>,
    /// The file that the question is about.
    pub blocked_path: Option<PathBuf>,
    /// Why a person is asked.
    pub reason: Option<AskReason>,
}

/// Start hooks of a session; its first turn waits for them. Dropping this aborts them.
pub struct SessionStartHooks(JoinHandle<HookOutcome>);

impl Drop for SessionStartHooks {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl AgentRuntime {
    /// Runs the start hooks of a session that becomes active.
    pub(super) fn run_start_hooks(&mut self, source: &str) {
        let firing = self.run_hooks(HookEvent::SessionStart, Some(source), None, json!({"source": source}));
        self.start_hooks = firing.map(|firing| SessionStartHooks(tokio::spawn(firing)));
    }

    /// Runs the start hooks of the first session, once the host declared its own.
    pub(super) fn run_first_start_hooks(&mut self) {
        if let Some(source) = self.pending_start_source.take() {
            self.run_start_hooks(source);
        }
    }

    /// Runs the end hooks of a session that is left; nothing waits for them.
    pub(super) fn run_end_hooks(&self, reason: &str) {
        if let Some(firing) =
            self.run_hooks(HookEvent::SessionEnd, Some(reason), None, json!({"reason": reason}))
        {
            tokio::spawn(tokio::time::timeout(END_HOOKS_TIMEOUT, firing));
        }
    }

    /// Runs the end hooks at the end of the process; the host may be gone.
    pub(super) async fn run_final_hooks(&self) {
        let fields = json!({"reason": "other"});
        let surroundings = HookEnvironment { host: None, ..self.hook_environment() };
        let occasion = self.hook_invocation(HookEvent::SessionEnd, Some("other"), None, fields);
        if let Some(firing) = self.hooks.fire(occasion, surroundings) {
            let _ = tokio::time::timeout(END_HOOKS_TIMEOUT, firing).await;
        }
    }

    /// Hooks that a prompt waits for: those of the session's start, and its own.
    pub(super) fn prompt_hooks(&mut self, prompt: &UserPrompt) -> Option<HookFuture> {
        let own = self.run_hooks(HookEvent::UserPromptSubmit, None, None, json!({"prompt": prompt.text()}));
        let Some(mut starting) = self.start_hooks.take() else { return own };
        Some(Box::pin(async move {
            // A hook that panicked cannot block.
            let started = (&mut starting.0).await.unwrap_or_default();
            let started = HookOutcome { blocked: None, stopped: None, ..started };
            match own {
                Some(own) => started.merge(own.await),
                None => started,
            }
        }))
    }

    /// Hooks that run before a call.
    pub(super) fn pre_tool_hooks(&self, call: &RequestedCall) -> Option<HookFuture> {
        let fields = json!({"tool_name": call.tool, "tool_input": call.input, "tool_use_id": call.id});
        self.run_hooks(HookEvent::PreToolUse, Some(&call.tool), Some(&call.id), fields)
    }

    /// The hooks that may answer in the person's place.
    pub(super) fn permission_hooks(&self, pending: &PendingPermission) -> Option<HookFuture> {
        let call = &pending.call;
        let fields = json!({
            "tool_name": call.tool, "tool_input": call.input, "tool_use_id": call.id,
            "permission_suggestions": pending.suggestions,
        });
        self.run_hooks(HookEvent::PermissionRequest, Some(&call.tool), Some(&call.id), fields)
    }

    /// Hooks that run after a call.
    pub(super) fn post_tool_hooks(&self, call: &RequestedCall, outcome: &ToolOutcome) -> Option<HookFuture> {
        let mut fields = json!({"tool_name": call.tool, "tool_input": call.input, "tool_use_id": call.id});
        let event = if outcome.is_error {
            fields["error"] = json!(outcome.text);
            fields["is_interrupt"] = json!(false);
            HookEvent::PostToolUseFailure
        } else {
            fields["tool_response"] = outcome.detail.clone();
            HookEvent::PostToolUse
        };
        self.run_hooks(event, Some(&call.tool), Some(&call.id), fields)
    }

    /// Hooks that run before a turn ends.
    pub(super) fn stop_hooks(&self, turn: &RunningTurn) -> Option<HookFuture> {
        let fields = json!({"stop_hook_active": turn.stop_blocks > 0, "last_assistant_message": turn.text});
        self.run_hooks(HookEvent::Stop, None, None, fields)
    }

    fn run_hooks(
        &self,
        event: HookEvent,
        subject: Option<&str>,
        call: Option<&str>,
        fields: Value,
    ) -> Option<HookFuture> {
        self.hooks.fire(self.hook_invocation(event, subject, call, fields), self.hook_environment())
    }

    fn hook_invocation(
        &self,
        event: HookEvent,
        subject: Option<&str>,
        call: Option<&str>,
        fields: Value,
    ) -> HookInvocation {
        let common = json!({
            "session_id": self.session.id, "transcript_path": self.session.path(), "cwd": self.session.cwd,
            "permission_mode": self.permissions.mode.wire_name(),
        });
        let (subject, call) = (subject.map(str::to_owned), call.map(str::to_owned));
        HookInvocation { event, subject, tool_use_id: call, fields, common }
    }

    fn hook_environment(&self) -> HookEnvironment {
        HookEnvironment {
            host: Some(self.host.clone()),
            context: self.tool_context(),
            project: self.settings_files.folder().to_owned(),
        }
    }

    /// Continues the turn as the hooks decided.
    pub(super) fn apply_hooks(
        &mut self,
        turn: &mut RunningTurn,
        about: HookPoint,
        verdict: HookOutcome,
    ) -> io::Result<Option<TurnOutcome>> {
        for message in &verdict.messages {
            self.send_warning(message);
        }
        match about {
            HookPoint::Prompt => self.apply_prompt_hooks(turn, verdict),
            HookPoint::PreToolUse(call) => self.apply_pre_tool_hooks(turn, call, verdict),
            HookPoint::PermissionRequest(pending) => self.apply_permission_hooks(turn, *pending, verdict),
            HookPoint::PostToolUse(ran) => {
                let (call, mut outcome) = *ran;
                if let Some(output) = verdict.updated_output {
                    outcome.replace_output(output);
                }
                self.record_call(turn, &call, &outcome)?;
                turn.hook_context.extend(verdict.additional_context);
                if let Some(why) = verdict.blocked {
                    turn.hook_context.push(AdditionalContext { hook: "PostToolUse".to_owned(), text: why });
                }
                match verdict.stopped {
                    Some(why) => self.stopped_by_hook(turn, why),
                    None => self.next_call(turn),
                }
            }
            HookPoint::Stop => self.apply_stop_hooks(turn, verdict),
        }
    }

    fn apply_prompt_hooks(
        &mut self,
        turn: &mut RunningTurn,
        verdict: HookOutcome,
    ) -> io::Result<Option<TurnOutcome>> {
        if let Some(why) = verdict.blocked.or(verdict.stopped) {
            turn.is_blocked = true;
            let prompt = turn.prompt.text();
            self.send_warning(&format!(
                "UserPromptSubmit operation blocked by hook:\n{why}\n\nOriginal prompt: {prompt}"
            ));
            return Ok(Some(TurnOutcome { terminal_reason: "hook_stopped", ..TurnOutcome::success(why) }));
        }
        self.record_prompt(&turn.prompt)?;
        turn.hook_context.extend(verdict.additional_context);
        self.record_hook_context(turn)?;
        Ok(self.request_or_compact(turn))
    }

    fn apply_pre_tool_hooks(
        &mut self,
        turn: &mut RunningTurn,
        mut call: RequestedCall,
        verdict: HookOutcome,
    ) -> io::Result<Option<TurnOutcome>> {
        turn.hook_context.extend(verdict.additional_context);
        if let Some(why) = verdict.stopped {
            turn.pending_calls.push_front(call);
            return self.stopped_by_hook(turn, why);
        }
        if verdict.decision == Some(HookDecision::Deny) {
            let why = verdict.blocked.unwrap_or_default();
            let why = format!("PreToolUse:{} hook error: {why}", call.tool);
            self.deny_call(turn, &call, &why)?;
            return self.next_call(turn);
        }
        if let Some(input) = verdict.updated_input {
            call.input = input;
        }
        if self.start_call(turn, call, verdict.decision, verdict.ask_reason)? {
            Ok(None)
        } else {
            self.next_call(turn)
        }
    }

    /// Runs or refuses a call as the hooks answer for the person; asks the
    /// person if they have no opinion.
    fn apply_permission_hooks(
        &mut self,
        turn: &mut RunningTurn,
        mut pending: PendingPermission,
        outcome: HookOutcome,
    ) -> io::Result<Option<TurnOutcome>> {
        turn.hook_context.extend(outcome.additional_context);
        match outcome.decision {
            Some(HookDecision::Deny) => {
                let why = outcome.blocked.unwrap_or_default();
                self.deny_call(turn, &pending.call, &why)?;
                self.next_call(turn)
            }
            Some(HookDecision::Allow) => {
                pending.call.replace_input(outcome.updated_input);
                if let Some(why) = self.denied_by_rule(&mut pending.call) {
                    self.deny_call(turn, &pending.call, &why)?;
                    return self.next_call(turn);
                }
                turn.step = TurnStep::Tools(vec![self.run_tool(pending.call)]);
                Ok(None)
            }
            Some(HookDecision::Ask) | None => {
                if self.request_permission(turn, pending)? {
                    Ok(None)
                } else {
                    self.next_call(turn)
                }
            }
        }
    }

    fn apply_stop_hooks(
        &mut self,
        turn: &mut RunningTurn,
        verdict: HookOutcome,
    ) -> io::Result<Option<TurnOutcome>> {
        let goes_on =
            verdict.blocked.filter(|_| verdict.stopped.is_none() && turn.stop_blocks < MAX_STOP_BLOCKS);
        let Some(why) = goes_on else {
            return Ok(Some(TurnOutcome::success(&*turn.text)));
        };
        turn.stop_blocks += 1;
        let entry = TranscriptEntry::meta_user(&format!("Stop hook feedback:\n{why}"));
        let block = json!({"type": "text", "text": entry.content()});
        self.record_for_model(&entry, &block)?;
        turn.hook_context.extend(verdict.additional_context);
        self.request_next_reply(turn)
    }

    /// Ends the turn because a hook stopped it; every pending call gets a result.
    fn stopped_by_hook(&mut self, turn: &mut RunningTurn, why: String) -> io::Result<Option<TurnOutcome>> {
        for call in std::mem::take(&mut turn.pending_calls) {
            self.record_result(&call, &ToolOutcome::error(format!("it did not run: {why}")))?;
        }
        self.record_hook_context(turn)?;
        self.send_warning(&why);
        Ok(Some(TurnOutcome { terminal_reason: "hook_stopped", ..TurnOutcome::success(why) }))
    }

    /// Records context from hooks. Only behind all results of a reply: models refuse anything between
    /// them.
    pub(super) fn record_hook_context(&mut self, turn: &mut RunningTurn) -> io::Result<()> {
        for AdditionalContext { hook, text } in std::mem::take(&mut turn.hook_context) {
            let event = hook.split(':').next().unwrap_or_default();
            let attachment = json!({
                "type": "hook_additional_context", "content": [text], "hookName": hook, "hookEvent": event,
            });
            let rendered =
                format!("<system-reminder>\n{hook} hook additional context: {text}\n</system-reminder>");
            let block = json!({"type": "text", "text": rendered});
            self.record_for_model(&TranscriptEntry::attachment(&attachment, &rendered), &block)?;
        }
        Ok(())
    }
}
