//! The session methods: new, load, resume, fork, list, close, delete.

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

use super::handshake::mode_state;
use super::served_agent::{ServedAgent, internal_error};
use super::server::{EditorServer, to_json};
use super::{prompt, session_list, updates};
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::parse_params;
use crate::session::conversation::Conversation;
use crate::session::{SessionId, Transcript};
use crate::slot::{Launch, Switch};
use crate::store::{ForkSpec, SessionStore, StoreError};
use crate::transcript::TranscriptText;

/// A session that the editor has open.
#[derive(Debug, Clone)]
pub(super) struct EditorSession {
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// Which tools may run without asking.
    pub mode: PermissionMode,
    /// The MCP servers the editor wants in it.
    pub servers: Vec<McpServer>,
}

/// The result of a request.
type RpcResult = Result<Value, Error>;

impl<W: AsyncWrite + Unpin> EditorServer<W> {
    /// Creates a session. Its id is chosen here, so it needs no process while a turn
    /// of another session runs.
    pub(super) async fn new_session(&mut self, params: Value) -> RpcResult {
        let request: NewSessionRequest = parse_params(params)?;
        let session = SessionId::random();
        self.open_session(session, request.cwd, request.mcp_servers).await?;
        to_json(&NewSessionResponse::new(session.to_string()).modes(mode_state(self.mode(session))))
    }

    /// Opens a session and sends its history before the response. The outer error is
    /// one of the editor's stream.
    pub(super) async fn load(&mut self, params: Value) -> io::Result<RpcResult> {
        let loaded = async {
            let request: LoadSessionRequest = parse_params(params)?;
            let session = self.require_known(&request.session_id.0).await?;
            self.open_session(session, request.cwd, request.mcp_servers).await?;
            let history = self.with_store(move |store| match store.read(session) {
                Err(StoreError::NotFound(_)) => Ok(Conversation::default()),
                read => Ok(Conversation::from_transcript(&Transcript::read(&TranscriptText::read(&read?)))),
            });
            Ok((session, history.await?))
        };
        let (session, history) = match loaded.await {
            Ok(loaded) => loaded,
            Err(error) => return Ok(Err(error)),
        };
        for update in updates::replay(&history) {
            self.editor.send_update(session, update).await?;
        }
        Ok(to_json(&LoadSessionResponse::new().modes(mode_state(self.mode(session)))))
    }

    pub(super) async fn resume(&mut self, params: Value) -> RpcResult {
        let request: ResumeSessionRequest = parse_params(params)?;
        let session = self.require_known(&request.session_id.0).await?;
        self.open_session(session, request.cwd, request.mcp_servers).await?;
        to_json(&ResumeSessionResponse::new().modes(mode_state(self.mode(session))))
    }

    /// Forks a session. The store makes the copy, so this works while a turn runs.
    pub(super) async fn fork(&mut self, params: Value) -> RpcResult {
        let request: ForkSessionRequest = parse_params(params)?;
        let source = self.require_known(&request.session_id.0).await?;
        let cwd = request.cwd.clone();
        let copied = self.with_store(move |store| {
            store.fork(source, &ForkSpec { cwd: Some(&cwd), repair: true, ..ForkSpec::default() })
        });
        let copy = copied.await?.id;
        self.open_session(copy, request.cwd, request.mcp_servers).await?;
        to_json(&ForkSessionResponse::new(copy.to_string()).modes(mode_state(self.mode(copy))))
    }

    pub(super) async fn list(&mut self, params: Value) -> RpcResult {
        let request = parse_params(params)?;
        let (store, index) = (Arc::clone(&self.config.store), self.config.index.clone());
        to_json(&run_blocking(move || session_list::list_page(store, &index, request)).await??)
    }

    /// Closes a session. A running turn is cancelled, and answered when it ends.
    pub(super) async fn close_session(&mut self, params: Value) -> io::Result<RpcResult> {
        let session = match parse_params(params)
            .and_then(|request: CloseSessionRequest| self.require_open(&request.session_id.0))
        {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        self.cancel_session(session).await?;
        self.sessions.remove(&session);
        Ok(to_json(&CloseSessionResponse::new()))
    }

    /// Moves a session to the trash; `hotseat sessions restore` brings it back.
    pub(super) async fn delete(&mut self, params: Value) -> RpcResult {
        let request: DeleteSessionRequest = parse_params(params)?;
        let session = self.require_known(&request.session_id.0).await?;
        if self.is_busy(session) {
            return Err(
                Error::invalid_request().data("a turn of this session is running or queued: cancel it first")
            );
        }
        if let Some(seat) = self.agent.as_mut().filter(|seat| seat.info.session == session) {
            seat.switch(Switch::Clear).await?;
        }
        self.with_store(move |store| match store.delete(session) {
            // An empty session has no transcript.
            Err(StoreError::NotFound(_)) => Ok(()),
            deleted => deleted,
        })
        .await?;
        self.sessions.remove(&session);
        to_json(&DeleteSessionResponse::new())
    }

    pub(super) async fn set_mode(&mut self, params: Value) -> RpcResult {
        let request: SetSessionModeRequest = parse_params(params)?;
        let session = self.require_open(&request.session_id.0)?;
        let mode = request.mode_id.0.parse().map_err(|error: String| Error::invalid_params().data(error))?;
        if let Some(seat) = self.agent.as_mut().filter(|seat| seat.info.session == session) {
            seat.set_mode(mode).await?;
        }
        if let Some(open) = self.sessions.get_mut(&session) {
            open.mode = mode;
        }
        to_json(&SetSessionModeResponse::new())
    }

    /// Makes a session active, in the running process unless its MCP servers differ.
    pub(super) async fn activate(&mut self, session: SessionId) -> Result<(), Error> {
        let Some(EditorSession { cwd, mode, servers }) = self.sessions.get(&session).cloned() else {
            return Err(unknown_session(&session.to_string()));
        };
        if let Some(former) = self.agent.take_if(|seat| seat.stopped || seat.servers != servers) {
            former.handle.close().await;
        }
        let seat = match &mut self.agent {
            Some(seat) => seat,
            none => {
                let launch = Launch { cwd: cwd.clone(), ..self.config.launch.clone() };
                none.insert(ServedAgent::start(launch, servers).await?)
            }
        };
        if seat.info.session != session {
            seat.switch(Switch::ResumeOrCreate { session, cwd }).await?;
        }
        seat.set_mode(mode).await
    }

    /// Sends the slash commands of a session that has just become active.
    pub(super) async fn send_commands(&mut self, before: Option<SessionId>) -> io::Result<()> {
        let Some(agent) = self.agent.as_ref().map(|seat| &seat.info) else { return Ok(()) };
        let session = agent.session;
        if before == Some(session) || !self.sessions.contains_key(&session) {
            return Ok(());
        }
        let update = AvailableCommandsUpdate::new(prompt::offered_commands(&agent.commands));
        self.editor.send_update(session, SessionUpdate::AvailableCommandsUpdate(update)).await
    }

    async fn open_session(
        &mut self,
        session: SessionId,
        cwd: PathBuf,
        servers: Vec<McpServer>,
    ) -> Result<(), Error> {
        let cwd = run_blocking(move || resolve_folder(cwd)).await??;
        let mode = self.mode(session);
        self.sessions.insert(session, EditorSession { cwd, mode, servers });
        if self.turn.is_some() {
            return Ok(());
        }
        let switched = self.activate(session).await;
        if switched.is_err() {
            self.sessions.remove(&session);
        }
        switched
    }

    fn mode(&self, session: SessionId) -> PermissionMode {
        self.sessions.get(&session).map_or(self.config.launch.permission_mode, |open| open.mode)
    }

    /// A session that the editor has open.
    pub(super) fn require_open(&self, id: &str) -> Result<SessionId, Error> {
        let session = id.parse().ok().filter(|session| self.sessions.contains_key(session));
        session.ok_or_else(|| unknown_session(id))
    }

    /// A session that the editor has open, or a stored one.
    async fn require_known(&self, id: &str) -> Result<SessionId, Error> {
        let session: SessionId = id.parse().map_err(|_| unknown_session(id))?;
        let known = self.sessions.contains_key(&session)
            || self.with_store(move |store| Ok(store.find(session).is_ok())).await?;
        known.then_some(session).ok_or_else(|| unknown_session(id))
    }

    /// Runs store work off the loop.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SessionStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.config.store);
        let done = run_blocking(move || work(&*store)).await?;
        done.map_err(|error| internal_error(&error.to_string()))
    }
}

/// Runs work that reads the disk on a thread that may block.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| internal_error(&error.to_string()))
}

/// The real path of the folder that an editor wants a session in.
fn resolve_folder(cwd: PathBuf) -> Result<PathBuf, Error> {
    if !cwd.is_absolute() || !cwd.is_dir() {
        let reason = format!("cwd must be the absolute path of an existing folder: {}", cwd.display());
        return Err(Error::invalid_params().data(reason));
    }
    Ok(cwd.canonicalize().unwrap_or(cwd))
}

fn unknown_session(id: &str) -> Error {
    let id: String = id.chars().take(80).collect();
    let code = Error::resource_not_found(None).code.into();
    Error::new(code, format!("no session “{id}” is open: session/list names the sessions that can be loaded"))
}
