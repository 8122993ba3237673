//! Handles what the agent reports on its own.

use super::{ActiveTurn, PromptState, SlotEffect, SlotMachine, SlotState};
use crate::agent_api::ResetDetails;
use crate::session::SessionId;
use crate::session::conversation::ConversationEvent;
use crate::slot::driver::{AgentEvent, DriverOutput, JsonLine, SwitchResult};
use crate::slot::{Feature, PermissionRequest, SessionScope, SlotTotals, SwitchMethod};

impl SlotMachine {
    /// Handles one line. Events of a session that is not active are stale and
    /// dropped.
    pub(super) fn handle_line(&mut self, line: JsonLine) {
        let (session, events) = self.driver.handle_message(line);
        let active = self.active.as_ref().map(|active| active.session);
        if session.is_some_and(|session| active != Some(session)) {
            // Only the count: a log must not contain conversation text.
            tracing::debug!(?session, event = events.len(), "dropped events of a session that is not active");
            return;
        }
        self.apply_all(events);
    }

    pub(super) fn apply(&mut self, output: DriverOutput) {
        match output {
            DriverOutput::SendLine(line) => self.effects.push(SlotEffect::SendLine(self.process, line)),
            DriverOutput::SendKeys(keys) => self.effects.push(SlotEffect::SendKeys(self.process, keys)),
            DriverOutput::Response { id, answer } => self.match_response(&id, answer),
            DriverOutput::ClientOp { op_id, folder, op } => {
                self.effects.push(SlotEffect::ClientOp { process: self.process, op_id, folder, op });
            }
            DriverOutput::SessionReset { to, what, details } => self.follow_reset(to, what, details),
            DriverOutput::TurnEnded { uuid, cost, totals } => {
                self.drop_permissions();
                if let Some(cost) = cost {
                    self.emit_change(uuid, ConversationEvent::TurnEnd(cost));
                }
                self.update_totals(SlotTotals { context_percent: self.totals.context_percent, ..totals });
            }
            DriverOutput::Idle => {
                self.turn = None;
                self.settle_unless_switching();
                // For agents that do not queue prompts themselves.
                self.send_prompts();
            }
            DriverOutput::Event(event) => self.handle_event(event),
        }
    }

    /// Takes note of an event and passes it on.
    fn handle_event(&mut self, event: AgentEvent) {
        match event {
            AgentEvent::PromptStateChanged { uuid, state } => self.update_prompt(uuid, state),
            AgentEvent::PermissionRequested(request) => self.permission_requested(request),
            AgentEvent::PermissionDropped(id) => {
                if let Some(at) = self.permissions.iter().position(|request| request.id == id) {
                    self.permissions.remove(at);
                    self.emit_agent(AgentEvent::PermissionDropped(id));
                }
            }
            AgentEvent::ModelChanged(model) => self.model_changed(model),
            AgentEvent::ModeChanged(mode) => {
                // The agent's own doing ends with the session: what starts after it,
                // standbys included, has the mode that the person chose.
                if self.session_mode != mode {
                    self.session_mode = mode;
                    // Where the slot cannot set it, a person has changed it there.
                    if self.driver.capabilities().unsupported(Feature::Mode).is_some() {
                        self.launch.permission_mode = mode;
                    }
                    self.emit_agent(AgentEvent::ModeChanged(mode));
                }
            }
            event @ (AgentEvent::ConversationChanged { .. }
            | AgentEvent::Retrying(_)
            | AgentEvent::McpServersChanged(..)
            | AgentEvent::SlashCommands(_)
            | AgentEvent::HistoryReplayed { .. }
            | AgentEvent::SessionsListed(_)) => self.emit_agent(event),
        }
    }

    /// Shows a permission request to a person, with what its files really are and
    /// what "for this session" would cover, unless that was answered before.
    fn permission_requested(&mut self, mut request: PermissionRequest) {
        if let Some(active) = &self.active {
            request.targets = (self.probes.resolve_targets)(&request.input, &active.cwd);
            request.session_scope = SessionScope::of(&request, &active.cwd);
        }
        if self.is_granted(&request) {
            let events = self.driver.answer_permission(request, None);
            return self.apply_all(events);
        }
        self.permissions.push(request.clone());
        self.emit_agent(AgentEvent::PermissionRequested(request));
    }

    fn is_granted(&self, request: &PermissionRequest) -> bool {
        let (scope, mode) = (request.session_scope.as_ref(), self.session_mode);
        self.active.as_ref().is_some_and(|active| self.grants.cover(active.session, scope, mode))
    }

    /// Answers the open requests that what a person has just allowed covers, too.
    pub(super) fn answer_by_grants(&mut self) {
        while let Some(at) = self.permissions.iter().position(|request| self.is_granted(request)) {
            let request = self.permissions.remove(at);
            self.emit_agent(AgentEvent::PermissionDropped(request.id.clone()));
            let events = self.driver.answer_permission(request, None);
            self.apply_all(events);
        }
    }

    fn emit_change(&mut self, uuid: String, change: ConversationEvent) {
        self.emit_agent(AgentEvent::ConversationChanged { uuid, change });
    }

    /// During a switch or the handshake, its response settles the state instead.
    fn settle_unless_switching(&mut self) {
        if matches!(self.state, SlotState::Idle(_) | SlotState::Busy { .. }) {
            self.settle();
        }
    }

    fn update_prompt(&mut self, uuid: String, state: PromptState) {
        match state {
            // Reported when it was submitted.
            PromptState::Queued | PromptState::Aborted => {}
            PromptState::Started => {
                let prompt = self.prompts.remove(&uuid);
                self.turn = Some(ActiveTurn { uuid: uuid.clone(), since: self.now.at });
                self.emit_prompt(uuid.clone(), state);
                if let Some(prompt) = prompt {
                    self.emit_change(uuid, ConversationEvent::Prompt(prompt.text));
                }
                self.settle_unless_switching();
            }
            PromptState::Completed => {
                self.prompts.remove(&uuid);
                self.finish_turn(uuid, state);
            }
            PromptState::Cancelled => match self.prompts.find(&uuid) {
                // The slot itself withdrew it from the agent and keeps it.
                Some(prompt) if !prompt.sent => {}
                Some(_) => self.cancel_prompts(|prompt| prompt.uuid == uuid),
                None => self.finish_turn(uuid, state),
            },
        }
    }

    fn finish_turn(&mut self, uuid: String, state: PromptState) {
        let over = self.turn.take_if(|turn| turn.uuid == uuid).is_some();
        if over || state == PromptState::Completed {
            self.emit_prompt(uuid, state);
        }
        self.settle_unless_switching();
    }

    /// The agent switched its session on its own, such as by a slash command in a
    /// prompt. A requested switch reports this too; its response says more.
    fn follow_reset(&mut self, to: SessionId, what: &'static str, details: Option<Box<ResetDetails>>) {
        if matches!(self.state, SlotState::Switching { .. }) {
            return;
        }
        let Some(from) = self.active.clone() else { return };
        let since = self.turn.as_ref().map_or(self.now.at, |turn| turn.since);
        let ResetDetails { transcript, cwd, took } = details.map_or_else(
            || ResetDetails {
                transcript: from.transcript.with_file_name(format!("{to}.jsonl")),
                cwd: from.cwd.clone(),
                took: None,
            },
            |details| *details,
        );
        let switched = SwitchResult {
            session: to,
            forked_from: (what == "fork").then_some(from.session),
            pid: None,
            turns: 0,
            cwd,
            transcript,
            repaired: None,
            totals: SlotTotals::default(),
        };
        let took = took.unwrap_or(self.now.at - since);
        self.activate(from, what, SwitchMethod::InProcess, switched, took);
    }
}
