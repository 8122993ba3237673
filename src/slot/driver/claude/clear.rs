//! Clear as a prompt: sends `/clear` and turns its frames into the response to
//! the switch request.

use super::{ClaudeDriver, new_prompt_id};
use crate::slot::SlotError;
use crate::slot::SlotTotals;
use crate::slot::driver::stream_json::StreamJson;
use crate::slot::driver::{AgentResponse, DriverOutput, JsonLine, SlotRequest, SwitchResult};

/// A clear that is not finished.
#[derive(Debug)]
pub(super) struct PendingClear {
    /// The id of the slot's request.
    pub id: String,
    /// The prompt's uuid; empty until it is sent.
    uuid: String,
    /// Stop a running turn first.
    interrupt: bool,
}

impl PendingClear {
    pub(super) fn new(id: &str, interrupt: bool) -> Self {
        Self { id: id.to_owned(), uuid: String::new(), interrupt }
    }
}

impl ClaudeDriver {
    /// Sends `/clear`. It is queued behind a running turn, which is interrupted
    /// only afterwards, so that no other prompt can run in between.
    pub(super) fn send_clear_prompt(&mut self) -> Vec<DriverOutput> {
        let Some(clear) = &mut self.clear else { return Vec::new() };
        clear.uuid = new_prompt_id();
        let mut events = vec![StreamJson::prompt_line(&clear.uuid, "/clear")];
        if clear.interrupt {
            events.push(self.dialect.request(&format!("{}-interrupt", clear.id), SlotRequest::Interrupt));
        }
        events
    }

    /// Whether a line is about the pending `/clear`.
    pub(super) fn is_about_clear(&self, line: &JsonLine) -> bool {
        self.clear.as_ref().is_some_and(|clear| line["command_uuid"] == *clear.uuid)
    }

    /// Handles the lifecycle of the `/clear`; the switch is done when it completes.
    /// (`conversation_reset` names no session, and `result` comes before the
    /// process is idle.)
    pub(super) fn handle_clear_lifecycle(&mut self, line: &JsonLine) -> Vec<DriverOutput> {
        let done = match line["state"].as_str() {
            Some("completed") => true,
            Some("cancelled") => false,
            _ => return Vec::new(),
        };
        let (Some(clear), Some(session)) = (self.clear.take(), self.session) else { return Vec::new() };
        let switched = || SwitchResult {
            session,
            forked_from: None,
            pid: None,
            turns: 0,
            cwd: self.cwd.clone(),
            transcript: self.transcript.with_file_name(format!("{session}.jsonl")),
            repaired: None,
            totals: SlotTotals::default(),
        };
        let refused = || SlotError::refused("claude cancelled the /clear; nothing changed");
        let answer = if done { Ok(AgentResponse::Switched(Box::new(switched()))) } else { Err(refused()) };
        vec![DriverOutput::Response { id: clear.id, answer }]
    }
}
