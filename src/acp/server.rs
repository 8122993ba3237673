//! The loop: what the editor asks and what the slot tells, one after the other.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;

use agent_client_protocol_schema::v1::{Error, InitializeRequest, RequestId};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncWrite};

use super::Served;
use super::editor::{Editor, Message, parameters};
use super::handshake::introduction;
use super::permission::verdict;
use super::seat::Seat;
use super::sessions::Open;
use super::turn::{Turn, Waiting};
use crate::protocol::{Incoming, LineReader};
use crate::session::SessionId;
use crate::slot::SlotEvent;

/// All that is known while an editor is served.
pub(super) struct Server<W> {
    pub served: Served,
    pub editor: Editor<W>,
    /// None before the first session.
    pub seat: Option<Seat>,
    /// The sessions that the editor has open.
    pub open: HashMap<SessionId, Open>,
    /// The one that runs.
    pub turn: Option<Turn>,
    /// Prompts to other sessions: there is one process.
    pub waiting: VecDeque<Waiting>,
    /// Permission requests, by the id under which the editor was asked.
    pub asked: HashMap<RequestId, String>,
}

impl<W: AsyncWrite + Unpin> Server<W> {
    pub fn new(served: Served, output: W) -> Self {
        Self {
            served,
            editor: Editor::new(output),
            seat: None,
            open: HashMap::new(),
            turn: None,
            waiting: VecDeque::new(),
            asked: HashMap::new(),
        }
    }

    /// Serves until the editor's lines end.
    pub async fn run(&mut self, input: impl AsyncBufRead + Unpin) -> io::Result<()> {
        let mut lines = LineReader::new(input);
        loop {
            tokio::select! {
                line = lines.next() => match line? {
                    Some(Incoming::Frame(message)) => self.take(message).await?,
                    Some(Incoming::Garbage(_)) => {
                        self.editor.answer(RequestId::Null, Err(Error::parse_error())).await?;
                    }
                    None => return Ok(()),
                },
                event = news(self.seat.as_mut()) => match event {
                    Some(event) => self.hear(event).await?,
                    None => self.seat = None,
                },
            }
        }
    }

    /// Ends the process, gracefully.
    pub async fn close(self) {
        if let Some(seat) = self.seat {
            seat.handle.close().await;
        }
    }

    async fn take(&mut self, message: Value) -> io::Result<()> {
        match Message::of(message) {
            Ok(Message::Request { id, method, params }) if method == "session/prompt" => {
                self.prompt(id, params).await
            }
            Ok(Message::Request { id, method, params }) => self.request(id, &method, params).await,
            Ok(Message::Notification { method, params }) => {
                if method == "session/cancel" {
                    self.cancel(params).await?;
                }
                Ok(())
            }
            Ok(Message::Answer { id, result }) => {
                if let (Some(permission), Some(seat)) = (self.asked.remove(&id), &self.seat)
                    && let Err(error) = seat.handle.answer(permission, verdict(result)).await
                {
                    tracing::info!(%error, "an answer that came too late");
                }
                Ok(())
            }
            Err(error) => self.editor.answer(RequestId::Null, Err(error)).await,
        }
    }

    /// What is answered at once. (A prompt is answered when its turn is over.)
    async fn request(&mut self, id: RequestId, method: &str, params: Value) -> io::Result<()> {
        let before = self.seat.as_ref().map(|seat| seat.agent.session);
        let result = match method {
            "initialize" => parameters::<InitializeRequest>(params).and_then(|_| wire(&introduction())),
            "session/new" => self.new_session(params).await,
            "session/load" => self.load(params).await?,
            "session/resume" => self.resume(params).await,
            "session/fork" => self.fork(params).await,
            "session/list" => self.list(params).await,
            "session/close" => self.close_session(params).await?,
            "session/delete" => self.delete(params).await,
            "session/set_mode" => self.set_mode(params).await,
            other => Err(Error::method_not_found().data(format!("hotseat has no method {other}"))),
        };
        self.editor.answer(id, result).await?;
        self.tell_commands(before).await
    }
}

/// An answer as the wire has it. Answers hold text, numbers and JSON.
pub(super) fn wire(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|error| Error::internal_error().data(error.to_string()))
}

/// The slot's next news; none once it is over.
async fn news(seat: Option<&mut Seat>) -> Option<SlotEvent> {
    match seat {
        Some(seat) => seat.news.recv().await,
        None => pending().await,
    }
}
