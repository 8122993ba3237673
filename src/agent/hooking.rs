//! When hooks are asked, and what their verdict does to the turn.
//!
//! Owns the moments and the order; who is asked and how is [`super::hook`]'s.
//! No hook holds up the process or a switch: a turn waits for its own, and
//! what an interrupt drops is killed.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::frames::Ending;
use super::hook::{Event, Firing, Note, Occasion, Said, Surroundings, Verdict};
use super::process::Process;
use super::record::Entry;
use super::tool::Outcome;
use super::turn::{Call, Prompt, Turn};

/// Times in a row that hooks may keep a turn from ending.
const MOST_STOPS: u32 = 8;
/// For the hooks of a session that is left; the official CLI gives them as long.
const LAST_HOOKS: Duration = Duration::from_millis(1500);

/// What hooks are asked about.
#[derive(Debug)]
pub enum About {
    /// The prompt that begins the turn.
    Prompt,
    /// A call before it runs.
    Call(Call),
    /// A call that ran.
    Result,
    /// The turn's end.
    Stop,
}

/// Hooks of a session's start, which its first turn waits for.
pub struct Starting(JoinHandle<Verdict>);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Process {
    /// Asks the hooks of a session that takes the seat.
    pub(super) fn session_starts(&mut self, source: &str) {
        let firing = self.fire(Event::SessionStart, Some(source), None, json!({"source": source}));
        self.starting = firing.map(|firing| Starting(tokio::spawn(firing)));
    }

    /// The first session starts once, when the host has declared its hooks.
    pub(super) fn first_session_starts(&mut self) {
        if let Some(source) = self.starts_by.take() {
            self.session_starts(source);
        }
    }

    /// Asks the hooks of a session that is left; nobody waits for them.
    pub(super) fn session_ends(&self, reason: &str) {
        if let Some(firing) = self.fire(Event::SessionEnd, Some(reason), None, json!({"reason": reason})) {
            tokio::spawn(tokio::time::timeout(LAST_HOOKS, firing));
        }
    }

    /// The same at the end of the process, whose host may have gone.
    pub(super) async fn last_session_ends(&self) {
        let fields = json!({"reason": "other"});
        let surroundings = Surroundings { host: None, ..self.surroundings() };
        let occasion = self.occasion(Event::SessionEnd, Some("other"), None, fields);
        if let Some(firing) = self.hooks.fire(occasion, surroundings) {
            let _ended_or_killed = tokio::time::timeout(LAST_HOOKS, firing).await;
        }
    }

    /// The hooks that a prompt waits for: the session's start, and its own.
    pub(super) fn fire_prompt(&mut self, prompt: &Prompt) -> Option<Firing> {
        let own = self.fire(Event::UserPromptSubmit, None, None, json!({"prompt": prompt.text()}));
        let Some(mut starting) = self.starting.take() else { return own };
        Some(Box::pin(async move {
            // One that broke down has nothing to say, and cannot block.
            let started = (&mut starting.0).await.unwrap_or_default();
            let started = Verdict { blocked: None, stopped: None, ..started };
            match own {
                Some(own) => started.and(own.await),
                None => started,
            }
        }))
    }

    /// Those that a call waits for.
    pub(super) fn fire_before(&self, call: &Call) -> Option<Firing> {
        let fields = json!({"tool_name": call.tool, "tool_input": call.input, "tool_use_id": call.id});
        self.fire(Event::PreToolUse, Some(&call.tool), Some(&call.id), fields)
    }

    /// Those that are told of a call's result.
    pub(super) fn fire_after(&self, call: &Call, outcome: &Outcome) -> Option<Firing> {
        let mut fields = json!({"tool_name": call.tool, "tool_input": call.input, "tool_use_id": call.id});
        let event = if outcome.is_error {
            fields["error"] = json!(outcome.text);
            fields["is_interrupt"] = json!(false);
            Event::PostToolUseFailure
        } else {
            fields["tool_response"] = outcome.detail.clone();
            Event::PostToolUse
        };
        self.fire(event, Some(&call.tool), Some(&call.id), fields)
    }

    /// Those that a turn's end waits for.
    pub(super) fn fire_stop(&self, turn: &Turn) -> Option<Firing> {
        let fields = json!({"stop_hook_active": turn.stops > 0, "last_assistant_message": turn.text});
        self.fire(Event::Stop, None, None, fields)
    }

    fn fire(&self, event: Event, subject: Option<&str>, call: Option<&str>, fields: Value) -> Option<Firing> {
        self.hooks.fire(self.occasion(event, subject, call, fields), self.surroundings())
    }

    fn occasion(&self, event: Event, subject: Option<&str>, call: Option<&str>, fields: Value) -> Occasion {
        let common = json!({
            "session_id": self.session.id, "transcript_path": self.session.path(), "cwd": self.session.cwd,
            "permission_mode": self.permissions.mode.wire_name(),
        });
        let (subject, call) = (subject.map(str::to_owned), call.map(str::to_owned));
        Occasion { event, subject, call, fields, common }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            host: Some(self.host.clone()),
            place: self.place(),
            project: self.settings_files.folder().to_owned(),
        }
    }

    /// Goes on as the hooks say.
    pub(super) fn hooked(
        &mut self,
        turn: &mut Turn,
        about: About,
        verdict: Verdict,
    ) -> io::Result<Option<Ending>> {
        for message in &verdict.messages {
            self.tell(message);
        }
        match about {
            About::Prompt => self.prompt_hooked(turn, verdict),
            About::Call(call) => self.call_hooked(turn, call, verdict),
            About::Result => {
                turn.notes.extend(verdict.notes);
                if let Some(why) = verdict.blocked {
                    turn.notes.push(Note { hook: "PostToolUse".to_owned(), text: why });
                }
                match verdict.stopped {
                    Some(why) => self.stopped_by_hook(turn, why),
                    None => self.next_call(turn),
                }
            }
            About::Stop => self.stop_hooked(turn, verdict),
        }
    }

    fn prompt_hooked(&mut self, turn: &mut Turn, verdict: Verdict) -> io::Result<Option<Ending>> {
        if let Some(why) = verdict.blocked.or(verdict.stopped) {
            turn.is_refused = true;
            let prompt = turn.prompt.text();
            self.tell(&format!(
                "UserPromptSubmit operation blocked by hook:\n{why}\n\nOriginal prompt: {prompt}"
            ));
            return Ok(Some(Ending { subtype: "success", text: Some(why), ..Ending::default() }));
        }
        self.record_prompt(&turn.prompt)?;
        turn.notes.extend(verdict.notes);
        self.record_notes(turn)?;
        Ok(self.ask_next(turn))
    }

    fn call_hooked(
        &mut self,
        turn: &mut Turn,
        mut call: Call,
        verdict: Verdict,
    ) -> io::Result<Option<Ending>> {
        turn.notes.extend(verdict.notes);
        if let Some(why) = verdict.stopped {
            turn.calls.push_front(call);
            return self.stopped_by_hook(turn, why);
        }
        if verdict.said == Some(Said::Deny) {
            let why = verdict.blocked.unwrap_or_default();
            let why = format!("PreToolUse:{} hook error: {why}", call.tool);
            self.deny(turn, &call, &why)?;
            return self.next_call(turn);
        }
        if let Some(input) = verdict.updated_input {
            call.input = input;
        }
        if self.begin_call(turn, call, verdict.said)? { Ok(None) } else { self.next_call(turn) }
    }

    fn stop_hooked(&mut self, turn: &mut Turn, verdict: Verdict) -> io::Result<Option<Ending>> {
        let goes_on = verdict.blocked.filter(|_| verdict.stopped.is_none() && turn.stops < MOST_STOPS);
        let Some(why) = goes_on else {
            return Ok(Some(Ending {
                subtype: "success",
                text: Some(turn.text.clone()),
                ..Ending::default()
            }));
        };
        turn.stops += 1;
        let entry = Entry::feedback(&format!("Stop hook feedback:\n{why}"));
        self.session.context.push_note(&json!({"type": "text", "text": entry.content()}));
        self.record(&entry)?;
        turn.notes.extend(verdict.notes);
        self.ask_again(turn)
    }

    /// Ends the turn as a hook wants it; no call stays without a result.
    fn stopped_by_hook(&mut self, turn: &mut Turn, why: String) -> io::Result<Option<Ending>> {
        for call in std::mem::take(&mut turn.calls) {
            self.record_result(&call, &Outcome::failed(format!("it did not run: {why}")))?;
        }
        self.record_notes(turn)?;
        self.tell(&why);
        Ok(Some(Ending { subtype: "success", text: Some(why), ..Ending::default() }))
    }

    /// Writes down what hooks want the model to know. Only behind all results
    /// of a reply: models refuse anything between them.
    pub(super) fn record_notes(&mut self, turn: &mut Turn) -> io::Result<()> {
        for Note { hook, text } in std::mem::take(&mut turn.notes) {
            let event = hook.split(':').next().unwrap_or_default();
            let attachment = json!({
                "type": "hook_additional_context", "content": [text], "hookName": hook, "hookEvent": event,
            });
            let told =
                format!("<system-reminder>\n{hook} hook additional context: {text}\n</system-reminder>");
            self.session.context.push_note(&json!({"type": "text", "text": told}));
            self.record(&Entry::attachment(&attachment, &told))?;
        }
        Ok(())
    }
}
