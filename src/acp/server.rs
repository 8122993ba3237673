//! The loop: handles messages from the editor and events from the slot in turn.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;

use agent_client_protocol_schema::v1::{Error, InitializeRequest, RequestId};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncWrite};

use super::AcpServerConfig;
use super::editor_connection::EditorConnection;
use super::handshake::initialize_response;
use super::permission::parse_decision;
use super::served_agent::ServedAgent;
use super::sessions::EditorSession;
use super::turn::{ServedTurn, WaitingPrompt};
use crate::protocol::json_rpc::{RpcMessage, method_not_found, parse_params};
use crate::protocol::{Incoming, LineReader};
use crate::session::SessionId;
use crate::slot::SlotEvent;

/// The state of one connection.
pub(super) struct EditorServer<W> {
    pub config: AcpServerConfig,
    pub editor: EditorConnection<W>,
    /// `None` before the first session.
    pub agent: Option<ServedAgent>,
    /// The sessions that the editor has open.
    pub sessions: HashMap<SessionId, EditorSession>,
    /// The running turn.
    pub turn: Option<ServedTurn>,
    /// Prompts to other sessions, which wait for the one process.
    pub queue: VecDeque<WaitingPrompt>,
}

impl<W: AsyncWrite + Unpin> EditorServer<W> {
    pub fn new(served: AcpServerConfig, output: W) -> Self {
        Self {
            config: served,
            editor: EditorConnection::new(output),
            agent: None,
            sessions: HashMap::new(),
            turn: None,
            queue: VecDeque::new(),
        }
    }

    /// Serves until the editor closes its input.
    pub async fn run(&mut self, input: impl AsyncBufRead + Unpin) -> io::Result<()> {
        let mut lines = LineReader::new(input);
        loop {
            tokio::select! {
                line = lines.next() => match line? {
                    Some(Incoming::Frame(message)) => self.handle_message(message).await?,
                    Some(Incoming::Garbage(_) | Incoming::TooLong) => {
                        self.editor.respond(RequestId::Null, Err(Error::parse_error())).await?;
                    }
                    None => return Ok(()),
                },
                event = next_event(self.agent.as_mut()) => match event {
                    Some(event) => self.handle_event(event).await?,
                    None => self.agent = None,
                },
            }
        }
    }

    /// Ends the agent process gracefully.
    pub async fn close(self) {
        if let Some(seat) = self.agent {
            seat.handle.close().await;
        }
    }

    async fn handle_message(&mut self, message: Value) -> io::Result<()> {
        match self.editor.receive(message) {
            RpcMessage::Request { id, method, params } if method == "session/prompt" => {
                self.prompt(id, params).await
            }
            RpcMessage::Request { id, method, params } => self.handle_request(id, &method, params).await,
            RpcMessage::Notification { method, params } => {
                if method == "session/cancel" {
                    self.cancel(params).await?;
                }
                Ok(())
            }
            RpcMessage::Response { then: permission, result } => {
                if let Some(seat) = &self.agent
                    && let Err(error) =
                        seat.handle.answer_permission(permission, parse_decision(result)).await
                {
                    tracing::info!(%error, "a permission answer came too late");
                }
                Ok(())
            }
            RpcMessage::Unexpected => Ok(()),
            RpcMessage::Invalid(error) => self.editor.respond(RequestId::Null, Err(error)).await,
        }
    }

    /// Handles all requests except prompts, which are answered at the end of their
    /// turn.
    async fn handle_request(&mut self, id: RequestId, method: &str, params: Value) -> io::Result<()> {
        let before = self.agent.as_ref().map(|seat| seat.info.session);
        let result = match method {
            "initialize" => {
                parse_params::<InitializeRequest>(params).and_then(|_| to_json(&initialize_response()))
            }
            "session/new" => self.new_session(params).await,
            "session/load" => self.load(params).await?,
            "session/resume" => self.resume(params).await,
            "session/fork" => self.fork(params).await,
            "session/list" => self.list(params).await,
            "session/close" => self.close_session(params).await?,
            "session/delete" => self.delete(params).await,
            "session/set_mode" => self.set_mode(params).await,
            other => Err(method_not_found(other)),
        };
        self.editor.respond(id, result).await?;
        self.send_commands(before).await
    }
}

/// A response as JSON.
pub(super) fn to_json(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|error| Error::internal_error().data(error.to_string()))
}

/// The slot's next event; `None` once it has ended.
async fn next_event(seat: Option<&mut ServedAgent>) -> Option<SlotEvent> {
    match seat {
        Some(seat) => seat.events.recv().await,
        None => pending().await,
    }
}
