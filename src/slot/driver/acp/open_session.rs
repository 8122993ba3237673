//! Opening a session, for the handshake and for every switch.

use std::path::PathBuf;

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, CloseSessionRequest, Error, ForkSessionRequest, ListSessionsRequest,
    ListSessionsResponse, LoadSessionRequest, NewSessionRequest, ResumeSessionRequest,
};
use serde_json::Value;

use super::connection::AcpPending;
use super::history::ReplayBuffer;
use super::options::SessionOptions;
use super::remote_session::RemoteSession;
use super::turn_assembler::TurnAssembler;
use super::{AcpDriver, OpenedSession, refusal, respond_to};
use crate::session::SessionId;
use crate::slot::driver::{AgentEvent, AgentResponse, DriverOutput, SwitchResult};
use crate::slot::{ErrorCode, SlotError, SlotTotals};

/// A request to open a session.
#[derive(Debug, Clone)]
pub(super) struct OpenRequest {
    /// The id of the slot's request.
    pub request_id: String,
    pub target: OpenTarget,
    /// It completes the handshake; otherwise it is a switch.
    pub is_handshake: bool,
}

/// The session to open.
#[derive(Debug, Clone)]
pub(super) enum OpenTarget {
    New,
    Stored(SessionId),
    /// The one that was active before a crash; a new one if the agent has lost it.
    Recover(SessionId),
    /// A copy of a stored one.
    Fork {
        source: SessionId,
        /// The folder to run it in; `None` for the source's.
        cwd: Option<PathBuf>,
    },
}

impl OpenTarget {
    fn source(&self) -> Option<SessionId> {
        match self {
            Self::New => None,
            Self::Stored(session) | Self::Recover(session) | Self::Fork { source: session, .. } => {
                Some(*session)
            }
        }
    }
}

impl AcpDriver {
    pub(super) fn open_session(&mut self, opening: OpenRequest) -> Vec<DriverOutput> {
        let Some(session) = opening.target.source() else { return self.open_new(opening) };
        if let (OpenTarget::Stored(_), Some(options), Some(place)) = (
            &opening.target,
            self.open_options.get(&session).cloned(),
            self.remote_sessions.get(&session).cloned(),
        ) {
            return self.activate(&opening, session, place, |kept| *kept = options);
        }
        if let Some(place) = self.remote_sessions.get(&session).cloned() {
            return self.open_stored(opening, place);
        }
        let lists =
            self.agent_capabilities.as_ref().is_some_and(|can| can.session_capabilities.list.is_some());
        if lists {
            return vec![self.find_remote(opening, None, None)];
        }
        // An agent without a list has ids that are UUIDs, as far as we know.
        let cwd = self.finder.find(session).map_or_else(|| self.cwd.clone(), |found| found.cwd);
        let place = RemoteSession { id: session.to_string(), cwd, last_active: None };
        self.open_stored(opening, place)
    }

    fn open_new(&mut self, opening: OpenRequest) -> Vec<DriverOutput> {
        let cwd = self.active.as_ref().map_or(&self.cwd, |active| &active.remote.cwd);
        let request = NewSessionRequest::new(cwd.clone());
        let step = AcpPending::OpenSession(opening, None);
        vec![self.send_request(AGENT_METHOD_NAMES.session_new, &request, step)]
    }

    fn open_stored(&mut self, opening: OpenRequest, place: RemoteSession) -> Vec<DriverOutput> {
        let can = self.agent_capabilities.clone().unwrap_or_default();
        let source = opening.target.source();
        let is_known = source.is_some_and(|session| self.is_recorded(session, &place));
        let resumes = can.session_capabilities.resume.is_some() && (is_known || !can.load_session);
        let RemoteSession { id, cwd, .. } = place;
        self.replay = Some(ReplayBuffer::default());
        let sent = match &opening.target {
            OpenTarget::Fork { cwd: elsewhere, .. } => {
                let request = ForkSessionRequest::new(id, elsewhere.clone().unwrap_or(cwd));
                self.send_request(
                    AGENT_METHOD_NAMES.session_fork,
                    &request,
                    AcpPending::OpenSession(opening, None),
                )
            }
            OpenTarget::New | OpenTarget::Stored(_) | OpenTarget::Recover(_) => {
                let step = AcpPending::OpenSession(opening, Some(id.clone()));
                if resumes {
                    let request = ResumeSessionRequest::new(id, cwd);
                    self.send_request(AGENT_METHOD_NAMES.session_resume, &request, step)
                } else {
                    let request = LoadSessionRequest::new(id, cwd);
                    self.send_request(AGENT_METHOD_NAMES.session_load, &request, step)
                }
            }
        };
        vec![sent]
    }

    fn find_remote(
        &mut self,
        opening: OpenRequest,
        folder: Option<PathBuf>,
        cursor: Option<String>,
    ) -> DriverOutput {
        let request = ListSessionsRequest::new().cwd(folder.clone()).cursor(cursor);
        self.send_request(AGENT_METHOD_NAMES.session_list, &request, AcpPending::FindSession(opening, folder))
    }

    /// A page of the agent's sessions arrived.
    pub(super) fn sessions_listed(
        &mut self,
        opening: OpenRequest,
        folder: Option<PathBuf>,
        result: Result<Value, Error>,
    ) -> Vec<DriverOutput> {
        let page = match result.map(serde_json::from_value::<ListSessionsResponse>) {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => {
                return vec![respond_to(
                    &opening.request_id,
                    Err(refusal(&format!("its session list is invalid: {error}"))),
                )];
            }
            Err(error) => return vec![respond_to(&opening.request_id, Err(self.explain_error(&error)))],
        };
        for reported in &page.sessions {
            self.remember_session(reported);
        }
        let source = opening.target.source();
        let place = source.and_then(|session| self.remote_sessions.get(&session).cloned());
        // Some agents list only the sessions of one folder: by default the one
        // they run in.
        let elsewhere = source.filter(|_| folder.is_none()).and_then(|session| self.finder.find(session));
        match (place, page.next_cursor, &opening.target) {
            (Some(place), _, _) => self.open_stored(opening, place),
            (None, Some(cursor), _) => vec![self.find_remote(opening, folder, Some(cursor))],
            (None, None, _) if let Some(found) = elsewhere => {
                vec![self.find_remote(opening, Some(found.cwd), None)]
            }
            (None, None, OpenTarget::Recover(_)) => self.open_new(opening),
            (None, None, _) => {
                let error =
                    SlotError::refused_with(ErrorCode::SessionNotFound, "the agent has no such session");
                vec![respond_to(&opening.request_id, Err(error))]
            }
        }
    }

    /// A session was opened, or the agent refused and the former one stays active.
    pub(super) fn session_opened(
        &mut self,
        opening: &OpenRequest,
        id: Option<String>,
        result: Result<Value, Error>,
    ) -> Vec<DriverOutput> {
        let result = match result {
            Ok(result) => result,
            Err(_) if self.retry_after_close(opening) => return Vec::new(),
            // The session was lost with the process: a new one is better than none.
            Err(_) if id.is_some() && matches!(opening.target, OpenTarget::Recover(_)) => {
                return self.open_new(opening.clone());
            }
            Err(error) => return vec![respond_to(&opening.request_id, Err(self.explain_error(&error)))],
        };
        let Some(id) = id.or_else(|| result["sessionId"].as_str().map(str::to_owned)) else {
            return vec![respond_to(
                &opening.request_id,
                Err(SlotError::InvalidReply("the agent opened a session without an id".to_owned())),
            )];
        };
        let session = SessionId::from_external(&id);
        let source = opening.target.source().and_then(|session| self.remote_sessions.get(&session));
        let cwd = match &opening.target {
            OpenTarget::Fork { cwd: Some(cwd), .. } => cwd.clone(),
            OpenTarget::New => self.active.as_ref().map_or(&self.cwd, |active| &active.remote.cwd).clone(),
            _ => source.map_or(&self.cwd, |place| &place.cwd).clone(),
        };
        let active = source.filter(|place| place.id == id).and_then(|place| place.last_active);
        let place = RemoteSession { id, cwd, last_active: active };
        self.remote_sessions.insert(session, place.clone());
        self.activate(opening, session, place, |options| options.update_from(&result))
    }

    /// Whether the session is being closed; then it is opened again afterwards.
    fn retry_after_close(&mut self, opening: &OpenRequest) -> bool {
        let closing = opening.target.source().and_then(|session| self.closing.get_mut(&session));
        closing.map(|waits| *waits = Some(opening.clone())).is_some()
    }

    pub(super) fn session_closed(&mut self, session: SessionId) -> Vec<DriverOutput> {
        let waits = self.closing.remove(&session).flatten();
        waits.map(|opening| self.open_session(opening)).unwrap_or_default()
    }

    /// Makes this session the active one.
    fn activate(
        &mut self,
        opening: &OpenRequest,
        session: SessionId,
        place: RemoteSession,
        offers: impl FnOnce(&mut SessionOptions),
    ) -> Vec<DriverOutput> {
        let active = place.last_active;
        let taken_back = self.release_session();
        let former = self.active.replace(OpenedSession { session, remote: place });
        self.assembler = TurnAssembler::default();
        self.spent = SlotTotals::default();
        self.context = None;
        let of_former = self.options.clone();
        offers(&mut self.options);
        self.open_options.remove(&session);
        let mut events: Vec<_> = self.permissions.cancel_all().chain(taken_back).collect();
        let history = self.replay.take().map(|history| history.into_changes(session)).unwrap_or_default();
        events.extend(self.activation_response(opening));
        let early = self.early_commands.take().filter(|(of, _)| *of == session);
        events.extend(early.map(|(_, commands)| DriverOutput::Event(AgentEvent::SlashCommands(commands))));
        if !history.is_empty() {
            events.push(DriverOutput::Event(AgentEvent::HistoryReplayed { at: active, changes: history }));
        }
        if opening.is_handshake {
            events.extend(self.request_sessions());
        }
        events.extend(self.reapply_settings());
        if let Some(former) = former.filter(|former| former.session != session) {
            if self.can_close() {
                // The session that was left is stored; let the agent free its memory.
                let request = CloseSessionRequest::new(former.remote.id);
                let step = AcpPending::CloseSession(former.session);
                events.push(self.send_request(AGENT_METHOD_NAMES.session_close, &request, step));
                self.closing.insert(former.session, None);
            } else {
                self.open_options.insert(former.session, of_former);
            }
        }
        events
    }

    fn activation_response(&self, opening: &OpenRequest) -> Option<DriverOutput> {
        let active = self.active.as_ref()?;
        let reported = if opening.is_handshake {
            AgentResponse::Handshake(Box::new(self.agent_info()?), self.spent)
        } else {
            AgentResponse::Switched(Box::new(SwitchResult {
                session: active.session,
                forked_from: match opening.target {
                    OpenTarget::Fork { source, .. } => Some(source),
                    OpenTarget::New | OpenTarget::Stored(_) | OpenTarget::Recover(_) => None,
                },
                pid: None,
                turns: 0,
                cwd: active.remote.cwd.clone(),
                transcript: PathBuf::new(),
                repaired: None,
                totals: self.spent,
            }))
        };
        Some(respond_to(&opening.request_id, Ok(reported)))
    }
}
