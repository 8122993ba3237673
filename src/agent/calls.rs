//! The tools a reply asks for: run, refused or asked for, one after the other.
//!
//! Owns the way of a call from the model to its result. Whether it may run is
//! decided in [`super::permission`].

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::frames::Ending;
use super::hook::Said;
use super::hooking::About;
use super::permission::Decision;
use super::process::{Process, State};
use super::provider::OfferedTool;
use super::record::Entry;
use super::tool::{Need, Outcome, Tool, structured};
use super::turn::{Call, Step, Turn};

impl Process {
    /// Runs the next call, asks for it, or goes back to the model; gives back an
    /// ending when there is nothing more to do.
    pub(super) fn next_call(&mut self, turn: &mut Turn) -> io::Result<Option<Ending>> {
        let mut had_calls = turn.stop_reason.as_deref() == Some("tool_use");
        while let Some(call) = turn.calls.pop_front() {
            had_calls = true;
            if let Some(problem) = &call.problem {
                let error = format!("the call's input was not valid JSON ({problem}); it did not run");
                self.record_result(&call, &Outcome::failed(error))?;
                continue;
            }
            if let Some(firing) = self.fire_before(&call) {
                turn.step = Step::Hooks { about: About::Call(call), firing };
                return Ok(None);
            }
            if self.begin_call(turn, call, None)? {
                return Ok(None);
            }
        }
        if had_calls && turn.structured.is_none() {
            return self.ask_again(turn);
        }
        if self.owes_answer(turn) {
            return self.remind(turn);
        }
        if let Some(firing) = self.fire_stop(turn) {
            turn.step = Step::Hooks { about: About::Stop, firing };
            return Ok(None);
        }
        Ok(Some(Ending { subtype: "success", text: Some(turn.text.clone()), ..Ending::default() }))
    }

    /// Runs a call or asks for it, true; or refuses it. `said` is the hooks' word.
    pub(super) fn begin_call(&mut self, turn: &mut Turn, call: Call, said: Option<Said>) -> io::Result<bool> {
        let Some(need) = self.tool(&call.tool).map(|tool| tool.need(&call.input, &self.place())) else {
            self.record_result(&call, &Outcome::failed(format!("there is no tool {}", call.tool)))?;
            return Ok(false);
        };
        match self.permissions.decide_after(said, &call.tool, &need, &self.session.cwd) {
            Decision::Allow => turn.step = self.run_tool(call),
            Decision::Deny(reason) => {
                self.deny(turn, &call, &reason)?;
                return Ok(false);
            }
            Decision::Ask { suggestions, blocked_path } => {
                turn.step = self.ask_for(call, &need, suggestions, blocked_path);
            }
        }
        Ok(true)
    }

    /// Goes back to the model with what has come, unless it was asked often enough.
    pub(super) fn ask_again(&mut self, turn: &mut Turn) -> io::Result<Option<Ending>> {
        self.record_notes(turn)?;
        Ok(self.ask_next(turn))
    }

    /// Takes down what a tool did, and tells the hooks.
    pub(super) fn tool_ran(
        &mut self,
        turn: &mut Turn,
        call: &Call,
        mut outcome: Outcome,
    ) -> io::Result<Option<Ending>> {
        let most = self.tool(&call.tool).map_or(usize::MAX, |tool| tool.most_shown());
        if outcome.text.len() > most
            && let Some(note) = self.place().side.keep(&outcome.text)
        {
            outcome.text = note;
        }
        self.record_result(call, &outcome)?;
        if call.tool == structured::NAME && !outcome.is_error {
            turn.structured = Some(call.input.clone());
        }
        turn.stops = 0;
        match self.fire_after(call, &outcome) {
            Some(firing) => {
                turn.step = Step::Hooks { about: About::Result, firing };
                Ok(None)
            }
            None => self.next_call(turn),
        }
    }

    /// A tool of ours, or of a server that is connected.
    pub(super) fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let of_a_server = || self.mcp.tools().into_iter().find(|tool| tool.name() == name);
        self.tools.get(name).or_else(|| of_a_server().map(|tool| Arc::new(tool) as Arc<dyn Tool>))
    }

    /// The names of all that are not forbidden.
    pub(super) fn tool_names(&self) -> Vec<String> {
        self.offered_tools().into_iter().map(|tool| tool.name).collect()
    }

    /// All that are not forbidden, as the model is told.
    pub(super) fn offered_tools(&self) -> Vec<OfferedTool> {
        let theirs = self.mcp.tools();
        let all = self.tools.all().chain(theirs.iter().map(|tool| tool as &dyn Tool));
        all.filter(|tool| !self.permissions.forbids_all(tool.name())).map(offered).collect()
    }

    /// Lets a tool begin.
    pub(super) fn run_tool(&mut self, call: Call) -> Step {
        self.checkpoint_call(&call);
        let place = self.place();
        let so_far = place.so_far.clone();
        let running = match self.tool(&call.tool) {
            Some(tool) => tool.run(call.input.clone(), place),
            None => Box::pin(std::future::ready(Outcome::failed("there is no such tool"))),
        };
        Step::Tool { call, running, so_far, began: Instant::now() }
    }

    /// Tells the model that a call was refused, and lists it for the host.
    pub(super) fn deny(&mut self, turn: &mut Turn, call: &Call, reason: &str) -> io::Result<()> {
        turn.denials.push(json!({
            "tool_name": call.tool, "tool_use_id": call.id, "tool_input": call.input,
        }));
        let outcome = Outcome { text: reason.to_owned(), ..Outcome::failed(reason) };
        self.record_result(call, &outcome)
    }

    fn ask_for(
        &mut self,
        call: Call,
        need: &Need,
        suggestions: Vec<Value>,
        blocked_path: Option<PathBuf>,
    ) -> Step {
        let request_id = self.ask_permission(&call, need, &suggestions, blocked_path);
        self.enter(State::RequiresAction);
        Step::Permission { request_id, call, suggestions }
    }

    /// Writes a tool's result down and shows it.
    pub(super) fn record_result(&mut self, call: &Call, outcome: &Outcome) -> io::Result<()> {
        let block = json!({
            "tool_use_id": call.id, "type": "tool_result", "content": outcome.text, "is_error": outcome.is_error,
        });
        let entry = Entry::tool_result(&block, &outcome.detail, &call.entry);
        self.session.context.push_note(&block);
        self.record(&entry)?;
        self.send_user(entry.message().clone(), &entry.uuid, Some(outcome.detail.clone()));
        Ok(())
    }
}

fn offered(tool: &dyn Tool) -> OfferedTool {
    OfferedTool {
        name: tool.name().to_owned(),
        description: tool.description().to_owned(),
        input_schema: tool.input_schema(),
    }
}
