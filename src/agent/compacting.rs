//! Compaction: a long conversation goes on from a summary of itself.
//!
//! Owns when that happens and what it leaves in the transcript, in the official
//! form (CLI 2.1.329): nothing is taken away, a boundary is a new beginning for
//! the model. A compaction that fails leaves everything as it is.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::frames::Ending;
use super::process::Process;
use super::provider::{Event, ProviderError};
use super::record::Entry;
use super::reply::Reply;
use super::turn::{Prompt, Step, Turn};

/// What the model is asked for.
const INSTRUCTION: &str = include_str!("../../assets/compaction.md");
/// How a summary begins (the official CLI's words).
const HEAD: &str = "This session is being continued from a previous conversation that ran out of context. \
                    The summary below covers the earlier portion of the conversation.";
/// Tokens kept free in a large window: for the summary, and for what a turn adds.
const RESERVE: u64 = 33_000;
/// A window of which that would be more than a fifth keeps a fifth.
const LARGE: u64 = 5 * RESERVE;
/// Messages that are worth a summary.
const FEWEST: usize = 3;
/// The official CLI's way to say that it shall only happen by hand.
const OFF: [&str; 2] = ["DISABLE_COMPACT", "DISABLE_AUTO_COMPACT"];

/// Why a conversation is compacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The person said so.
    Manual,
    /// The window is nearly full, in the middle of a turn.
    Auto,
}

impl Trigger {
    fn wire_name(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Auto => "auto",
        }
    }
}

impl Process {
    /// Asks the model, unless a limit ends the turn; makes room first where
    /// that is needed.
    pub(super) fn ask_next(&mut self, turn: &mut Turn) -> Option<Ending> {
        if let Some(ending) = self.limit(turn) {
            return Some(ending);
        }
        if self.is_nearly_full() {
            turn.step = self.summarise(Trigger::Auto, "");
        } else {
            turn.step = self.ask_the_model();
            turn.requests += 1;
        }
        None
    }

    /// Takes up `/compact`, with what the summary shall dwell on.
    pub(super) fn compact(&mut self, prompt: Prompt, focus: &str) {
        let mut turn = Turn::new(prompt);
        self.send_init();
        if self.session.context.messages().len() < FEWEST {
            self.end_turn(&turn, refused("there is too little to compact".to_owned()));
            return;
        }
        turn.step = self.summarise(Trigger::Manual, focus);
        self.turn = Some(turn);
    }

    fn summarise(&self, trigger: Trigger, focus: &str) -> Step {
        self.send_system("status", json!({"status": "compacting"}));
        let mut instruction = INSTRUCTION.trim_end().to_owned();
        if !focus.is_empty() {
            instruction.push_str("\n\nDwell on this: ");
            instruction.push_str(focus);
        }
        let mut request = self.request();
        request.context.push_note(&json!({"type": "text", "text": instruction}));
        request.summarises = true;
        let events = self.provider.complete(request);
        Step::Compacting { events, reply: Reply::default(), asked: Instant::now(), trigger }
    }

    /// Takes one step of the summary.
    pub(super) fn compacting(
        &mut self,
        turn: &mut Turn,
        step: (super::provider::Events, Reply, Instant, Trigger),
        told: Option<Result<Event, ProviderError>>,
    ) -> io::Result<Option<Ending>> {
        let (events, mut reply, asked, trigger) = step;
        let error = match told {
            Some(Ok(event)) => {
                let is_over = matches!(event, Event::End { .. });
                // The frame for it is the summary's own matter.
                let _unshown = reply.take(event);
                if !is_over {
                    turn.step = Step::Compacting { events, reply, asked, trigger };
                    return Ok(None);
                }
                turn.usage += reply.usage;
                self.session.totals.add(&reply.model, reply.usage, &self.settings.prices);
                match reply.text().map(str::trim).filter(|text| !text.is_empty()) {
                    Some(text) => return self.compacted(turn, &trigger, text, asked.elapsed()),
                    None => "the model wrote no summary".to_owned(),
                }
            }
            Some(Err(error)) => error.to_string(),
            None => "the summary ended in the middle".to_owned(),
        };
        self.send_system("status", json!({"status": null}));
        let error = format!("the conversation was not compacted: {error}");
        match trigger {
            Trigger::Manual => Ok(Some(refused(error))),
            // The window may still do; if not, the provider says so.
            Trigger::Auto => {
                self.tell(&error);
                turn.step = self.ask_the_model();
                turn.requests += 1;
                Ok(None)
            }
        }
    }

    fn compacted(
        &mut self,
        turn: &mut Turn,
        trigger: &Trigger,
        summary: &str,
        took: Duration,
    ) -> io::Result<Option<Ending>> {
        let before = self.tokens_in_context();
        let mut text = format!("{HEAD}\n\n{summary}");
        if *trigger == Trigger::Auto {
            text.push_str("\n\nThe request that is being worked on, word for word:\n\n");
            text.push_str(&turn.prompt.text());
            text.push_str("\n\nGo on with it from where it was left off, without asking anything again.");
        }
        let last_prompt = self.session.context.last_prompt();
        let metadata = json!({
            "trigger": trigger.wire_name(), "preTokens": before,
            "durationMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        self.record(&Entry::boundary(&metadata, self.session.leaf()))?;
        let entry = Entry::summary(&text);
        self.record(&entry)?;
        self.session.begin_anew(entry.content());
        self.send_system("status", json!({"status": null}));
        let metadata = json!({"trigger": trigger.wire_name(), "pre_tokens": before});
        self.send_system("compact_boundary", json!({"compact_metadata": metadata}));
        match trigger {
            Trigger::Auto => {
                turn.step = self.ask_the_model();
                turn.requests += 1;
                Ok(None)
            }
            Trigger::Manual => {
                // What a list shows as said last is what a person asked, not this command.
                turn.prompt.content = Value::String(last_prompt);
                let after = self.tokens_in_context();
                let text = format!("Compacted: about {before} tokens became about {after}.");
                let (text, local_command) = (Some(text), Some("compact"));
                Ok(Some(Ending { subtype: "success", text, local_command, ..Ending::default() }))
            }
        }
    }

    fn is_nearly_full(&self) -> bool {
        let is_set =
            |name: &&str| std::env::var(name).is_ok_and(|value| !matches!(&*value, "" | "0" | "false"));
        let window = self.context_window();
        let room = if window > LARGE { RESERVE } else { window / 5 };
        window > 0
            && !OFF.iter().any(is_set)
            && self.session.context.messages().len() >= FEWEST
            && self.tokens_in_context() > window - room
    }

    /// Tokens of the conversation: what the provider counted last, and a rough
    /// count of our own of what it has not counted yet.
    pub(super) fn tokens_in_context(&self) -> u64 {
        match self.session.totals.last {
            Some(usage) => {
                usage.context() + usage.output_tokens + self.session.context.estimated_since_reply()
            }
            None => self.session.context.estimated_tokens(),
        }
    }
}

fn refused(error: String) -> Ending {
    Ending {
        subtype: "error_during_execution",
        text: Some(error.clone()),
        errors: vec![error],
        local_command: Some("compact"),
    }
}
