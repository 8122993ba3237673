//! What the agent tells of its sessions: which there are, and what was said in
//! the one that is being opened.

use std::time::{Duration, SystemTime};

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, Error, ListSessionsRequest, ListSessionsResponse, SessionInfo, SessionUpdate,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Acp;
use super::connection::Step;
use super::ids::Place;
use super::said::{Said, text_of};
use crate::session::SessionId;
use crate::session::conversation::Change;
use crate::slot::Listed;
use crate::slot::driver::Heard;

/// What opencode calls a session until its first turn is over (1.18.33).
const UNNAMED: &str = "New session - ";

/// Sessions that are listed at most: an agent that never ends must not fill the memory.
const MOST: usize = 20_000;

/// So much later than what was written down of it last an agent may say that a
/// session was active: it gives it a title after the turn.
const AFTERTHOUGHT: Duration = Duration::from_secs(15);

/// What was said in a session, as the agent replays it.
#[derive(Debug, Default)]
pub(super) struct History {
    session: Option<SessionId>,
    said: Said,
    prompt: String,
    changes: Vec<(String, Change)>,
}

impl History {
    /// Takes an update of the session that is being opened; only one is at a time.
    pub fn take(&mut self, session: SessionId, update: SessionUpdate) {
        if self.session != Some(session) {
            *self = Self { session: Some(session), ..Self::default() };
        }
        let heard = match update {
            SessionUpdate::UserMessageChunk(chunk) => {
                let before = self.said.complete();
                self.prompt.push_str(&text_of(chunk.content));
                before
            }
            SessionUpdate::AgentMessageChunk(chunk) => self.replied(|said| said.reply(chunk)),
            SessionUpdate::AgentThoughtChunk(chunk) => self.replied(|said| said.think(chunk)),
            SessionUpdate::ToolCall(call) => self.replied(|said| said.call(call)),
            SessionUpdate::ToolCallUpdate(update) => self.replied(|said| said.call_moved(update)),
            SessionUpdate::Plan(plan) => self.replied(|said| said.plan(plan)),
            _ => Vec::new(),
        };
        self.keep(heard);
    }

    /// All of it, if it is of this session.
    pub fn of(mut self, session: SessionId) -> Vec<(String, Change)> {
        if self.session != Some(session) {
            return Vec::new();
        }
        let last = self.replied(Said::complete);
        self.keep(last);
        self.changes
    }

    fn replied(&mut self, tell: impl FnOnce(&mut Said) -> Vec<Heard>) -> Vec<Heard> {
        let prompt = std::mem::take(&mut self.prompt);
        if !prompt.is_empty() {
            self.changes.push((String::new(), Change::Prompt(prompt)));
        }
        tell(&mut self.said)
    }

    /// What is complete; the way there is of no interest any more.
    fn keep(&mut self, heard: Vec<Heard>) {
        let complete = heard.into_iter().filter_map(|heard| match heard {
            Heard::Grew { change: Change::TextDelta(_) | Change::ThinkingDelta(_), .. } => None,
            Heard::Grew { uuid, change } => Some((uuid, change)),
            _ => None,
        });
        self.changes.extend(complete);
    }
}

impl Acp {
    /// Asks which sessions there are, where the agent says so.
    pub(super) fn ask_sessions(&mut self) -> Option<Heard> {
        let lists = self.can.as_ref().is_some_and(|can| can.session_capabilities.list.is_some());
        let request = ListSessionsRequest::new();
        lists.then(|| {
            self.connection.request(AGENT_METHOD_NAMES.session_list, &request, Step::Sessions(Vec::new()))
        })
    }

    /// A page of them came.
    pub(super) fn told_sessions(
        &mut self,
        mut listed: Vec<Listed>,
        result: Result<Value, Error>,
    ) -> Vec<Heard> {
        let Some(page) =
            result.ok().and_then(|page| serde_json::from_value::<ListSessionsResponse>(page).ok())
        else {
            tracing::info!("the agent does not say which sessions it has");
            return Vec::new();
        };
        for told in page.sessions {
            let session = self.note_place(&told);
            let title = told.title.filter(|title| !title.trim().is_empty());
            let unnamed = title.as_ref().is_some_and(|title| title.starts_with(UNNAMED));
            let title = title.filter(|_| !unnamed);
            let active = told.updated_at.as_deref().and_then(time);
            let id = told.session_id.0.to_string();
            listed.push(Listed { session, id, title, cwd: told.cwd, active, unnamed });
        }
        match page.next_cursor.filter(|_| listed.len() < MOST) {
            Some(cursor) => {
                let request = ListSessionsRequest::new().cursor(cursor);
                let step = Step::Sessions(listed);
                vec![self.connection.request(AGENT_METHOD_NAMES.session_list, &request, step)]
            }
            None => vec![Heard::Sessions(listed)],
        }
    }

    /// Takes note of where a session is to be found.
    pub(super) fn note_place(&mut self, told: &SessionInfo) -> SessionId {
        let id = told.session_id.0.to_string();
        let session = SessionId::named(&id);
        let active = told.updated_at.as_deref().and_then(time);
        self.places.insert(session, Place { id, cwd: told.cwd.clone(), active });
        session
    }

    /// Whether all that was said in a session is written down, so that the agent
    /// need not tell it again.
    pub(super) fn is_on_record(&self, session: SessionId, place: &Place) -> bool {
        let Some(as_of) = self.finder.find(session).and_then(|found| found.as_of) else { return false };
        place.active.is_none_or(|active| SystemTime::from(active) <= as_of + AFTERTHOUGHT)
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(Into::into)
}
