//! What people ask of the slot, and whether its state allows it.

use super::asked::Then;
use super::life::{After, Life};
use super::prompts::Waiting;
use super::{Machine, News, PromptState, SlotState};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::driver::Ask;
use crate::slot::handle::{Command, Reply};
use crate::slot::{Ability, Feature, Seat, SlotError, Switch, Switched, Verdict};

impl Machine {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Submit { uuid, text } => self.submit(uuid, text),
            Command::Cancel { uuid, reply } => self.cancel(uuid, reply),
            Command::Interrupt { reply } => {
                if self.turn.is_some() && self.is_warm() {
                    self.ask(Ask::Interrupt, Then::Done(reply));
                } else {
                    answer(reply, self.may_ask());
                }
            }
            Command::Switch { switch, interrupt, reply } => self.switch(switch, interrupt, reply),
            Command::Answer { id, verdict, reply } => self.answer_permission(&id, verdict, reply),
            Command::Prepare(switch) => self.prepare(switch),
            Command::SetModel { model, reply } => match self.may_ask_for(Feature::Model) {
                Ok(()) => self.ask(Ask::Model(model.clone()), Then::Model(model, reply)),
                no => answer(reply, no),
            },
            Command::SetPermissionMode { mode, reply } => match self.may_ask_for(Feature::Mode) {
                Ok(()) => self.ask(Ask::Mode(mode), Then::Mode(mode, reply)),
                no => answer(reply, no),
            },
            Command::Rename { session, title, reply } => match self.may_ask_for(Feature::Rename) {
                Ok(()) => self.ask(Ask::Rename { title, session }, Then::Done(reply)),
                no => answer(reply, no),
            },
            Command::Archive { session, back, reply } => match self.may_ask_for(Feature::Archive) {
                Ok(()) => self.ask(Ask::Archive { session, back }, Then::Done(reply)),
                no => answer(reply, no),
            },
            Command::ContextUsage { reply } => match self.may_ask_for(Feature::Context) {
                Ok(()) => self.ask(Ask::Context, Then::Measure(Some(reply))),
                Err(no) => answer(reply, Err(no)),
            },
            Command::Servers { reply } => match self.may_ask_for(Feature::Servers) {
                Ok(()) => self.ask(Ask::Servers, Then::Servers(reply)),
                Err(no) => answer(reply, Err(no)),
            },
            Command::Rewind { prompt, dry_run, reply } => match self.may_ask_for(Feature::Rewind) {
                Ok(()) => self.ask(Ask::Rewind { prompt, dry_run }, Then::Rewind(reply)),
                Err(no) => answer(reply, Err(no)),
            },
            Command::Restart { seat, reply } => self.restart(seat, reply),
            Command::Replace { program, seat, reply } => {
                self.discard_all();
                self.launch.driver = program.driver;
                self.launch.program = program.path;
                self.launch.args = program.args;
                self.launch.model = None;
                self.restart(seat, reply);
            }
            Command::Close { done } => self.close(Some(done)),
        }
    }

    /// Whether the agent can be asked something: it is warm, not switching.
    fn may_ask(&self) -> Result<(), SlotError> {
        let word = match (&self.life, &self.state) {
            (Life::Ending { .. } | Life::Over, _) => "closing",
            (_, SlotState::Starting) => "starting",
            (_, SlotState::Switching { .. }) => "switching",
            (_, SlotState::Exited(_)) => "not running",
            (_, SlotState::Idle(_) | SlotState::Busy { .. }) => return Ok(()),
        };
        Err(SlotError::NotReady(word))
    }

    /// Whether the agent can be asked for this, which not every agent has.
    fn may_ask_for(&self, feature: Feature) -> Result<(), SlotError> {
        self.may_ask()?;
        self.driver.abilities().lack(feature).map_or(Ok(()), |why| Err(lacking(why)))
    }

    fn submit(&mut self, uuid: String, text: String) {
        let for_next = matches!(self.state, SlotState::Switching { .. });
        self.prompts.push(uuid.clone(), text, for_next);
        self.tell_prompt(uuid, PromptState::Queued);
        self.send_prompts();
    }

    fn cancel(&mut self, uuid: String, reply: Reply<bool>) {
        match self.prompts.find(&uuid) {
            Some(Waiting { sent: true, .. }) => {
                self.ask(Ask::Cancel(uuid.clone()), Then::Cancel(uuid, Some(reply)));
            }
            Some(_) => {
                self.cancel_prompts(|prompt| prompt.uuid == uuid);
                answer(reply, Ok(true));
            }
            None => answer(reply, Ok(false)),
        }
    }

    /// Takes back those prompts that `which` picks.
    pub(super) fn cancel_prompts(&mut self, which: impl Fn(&Waiting) -> bool) {
        for uuid in self.prompts.take_all(which) {
            self.tell_prompt(uuid, PromptState::Cancelled);
        }
    }

    /// The session they were meant for did not come.
    pub(super) fn cancel_prompts_for_next(&mut self) {
        self.cancel_prompts(|prompt| prompt.for_next);
    }

    fn switch(&mut self, switch: Switch, interrupt: bool, reply: Reply<Switched>) {
        let from = match (self.may_ask(), &self.active) {
            (Ok(()), Some(active)) => active.session,
            (no, _) => return answer(reply, no.and(Err(SlotError::NotReady("starting")))),
        };
        let ability = self.driver.abilities().of(&switch);
        if let Ability::Missing(why) = ability {
            return answer(reply, Err(lacking(why)));
        }
        if ability == Ability::Standby && switch == Switch::Resume(from) {
            let message = "this session has the seat already".to_owned();
            return answer(reply, Err(SlotError::Refused { code: String::new(), message }));
        }
        if let (Ability::Standby, Some(message)) = (ability, self.held_elsewhere(&switch)) {
            return answer(reply, Err(SlotError::Refused { code: "session_in_use".to_owned(), message }));
        }
        if !interrupt && (self.turn.is_some() || self.prompts.any_sent()) {
            return answer(reply, Err(SlotError::Busy));
        }
        // They belong to the session that is left: it must not be another that
        // runs them. They are kept here, in case the switch fails.
        for uuid in self.prompts.unsend() {
            self.ask(Ask::Cancel(uuid.clone()), Then::Cancel(uuid, None));
        }
        self.enter(SlotState::Switching { from, switch: switch.clone() });
        if ability == Ability::Standby {
            return self.switch_over(switch, interrupt, reply);
        }
        self.ask(Ask::Switch { switch: switch.clone(), interrupt }, Then::Seat(switch, reply));
    }

    fn answer_permission(&mut self, id: &str, verdict: Verdict, reply: Reply<()>) {
        let Some(at) = self.permissions.iter().position(|request| request.id == id) else {
            let gone = "this permission request needs no answer any more";
            return answer(reply, Err(SlotError::Gone(gone.to_owned())));
        };
        let request = self.permissions.remove(at);
        let heard = self.driver.verdict(request, verdict);
        self.take_all(heard);
        answer(reply, Ok(()));
    }

    fn restart(&mut self, seat: Seat, reply: Reply<()>) {
        if matches!(self.life, Life::Ending { after: After::Finish, .. } | Life::Over) {
            return answer(reply, Err(SlotError::NotReady("closing")));
        }
        match seat {
            Seat::Same => {}
            Seat::New => self.reseat(None),
            Seat::Stored(session) => self.reseat(Some(session)),
        }
        self.attempts = 0;
        self.break_promise(SlotError::NotReady("starting again"));
        if matches!(self.life, Life::Gone { .. }) {
            self.start();
        } else {
            self.end(After::Start);
        }
        answer(reply, Ok(()));
    }

    /// The next process starts in another session: what waits was not meant for it.
    fn reseat(&mut self, session: Option<SessionId>) {
        self.cancel_prompts(|_| true);
        self.launch.resume = session;
        self.active = None;
    }

    /// Takes note of what may run without asking.
    pub(super) fn note_mode(&mut self, mode: PermissionMode) {
        self.launch.permission_mode = mode;
        self.discard_all();
        self.tell(News::Mode(mode));
    }

    /// Takes note of a model that the agent reports.
    pub(super) fn note_model(&mut self, model: String) {
        if let Some(active) = self.active.as_mut().filter(|active| active.model != model) {
            active.model.clone_from(&model);
            self.tell(News::Model(model));
        }
    }
}

/// The agent cannot do it, and says why.
fn lacking(why: &str) -> SlotError {
    SlotError::Refused { code: "unsupported_request".to_owned(), message: why.to_owned() }
}

/// Nobody may wait for the answer any more, which is as well.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, SlotError>) {
    let _heard = reply.send(result);
}
