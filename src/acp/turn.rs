//! Turns: one runs at a time; prompts to other sessions wait for it.

use std::io;

use agent_client_protocol_schema::v1::{
    CLIENT_METHOD_NAMES, CancelNotification, CurrentModeUpdate, Error, PromptRequest, PromptResponse,
    RequestId, SessionUpdate, StopReason,
};
use serde_json::Value;
use tokio::io::AsyncWrite;
use uuid::Uuid;

use super::served_agent::{internal_error, slot_error};
use super::server::{EditorServer, to_json};
use super::updates::UpdateBuilder;
use super::{permission, prompt};
use crate::protocol::json_rpc::parse_params;
use crate::session::SessionId;
use crate::slot::{
    AgentEvent, PermissionRequest, ProcessExit, PromptState, SlotEvent, SlotEventKind, SlotState,
};

/// A running turn.
pub(super) struct ServedTurn {
    /// The prompt request, answered when the turn ends.
    id: RequestId,
    pub session: SessionId,
    /// The prompt's uuid in the slot.
    uuid: String,
    /// The editor has cancelled it.
    cancelled: bool,
    updates: UpdateBuilder,
}

/// A prompt that waits for another session's turn.
pub(super) struct WaitingPrompt {
    id: RequestId,
    session: SessionId,
    text: String,
}

impl<W: AsyncWrite + Unpin> EditorServer<W> {
    /// Queues a prompt and starts its turn if none runs.
    pub(super) async fn prompt(&mut self, id: RequestId, params: Value) -> io::Result<()> {
        match self.parse_prompt(params) {
            Ok((session, text)) => self.queue.push_back(WaitingPrompt { id, session, text }),
            Err(error) => self.editor.respond(id, Err(error)).await?,
        }
        self.start_next().await
    }

    fn parse_prompt(&self, params: Value) -> Result<(SessionId, String), Error> {
        let request: PromptRequest = parse_params(params)?;
        let session = self.require_open(&request.session_id.0)?;
        if self.is_busy(session) {
            let reason =
                "a turn of this session is already running or queued: cancel it or wait for it to end";
            return Err(Error::invalid_request().data(reason));
        }
        Ok((session, prompt::prompt_text(request.prompt)?))
    }

    /// Whether a turn of this session runs or waits.
    pub(super) fn is_busy(&self, session: SessionId) -> bool {
        let runs = self.turn.as_ref().is_some_and(|turn| turn.session == session);
        runs || self.queue.iter().any(|waiting| waiting.session == session)
    }

    async fn start_next(&mut self) -> io::Result<()> {
        while self.turn.is_none() {
            let Some(WaitingPrompt { id, session, text }) = self.queue.pop_front() else { return Ok(()) };
            let before = self.agent.as_ref().map(|seat| seat.info.session);
            match self.start_turn(session, text).await {
                Ok(uuid) => {
                    self.turn = Some(ServedTurn {
                        id,
                        session,
                        uuid,
                        cancelled: false,
                        updates: UpdateBuilder::default(),
                    });
                    self.send_commands(before).await?;
                }
                Err(error) => self.editor.respond(id, Err(error)).await?,
            }
        }
        Ok(())
    }

    async fn start_turn(&mut self, session: SessionId, text: String) -> Result<String, Error> {
        self.activate(session).await?;
        let Some(seat) = &self.agent else { return Err(internal_error("the agent has ended")) };
        let uuid = Uuid::new_v4().to_string();
        seat.handle.submit(uuid.clone(), text).await.map_err(|error| slot_error(&error))?;
        Ok(uuid)
    }

    /// `session/cancel`. One for an unknown session is ignored.
    pub(super) async fn cancel(&mut self, params: Value) -> io::Result<()> {
        match parse_params(params)
            .and_then(|cancel: CancelNotification| self.require_open(&cancel.session_id.0))
        {
            Ok(session) => self.cancel_session(session).await,
            Err(_) => Ok(()),
        }
    }

    /// Cancels the running turn and the waiting prompt of a session.
    pub(super) async fn cancel_session(&mut self, session: SessionId) -> io::Result<()> {
        if let Some(at) = self.queue.iter().position(|waiting| waiting.session == session)
            && let Some(waiting) = self.queue.remove(at)
        {
            self.editor.respond(waiting.id, to_json(&PromptResponse::new(StopReason::Cancelled))).await?;
        }
        let running = self.turn.as_mut().filter(|turn| turn.session == session);
        if let (Some(turn), Some(seat)) = (running, &self.agent) {
            turn.cancelled = true;
            let (handle, uuid) = (seat.handle.clone(), turn.uuid.clone());
            // In a task: events must still be read while the slot replies.
            tokio::spawn(async move {
                // A prompt that has not started has no turn to interrupt.
                if !handle.cancel(uuid).await.unwrap_or(false)
                    && let Err(error) = handle.interrupt().await
                {
                    tracing::warn!(%error, "the turn was not interrupted");
                }
            });
        }
        Ok(())
    }

    /// Handles an event of the slot.
    pub(super) async fn handle_event(&mut self, event: SlotEvent) -> io::Result<()> {
        match event.kind {
            SlotEventKind::Agent(AgentEvent::ConversationChanged { change, .. }) => {
                let Some(turn) = self.turn.as_mut().filter(|turn| event.session == Some(turn.session)) else {
                    return Ok(());
                };
                let session = turn.session;
                for update in turn.updates.push(change) {
                    self.editor.send_update(session, update).await?;
                }
            }
            SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state }) => {
                return self.prompt_moved(&uuid, state).await;
            }
            SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => {
                return self.ask_permission(&request).await;
            }
            SlotEventKind::Agent(AgentEvent::PermissionDropped(id)) => {
                self.editor.forget(&id);
            }
            SlotEventKind::Agent(AgentEvent::ModeChanged(mode)) => {
                let Some(seat) = self.agent.as_mut().filter(|seat| seat.mode != mode) else { return Ok(()) };
                seat.mode = mode;
                let session = seat.info.session;
                if let Some(open) = self.sessions.get_mut(&session) {
                    open.mode = mode;
                    let update = CurrentModeUpdate::new(mode.wire_name());
                    self.editor.send_update(session, SessionUpdate::CurrentModeUpdate(update)).await?;
                }
            }
            SlotEventKind::Ready(agent) => {
                if let Some(seat) = &mut self.agent {
                    seat.info = agent;
                }
            }
            SlotEventKind::StateChanged(SlotState::Exited(ProcessExit {
                reason, restart_in: None, ..
            })) => {
                if let Some(seat) = &mut self.agent {
                    seat.stopped = true;
                }
                self.finish_turn(Err(internal_error(&format!("the agent ended: {reason}")))).await?;
            }
            SlotEventKind::StateChanged(_)
            | SlotEventKind::ResumeRefused(_)
            | SlotEventKind::Switched(_)
            | SlotEventKind::TotalsChanged(_)
            | SlotEventKind::Prewarmed(_)
            | SlotEventKind::Agent(
                AgentEvent::Retrying(_)
                | AgentEvent::McpServersChanged(..)
                | AgentEvent::SlashCommands(_)
                | AgentEvent::HistoryReplayed { .. }
                | AgentEvent::SessionsListed(_)
                | AgentEvent::ModelChanged(_),
            ) => {}
        }
        Ok(())
    }

    async fn ask_permission(&mut self, request: &PermissionRequest) -> io::Result<()> {
        let Some(turn) = &self.turn else { return Ok(()) };
        let call = turn.updates.find_call(&request.tool, &request.input).unwrap_or(&request.id);
        let question = permission::permission_request(turn.session, call, request);
        let method = CLIENT_METHOD_NAMES.session_request_permission;
        self.editor.request(method, &question, request.id.clone()).await
    }

    async fn prompt_moved(&mut self, uuid: &str, state: PromptState) -> io::Result<()> {
        let Some(turn) = self.turn.as_ref().filter(|turn| turn.uuid == uuid) else { return Ok(()) };
        let reason = if turn.cancelled { StopReason::Cancelled } else { StopReason::EndTurn };
        match state {
            PromptState::Queued | PromptState::Started => Ok(()),
            PromptState::Completed => self.finish_turn(to_json(&PromptResponse::new(reason))).await,
            PromptState::Cancelled => {
                self.finish_turn(to_json(&PromptResponse::new(StopReason::Cancelled))).await
            }
            PromptState::Aborted => {
                self.finish_turn(Err(internal_error(
                    "the agent ended during this turn: send the prompt again",
                )))
                .await
            }
        }
    }

    /// Answers the turn's request and starts the next turn.
    async fn finish_turn(&mut self, result: Result<Value, Error>) -> io::Result<()> {
        if let Some(turn) = self.turn.take() {
            self.editor.respond(turn.id, result).await?;
        }
        // Boxed because starting the next turn may fail and end here again.
        Box::pin(self.start_next()).await
    }
}
