//! Handles the agent's responses.

use std::time::Duration;

use tokio::time::Instant;

use super::background_processes::PendingSwitch;
use super::commands::reply_with;
use super::lifecycle::{OnExit, ProcessLifecycle};
use super::pending_requests::Continuation;
use super::{CurrentSession, PromptState, SlotEventKind, SlotMachine};
use crate::agent_api::{
    AgentCall, AgentReply, AgentRequest, MeasureContext, RenameSession, ReplySender, SetMode, SetModel,
};
use crate::slot::driver::{AgentResponse, SwitchResult};
use crate::slot::handle::Reply;
use crate::slot::{
    AgentInfo, CompletedSwitch, Feature, SlotError, SlotTotals, Switch, SwitchMethod, Transport,
};

impl SlotMachine {
    pub(super) fn handle_response(
        &mut self,
        then: Continuation,
        result: Result<AgentResponse, SlotError>,
        since: Instant,
    ) {
        match then {
            Continuation::Handshake => self.finish_handshake(result),
            Continuation::Done(reply) => reply_with(reply, result.map(drop)),
            Continuation::Switch(switch, reply) => self.finish_switch(&switch, result, reply, since),
            Continuation::Call(request, reply) => {
                let result = result.and_then(|response| match response {
                    AgentResponse::Reply(reply) => Ok(reply),
                    _ => Err(unexpected_response()),
                });
                if let Ok(reply) = &result {
                    self.request_done(request, reply);
                }
                reply.send(result);
            }
            Continuation::CancelPrompt(uuid, reply) => {
                let cancelled = matches!(result, Ok(AgentResponse::Cancelled(true)));
                if let Some(reply) = reply {
                    if cancelled {
                        self.cancel_prompts(|prompt| prompt.uuid == uuid);
                    }
                    reply_with(reply, result.map(|_| cancelled));
                }
            }
        }
    }

    /// What the slot itself takes note of when a request is done.
    fn request_done(&mut self, request: AgentRequest, reply: &AgentReply) {
        match (request, reply) {
            (AgentRequest::SetModel(SetModel { model: requested }), AgentReply::SetModel(reported)) => {
                self.kill_standbys();
                self.launch.model.clone_from(&requested);
                // Only the agent knows its default model; the next turn reports it.
                if let Some(model) = reported.clone().or(requested) {
                    self.model_changed(model);
                }
            }
            (AgentRequest::SetMode(SetMode { mode }), _) => self.mode_changed(mode),
            (_, AgentReply::MeasureContext(usage)) => {
                let percent = Some(usage.percent);
                if self.totals.context_percent != percent {
                    self.totals.context_percent = percent;
                    self.emit(SlotEventKind::TotalsChanged(self.totals));
                }
            }
            _ => {}
        }
    }

    /// Handles the response to the handshake.
    fn finish_handshake(&mut self, result: Result<AgentResponse, SlotError>) {
        // The process is already being stopped.
        if !matches!(self.lifecycle, ProcessLifecycle::Running { .. }) {
            return;
        }
        let (mut agent, totals) = match result {
            Ok(AgentResponse::Handshake(agent, totals)) => (*agent, totals),
            Ok(_) => return self.stop_process(OnExit::Retry(unexpected_response().to_string())),
            // The session could not be opened, but the agent works: retry with a
            // new session.
            Err(error @ SlotError::Refused { .. })
                if self.active.is_none() && self.launch.resume.is_some() =>
            {
                self.launch.resume = None;
                self.resume_refusal = Some(error.to_string());
                return self.stop_process(OnExit::Restart);
            }
            Err(error) => return self.stop_process(OnExit::Retry(error.to_string())),
        };
        if agent.pid == 0 {
            let leader = self.leader_pids.get(&self.process).copied().unwrap_or_default();
            agent.pid = match self.launch.transport {
                Transport::Pipes if leader > 0 => (self.probes.find_leaf)(leader),
                // Nothing stands before the program in a terminal.
                Transport::Pipes | Transport::Pty(_) => leader,
            };
        }
        // An agent does not always report it of a session that is resumed.
        if let Some(former) = self.active.as_ref().filter(|_| agent.model.is_empty()) {
            agent.model.clone_from(&former.model);
        }
        if let ProcessLifecycle::Running { warm } = &mut self.lifecycle {
            *warm = Some(self.now.at);
        }
        self.active = Some(CurrentSession {
            session: agent.session,
            transcript: agent.transcript.clone(),
            cwd: agent.cwd.clone(),
            pid: agent.pid,
            model: agent.model.clone(),
        });
        self.launch.permission_mode = agent.permission_mode;
        self.session_mode = agent.permission_mode;
        self.grants.clear();
        self.turn = None;
        self.emit(SlotEventKind::Ready(agent));
        if let Some(why) = self.resume_refusal.take() {
            self.emit(SlotEventKind::ResumeRefused(why));
        }
        self.settle();
        self.update_totals(totals);
        self.send_prompts();
    }

    /// Handles the response to a switch.
    fn finish_switch(
        &mut self,
        switch: &Switch,
        result: Result<AgentResponse, SlotError>,
        reply: Reply<CompletedSwitch>,
        since: Instant,
    ) {
        let (answered, from) = match (result, self.active.clone()) {
            // The active session is unknown now; only a restart makes it certain.
            (Err(SlotError::InvalidReply(why)), _) => {
                self.stop_process(OnExit::Retry(why.clone()));
                return reply_with(reply, Err(SlotError::Disconnected(why)));
            }
            (Ok(answered), Some(from)) => (answered, from),
            (result, _) => {
                let error = result.err().unwrap_or(SlotError::NotReady("starting"));
                return self.fail_switch(reply, error);
            }
        };
        match answered {
            AgentResponse::Switched(seated) => {
                self.leave_session();
                let same = seated.pid.is_none_or(|pid| pid == from.pid);
                let how = if same { SwitchMethod::InProcess } else { SwitchMethod::Standby };
                let switched = self.activate(from, switch.name(), how, *seated, self.now.at - since);
                reply_with(reply, Ok(switched));
            }
            _ => {
                self.stop_process(OnExit::Retry(unexpected_response().to_string()));
                reply_with(reply, Err(unexpected_response()));
            }
        }
    }

    /// A standby process becomes the active one.
    pub(super) fn activate_standby(
        &mut self,
        pending: PendingSwitch,
        (agent, totals): (AgentInfo, SlotTotals),
    ) {
        let PendingSwitch { switch, reply, since, was_ready, .. } = pending;
        let Some(from) = self.active.clone() else { return };
        if let Some(turn) = self.turn.take() {
            self.emit_prompt(turn.uuid, PromptState::Completed);
        }
        self.leave_session();
        self.lifecycle = ProcessLifecycle::Running { warm: Some(self.now.at) };
        let forked_from = matches!(switch, Switch::Fork { .. }).then(|| switch.source()).flatten();
        let session = agent.session;
        let seated = SwitchResult {
            session,
            forked_from,
            pid: Some(agent.pid),
            turns: 0,
            cwd: agent.cwd,
            transcript: agent.transcript,
            repaired: agent.repaired,
            totals,
        };
        let how = if was_ready { SwitchMethod::Standby } else { SwitchMethod::Cold };
        let switched = self.activate(from, switch.name(), how, seated, self.now.at - since);
        self.model_changed(agent.model);
        reply_with(reply, Ok(switched));
        if let Switch::Fork { title: Some(title), .. } = switch {
            self.call(RenameSession { session, title }.request(), ReplySender::logged("rename"));
        }
    }

    /// Cancels the prompts and the turn of the session that is left.
    fn leave_session(&mut self) {
        self.cancel_prompts(|prompt| !prompt.for_next_session);
        self.prompts.session_arrived();
        self.turn = None;
    }

    /// The former session stays active and gets its prompts back.
    pub(super) fn fail_switch(&mut self, reply: Reply<CompletedSwitch>, error: SlotError) {
        self.cancel_prompts_for_next();
        self.settle();
        self.send_prompts();
        reply_with(reply, Err(error));
    }

    /// Another session is active now.
    pub(super) fn activate(
        &mut self,
        from: CurrentSession,
        what: &'static str,
        how: SwitchMethod,
        seated: SwitchResult,
        took: Duration,
    ) -> CompletedSwitch {
        self.drop_permissions();
        self.grants.clear();
        let pid = seated.pid.unwrap_or(from.pid);
        self.active = Some(CurrentSession {
            session: seated.session,
            transcript: seated.transcript.clone(),
            cwd: seated.cwd.clone(),
            pid,
            model: from.model,
        });
        let switched = CompletedSwitch {
            kind: what,
            method: how,
            from: from.session,
            to: seated.session,
            forked_from: seated.forked_from,
            duration: took,
            pid,
            turns: seated.turns,
            cwd: seated.cwd,
            transcript: seated.transcript,
            repaired: seated.repaired,
        };
        self.epoch += 1;
        self.emit(SlotEventKind::Switched(switched.clone()));
        self.settle();
        self.update_totals(seated.totals);
        if how == SwitchMethod::InProcess {
            self.reset_session_mode();
        }
        self.session_mode = self.launch.permission_mode;
        self.send_prompts();
        switched
    }

    /// What one session was allowed must not hold in the next one of the process.
    fn reset_session_mode(&mut self) {
        let mode = self.launch.permission_mode;
        if self.session_mode != mode {
            self.call(SetMode { mode }.request(), ReplySender::nobody());
        }
    }

    /// Reports the session's totals and requests the size of its context.
    pub(super) fn update_totals(&mut self, totals: SlotTotals) {
        self.totals = totals;
        self.emit(SlotEventKind::TotalsChanged(totals));
        let measures = self.driver.capabilities().unsupported(Feature::Context).is_none();
        if self.is_warm() && measures {
            self.call(MeasureContext {}.request(), ReplySender::nobody());
        }
    }
}

/// A driver answered with the wrong kind of response.
fn unexpected_response() -> SlotError {
    SlotError::InvalidReply("the driver returned the wrong kind of response".to_owned())
}
