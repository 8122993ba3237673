//! What a command says when it is through: to a person, or as JSON.
//!
//! ```text
//! { "done": [ { "session_id", … } ], "failed": [ { "reference", "error" } ] }
//! ```
//! The exit code is 1 as soon as one failed; the others are done all the same.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::lookup::{LookupError, SessionLookup};
use crate::cli::exit::{CliExit, print_stderr};
use crate::session::SessionId;
use crate::store::StoreError;
use crate::text::{clean, clean_line};

/// How a command is to answer.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct OutputArgs {
    /// Answer with one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What was done to one session.
#[derive(Debug)]
pub struct ActionDone {
    id: SessionId,
    /// For a person.
    message: String,
    /// The command that takes it back.
    undo: Option<String>,
    /// For a program.
    details: Map<String, Value>,
}

impl ActionDone {
    /// Done, in words.
    pub fn new(id: SessionId, said: impl Into<String>) -> Self {
        Self { id, message: said.into(), undo: None, details: Map::new() }
    }

    /// The session that came of it.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// With the command that takes it back.
    pub fn undo(self, words: &[&str]) -> Self {
        let words: Vec<_> = words.iter().map(|word| shell_quote(word)).collect();
        Self { undo: Some(format!("hotseat sessions {}", words.join(" "))), ..self }
    }

    /// With one more fact for programs.
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

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The reference names no session.
    #[error(transparent)]
    Unresolved(#[from] LookupError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// All that came of one command, by reference.
#[derive(Debug, Default)]
pub struct ActionReport {
    done: Vec<ActionDone>,
    failed: Vec<(String, ActionError)>,
}

impl ActionReport {
    /// Does one thing to each session that is named, each once.
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

    /// Adds what came of one reference.
    pub fn push(&mut self, reference: &str, outcome: Result<ActionDone, ActionError>) {
        match outcome {
            Ok(done) => self.done.push(done),
            Err(error) => self.failed.push((reference.to_owned(), error)),
        }
    }

    /// Tells all of it: what was done on stdout, what failed on stderr.
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
        std::io::stdout().write_all(text.as_bytes()).context("telling what was done")?;
        Ok(self.print_failures(answer))
    }

    /// Tells a person what failed, and gives the exit code.
    pub fn print_failures(&self, answer: OutputArgs) -> CliExit {
        if !answer.json {
            for (_, error) in &self.failed {
                print_stderr(&format!("hotseat: {}", clean(&error.to_string())));
            }
        }
        if self.failed.is_empty() { CliExit::Done } else { CliExit::Failed }
    }

    /// What was done.
    pub fn done(&self) -> &[ActionDone] {
        &self.done
    }
}

/// `what was done`, and below it how to take it back.
pub fn done_text(done: &ActionDone) -> String {
    let undo = done.undo.as_ref().map(|undo| format!("  undo: {}\n", clean_line(undo))).unwrap_or_default();
    format!("{}\n{undo}", clean_line(&done.message))
}

/// A word as a shell takes it for one.
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
