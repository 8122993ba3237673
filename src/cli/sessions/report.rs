//! The result of a command on one or more sessions, as text or JSON.
//!
//! ```text
//! { "done": [ { "session_id", … } ], "failed": [ { "reference", "error" } ] }
//! ```
//! The exit code is 1 if any failed; the others are done nevertheless.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::lookup::{LookupError, SessionLookup};
use crate::cli::exit::CliExit;
use crate::cli::output::{self, print_stderr};
use crate::session::SessionId;
use crate::store::StoreError;
use crate::text::{clean, clean_line};

#[derive(Debug, Clone, Copy, clap::Args)]
pub struct OutputArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What was done to one session, and how to undo it.
#[derive(Debug)]
pub struct ActionDone {
    id: SessionId,
    /// One line of text.
    message: String,
    /// The command that undoes it.
    undo: Option<String>,
    /// Further fields of the JSON object.
    details: Map<String, Value>,
}

impl ActionDone {
    pub fn new(id: SessionId, said: impl Into<String>) -> Self {
        Self { id, message: said.into(), undo: None, details: Map::new() }
    }

    /// The session, or for a fork the copy.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Sets the command that undoes it, as arguments of `hotseat sessions`.
    pub fn undo(self, words: &[&str]) -> Self {
        let words: Vec<_> = words.iter().map(|word| shell_quote(word)).collect();
        Self { undo: Some(format!("hotseat sessions {}", words.join(" "))), ..self }
    }

    /// Adds a field to the JSON object.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    fn to_json(&self) -> Value {
        let mut whole = Map::from_iter([("session_id".to_owned(), json!(self.id))]);
        whole.extend(self.details.clone());
        whole.insert("undo".to_owned(), json!(self.undo));
        Value::Object(whole)
    }
}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    #[error(transparent)]
    Unresolved(#[from] LookupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// The results of one command.
#[derive(Debug, Default)]
pub struct ActionReport {
    done: Vec<ActionDone>,
    failed: Vec<(String, ActionError)>,
}

impl ActionReport {
    /// Runs `act` on each named session, once each.
    pub fn for_each(
        stock: &SessionLookup,
        references: &[String],
        act: impl Fn(SessionId) -> Result<ActionDone, ActionError>,
    ) -> Self {
        let mut outcomes = Self::default();
        let mut seen = Vec::new();
        for reference in references {
            match stock.resolve(reference) {
                Ok(id) if seen.contains(&id) => {}
                Ok(id) => {
                    seen.push(id);
                    outcomes.push(reference, act(id));
                }
                Err(error) => outcomes.push(reference, Err(error.into())),
            }
        }
        outcomes
    }

    /// Adds the result for one reference.
    pub fn push(&mut self, reference: &str, outcome: Result<ActionDone, ActionError>) {
        match outcome {
            Ok(done) => self.done.push(done),
            Err(error) => self.failed.push((reference.to_owned(), error)),
        }
    }

    /// Prints what was done on stdout, what failed on stderr.
    pub fn print(&self, answer: OutputArgs) -> Result<CliExit> {
        let text = if answer.json {
            let failed = self.failed.iter();
            let failed: Vec<_> = failed
                .map(|(reference, error)| json!({ "reference": reference, "error": error.to_string() }))
                .collect();
            let done: Vec<_> = self.done.iter().map(ActionDone::to_json).collect();
            format!("{:#}\n", json!({ "done": done, "failed": failed }))
        } else {
            self.done.iter().map(done_text).collect()
        };
        print_answer(&text, answer)?;
        Ok(self.print_failures(answer))
    }

    /// Prints failures unless the output is JSON; returns the exit code.
    pub fn print_failures(&self, answer: OutputArgs) -> CliExit {
        if !answer.json {
            for (_, error) in &self.failed {
                print_stderr(&format!("hotseat: {}", clean(&error.to_string())));
            }
        }
        if self.failed.is_empty() { CliExit::Done } else { CliExit::Failed }
    }

    pub fn done(&self) -> &[ActionDone] {
        &self.done
    }
}

/// Prints JSON where it was asked for, else text.
pub fn print_answer(text: &str, answer: OutputArgs) -> Result<()> {
    if answer.json { output::print_json_text(text) } else { output::print(text) }
}

/// The message, and below it the command that undoes it.
pub fn done_text(done: &ActionDone) -> String {
    let undo = done.undo.as_ref().map(|undo| format!("  undo: {}\n", clean_line(undo))).unwrap_or_default();
    format!("{}\n{undo}", clean_line(&done.message))
}

/// Quotes a word for a shell, if needed.
fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_can_be_pasted_into_a_shell() {
        let id: SessionId = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap();
        let done = ActionDone::new(id, "renamed\u{1b}[31m").undo(&["rename", "3f9c", "it's $HOME", ""]);
        let expected = "renamed␛[31m\n  undo: hotseat sessions rename 3f9c 'it'\\''s $HOME' ''\n";
        assert_eq!(done_text(&done), expected);
    }
}
