//! The tool calls of a reply, from the model's request to the recorded result.
//!
//! Owns the order in which they run. Whether a call may run is decided in
//! [`super::permission`].

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::turn_outcome::TurnOutcome;
use super::hook::HookDecision;
use super::hook_dispatch::HookPoint;
use super::permission::AccessDecision;
use super::provider::ToolDefinition;
use super::runtime::{AgentRuntime, RuntimeState};
use super::tool::{Access, Tool, ToolOutcome, structured_output};
use super::transcript_entry::TranscriptEntry;
use super::turn::{RequestedCall, RunningTurn, TurnStep};

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
            if self.start_call(turn, call, None)? {
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
        Ok(Some(TurnOutcome::success(&*turn.text)))
    }

    /// Starts a call, or asks the host for permission: true. A denied call gets its result at once:
    /// false. `decision` is what hooks decided, if they did.
    pub(super) fn start_call(
        &mut self,
        turn: &mut RunningTurn,
        call: RequestedCall,
        said: Option<HookDecision>,
    ) -> io::Result<bool> {
        let Some(need) =
            self.find_tool(&call.tool).map(|tool| tool.access(&call.input, &self.tool_context()))
        else {
            self.record_result(&call, &ToolOutcome::error(format!("there is no tool {}", call.tool)))?;
            return Ok(false);
        };
        match self.permissions.decide_with_hook(said, &call.tool, &need, &self.session.cwd) {
            AccessDecision::Allow => turn.step = self.run_tool(call),
            AccessDecision::Deny(reason) => {
                self.deny_call(turn, &call, &reason)?;
                return Ok(false);
            }
            AccessDecision::Ask { suggestions, blocked_path } => {
                turn.step = self.request_permission(call, &need, suggestions, blocked_path);
            }
        }
        Ok(true)
    }

    /// Sends the results to the model, unless a limit ends the turn.
    pub(super) fn request_next_reply(&mut self, turn: &mut RunningTurn) -> io::Result<Option<TurnOutcome>> {
        self.record_hook_context(turn)?;
        Ok(self.request_or_compact(turn))
    }

    /// Records the result of a call and runs the hooks for it.
    pub(super) fn finish_call(
        &mut self,
        turn: &mut RunningTurn,
        call: &RequestedCall,
        mut outcome: ToolOutcome,
    ) -> io::Result<Option<TurnOutcome>> {
        let max_output = self.find_tool(&call.tool).map_or(usize::MAX, |tool| tool.max_output());
        if outcome.text.len() > max_output
            && let Some(note) = self.tool_context().result_dir.save(&outcome.text)
        {
            outcome.text = note;
        }
        self.record_result(call, &outcome)?;
        if call.tool == structured_output::NAME && !outcome.is_error {
            turn.structured_output = Some(call.input.clone());
        }
        turn.stop_blocks = 0;
        match self.post_tool_hooks(call, &outcome) {
            Some(firing) => {
                turn.step = TurnStep::Hooks { about: HookPoint::PostToolUse, firing };
                Ok(None)
            }
            None => self.next_call(turn),
        }
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

    /// Starts a tool.
    pub(super) fn run_tool(&mut self, call: RequestedCall) -> TurnStep {
        self.checkpoint_call(&call);
        let place = self.tool_context();
        let so_far = place.live_output.clone();
        let running = match self.find_tool(&call.tool) {
            Some(tool) => tool.run(call.input.clone(), place),
            None => Box::pin(std::future::ready(ToolOutcome::error("there is no such tool"))),
        };
        TurnStep::Tool { call, running, so_far, began: Instant::now() }
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

    fn request_permission(
        &mut self,
        call: RequestedCall,
        need: &Access,
        suggestions: Vec<Value>,
        blocked_path: Option<PathBuf>,
    ) -> TurnStep {
        let request_id = self.send_permission_request(&call, need, &suggestions, blocked_path);
        self.set_state(RuntimeState::RequiresAction);
        TurnStep::Permission { request_id, call, suggestions }
    }

    /// Records a call's result and sends it to the host.
    pub(super) fn record_result(&mut self, call: &RequestedCall, outcome: &ToolOutcome) -> io::Result<()> {
        let block = json!({
            "tool_use_id": call.id, "type": "tool_result", "content": outcome.text, "is_error": outcome.is_error,
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
