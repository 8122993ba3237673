//! A turn that owes its host an answer of a given form.

use std::io;

use serde_json::json;

use super::frames::Ending;
use super::process::Process;
use super::record::Entry;
use super::tool::structured;
use super::turn::Turn;

/// So often the model is told before the turn is given up, unless
/// `MAX_STRUCTURED_OUTPUT_RETRIES` says otherwise (the official variable).
const REMINDERS: u32 = 5;

impl Process {
    /// Whether an answer is still missing.
    pub(super) fn owes_answer(&self, turn: &Turn) -> bool {
        turn.structured.is_none() && self.tools.get(structured::NAME).is_some()
    }

    /// Tells the model that its answer is missing; the turn's end where it was
    /// told often enough.
    pub(super) fn remind(&mut self, turn: &mut Turn) -> io::Result<Option<Ending>> {
        let most = std::env::var("MAX_STRUCTURED_OUTPUT_RETRIES").ok().and_then(|most| most.parse().ok());
        if turn.reminders >= most.unwrap_or(REMINDERS) {
            let error =
                format!("the model gave no answer in the form asked for, in {} tries", turn.reminders + 1);
            let subtype = "error_max_structured_output_retries";
            return Ok(Some(Ending { subtype, errors: vec![error], ..Ending::default() }));
        }
        turn.reminders += 1;
        let entry = Entry::feedback(&format!(
            "You MUST call the {} tool to complete this request. Call this tool now.",
            structured::NAME
        ));
        self.session.context.push_note(&json!({"type": "text", "text": entry.content()}));
        self.record(&entry)?;
        self.ask_again(turn)
    }
}
