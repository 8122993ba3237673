//! What the agent's answers change.

use std::time::Duration;

use tokio::time::Instant;

use super::asked::Then;
use super::life::{After, Life};
use super::obey::answer;
use super::others::Promise;
use super::{Active, Machine, News, PromptState};
use crate::slot::driver::{Answer, Ask, Seated};
use crate::slot::handle::Reply;
use crate::slot::{Agent, Feature, How, SlotError, Switch, Switched, Totals};

impl Machine {
    pub(super) fn take_answer(&mut self, then: Then, result: Result<Answer, SlotError>, since: Instant) {
        match then {
            Then::Greet => self.greet(result),
            Then::Note => {
                if let Err(error) = result {
                    tracing::warn!(%error, "what was asked along the way was not done");
                }
            }
            Then::Done(reply) => answer(reply, result.map(drop)),
            Then::Model(wanted, reply) => {
                if let Ok(answer) = &result {
                    self.discard_all();
                    self.launch.model.clone_from(&wanted);
                    let told = match answer {
                        Answer::Model(told) => told.clone(),
                        _ => None,
                    };
                    // The name of the default is the agent's to tell, at the latest with the next turn.
                    if let Some(model) = told.or(wanted) {
                        self.note_model(model);
                    }
                }
                answer(reply, result.map(drop));
            }
            Then::Mode(mode, reply) => {
                if result.is_ok() {
                    self.note_mode(mode);
                }
                answer(reply, result.map(drop));
            }
            Then::Seat(switch, reply) => self.seat(&switch, result, reply, since),
            Then::Measure(reply) => {
                let usage = result.and_then(|answer| match answer {
                    Answer::Context(usage) => Ok(usage),
                    _ => Err(mistaken()),
                });
                if let Ok(usage) = &usage {
                    let percent = Some(usage.percent);
                    if self.totals.context_percent != percent {
                        self.totals.context_percent = percent;
                        self.tell(News::Totals(self.totals));
                    }
                }
                if let Some(reply) = reply {
                    answer(reply, usage);
                }
            }
            Then::Servers(reply) => {
                let servers = result.and_then(|answer| match answer {
                    Answer::Servers(servers) => Ok(servers),
                    _ => Err(mistaken()),
                });
                answer(reply, servers);
            }
            Then::Rewind(reply) => {
                let rewind = result.and_then(|answer| match answer {
                    Answer::Rewind(rewind) => Ok(rewind),
                    _ => Err(mistaken()),
                });
                answer(reply, rewind);
            }
            Then::Cancel(uuid, reply) => {
                let cancelled = matches!(result, Ok(Answer::Cancelled(true)));
                if let Some(reply) = reply {
                    if cancelled {
                        self.cancel_prompts(|prompt| prompt.uuid == uuid);
                    }
                    answer(reply, result.map(|_| cancelled));
                }
            }
        }
    }

    /// The agent is through the handshake, or it is none.
    fn greet(&mut self, result: Result<Answer, SlotError>) {
        // One that is to end already has nothing to say of the next.
        if !matches!(self.life, Life::Up { .. }) {
            return;
        }
        let (mut agent, totals) = match result {
            Ok(Answer::Agent(agent, totals)) => (*agent, totals),
            Ok(_) => return self.end(After::Retry(mistaken().to_string())),
            // The session that was asked for is refused, not the agent itself: it is
            // asked for another before it is given up.
            Err(error @ SlotError::Refused { .. })
                if self.active.is_none() && self.launch.resume.is_some() =>
            {
                self.launch.resume = None;
                self.refused = Some(error.to_string());
                return self.end(After::Start);
            }
            Err(error) => return self.end(After::Retry(error.to_string())),
        };
        if agent.pid == 0 {
            agent.pid = self.leaders.get(&self.process).map_or(0, |leader| (self.speaker)(*leader));
        }
        if let Life::Up { warm } = &mut self.life {
            *warm = Some(self.now.at);
        }
        self.active = Some(Active {
            session: agent.session,
            transcript: agent.transcript.clone(),
            cwd: agent.cwd.clone(),
            pid: agent.pid,
            model: agent.model.clone(),
        });
        self.launch.permission_mode = agent.permission_mode;
        self.turn = None;
        self.tell(News::Ready(agent));
        if let Some(why) = self.refused.take() {
            self.tell(News::Refused(why));
        }
        self.settle();
        self.count(totals);
        self.send_prompts();
    }

    /// A switch is done, or refused.
    fn seat(
        &mut self,
        switch: &Switch,
        result: Result<Answer, SlotError>,
        reply: Reply<Switched>,
        since: Instant,
    ) {
        let (answered, from) = match (result, self.active.clone()) {
            // Nobody knows which session is active now: only a new process is sure.
            (Err(SlotError::Nonsense(why)), _) => {
                self.end(After::Retry(why.clone()));
                return answer(reply, Err(SlotError::Gone(why)));
            }
            (Ok(answered), Some(from)) => (answered, from),
            (result, _) => {
                let error = result.err().unwrap_or(SlotError::NotReady("starting"));
                return self.refuse_switch(reply, error);
            }
        };
        match answered {
            Answer::Seated(seated) => {
                self.leave_behind();
                let same = seated.pid.is_none_or(|pid| pid == from.pid);
                let how = if same { How::InProcess } else { How::Standby };
                let switched = self.arrive(from, switch.name(), how, *seated, self.now.at - since);
                answer(reply, Ok(switched));
            }
            _ => {
                self.end(After::Retry(mistaken().to_string()));
                answer(reply, Err(mistaken()));
            }
        }
    }

    /// The process of a standby has the seat.
    pub(super) fn take_seat(&mut self, promise: Promise, (agent, totals): (Agent, Totals)) {
        let Promise { switch, reply, since, was_ready, .. } = promise;
        let Some(from) = self.active.clone() else { return };
        if let Some(turn) = self.turn.take() {
            self.tell_prompt(turn.uuid, PromptState::Completed);
        }
        self.leave_behind();
        self.life = Life::Up { warm: Some(self.now.at) };
        let forked_from = matches!(switch, Switch::Fork { .. }).then(|| switch.source()).flatten();
        let session = agent.session;
        let seated = Seated {
            session,
            forked_from,
            pid: Some(agent.pid),
            turns: 0,
            cwd: agent.cwd,
            transcript: agent.transcript,
            repaired: agent.repaired,
            totals,
        };
        let how = if was_ready { How::Standby } else { How::Cold };
        let switched = self.arrive(from, switch.name(), how, seated, self.now.at - since);
        self.note_model(agent.model);
        answer(reply, Ok(switched));
        if let Switch::Fork { title: Some(title), .. } = switch {
            self.ask(Ask::Rename { title, session }, Then::Note);
        }
    }

    /// What waited for the session that is left has nowhere to go.
    fn leave_behind(&mut self) {
        self.cancel_prompts(|prompt| !prompt.for_next);
        self.prompts.arrive();
        self.turn = None;
    }

    /// The former session stays active, and its prompts are its own again.
    pub(super) fn refuse_switch(&mut self, reply: Reply<Switched>, error: SlotError) {
        self.cancel_prompts_for_next();
        self.settle();
        self.send_prompts();
        answer(reply, Err(error));
    }

    /// Another session is active now.
    pub(super) fn arrive(
        &mut self,
        from: Active,
        what: &'static str,
        how: How,
        seated: Seated,
        took: Duration,
    ) -> Switched {
        self.drop_permissions();
        let pid = seated.pid.unwrap_or(from.pid);
        self.active = Some(Active {
            session: seated.session,
            transcript: seated.transcript.clone(),
            cwd: seated.cwd.clone(),
            pid,
            model: from.model,
        });
        let switched = Switched {
            what,
            how,
            from: from.session,
            to: seated.session,
            forked_from: seated.forked_from,
            took,
            pid,
            turns: seated.turns,
            cwd: seated.cwd,
            transcript: seated.transcript,
            repaired: seated.repaired,
        };
        self.epoch += 1;
        self.tell(News::Switched(switched.clone()));
        self.settle();
        self.count(seated.totals);
        self.send_prompts();
        switched
    }

    /// Totals of the session, and how full its context window is.
    pub(super) fn count(&mut self, totals: Totals) {
        self.totals = totals;
        self.tell(News::Totals(totals));
        let measures = self.driver.abilities().lack(Feature::Context).is_none();
        if self.is_warm() && measures {
            self.ask(Ask::Context, Then::Measure(None));
        }
    }
}

/// A driver answered something else than it was asked.
fn mistaken() -> SlotError {
    SlotError::Nonsense("its driver answered something else than it was asked".to_owned())
}
