//! Clear, as a prompt: `/clear` is sent, and what it says is put together to
//! the answer of a switch.

use super::{ClaudeDriver, new_prompt_id};
use crate::slot::SlotError;
use crate::slot::SlotTotals;
use crate::slot::driver::stream_json::StreamJson;
use crate::slot::driver::{AgentEvent, AgentResponse, JsonLine, SlotRequest, SwitchResult};

/// A clear on its way.
#[derive(Debug)]
pub(super) struct PendingClear {
    /// Under which it was asked for.
    pub id: String,
    /// The prompt's; empty until it is sent.
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
    /// Sends `/clear`. It waits for the turn that runs, which is interrupted
    /// after it is queued: nothing else can come in between.
    pub(super) fn send_clear_prompt(&mut self) -> Vec<AgentEvent> {
        let Some(clear) = &mut self.clear else { return Vec::new() };
        clear.uuid = new_prompt_id();
        let mut heard = vec![StreamJson::prompt_line(&clear.uuid, "/clear")];
        if clear.interrupt {
            heard.push(self.dialect.request(&format!("{}-interrupt", clear.id), SlotRequest::Interrupt));
        }
        heard
    }

    /// Whether a line tells what becomes of the `/clear`.
    pub(super) fn is_about_clear(&self, line: &JsonLine) -> bool {
        self.clear.as_ref().is_some_and(|clear| line["command_uuid"] == *clear.uuid)
    }

    /// The `/clear` moved on; at its end the switch is done. (`conversation_reset`
    /// names no session, and `result` comes before it is idle.)
    pub(super) fn handle_clear_lifecycle(&mut self, line: &JsonLine) -> Vec<AgentEvent> {
        let done = match line["state"].as_str() {
            Some("completed") => true,
            Some("cancelled") => false,
            _ => return Vec::new(),
        };
        let (Some(clear), Some(session)) = (self.clear.take(), self.session) else { return Vec::new() };
        let seated = || SwitchResult {
            session,
            forked_from: None,
            pid: None,
            turns: 0,
            cwd: self.cwd.clone(),
            transcript: self.transcript.with_file_name(format!("{session}.jsonl")),
            repaired: None,
            totals: SlotTotals::default(),
        };
        let refused = || SlotError::Refused {
            code: String::new(),
            message: "claude took the /clear back: nothing is changed".to_owned(),
        };
        let answer = if done { Ok(AgentResponse::Switched(Box::new(seated()))) } else { Err(refused()) };
        vec![AgentEvent::Response { id: clear.id, answer }]
    }
}
