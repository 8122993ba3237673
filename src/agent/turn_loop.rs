//! How a turn goes on: from prompt to reply to tools to result.
//!
//! Owns the order in which entries are recorded and frames are sent: an entry
//! is on disk before the result of its turn is told.

use std::io;
use std::time::Instant;

use serde_json::json;

use super::frames::Ending;
use super::hooking::About;
use super::process::Process;
use super::provider::{Event, Fault, ProviderError, Request};
use super::record::Entry;
use super::reply::{Made, Reply};
use super::tool::Outcome;
use super::turn::{Call, Happened, Prompt, Step, Turn};

impl Process {
    /// Takes up a prompt: a local command, an entry without a reply, or a turn.
    pub(super) fn take_up(&mut self, prompt: Prompt) {
        if let Some((command, argument)) = super::command::of(&prompt) {
            match command {
                "compact" => self.compact(prompt, &argument),
                _ => self.run_command(prompt, command, &argument),
            }
            return;
        }
        let wants_reply = prompt.wants_reply;
        self.first_session_starts();
        let mut turn = Turn::new(prompt);
        self.session.look_around();
        if wants_reply {
            self.send_init();
            for problem in std::mem::take(&mut self.permissions.problems) {
                self.tell(&problem);
            }
        }
        let firing = if wants_reply { self.fire_prompt(&turn.prompt) } else { None };
        if let Some(firing) = firing {
            turn.step = Step::Hooks { about: About::Prompt, firing };
            self.turn = Some(turn);
            return;
        }
        let recorded = self.record_prompt(&turn.prompt);
        if !wants_reply {
            let synced = recorded.and_then(|()| self.session.sync());
            if let Err(error) = synced {
                tracing::error!("a prompt could not be written down: {error}");
            }
            self.send_lifecycle(turn.prompt.stamp.as_deref(), "completed");
            return;
        }
        if let Err(error) = recorded {
            self.end_turn(&turn, failed(&error));
            return;
        }
        let went_on = Ok(self.ask_next(&mut turn));
        self.settle(turn, went_on);
    }

    /// Goes on with what the turn waited for.
    pub(super) fn advance(&mut self, happened: Happened) {
        let Some(mut turn) = self.turn.take() else { return };
        let went_on = match (std::mem::replace(&mut turn.step, Step::Deciding), happened) {
            (Step::Reply { events, mut reply, asked }, Happened::Replied(Some(Ok(event)))) => {
                let is_over = self.take_event(&mut reply, event);
                if is_over {
                    turn.waited += asked.elapsed();
                    self.reply_done(&mut turn, &reply).and_then(|()| self.next_call(&mut turn))
                } else {
                    turn.step = Step::Reply { events, reply, asked };
                    Ok(None)
                }
            }
            (Step::Reply { reply, asked, .. }, Happened::Replied(failure)) => {
                turn.waited += asked.elapsed();
                let broke_off = || ProviderError::new(Fault::Dropped, "the reply ended in the middle");
                let error = failure.and_then(Result::err).unwrap_or_else(broke_off);
                self.reply_failed(&mut turn, reply, &error)
            }
            (Step::Compacting { events, reply, asked, trigger }, Happened::Replied(told)) => {
                if !matches!(told, Some(Ok(_))) {
                    turn.waited += asked.elapsed();
                }
                self.compacting(&mut turn, (events, reply, asked, trigger), told)
            }
            (Step::BackOff(_), Happened::Waited) => {
                turn.step = self.ask_the_model();
                Ok(None)
            }
            (Step::Tool { call, running, so_far, began }, Happened::Said(text)) => {
                self.send_progress(&call, began, text);
                turn.step = Step::Tool { call, running, so_far, began };
                Ok(None)
            }
            (Step::Tool { call, .. }, Happened::Ran(outcome)) => self.tool_ran(&mut turn, &call, outcome),
            (Step::Hooks { about, .. }, Happened::Hooked(verdict)) => self.hooked(&mut turn, about, verdict),
            (step, _) => {
                turn.step = step;
                Ok(None)
            }
        };
        self.settle(turn, went_on);
    }

    /// Waits for the turn's next step, or ends it.
    pub(super) fn settle(&mut self, turn: Turn, went_on: io::Result<Option<Ending>>) {
        match went_on {
            Ok(None) => self.turn = Some(turn),
            Ok(Some(ending)) => self.end_turn(&turn, ending),
            Err(error) => self.end_turn(&turn, failed(&error)),
        }
    }

    /// Asks for the next reply.
    pub(super) fn ask_the_model(&self) -> Step {
        let events = self.provider.complete(self.request());
        Step::Reply { events, reply: Reply::default(), asked: Instant::now() }
    }

    /// What the model is given now.
    pub(super) fn request(&self) -> Request {
        Request {
            model: self.settings.model.clone(),
            instructions: self.settings.instructions.text(&self.session.cwd),
            thinking: self.settings.thinking,
            thinking_display: self.settings.thinking_display.clone(),
            effort: self.settings.effort.clone(),
            context: self.session.context.clone(),
            tools: self.offered_tools(),
            cwd: self.session.cwd.clone(),
            summarises: false,
        }
    }

    /// Shows one step of a reply; true when it was the last.
    fn take_event(&self, reply: &mut Reply, event: Event) -> bool {
        let is_last = matches!(event, Event::End { .. });
        let known = reply.blocks.len();
        let shown = reply.take(event);
        self.send_blocks(reply, known);
        self.send_stream(shown);
        if is_last {
            self.send_stream(json!({"type": "message_stop"}));
        }
        is_last
    }

    fn send_blocks(&self, reply: &Reply, from: usize) {
        for made in &reply.blocks[from..] {
            self.send_assistant(reply.message(&json!([made.block])), &made.uuid, None);
        }
    }

    fn reply_done(&mut self, turn: &mut Turn, reply: &Reply) -> io::Result<()> {
        turn.failed = 0;
        turn.usage += reply.usage;
        turn.stop_reason.clone_from(&reply.stop_reason);
        reply.text().unwrap_or_default().clone_into(&mut turn.text);
        self.session.totals.add(&reply.model, reply.usage, &self.settings.prices);
        for Made { uuid, block, problem } in &reply.blocks {
            self.session.context.push_reply(&reply.id, block);
            if block["type"] == "tool_use" {
                turn.calls.push_back(Call {
                    id: block["id"].as_str().unwrap_or_default().to_owned(),
                    tool: block["name"].as_str().unwrap_or_default().to_owned(),
                    input: block["input"].clone(),
                    problem: problem.clone(),
                    entry: uuid.clone(),
                });
            }
            let entry =
                Entry::block(uuid.clone(), &reply.message(&json!([block])), reply.stop_reason.is_none());
            self.record(&entry)?;
        }
        Ok(())
    }

    /// Keeps what has come of a reply that will not go on.
    pub(super) fn cut_off(&mut self, turn: &mut Turn, reply: &mut Reply) -> io::Result<()> {
        let known = reply.blocks.len();
        reply.cut_off();
        self.send_blocks(reply, known);
        self.reply_done(turn, reply)
    }

    /// Asks again after a while, or keeps what has come and ends the turn.
    fn reply_failed(
        &mut self,
        turn: &mut Turn,
        mut reply: Reply,
        error: &ProviderError,
    ) -> io::Result<Option<Ending>> {
        let chance = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0;
        if let Some(again) = self.settings.retries.after(turn.failed, error, chance) {
            tracing::info!(
                "the model is asked again in {:?}: {:?} {:?}",
                again.wait,
                error.fault,
                error.status
            );
            self.send_retry(&again, error, &reply);
            turn.failed = again.attempt;
            turn.step = Step::BackOff(Box::pin(tokio::time::sleep(again.wait)));
            return Ok(None);
        }
        self.cut_off(turn, &mut reply)?;
        // A call without a result would spoil every later request.
        for call in std::mem::take(&mut turn.calls) {
            self.record_result(&call, &Outcome::failed("the reply broke off before this ran"))?;
        }
        self.record_failure(error)?;
        let error = error.to_string();
        Ok(Some(Ending {
            subtype: "error_during_execution",
            text: Some(error.clone()),
            errors: vec![error],
            local_command: None,
        }))
    }

    /// Writes down why there is no reply, for whoever reads the session later.
    fn record_failure(&mut self, error: &ProviderError) -> io::Result<()> {
        let entry = Entry::failure(&error.message, error.fault.wire_name());
        self.record(&entry)?;
        self.send_assistant(entry.message().clone(), &entry.uuid, Some(error.fault.wire_name()));
        Ok(())
    }

    pub(super) fn record_prompt(&mut self, prompt: &Prompt) -> io::Result<()> {
        self.session.context.push_prompt(&prompt.content);
        self.record(&Entry::prompt(prompt.uuid.clone(), &prompt.content, self.permissions.mode))?;
        self.checkpoint_prompt(&prompt.uuid)
    }

    pub(super) fn record(&mut self, entry: &Entry) -> io::Result<()> {
        let complete = self.session.record(entry)?;
        self.send_mirror(complete);
        Ok(())
    }

    /// The transcript first, then the result.
    pub(super) fn end_turn(&mut self, turn: &Turn, mut ending: Ending) {
        let prompt = turn.prompt.text();
        let ended = if turn.is_refused { Ok(None) } else { self.session.end_turn(&prompt) };
        match ended {
            Ok(line) => line.into_iter().for_each(|line| self.send_mirror(line)),
            Err(error) => ending = failed(&error),
        }
        self.send_result(turn, ending);
        self.send_lifecycle(turn.prompt.stamp.as_deref(), "completed");
    }
}

/// The end of a turn whose transcript could not be written.
pub(super) fn failed(error: &io::Error) -> Ending {
    let error = format!("cannot write the transcript: {error}");
    tracing::error!("{error}");
    Ending {
        subtype: "error_during_execution",
        text: Some(error.clone()),
        errors: vec![error],
        local_command: None,
    }
}
