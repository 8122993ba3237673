//! What the end of a reply without tool calls means for the turn.
//!
//! Owns the stop reasons: a reply that hit its output limit is continued as the
//! official CLI does (2.1.332), one that was refused or is too long fails the
//! turn, and an empty one is said to be empty. Never runs a tool.

use std::io;

use serde_json::json;

use super::runtime::AgentRuntime;
use super::transcript_entry::TranscriptEntry;
use super::turn::RunningTurn;
use super::turn_outcome::TurnOutcome;

/// How often in a row a reply that hit its output limit is continued.
const MAX_CONTINUATIONS: u32 = 3;
/// The official CLI's words to continue with.
const CONTINUE: &str = "Output token limit hit. Resume directly — no apology, no recap of what you were doing. \
    Pick up mid-thought if that is where the cut happened. Break remaining work into smaller pieces.";
/// The result of a turn whose last reply holds nothing.
const EMPTY: &str = "(The model returned an empty reply.)";

impl AgentRuntime {
    /// Continues or ends a turn whose last reply did not end as it should; `None` if it did.
    pub(super) fn handle_stop_reason(
        &mut self,
        turn: &mut RunningTurn,
    ) -> io::Result<Option<Option<TurnOutcome>>> {
        let reason = turn.stop_reason.clone().unwrap_or_default();
        let why = match reason.as_str() {
            "max_tokens" if turn.continuations < MAX_CONTINUATIONS => {
                turn.continuations += 1;
                let mut entry = TranscriptEntry::meta_user(CONTINUE);
                let block = json!({"type": "text", "text": CONTINUE});
                entry.set_blocks(&block);
                self.record_for_model(&entry, &block)?;
                self.send_synthetic_user(entry.message().clone(), &entry.uuid);
                return self.request_next_reply(turn).map(Some);
            }
            "max_tokens" => {
                "The reply exceeded the output limit and could not be finished in several pieces. \
                 Set CLAUDE_CODE_MAX_OUTPUT_TOKENS to raise the limit."
                    .to_owned()
            }
            "refusal" => format!(
                "{} declined to answer (stop reason: refusal). Rephrase the request in a new session, or \
                 choose another model.",
                self.settings.model
            ),
            "model_context_window_exceeded" => {
                "The conversation is longer than the model's context window. /compact makes it shorter."
                    .to_owned()
            }
            _ if turn.text.trim().is_empty() && turn.structured_output.is_none() && turn.is_reply_empty => {
                self.send_warning("the model returned an empty reply");
                EMPTY.clone_into(&mut turn.text);
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let entry = TranscriptEntry::failure(&why, "invalid_request");
        self.record(&entry)?;
        self.send_assistant(entry.message().clone(), &entry.uuid, Some("invalid_request"));
        if reason == "max_tokens" {
            turn.stop_reason = Some("stop_sequence".to_owned());
        }
        Ok(Some(Some(TurnOutcome::api_error(format!("API Error: {why}"), None))))
    }
}
