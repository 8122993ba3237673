//! Turns: one runs, prompts to other sessions wait for it.

use std::io;

use agent_client_protocol_schema::v1::{
    CLIENT_METHOD_NAMES, CancelNotification, CurrentModeUpdate, Error, PromptRequest, PromptResponse,
    RequestId, SessionUpdate, StopReason,
};
use serde_json::Value;
use tokio::io::AsyncWrite;
use uuid::Uuid;

use super::editor::parameters;
use super::said::Said;
use super::seat::{internal, refused};
use super::server::{Server, wire};
use super::{permission, prompt};
use crate::session::SessionId;
use crate::slot::{Exit, News, PermissionRequest, PromptState, SlotEvent, SlotState};

/// A turn that runs.
pub(super) struct Turn {
    /// The request that its end answers.
    id: RequestId,
    pub session: SessionId,
    /// The prompt, as the slot knows it.
    uuid: String,
    /// The editor wants it to stop.
    cancelled: bool,
    said: Said,
}

/// A prompt that waits for another session's turn.
pub(super) struct Waiting {
    id: RequestId,
    session: SessionId,
    text: String,
}

impl<W: AsyncWrite + Unpin> Server<W> {
    /// Takes a prompt; its turn begins now, or after those before it.
    pub(super) async fn prompt(&mut self, id: RequestId, params: Value) -> io::Result<()> {
        match self.understand(params) {
            Ok((session, text)) => self.waiting.push_back(Waiting { id, session, text }),
            Err(error) => self.editor.answer(id, Err(error)).await?,
        }
        self.begin_next().await
    }

    fn understand(&self, params: Value) -> Result<(SessionId, String), Error> {
        let request: PromptRequest = parameters(params)?;
        let session = self.opened(&request.session_id.0)?;
        if self.is_busy(session) {
            let reason = "a turn of this session runs or waits already: cancel it, or wait for its end";
            return Err(Error::invalid_request().data(reason));
        }
        Ok((session, prompt::text(request.prompt)?))
    }

    /// Whether a turn of this session runs or waits.
    pub(super) fn is_busy(&self, session: SessionId) -> bool {
        let runs = self.turn.as_ref().is_some_and(|turn| turn.session == session);
        runs || self.waiting.iter().any(|waiting| waiting.session == session)
    }

    async fn begin_next(&mut self) -> io::Result<()> {
        while self.turn.is_none() {
            let Some(Waiting { id, session, text }) = self.waiting.pop_front() else { return Ok(()) };
            let before = self.seat.as_ref().map(|seat| seat.agent.session);
            match self.begin(session, text).await {
                Ok(uuid) => {
                    self.turn = Some(Turn { id, session, uuid, cancelled: false, said: Said::default() });
                    self.tell_commands(before).await?;
                }
                Err(error) => self.editor.answer(id, Err(error)).await?,
            }
        }
        Ok(())
    }

    async fn begin(&mut self, session: SessionId, text: String) -> Result<String, Error> {
        self.take_seat(session).await?;
        let Some(seat) = &self.seat else { return Err(internal("the agent has ended")) };
        let uuid = Uuid::new_v4().to_string();
        seat.handle.submit(uuid.clone(), text).await.map_err(|error| refused(&error))?;
        Ok(uuid)
    }

    /// The editor's notification; one about another session is nobody's mistake.
    pub(super) async fn cancel(&mut self, params: Value) -> io::Result<()> {
        match parameters(params).and_then(|cancel: CancelNotification| self.opened(&cancel.session_id.0)) {
            Ok(session) => self.stop(session).await,
            Err(_) => Ok(()),
        }
    }

    /// Stops what runs or waits of a session.
    pub(super) async fn stop(&mut self, session: SessionId) -> io::Result<()> {
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.session == session)
            && let Some(waiting) = self.waiting.remove(at)
        {
            self.editor.answer(waiting.id, wire(&PromptResponse::new(StopReason::Cancelled))).await?;
        }
        let running = self.turn.as_mut().filter(|turn| turn.session == session);
        if let (Some(turn), Some(seat)) = (running, &self.seat) {
            turn.cancelled = true;
            let (handle, uuid) = (seat.handle.clone(), turn.uuid.clone());
            // Its news must be read while the slot answers.
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

    /// Takes news of the slot.
    pub(super) async fn hear(&mut self, event: SlotEvent) -> io::Result<()> {
        match event.news {
            News::Conversation { change, .. } => {
                let Some(turn) = self.turn.as_mut().filter(|turn| event.session == Some(turn.session)) else {
                    return Ok(());
                };
                let session = turn.session;
                for update in turn.said.take(change) {
                    self.editor.update(session, update).await?;
                }
            }
            News::Prompt { uuid, state } => return self.moved(&uuid, state).await,
            News::Permission(request) => return self.ask_permission(&request).await,
            News::PermissionDropped { id } => self.asked.retain(|_, permission| *permission != id),
            News::Mode(mode) => {
                let Some(seat) = self.seat.as_mut().filter(|seat| seat.mode != mode) else { return Ok(()) };
                seat.mode = mode;
                let session = seat.agent.session;
                if let Some(open) = self.open.get_mut(&session) {
                    open.mode = mode;
                    let update = CurrentModeUpdate::new(mode.wire_name());
                    self.editor.update(session, SessionUpdate::CurrentModeUpdate(update)).await?;
                }
            }
            News::Ready(agent) => {
                if let Some(seat) = &mut self.seat {
                    seat.agent = agent;
                }
            }
            News::State(SlotState::Exited(Exit { reason, restart_in: None, .. })) => {
                if let Some(seat) = &mut self.seat {
                    seat.dead = true;
                }
                self.end(Err(internal(&format!("the agent ended: {reason}")))).await?;
            }
            News::State(_)
            | News::Refused(_)
            | News::Switched(_)
            | News::Retry(_)
            | News::Totals(_)
            | News::Prepared(_)
            | News::Servers(..)
            | News::Commands(_)
            | News::Replay { .. }
            | News::Sessions(_)
            | News::Model(_) => {}
        }
        Ok(())
    }

    async fn ask_permission(&mut self, request: &PermissionRequest) -> io::Result<()> {
        let Some(turn) = &self.turn else { return Ok(()) };
        let call = turn.said.call(&request.tool, &request.input).unwrap_or(&request.id);
        let question = permission::question(turn.session, call, request);
        let id = self.editor.ask(CLIENT_METHOD_NAMES.session_request_permission, &question).await?;
        self.asked.insert(id, request.id.clone());
        Ok(())
    }

    async fn moved(&mut self, uuid: &str, state: PromptState) -> io::Result<()> {
        let Some(turn) = self.turn.as_ref().filter(|turn| turn.uuid == uuid) else { return Ok(()) };
        let reason = if turn.cancelled { StopReason::Cancelled } else { StopReason::EndTurn };
        match state {
            PromptState::Queued | PromptState::Started => Ok(()),
            PromptState::Completed => self.end(wire(&PromptResponse::new(reason))).await,
            PromptState::Cancelled => self.end(wire(&PromptResponse::new(StopReason::Cancelled))).await,
            PromptState::CutOff => {
                self.end(Err(internal("the agent ended in the middle of this turn: prompt again"))).await
            }
        }
    }

    /// The turn is over, and another may begin.
    async fn end(&mut self, result: Result<Value, Error>) -> io::Result<()> {
        if let Some(turn) = self.turn.take() {
            self.editor.answer(turn.id, result).await?;
        }
        // Boxed, for a turn that cannot begin ends too.
        Box::pin(self.begin_next()).await
    }
}
