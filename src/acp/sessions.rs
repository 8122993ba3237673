//! What an editor does with sessions: open, list, close, delete.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use agent_client_protocol_schema::v1::{
    AvailableCommandsUpdate, CloseSessionRequest, CloseSessionResponse, DeleteSessionRequest,
    DeleteSessionResponse, Error, ForkSessionRequest, ForkSessionResponse, LoadSessionRequest,
    LoadSessionResponse, McpServer, NewSessionRequest, NewSessionResponse, ResumeSessionRequest,
    ResumeSessionResponse, SessionUpdate, SetSessionModeRequest, SetSessionModeResponse,
};
use serde_json::Value;
use tokio::io::AsyncWrite;

use super::editor::parameters;
use super::handshake::modes;
use super::seat::{Seat, internal};
use super::server::{Server, wire};
use super::{listing, prompt, said};
use crate::protocol::PermissionMode;
use crate::session::conversation::Conversation;
use crate::session::{SessionId, Transcript};
use crate::slot::{Launch, Switch};
use crate::store::{Fork, SessionStore, StoreError};

/// A session that the editor has open.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// What may run without asking.
    pub mode: PermissionMode,
    /// The MCP servers the editor wants in it.
    pub servers: Vec<McpServer>,
}

/// What is answered to a request.
type Answered = Result<Value, Error>;

impl<W: AsyncWrite + Unpin> Server<W> {
    /// A session has its id before anything is said in it, so it needs no seat
    /// while a turn of another one runs.
    pub(super) async fn new_session(&mut self, params: Value) -> Answered {
        let request: NewSessionRequest = parameters(params)?;
        let session = SessionId::random();
        self.open(session, request.cwd, request.mcp_servers).await?;
        wire(&NewSessionResponse::new(session.to_string()).modes(modes(self.mode(session))))
    }

    /// The history is told before the answer. An error of the outer kind is the
    /// editor's stream's.
    pub(super) async fn load(&mut self, params: Value) -> io::Result<Answered> {
        let loaded = async {
            let request: LoadSessionRequest = parameters(params)?;
            let session = self.known(&request.session_id.0)?;
            self.open(session, request.cwd, request.mcp_servers).await?;
            let history = self.with_store(move |store| match store.read(session) {
                Err(StoreError::NotFound(_)) => Ok(Conversation::default()),
                read => Ok(Conversation::of(&Transcript::parse(&read?))),
            });
            Ok((session, history.await?))
        };
        let (session, history) = match loaded.await {
            Ok(loaded) => loaded,
            Err(error) => return Ok(Err(error)),
        };
        for update in said::replay(&history) {
            self.editor.update(session, update).await?;
        }
        Ok(wire(&LoadSessionResponse::new().modes(modes(self.mode(session)))))
    }

    pub(super) async fn resume(&mut self, params: Value) -> Answered {
        let request: ResumeSessionRequest = parameters(params)?;
        let session = self.known(&request.session_id.0)?;
        self.open(session, request.cwd, request.mcp_servers).await?;
        wire(&ResumeSessionResponse::new().modes(modes(self.mode(session))))
    }

    /// The store copies, so that a fork too needs no seat while a turn runs.
    pub(super) async fn fork(&mut self, params: Value) -> Answered {
        let request: ForkSessionRequest = parameters(params)?;
        let source = self.known(&request.session_id.0)?;
        let cwd = request.cwd.clone();
        let copied = self.with_store(move |store| {
            store.fork(source, &Fork { cwd: Some(&cwd), repair: true, ..Fork::default() })
        });
        let copy = copied.await?.id;
        self.open(copy, request.cwd, request.mcp_servers).await?;
        wire(&ForkSessionResponse::new(copy.to_string()).modes(modes(self.mode(copy))))
    }

    pub(super) async fn list(&mut self, params: Value) -> Answered {
        let request = parameters(params)?;
        let (store, index) = (Arc::clone(&self.served.store), self.served.index.clone());
        let listed = tokio::task::spawn_blocking(move || listing::page(store, &index, request)).await;
        wire(&listed.map_err(|error| internal(&error.to_string()))??)
    }

    /// What runs in it is stopped, and answered as that when it is over.
    pub(super) async fn close_session(&mut self, params: Value) -> io::Result<Answered> {
        let session = match parameters(params)
            .and_then(|request: CloseSessionRequest| self.opened(&request.session_id.0))
        {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        self.stop(session).await?;
        self.open.remove(&session);
        Ok(wire(&CloseSessionResponse::new()))
    }

    /// To the trash, from which `hotseat sessions restore` brings it back.
    pub(super) async fn delete(&mut self, params: Value) -> Answered {
        let request: DeleteSessionRequest = parameters(params)?;
        let session = self.known(&request.session_id.0)?;
        if self.is_busy(session) {
            return Err(
                Error::invalid_request().data("a turn of this session runs or waits: cancel it first")
            );
        }
        if let Some(seat) = self.seat.as_mut().filter(|seat| seat.agent.session == session) {
            seat.switch(Switch::Clear).await?;
        }
        self.with_store(move |store| match store.delete(session) {
            // Nothing was said in it.
            Err(StoreError::NotFound(_)) => Ok(()),
            deleted => deleted,
        })
        .await?;
        self.open.remove(&session);
        wire(&DeleteSessionResponse::new())
    }

    pub(super) async fn set_mode(&mut self, params: Value) -> Answered {
        let request: SetSessionModeRequest = parameters(params)?;
        let session = self.opened(&request.session_id.0)?;
        let mode = request.mode_id.0.parse().map_err(|error: String| Error::invalid_params().data(error))?;
        if let Some(seat) = self.seat.as_mut().filter(|seat| seat.agent.session == session) {
            seat.permit(mode).await?;
        }
        if let Some(open) = self.open.get_mut(&session) {
            open.mode = mode;
        }
        wire(&SetSessionModeResponse::new())
    }

    /// Gives a session the seat: in the process that runs, unless it has other
    /// MCP servers.
    pub(super) async fn take_seat(&mut self, session: SessionId) -> Result<(), Error> {
        let Some(Open { cwd, mode, servers }) = self.open.get(&session).cloned() else {
            return Err(unknown(&session.to_string()));
        };
        if let Some(former) = self.seat.take_if(|seat| seat.dead || seat.servers != servers) {
            former.handle.close().await;
        }
        let seat = match &mut self.seat {
            Some(seat) => seat,
            none => {
                let launch = Launch { cwd: cwd.clone(), ..self.served.launch.clone() };
                none.insert(Seat::start(launch, servers).await?)
            }
        };
        if seat.agent.session != session {
            seat.switch(Switch::Begin { session, cwd }).await?;
        }
        seat.permit(mode).await
    }

    /// Tells the commands of a session that has just taken the seat.
    pub(super) async fn tell_commands(&mut self, before: Option<SessionId>) -> io::Result<()> {
        let Some(agent) = self.seat.as_ref().map(|seat| &seat.agent) else { return Ok(()) };
        let session = agent.session;
        if before == Some(session) || !self.open.contains_key(&session) {
            return Ok(());
        }
        let update = AvailableCommandsUpdate::new(prompt::commands(&agent.commands));
        self.editor.update(session, SessionUpdate::AvailableCommandsUpdate(update)).await
    }

    async fn open(&mut self, session: SessionId, cwd: PathBuf, servers: Vec<McpServer>) -> Result<(), Error> {
        if !cwd.is_absolute() || !cwd.is_dir() {
            let reason = format!("cwd must be a folder that exists, by its whole path: {}", cwd.display());
            return Err(Error::invalid_params().data(reason));
        }
        let cwd = cwd.canonicalize().unwrap_or(cwd);
        let mode = self.mode(session);
        self.open.insert(session, Open { cwd, mode, servers });
        if self.turn.is_some() {
            return Ok(());
        }
        let seated = self.take_seat(session).await;
        if seated.is_err() {
            self.open.remove(&session);
        }
        seated
    }

    fn mode(&self, session: SessionId) -> PermissionMode {
        self.open.get(&session).map_or(self.served.launch.permission_mode, |open| open.mode)
    }

    /// A session that the editor has open.
    pub(super) fn opened(&self, id: &str) -> Result<SessionId, Error> {
        let session = id.parse().ok().filter(|session| self.open.contains_key(session));
        session.ok_or_else(|| unknown(id))
    }

    /// A session that the editor has open, or that is stored.
    fn known(&self, id: &str) -> Result<SessionId, Error> {
        let session: SessionId = id.parse().map_err(|_| unknown(id))?;
        let known = self.open.contains_key(&session) || self.served.store.find(session).is_ok();
        known.then_some(session).ok_or_else(|| unknown(id))
    }

    /// Has the store do something that may take a while.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SessionStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.served.store);
        let done = tokio::task::spawn_blocking(move || work(&*store)).await;
        let done = done.map_err(|error| internal(&error.to_string()))?;
        done.map_err(|error| internal(&error.to_string()))
    }
}

fn unknown(id: &str) -> Error {
    let id: String = id.chars().take(80).collect();
    let code = Error::resource_not_found(None).code.into();
    Error::new(code, format!("no session “{id}” is open here: session/list has those that can be loaded"))
}
