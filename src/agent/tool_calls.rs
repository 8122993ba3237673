//! The tool calls of a reply, from the model's request to the recorded result.
//!
//! Owns the order in which they run. Whether a call may run is decided in
//! [`super::permission`].

use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::hook::HookDecision;
use super::hook_dispatch::{HookPoint, PendingPermission};
use super::permission::{AccessDecision, AskReasonKind};
use super::provider::ToolDefinition;
use super::runtime::AgentRuntime;
use super::tool::{Access, HeldTarget, Tool, ToolContext, ToolOutcome, structured_output};
use super::transcript_entry::TranscriptEntry;
use super::turn::{RequestedCall, RunningCall, RunningTurn, TurnStep};
use super::turn_outcome::TurnOutcome;

/// The most calls that run beside each other (the official CLI's number).
const MAX_PARALLEL_CALLS: usize = 10;

impl AgentRuntime {
    /// Runs the next call, asks for it, or goes back to the model; gives back an
    /// ending when there is nothing more to do.
    pub(super) fn next_call(&mut self, turn: &mut RunningTurn) -> io::Result<Option<TurnOutcome>> {
        while let Some(call) = turn.pending_calls.pop_front() {
            if let Some(problem) = &call.input_error {
                let error = format!("the call's input was not valid JSON ({problem}); it did not run");
                self.record_result(&call, &ToolOutcome::error(error))?;
                continue;
            }
            if let Some(firing) = self.pre_tool_hooks(&call) {
                turn.step = TurnStep::Hooks { about: HookPoint::PreToolUse(call), firing };
                return Ok(None);
            }
            if self.start_call(turn, call, None, None)? {
                return Ok(None);
            }
        }
        if turn.had_calls && turn.structured_output.is_none() {
            return self.request_next_reply(turn);
        }
        if let Some(outcome) = self.handle_stop_reason(turn)? {
            return Ok(outcome);
        }
        if self.owes_structured_output(turn) {
            return self.remind_structured_output(turn);
        }
        if let Some(firing) = self.stop_hooks(turn) {
            turn.step = TurnStep::Hooks { about: HookPoint::Stop, firing };
            return Ok(None);
        }
        // As the official CLI: a structured output is the result's text, too.
        let structured = turn.structured_output.as_ref().filter(|_| turn.text.is_empty());
        Ok(Some(TurnOutcome::success(structured.map_or_else(|| turn.text.clone(), Value::to_string))))
    }

    /// Starts a call, or asks the host for permission: true. A denied call gets its result at once:
    /// false. `said` is what hooks decided, if they did, and `ask_reason` why they want a person to be asked.
    pub(super) fn start_call(
        &mut self,
        turn: &mut RunningTurn,
        call: RequestedCall,
        said: Option<HookDecision>,
        ask_reason: Option<String>,
    ) -> io::Result<bool> {
        let mut call = call;
        let Some(need) = self.resolve_access(&mut call) else {
            self.record_result(&call, &ToolOutcome::error(format!("there is no tool {}", call.tool)))?;
            return Ok(false);
        };
        match self.permissions.decide_with_hook(said, &call.tool, &need, &self.session.cwd) {
            AccessDecision::Allow => turn.step = TurnStep::Tools(self.run_with_readers(turn, call)),
            AccessDecision::Deny(reason) => {
                self.deny_call(turn, &call, &reason)?;
                return Ok(false);
            }
            AccessDecision::Ask { suggestions, blocked_path, mut reason } => {
                if said == Some(HookDecision::Ask)
                    && let Some(words) = ask_reason
                {
                    reason = Some(AskReasonKind::Hook.because(words));
                }
                let pending = PendingPermission { call, access: need, suggestions, blocked_path, reason };
                let Some(firing) = self.permission_hooks(&pending) else {
                    return self.request_permission(turn, pending);
                };
                turn.step =
                    TurnStep::Hooks { about: HookPoint::PermissionRequest(Box::new(pending)), firing };
            }
        }
        Ok(true)
    }

    /// Sends the results to the model, unless a limit ends the turn.
    pub(super) fn request_next_reply(&mut self, turn: &mut RunningTurn) -> io::Result<Option<TurnOutcome>> {
        self.record_hook_context(turn)?;
        self.join_prompts(turn)?;
        Ok(self.request_or_compact(turn))
    }

    /// Takes the outcome of a call: hooks may have a say, then it is recorded; others may still run beside it.
    pub(super) fn finish_call(
        &mut self,
        turn: &mut RunningTurn,
        call: &RequestedCall,
        mut outcome: ToolOutcome,
        others: Vec<RunningCall>,
    ) -> io::Result<Option<TurnOutcome>> {
        let max_output = self.find_tool(&call.tool).map_or(usize::MAX, |tool| tool.max_output());
        if outcome.text.len() > max_output && outcome.blocks.is_none() {
            let saved = self.tool_context().result_dir.save(&outcome.text);
            // Where nothing is written to disk, the beginning has to do.
            outcome.text = saved.unwrap_or_else(|| {
                let kept = &outcome.text[..outcome.text.floor_char_boundary(max_output)];
                format!("{kept}\n… {} more bytes", outcome.text.len() - kept.len())
            });
        }
        if !others.is_empty() {
            // No hook is to be asked about calls that run beside each other.
            self.record_call(turn, call, &outcome)?;
            turn.step = TurnStep::Tools(others);
            return Ok(None);
        }
        match self.post_tool_hooks(call, &outcome) {
            Some(firing) => {
                let about = HookPoint::PostToolUse(Box::new((call.clone(), outcome)));
                turn.step = TurnStep::Hooks { about, firing };
                Ok(None)
            }
            None => {
                self.record_call(turn, call, &outcome)?;
                self.next_call(turn)
            }
        }
    }

    /// Records the result of a call that ran.
    pub(super) fn record_call(
        &mut self,
        turn: &mut RunningTurn,
        call: &RequestedCall,
        outcome: &ToolOutcome,
    ) -> io::Result<()> {
        self.record_result(call, outcome)?;
        if call.tool == structured_output::NAME && !outcome.is_error {
            turn.structured_output = Some(call.input.clone());
        }
        turn.stop_blocks = 0;
        Ok(())
    }

    /// The built-in or MCP tool of this name.
    pub(super) fn find_tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let of_a_server = || self.mcp.tools().into_iter().find(|tool| tool.name() == name);
        self.tools.get(name).or_else(|| of_a_server().map(|tool| Arc::new(tool) as Arc<dyn Tool>))
    }

    /// The names of all tools that no rule forbids.
    pub(super) fn tool_names(&self) -> Vec<String> {
        self.tool_definitions().into_iter().map(|tool| tool.name).collect()
    }

    /// All tools that no rule forbids, as the model is told of them.
    pub(super) fn tool_definitions(&self) -> Vec<ToolDefinition> {
        let theirs = self.mcp.tools();
        let all = self.tools.all().chain(theirs.iter().map(|tool| tool as &dyn Tool));
        all.filter(|tool| !self.permissions.denies_whole_tool(tool.name())).map(tool_definition).collect()
    }

    /// Starts a call, and along with it those behind it, as long as all of them only read: such calls
    /// cannot disturb each other.
    fn run_with_readers(&mut self, turn: &mut RunningTurn, call: RequestedCall) -> Vec<RunningCall> {
        let only_reads = self.only_reads(&call);
        let mut running = vec![self.run_tool(call)];
        while only_reads
            && running.len() < MAX_PARALLEL_CALLS
            && let Some(next) = turn.pending_calls.pop_front_if(|next| self.may_run_at_once(next))
        {
            running.push(self.run_tool(next));
        }
        running
    }

    /// Whether a call changes nothing and no hook is to be asked before or after it.
    fn only_reads(&self, call: &RequestedCall) -> bool {
        let hooks = [ToolOutcome::success(String::new(), Value::Null), ToolOutcome::error("")];
        call.input_error.is_none()
            && self.find_tool(&call.tool).is_some_and(|tool| tool.is_read_only(&call.input))
            && self.pre_tool_hooks(call).is_none()
            && hooks.iter().all(|outcome| self.post_tool_hooks(call, outcome).is_none())
    }

    fn may_run_at_once(&self, call: &RequestedCall) -> bool {
        let Some(tool) = self.find_tool(&call.tool).filter(|_| self.only_reads(call)) else { return false };
        let access = tool.access(&call.input, &self.tool_context());
        let decision = self.permissions.decide_with_hook(None, &call.tool, &access, &self.session.cwd);
        matches!(decision, AccessDecision::Allow)
    }

    /// What a call would do. Of a file that it writes, the folder is opened
    /// here: what is decided about is what will be written, whatever becomes of
    /// the path while a person is asked.
    pub(super) fn resolve_access(&self, call: &mut RequestedCall) -> Option<Access> {
        let access = self.find_tool(&call.tool)?.access(&call.input, &self.tool_context());
        call.target = match &access {
            Access::Edit(path) => Some(HeldTarget::open(&path.resolved)),
            _ => None,
        };
        Some(access)
    }

    /// Starts a tool.
    pub(super) fn run_tool(&mut self, call: RequestedCall) -> RunningCall {
        self.checkpoint_call(&call);
        let place = ToolContext { held_target: call.target.clone(), ..self.tool_context() };
        let live_output = place.live_output.clone();
        let running = match self.find_tool(&call.tool) {
            Some(tool) => tool.run(call.input.clone(), place),
            None => Box::pin(std::future::ready(ToolOutcome::error("there is no such tool"))),
        };
        RunningCall { call, running, live_output, began: Instant::now() }
    }

    /// Records a denial as the call's result, and lists it for the host.
    pub(super) fn deny_call(
        &mut self,
        turn: &mut RunningTurn,
        call: &RequestedCall,
        reason: &str,
    ) -> io::Result<()> {
        turn.denials.push(json!({
            "tool_name": call.tool, "tool_use_id": call.id, "tool_input": call.input,
        }));
        let outcome = ToolOutcome { text: reason.to_owned(), ..ToolOutcome::error(reason) };
        self.record_result(call, &outcome)
    }

    /// Records a call's result and sends it to the host.
    pub(super) fn record_result(&mut self, call: &RequestedCall, outcome: &ToolOutcome) -> io::Result<()> {
        let content = outcome.blocks.as_ref().map_or_else(|| json!(outcome.text), |blocks| json!(blocks));
        let block = json!({
            "tool_use_id": call.id, "type": "tool_result", "content": content, "is_error": outcome.is_error,
        });
        let entry = TranscriptEntry::tool_result(&block, &outcome.detail, &call.entry_uuid);
        self.record_for_model(&entry, &block)?;
        self.send_user(entry.message().clone(), &entry.uuid, Some(outcome.detail.clone()));
        Ok(())
    }
}

fn tool_definition(tool: &dyn Tool) -> ToolDefinition {
    ToolDefinition {
        name: tool.name().to_owned(),
        description: tool.description().to_owned(),
        input_schema: tool.input_schema(),
    }
}
