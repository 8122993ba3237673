//! How a turn goes on: prompt, reply, tool calls, result.
//!
//! Owns the order of records and frames. An entry is written to the transcript
//! first and becomes part of the model's context only then, so a disk that fails
//! cannot leave the context with something the transcript lacks; and everything is
//! on disk before the turn's `result` is sent.

use std::io;
use std::time::Instant;

use serde_json::{Value, json};

use super::active_session::left_out_note;
use super::hook_dispatch::HookPoint;
use super::permission_requests::parse_tool_response;
use super::provider::{CompletionRequest, ProviderError, ProviderErrorKind, ReplyEvent};
use super::reply::{FinishedBlock, ReplyBuilder};
use super::runtime::AgentRuntime;
use super::session_facts::SessionFacts;
use super::transcript_entry::TranscriptEntry;
use super::turn::{RequestedCall, RunningTurn, StepEvent, TurnStep, UserPrompt};
use super::turn_outcome::TurnOutcome;

impl AgentRuntime {
    /// Starts a prompt: a local command, an entry without a reply, or a turn.
    pub(super) fn start_prompt(&mut self, prompt: UserPrompt) {
        let prompt = match super::slash_commands::parse(&prompt) {
            Some(("unknown", name)) => match self.expand_command(&prompt, &name) {
                Some(Ok(expanded)) => expanded,
                Some(Err(error)) => {
                    let turn = RunningTurn::new(prompt);
                    return self.end_turn(&turn, TurnOutcome::failed(error));
                }
                None => return self.run_command(prompt, "unknown", &name),
            },
            Some(("compact", focus)) => return self.compact(prompt, &focus),
            Some((command, argument)) => return self.run_command(prompt, command, &argument),
            None => prompt,
        };
        let wants_reply = prompt.wants_reply;
        self.run_first_start_hooks();
        if std::mem::take(&mut self.mirrors_fork) {
            self.mirror_fork();
        }
        self.send_replay(&prompt);
        let mut turn = RunningTurn::new(prompt);
        self.session.refresh_environment();
        if wants_reply {
            self.send_init();
            for problem in std::mem::take(&mut self.permissions.problems) {
                self.send_warning(&problem);
            }
        }
        if wants_reply && self.session.facts.is_none() {
            turn.step = self.gather_facts();
            self.turn = Some(turn);
            return;
        }
        self.begin_turn(turn);
    }

    /// Asks the hooks about a prompt, records it, and sends the first request.
    pub(super) fn begin_turn(&mut self, mut turn: RunningTurn) {
        let wants_reply = turn.prompt.wants_reply;
        let firing = if wants_reply { self.prompt_hooks(&turn.prompt) } else { None };
        if let Some(firing) = firing {
            turn.step = TurnStep::Hooks { about: HookPoint::Prompt, firing };
            self.turn = Some(turn);
            return;
        }
        self.take_up_foreign_entries();
        let recorded = self.record_prompt(&turn.prompt);
        if !wants_reply {
            let synced = recorded.and_then(|()| self.session.sync());
            if let Err(error) = synced {
                tracing::error!("a prompt could not be written down: {error}");
            }
            self.send_lifecycle(turn.prompt.host_uuid.as_deref(), "completed");
            return;
        }
        if let Err(error) = recorded {
            self.end_turn(&turn, write_failure(&error));
            return;
        }
        let progress = Ok(self.request_or_compact(&mut turn));
        self.continue_or_end(turn, progress);
    }

    /// Handles the next event of the running step.
    pub(super) fn handle_step_event(&mut self, step_event: StepEvent) {
        let Some(mut turn) = self.turn.take() else { return };
        let step_event = match step_event {
            StepEvent::Facts(facts) => return self.apply_facts(turn, *facts),
            step_event => step_event,
        };
        let progress = match (std::mem::replace(&mut turn.step, TurnStep::Deciding), step_event) {
            (TurnStep::Reply { events, mut reply, asked }, StepEvent::Reply(Some(Ok(event)))) => {
                let is_over = self.handle_reply_event(&mut reply, event);
                if is_over {
                    turn.api_time += asked.elapsed();
                    self.record_reply(&mut turn, &reply).and_then(|()| self.next_call(&mut turn))
                } else {
                    turn.step = TurnStep::Reply { events, reply, asked };
                    Ok(None)
                }
            }
            (TurnStep::Reply { reply, asked, .. }, StepEvent::Reply(failure)) => {
                turn.api_time += asked.elapsed();
                let broke_off =
                    || ProviderError::new(ProviderErrorKind::ConnectionLost, "the reply ended in the middle");
                let error = failure.and_then(Result::err).unwrap_or_else(broke_off);
                self.retry_or_fail(&mut turn, reply, &error)
            }
            (TurnStep::Compacting { events, reply, asked, trigger }, StepEvent::Reply(told)) => {
                if !matches!(told, Some(Ok(_))) {
                    turn.api_time += asked.elapsed();
                }
                self.handle_summary_event(&mut turn, (events, reply, asked, trigger), told)
            }
            (TurnStep::BackOff(_), StepEvent::BackOffOver) => {
                turn.step = self.request_reply();
                Ok(None)
            }
            (TurnStep::Tools(calls), StepEvent::ToolOutput(at, text)) => {
                self.send_progress(&calls[at].call, calls[at].began, text);
                turn.step = TurnStep::Tools(calls);
                Ok(None)
            }
            (TurnStep::Tools(mut calls), StepEvent::ToolDone(at, outcome)) => {
                let call = calls.remove(at).call;
                self.finish_call(&mut turn, &call, outcome, calls)
            }
            (TurnStep::PermissionTool { call, suggestions, .. }, StepEvent::PermissionAnswered(outcome)) => {
                let response = parse_tool_response(&outcome);
                self.apply_permission(&mut turn, call, &suggestions, response)
            }
            (TurnStep::Hooks { about, .. }, StepEvent::HooksDone(verdict)) => {
                self.apply_hooks(&mut turn, about, verdict)
            }
            (step, _) => {
                turn.step = step;
                Ok(None)
            }
        };
        self.continue_or_end(turn, progress);
    }

    /// Keeps the turn running, or ends it with this outcome.
    pub(super) fn continue_or_end(&mut self, turn: RunningTurn, progress: io::Result<Option<TurnOutcome>>) {
        match progress {
            Ok(None) => self.turn = Some(turn),
            Ok(Some(ending)) => self.end_turn(&turn, ending),
            Err(error) => self.end_turn(&turn, write_failure(&error)),
        }
    }

    /// Sends the next request to the model.
    pub(super) fn request_reply(&self) -> TurnStep {
        let events = self.provider.complete(self.completion_request());
        TurnStep::Reply { events, reply: ReplyBuilder::default(), asked: Instant::now() }
    }

    /// The chosen model, or the one in its place during a turn that cannot have it.
    pub(super) fn model_in_use(&self) -> &str {
        let fallback = self.settings.fallback_model.as_deref().filter(|_| self.uses_fallback);
        fallback.unwrap_or(&self.settings.model)
    }

    /// The next request to the model.
    pub(super) fn completion_request(&self) -> CompletionRequest {
        CompletionRequest {
            model: self.model_in_use().to_owned(),
            system_prompt: self.settings.system_prompt.text(&self.session.cwd),
            facts: self.session.facts.as_ref().map(SessionFacts::text),
            thinking: self.settings.thinking,
            thinking_display: self.settings.thinking_display.clone(),
            effort: self.settings.effort.clone(),
            context: self.session.context.clone(),
            tools: self.tool_definitions(),
            cwd: self.session.cwd.clone(),
            is_summary: false,
        }
    }

    /// Adds an event to the reply and sends the frames for it; true if it was the last.
    fn handle_reply_event(&self, reply: &mut ReplyBuilder, event: ReplyEvent) -> bool {
        let is_last = matches!(event, ReplyEvent::MessageEnd { .. });
        let known = reply.blocks.len();
        let shown = reply.push_event(event, |id| self.session.context.has_call(id));
        self.send_blocks(reply, known);
        self.send_stream(shown);
        if is_last {
            self.send_stream(json!({"type": "message_stop"}));
        }
        is_last
    }

    fn send_blocks(&self, reply: &ReplyBuilder, from: usize) {
        for made in &reply.blocks[from..] {
            self.send_assistant(reply.message(&json!([made.block])), &made.uuid, None);
        }
    }

    fn record_reply(&mut self, turn: &mut RunningTurn, reply: &ReplyBuilder) -> io::Result<()> {
        turn.failed_attempts = 0;
        turn.usage += reply.usage;
        turn.stop_reason.clone_from(&reply.stop_reason);
        reply.text().unwrap_or_default().clone_into(&mut turn.text);
        turn.had_calls = reply.blocks.iter().any(|finished| finished.block["type"] == "tool_use");
        turn.is_reply_empty = reply.blocks.is_empty();
        if turn.stop_reason.as_deref() != Some("max_tokens") || turn.had_calls {
            turn.continuations = 0;
        }
        self.session.totals.add(&reply.model, reply.usage, &self.settings.prices);
        for FinishedBlock { uuid, block, input_error: problem } in &reply.blocks {
            let message = reply.message(&json!([block]));
            let (effort, is_cut_off) = (self.settings.effort.as_deref(), reply.stop_reason.is_none());
            self.record(&TranscriptEntry::reply_block(uuid.clone(), &message, effort, is_cut_off))?;
            self.session.context.push_reply(&reply.id, &reply.model, block);
            if block["type"] == "tool_use" {
                turn.pending_calls.push_back(RequestedCall {
                    id: block["id"].as_str().unwrap_or_default().to_owned(),
                    tool: block["name"].as_str().unwrap_or_default().to_owned(),
                    input: block["input"].clone(),
                    input_error: problem.clone(),
                    entry_uuid: uuid.clone(),
                    target: None,
                });
            }
        }
        Ok(())
    }

    /// Records what arrived of a reply that broke off.
    pub(super) fn record_truncated_reply(
        &mut self,
        turn: &mut RunningTurn,
        reply: &mut ReplyBuilder,
    ) -> io::Result<()> {
        let known = reply.blocks.len();
        reply.truncate();
        self.send_blocks(reply, known);
        self.record_reply(turn, reply)
    }

    pub(super) fn record_prompt(&mut self, prompt: &UserPrompt) -> io::Result<()> {
        // A turn that could not be recorded to its end may have left calls open.
        self.session.context.close_open_calls();
        self.record(&TranscriptEntry::prompt(prompt.uuid.clone(), &prompt.content, self.permissions.mode))?;
        self.session.context.push_prompt(&prompt.content);
        self.tell_of_left_out_media();
        self.checkpoint_prompt(&prompt.uuid)
    }

    /// Records an entry and adds `block`, which the model gets of it, to the context. In this order:
    /// what could not be written must not be remembered either, or the two would differ for ever.
    pub(super) fn record_for_model(&mut self, entry: &TranscriptEntry, block: &Value) -> io::Result<()> {
        self.record(entry)?;
        self.session.context.push_user_block(block);
        self.tell_of_left_out_media();
        Ok(())
    }

    /// Tells a person what the model does not get.
    pub(super) fn tell_of_left_out_media(&mut self) {
        if let Some(note) = left_out_note(self.session.context.take_left_out()) {
            self.send_warning(&note);
        }
    }

    pub(super) fn record(&mut self, entry: &TranscriptEntry) -> io::Result<()> {
        let complete = self.session.record(entry)?;
        self.send_mirror(complete);
        Ok(())
    }

    /// Ends the turn: syncs the transcript, then sends the result.
    pub(super) fn end_turn(&mut self, turn: &RunningTurn, mut ending: TurnOutcome) {
        let prompt = turn.prompt.text();
        let ended = if turn.is_blocked { Ok(None) } else { self.session.end_turn(&prompt) };
        match ended {
            Ok(line) => line.into_iter().for_each(|line| self.send_mirror(line)),
            Err(error) => ending = write_failure(&error),
        }
        self.check_other_writer();
        self.last_turn_failed = ending.is_error;
        for joined in &turn.joined {
            self.send_lifecycle(Some(joined), "completed");
        }
        self.send_result(turn, ending);
        self.send_lifecycle(turn.prompt.host_uuid.as_deref(), "completed");
    }
}

/// The outcome of a turn whose transcript could not be written.
pub(super) fn write_failure(error: &io::Error) -> TurnOutcome {
    let error = format!("cannot write the transcript: {error}");
    tracing::error!("{error}");
    TurnOutcome::failed(error)
}
