//! The agent's list of its sessions, and the history it replays while it opens
//! one.

use std::time::{Duration, SystemTime};

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, Error, ListSessionsRequest, ListSessionsResponse, SessionInfo, SessionUpdate,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::AcpDriver;
use super::connection::AcpPending;
use super::remote_session::RemoteSession;
use super::turn_assembler::{TurnAssembler, content_text};
use crate::session::SessionId;
use crate::session::conversation::ConversationEvent;
use crate::slot::ListedSession;
use crate::slot::driver::{AgentEvent, DriverOutput};

/// opencode's title of a session until its first turn has ended (1.18.33).
const PLACEHOLDER_TITLE: &str = "New session - ";

/// Maximum number of listed sessions, so that an endless list stays bounded.
const MAX_SESSIONS: usize = 20_000;

/// How much newer than the recorded history an agent's last activity may be and
/// still count as recorded: the title is set some time after the turn.
const TITLE_DELAY: Duration = Duration::from_secs(15);

/// Collects the history of a session while the agent replays it.
#[derive(Debug, Default)]
pub(super) struct ReplayBuffer {
    session: Option<SessionId>,
    assembler: TurnAssembler,
    prompt: String,
    changes: Vec<(String, ConversationEvent)>,
}

impl ReplayBuffer {
    /// Takes an update of the session being opened. Only one is opened at a time.
    pub fn push(&mut self, session: SessionId, update: SessionUpdate) {
        if self.session != Some(session) {
            *self = Self { session: Some(session), ..Self::default() };
        }
        let events = match update {
            SessionUpdate::UserMessageChunk(chunk) => {
                let before = self.assembler.flush();
                self.prompt.push_str(&content_text(chunk.content));
                before
            }
            SessionUpdate::AgentMessageChunk(chunk) => self.push_reply(|said| said.push_reply(chunk)),
            SessionUpdate::AgentThoughtChunk(chunk) => self.push_reply(|said| said.push_thought(chunk)),
            SessionUpdate::ToolCall(call) => self.push_reply(|said| said.start_call(call)),
            SessionUpdate::ToolCallUpdate(update) => self.push_reply(|said| said.update_call(update)),
            SessionUpdate::Plan(plan) => self.push_reply(|said| said.push_plan(plan)),
            _ => Vec::new(),
        };
        self.record(events);
    }

    /// The collected history, if it belongs to this session.
    pub fn into_changes(mut self, session: SessionId) -> Vec<(String, ConversationEvent)> {
        if self.session != Some(session) {
            return Vec::new();
        }
        let last = self.push_reply(TurnAssembler::flush);
        self.record(last);
        self.changes
    }

    fn push_reply(
        &mut self,
        tell: impl FnOnce(&mut TurnAssembler) -> Vec<DriverOutput>,
    ) -> Vec<DriverOutput> {
        let prompt = std::mem::take(&mut self.prompt);
        if !prompt.is_empty() {
            self.changes.push((String::new(), ConversationEvent::Prompt(prompt)));
        }
        tell(&mut self.assembler)
    }

    /// Records complete content; streamed deltas are not needed in a history.
    fn record(&mut self, events: Vec<DriverOutput>) {
        let complete = events.into_iter().filter_map(|events| match events {
            DriverOutput::Event(AgentEvent::ConversationChanged {
                change: ConversationEvent::TextDelta(_) | ConversationEvent::ThinkingDelta(_),
                ..
            }) => None,
            DriverOutput::Event(AgentEvent::ConversationChanged { uuid, change }) => Some((uuid, change)),
            _ => None,
        });
        self.changes.extend(complete);
    }
}

impl AcpDriver {
    /// Requests the list of sessions, if the agent supports it.
    pub(super) fn request_sessions(&mut self) -> Option<DriverOutput> {
        let lists =
            self.agent_capabilities.as_ref().is_some_and(|can| can.session_capabilities.list.is_some());
        let request = ListSessionsRequest::new();
        lists.then(|| {
            self.send_request(AGENT_METHOD_NAMES.session_list, &request, AcpPending::ListSessions(Vec::new()))
        })
    }

    /// A page of the list arrived.
    pub(super) fn sessions_page(
        &mut self,
        mut listed: Vec<ListedSession>,
        result: Result<Value, Error>,
    ) -> Vec<DriverOutput> {
        let Some(page) =
            result.ok().and_then(|page| serde_json::from_value::<ListSessionsResponse>(page).ok())
        else {
            tracing::info!("the agent did not list its sessions");
            return Vec::new();
        };
        for reported in page.sessions {
            let session = self.remember_session(&reported);
            let title = reported.title.filter(|title| !title.trim().is_empty());
            let unnamed = title.as_ref().is_some_and(|title| title.starts_with(PLACEHOLDER_TITLE));
            let title = title.filter(|_| !unnamed);
            let active = reported.updated_at.as_deref().and_then(parse_time);
            let id = reported.session_id.0.to_string();
            listed.push(ListedSession {
                session,
                id,
                title,
                cwd: reported.cwd,
                last_active: active,
                unnamed,
            });
        }
        match page.next_cursor.filter(|_| listed.len() < MAX_SESSIONS) {
            Some(cursor) => {
                let request = ListSessionsRequest::new().cursor(cursor);
                let step = AcpPending::ListSessions(listed);
                vec![self.send_request(AGENT_METHOD_NAMES.session_list, &request, step)]
            }
            None => vec![DriverOutput::Event(AgentEvent::SessionsListed(listed))],
        }
    }

    /// Remembers the agent's id and folder of a session.
    pub(super) fn remember_session(&mut self, reported: &SessionInfo) -> SessionId {
        let id = reported.session_id.0.to_string();
        let session = SessionId::from_external(&id);
        let active = reported.updated_at.as_deref().and_then(parse_time);
        self.remote_sessions
            .insert(session, RemoteSession { id, cwd: reported.cwd.clone(), last_active: active });
        session
    }

    /// Whether the whole history of a session is recorded on disk, so that the agent
    /// need not replay it.
    pub(super) fn is_recorded(&self, session: SessionId, place: &RemoteSession) -> bool {
        let Some(as_of) = self.finder.find(session).and_then(|found| found.recorded_until) else {
            return false;
        };
        place.last_active.is_none_or(|active| SystemTime::from(active) <= as_of + TITLE_DELAY)
    }
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(Into::into)
}
