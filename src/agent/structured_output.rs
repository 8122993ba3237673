//! Enforces structured output: a turn with a JSON schema ends only once the model
//! called the tool.

use std::io;

use serde_json::json;

use super::runtime::AgentRuntime;
use super::tool::structured_output;
use super::transcript_entry::TranscriptEntry;
use super::turn::RunningTurn;
use super::turn_outcome::TurnOutcome;

/// How often the model is reminded before the turn fails; `MAX_STRUCTURED_OUTPUT_RETRIES` (the official
/// variable) overrides it.
const MAX_REMINDERS: u32 = 5;

impl AgentRuntime {
    /// Whether the structured output is still missing.
    pub(super) fn owes_structured_output(&self, turn: &RunningTurn) -> bool {
        turn.structured_output.is_none() && self.tools.get(structured_output::NAME).is_some()
    }

    /// Reminds the model of the tool; the turn fails after too many reminders.
    pub(super) fn remind_structured_output(
        &mut self,
        turn: &mut RunningTurn,
    ) -> io::Result<Option<TurnOutcome>> {
        let max_reminders = std::env::var("MAX_STRUCTURED_OUTPUT_RETRIES")
            .ok()
            .and_then(|max_reminders| max_reminders.parse().ok());
        if turn.reminders >= max_reminders.unwrap_or(MAX_REMINDERS) {
            let error = format!(
                "the model did not answer in the requested JSON schema after {} attempts",
                turn.reminders + 1
            );
            let subtype = "error_max_structured_output_retries";
            return Ok(Some(TurnOutcome::limit(subtype, "structured_output_retry_exhausted", error)));
        }
        turn.reminders += 1;
        let entry = TranscriptEntry::meta_user(&format!(
            "You MUST call the {} tool to complete this request. Call this tool now.",
            structured_output::NAME
        ));
        let block = json!({"type": "text", "text": entry.content()});
        self.record_for_model(&entry, &block)?;
        self.request_next_reply(turn)
    }
}
