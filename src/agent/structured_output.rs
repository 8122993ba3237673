//! A turn that owes its host an answer of a given form.

use std::io;

use serde_json::json;

use super::frames::TurnOutcome;
use super::runtime::AgentRuntime;
use super::tool::structured_output;
use super::transcript_entry::TranscriptEntry;
use super::turn::RunningTurn;

/// So often the model is told before the turn is given up, unless
/// `MAX_STRUCTURED_OUTPUT_RETRIES` says otherwise (the official variable).
const MAX_REMINDERS: u32 = 5;

impl AgentRuntime {
    /// Whether an answer is still missing.
    pub(super) fn owes_structured_output(&self, turn: &RunningTurn) -> bool {
        turn.structured_output.is_none() && self.tools.get(structured_output::NAME).is_some()
    }

    /// Tells the model that its answer is missing; the turn's end where it was
    /// told often enough.
    pub(super) fn remind_structured_output(
        &mut self,
        turn: &mut RunningTurn,
    ) -> io::Result<Option<TurnOutcome>> {
        let most = std::env::var("MAX_STRUCTURED_OUTPUT_RETRIES").ok().and_then(|most| most.parse().ok());
        if turn.reminders >= most.unwrap_or(MAX_REMINDERS) {
            let error =
                format!("the model gave no answer in the form asked for, in {} tries", turn.reminders + 1);
            let subtype = "error_max_structured_output_retries";
            return Ok(Some(TurnOutcome { subtype, errors: vec![error], ..TurnOutcome::default() }));
        }
        turn.reminders += 1;
        let entry = TranscriptEntry::meta_user(&format!(
            "You MUST call the {} tool to complete this request. Call this tool now.",
            structured_output::NAME
        ));
        self.session.context.push_user_block(&json!({"type": "text", "text": entry.content()}));
        self.record(&entry)?;
        self.request_next_reply(turn)
    }
}
