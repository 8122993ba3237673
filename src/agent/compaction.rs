//! Compaction: a long conversation continues from a summary of itself.
//!
//! Owns when that happens and what it writes, in the official form (CLI 2.1.329):
//! nothing is deleted, a boundary is a new beginning for the model. A compaction
//! that fails changes nothing.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::provider::{ProviderError, ReplyEvent};
use super::reply::ReplyBuilder;
use super::runtime::AgentRuntime;
use super::transcript_entry::TranscriptEntry;
use super::turn::{RunningTurn, TurnStep, UserPrompt};
use super::turn_outcome::TurnOutcome;

/// What the model is asked for.
const INSTRUCTION: &str = include_str!("../../assets/compaction.md");
/// How a summary begins (the official CLI's words).
const SUMMARY_HEAD: &str = "This session is being continued from a previous conversation that ran out of context. \
                    The summary below covers the earlier portion of the conversation.";
/// Tokens kept free in a large context window: for the summary and for what one turn adds.
const RESERVED_TOKENS: u64 = 33_000;
/// A window smaller than this keeps a fifth free.
const LARGE_WINDOW_TOKENS: u64 = 5 * RESERVED_TOKENS;
/// The fewest messages that are worth a summary.
const MIN_MESSAGES: usize = 3;
/// The official variables that turn automatic compaction off.
const OFF_VARIABLES: [&str; 2] = ["DISABLE_COMPACT", "DISABLE_AUTO_COMPACT"];

/// Why a conversation is compacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompactionTrigger {
    /// The person said so.
    Manual,
    /// The window is nearly full, in the middle of a turn.
    Auto,
}

impl CompactionTrigger {
    fn wire_name(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Auto => "auto",
        }
    }
}

impl AgentRuntime {
    /// Sends the next request, or compacts first if the window is nearly full; an outcome if a limit ends
    /// the turn.
    pub(super) fn request_or_compact(&mut self, turn: &mut RunningTurn) -> Option<TurnOutcome> {
        if let Some(ending) = self.limit_reached(turn) {
            return Some(ending);
        }
        if self.is_nearly_full() {
            turn.step = self.start_summary(CompactionTrigger::Auto, "");
        } else {
            turn.step = self.request_reply();
            turn.api_requests += 1;
        }
        None
    }

    /// Starts `/compact`; `focus` is what the summary should dwell on.
    pub(super) fn compact(&mut self, prompt: UserPrompt, focus: &str) {
        let mut turn = RunningTurn::new(prompt);
        self.send_init();
        if self.session.context.messages().len() < MIN_MESSAGES {
            self.end_turn(&turn, compaction_failed("there is too little to compact".to_owned()));
            return;
        }
        turn.step = self.start_summary(CompactionTrigger::Manual, focus);
        self.turn = Some(turn);
    }

    fn start_summary(&self, trigger: CompactionTrigger, focus: &str) -> TurnStep {
        self.send_system("status", json!({"status": "compacting"}));
        let mut instruction = INSTRUCTION.trim_end().to_owned();
        if !focus.is_empty() {
            instruction.push_str("\n\nDwell on this: ");
            instruction.push_str(focus);
        }
        let mut request = self.completion_request();
        request.context.push_user_block(&json!({"type": "text", "text": instruction}));
        request.is_summary = true;
        let events = self.provider.complete(request);
        TurnStep::Compacting { events, reply: ReplyBuilder::default(), asked: Instant::now(), trigger }
    }

    /// Handles the next event of the summary.
    pub(super) fn handle_summary_event(
        &mut self,
        turn: &mut RunningTurn,
        step: (super::provider::ReplyStream, ReplyBuilder, Instant, CompactionTrigger),
        told: Option<Result<ReplyEvent, ProviderError>>,
    ) -> io::Result<Option<TurnOutcome>> {
        let (events, mut reply, asked, trigger) = step;
        let error = match told {
            Some(Ok(event)) => {
                let is_over = matches!(event, ReplyEvent::MessageEnd { .. });
                // No frame is sent for it.
                drop(reply.push_event(event, |_| false));
                if !is_over {
                    turn.step = TurnStep::Compacting { events, reply, asked, trigger };
                    return Ok(None);
                }
                turn.usage += reply.usage;
                self.session.totals.add(&reply.model, reply.usage, &self.settings.prices);
                match reply.text().map(str::trim).filter(|text| !text.is_empty()) {
                    Some(text) => return self.finish_compaction(turn, &trigger, text, asked.elapsed()),
                    None => "the model wrote no summary".to_owned(),
                }
            }
            Some(Err(error)) => error.to_string(),
            None => "the summary ended in the middle".to_owned(),
        };
        self.send_system("status", json!({"status": null}));
        let error = format!("the conversation was not compacted: {error}");
        match trigger {
            CompactionTrigger::Manual => Ok(Some(compaction_failed(error))),
            // The window may still suffice; if not, the provider says so.
            CompactionTrigger::Auto => {
                self.send_warning(&error);
                turn.step = self.request_reply();
                turn.api_requests += 1;
                Ok(None)
            }
        }
    }

    fn finish_compaction(
        &mut self,
        turn: &mut RunningTurn,
        trigger: &CompactionTrigger,
        summary: &str,
        took: Duration,
    ) -> io::Result<Option<TurnOutcome>> {
        let before = self.tokens_in_context();
        let mut text = format!("{SUMMARY_HEAD}\n\n{summary}");
        if *trigger == CompactionTrigger::Auto {
            text.push_str("\n\nThe request that is being worked on, word for word:\n\n");
            text.push_str(&turn.prompt.text());
            text.push_str("\n\nGo on with it from where it was left off, without asking anything again.");
        }
        let last_prompt = self.session.context.last_prompt();
        let metadata = json!({
            "trigger": trigger.wire_name(), "preTokens": before,
            "durationMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        self.record(&TranscriptEntry::boundary(&metadata, self.session.leaf()))?;
        let entry = TranscriptEntry::summary(&text);
        self.record(&entry)?;
        self.session.reset_to_summary(entry.content());
        self.send_system("status", json!({"status": null}));
        let metadata = json!({"trigger": trigger.wire_name(), "pre_tokens": before});
        self.send_system("compact_boundary", json!({"compact_metadata": metadata}));
        match trigger {
            CompactionTrigger::Auto => {
                turn.step = self.request_reply();
                turn.api_requests += 1;
                Ok(None)
            }
            CompactionTrigger::Manual => {
                // Lists show the last prompt a person typed, not this command.
                turn.prompt.content = Value::String(last_prompt);
                let after = self.tokens_in_context();
                let text = format!("Compacted: about {before} tokens became about {after}.");
                Ok(Some(TurnOutcome::success(text).of_command("compact")))
            }
        }
    }

    fn is_nearly_full(&self) -> bool {
        let is_set =
            |name: &&str| std::env::var(name).is_ok_and(|value| !matches!(&*value, "" | "0" | "false"));
        let window = self.context_window();
        let room = if window > LARGE_WINDOW_TOKENS { RESERVED_TOKENS } else { window / 5 };
        window > 0
            && !OFF_VARIABLES.iter().any(is_set)
            && self.session.context.messages().len() >= MIN_MESSAGES
            && self.tokens_in_context() > window - room
    }

    /// Tokens of the conversation: what the provider counted last, plus an estimate of what came since.
    pub(super) fn tokens_in_context(&self) -> u64 {
        match self.session.totals.last_request {
            Some(usage) => {
                usage.context() + usage.output_tokens + self.session.context.estimated_since_reply()
            }
            None => self.session.context.estimated_tokens(),
        }
    }
}

fn compaction_failed(error: String) -> TurnOutcome {
    TurnOutcome::failed(error).of_command("compact")
}
