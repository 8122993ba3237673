//! Handles commands, as far as the state allows them.

use super::lifecycle::{OnExit, ProcessLifecycle};
use super::pending_requests::Continuation;
use super::prompt_queue::PendingPrompt;
use super::{PromptState, SlotMachine, SlotState};
use crate::agent_api::{AgentRequest, ReplySender};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::driver::{AgentEvent, SlotRequest};
use crate::slot::handle::{Reply, SlotCommand};
use crate::slot::{
    CompletedSwitch, ErrorCode, Feature, PermissionDecision, SlotError, StartIn, Switch, SwitchSupport,
    Transport,
};

impl SlotMachine {
    pub(super) fn handle_command(&mut self, command: SlotCommand) {
        match command {
            SlotCommand::Submit { uuid, text } => self.submit(uuid, text),
            SlotCommand::Cancel { uuid, reply } => self.cancel(uuid, reply),
            SlotCommand::Interrupt { reply } => {
                if self.turn.is_some() && self.is_warm() {
                    self.request(SlotRequest::Interrupt, Continuation::Done(reply));
                } else {
                    reply_with(reply, self.require_warm());
                }
            }
            SlotCommand::Switch { switch, interrupt, reply } => self.switch(switch, interrupt, reply),
            SlotCommand::AnswerPermission { id, decision, reply } => {
                self.answer_permission(&id, decision, reply);
            }
            SlotCommand::Prewarm(switch) => self.prewarm(switch),
            SlotCommand::Call { request, reply } => match self.require_feature(request.feature()) {
                Ok(()) => self.call(request, reply),
                Err(error) => reply.send(Err(error)),
            },
            SlotCommand::Restart { seat, reply } => self.restart(seat, reply),
            SlotCommand::ReplaceAgent { reply, .. } if matches!(self.launch.transport, Transport::Pty(_)) => {
                let why = "quit, then start hotseat with another --agent";
                reply_with(reply, Err(unsupported(why)));
            }
            SlotCommand::ReplaceAgent { program, seat, reply } => {
                self.kill_standbys();
                self.launch.driver = program.driver;
                self.launch.program = program.path;
                self.launch.args = program.args;
                self.launch.model = None;
                self.restart(seat, reply);
            }
            SlotCommand::Close { done } => self.close(Some(done)),
        }
    }

    /// Sends a request whose response goes to its caller.
    pub(super) fn call(&mut self, request: AgentRequest, reply: ReplySender) {
        self.request(SlotRequest::Call(request.clone()), Continuation::Call(request, reply));
    }

    /// Fails unless the agent can take a request: warm and not switching.
    fn require_warm(&self) -> Result<(), SlotError> {
        let word = match (&self.lifecycle, &self.state) {
            (ProcessLifecycle::Stopping { .. } | ProcessLifecycle::Closed, _) => "closing",
            (_, SlotState::Starting) => "starting",
            (_, SlotState::Switching { .. }) => "switching",
            (_, SlotState::Exited(_)) => "not running",
            (_, SlotState::Idle(_) | SlotState::Busy { .. }) => return Ok(()),
        };
        Err(SlotError::NotReady(word))
    }

    /// Fails unless the agent can take a request and supports this feature.
    fn require_feature(&self, feature: Feature) -> Result<(), SlotError> {
        self.require_warm()?;
        self.driver.capabilities().unsupported(feature).map_or(Ok(()), |why| Err(unsupported(why)))
    }

    fn submit(&mut self, uuid: String, text: String) {
        let for_next = matches!(self.state, SlotState::Switching { .. });
        self.prompts.push(uuid.clone(), text, for_next);
        self.emit_prompt(uuid, PromptState::Queued);
        self.send_prompts();
    }

    fn cancel(&mut self, uuid: String, reply: Reply<bool>) {
        match self.prompts.find(&uuid) {
            Some(PendingPrompt { sent: true, .. }) => {
                self.request(
                    SlotRequest::CancelPrompt(uuid.clone()),
                    Continuation::CancelPrompt(uuid, Some(reply)),
                );
            }
            Some(_) => {
                self.cancel_prompts(|prompt| prompt.uuid == uuid);
                reply_with(reply, Ok(true));
            }
            None => reply_with(reply, Ok(false)),
        }
    }

    /// Cancels the queued prompts that `selects` selects.
    pub(super) fn cancel_prompts(&mut self, selects: impl Fn(&PendingPrompt) -> bool) {
        for uuid in self.prompts.remove_where(selects) {
            self.emit_prompt(uuid, PromptState::Cancelled);
        }
    }

    /// Cancels the prompts for a session whose switch failed.
    pub(super) fn cancel_prompts_for_next(&mut self) {
        self.cancel_prompts(|prompt| prompt.for_next_session);
    }

    fn switch(&mut self, switch: Switch, interrupt: bool, reply: Reply<CompletedSwitch>) {
        let from = match (self.require_warm(), &self.active) {
            (Ok(()), Some(active)) => active.session,
            (no, _) => return reply_with(reply, no.and(Err(SlotError::NotReady("starting")))),
        };
        let ability = self.driver.capabilities().switch_support(&switch);
        if let SwitchSupport::Unsupported(why) = ability {
            return reply_with(reply, Err(unsupported(why)));
        }
        if ability == SwitchSupport::Standby && switch == Switch::Resume(from) {
            return reply_with(reply, Err(SlotError::refused("this session is already active")));
        }
        if let (SwitchSupport::Standby, Some(message)) = (ability, self.open_elsewhere(&switch)) {
            return reply_with(reply, Err(SlotError::refused_with(ErrorCode::SessionInUse, message)));
        }
        if !interrupt && (self.turn.is_some() || self.prompts.any_sent()) {
            return reply_with(reply, Err(SlotError::Busy));
        }
        // Prompts in the agent's queue belong to the session that is left and
        // must not run in the next one. The slot keeps them in case the switch
        // fails.
        for uuid in self.prompts.unsend() {
            self.request(SlotRequest::CancelPrompt(uuid.clone()), Continuation::CancelPrompt(uuid, None));
        }
        self.set_state(SlotState::Switching { from, switch: switch.clone() });
        if ability == SwitchSupport::Standby {
            return self.switch_to_standby(switch, interrupt, reply);
        }
        self.request(
            SlotRequest::Switch { switch: switch.clone(), interrupt },
            Continuation::Switch(switch, reply),
        );
    }

    fn answer_permission(&mut self, id: &str, decision: PermissionDecision, reply: Reply<()>) {
        let Some(at) = self.permissions.iter().position(|request| request.id == id) else {
            let gone = "this permission request is no longer open";
            return reply_with(reply, Err(SlotError::Disconnected(gone.to_owned())));
        };
        let request = self.permissions.remove(at);
        if let (PermissionDecision::AllowSession, Some(active), Some(scope)) =
            (&decision, &self.active, &request.session_scope)
        {
            self.grants.allow(active.session, scope.clone());
        }
        let denied = match decision {
            PermissionDecision::AllowOnce | PermissionDecision::AllowSession => None,
            PermissionDecision::Deny(why) => Some(why),
        };
        let events = self.driver.answer_permission(request, denied);
        self.apply_all(events);
        self.answer_by_grants();
        reply_with(reply, Ok(()));
    }

    fn restart(&mut self, seat: StartIn, reply: Reply<()>) {
        if matches!(
            self.lifecycle,
            ProcessLifecycle::Stopping { after: OnExit::Finish, .. } | ProcessLifecycle::Closed
        ) {
            return reply_with(reply, Err(SlotError::NotReady("closing")));
        }
        match seat {
            StartIn::Same => {}
            StartIn::New => self.set_start_session(None),
            StartIn::Stored(session) => self.set_start_session(Some(session)),
        }
        self.attempts = 0;
        self.fail_pending_switch(SlotError::NotReady("restarting"));
        if matches!(self.lifecycle, ProcessLifecycle::Stopped { .. }) {
            self.start_process();
        } else {
            self.stop_process(OnExit::Restart);
        }
        reply_with(reply, Ok(()));
    }

    /// The next process starts in another session; queued prompts are cancelled,
    /// because they were not meant for it.
    fn set_start_session(&mut self, session: Option<SessionId>) {
        self.cancel_prompts(|_| true);
        self.launch.resume = session;
        self.active = None;
    }

    /// Takes note of what the person chose to let run without asking.
    pub(super) fn mode_changed(&mut self, mode: PermissionMode) {
        self.launch.permission_mode = mode;
        self.session_mode = mode;
        self.kill_standbys();
        self.emit_agent(AgentEvent::ModeChanged(mode));
    }

    /// The agent reported its model.
    pub(super) fn model_changed(&mut self, model: String) {
        if let Some(active) = self.active.as_mut().filter(|active| active.model != model) {
            active.model.clone_from(&model);
            self.emit_agent(AgentEvent::ModelChanged(model));
        }
    }
}

/// The agent does not support it.
fn unsupported(why: &str) -> SlotError {
    SlotError::refused_with(ErrorCode::UnsupportedRequest, why)
}

/// Sends a reply. The caller may have gone away.
pub(super) fn reply_with<T>(reply: Reply<T>, result: Result<T, SlotError>) {
    reply.send(result).ok();
}
