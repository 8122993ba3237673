//! Opening a session: the one step that the handshake and every switch need.

use std::path::PathBuf;

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, CloseSessionRequest, Error, ForkSessionRequest, ListSessionsRequest,
    ListSessionsResponse, LoadSessionRequest, NewSessionRequest, ResumeSessionRequest,
};
use serde_json::Value;

use super::connection::Step;
use super::history::History;
use super::ids::Place;
use super::options::Options;
use super::said::Said;
use super::{Acp, Active, answer, refused};
use crate::session::SessionId;
use crate::slot::driver::{Answer, Heard, Seated};
use crate::slot::{SlotError, Totals};

/// A session that is to be opened.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    /// Under which it was asked for.
    pub ask: String,
    pub goal: Goal,
    /// It ends the handshake; else it is a switch.
    pub greets: bool,
}

/// Which session.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// A new one.
    New,
    /// A stored one.
    Stored(SessionId),
    /// The one that was active before a crash; a new one where nothing was said in it.
    Lost(SessionId),
    /// A copy of a stored one.
    Copy {
        source: SessionId,
        /// The folder to run it in; none: the source's.
        cwd: Option<PathBuf>,
    },
}

impl Goal {
    fn source(&self) -> Option<SessionId> {
        match self {
            Self::New => None,
            Self::Stored(session) | Self::Lost(session) | Self::Copy { source: session, .. } => {
                Some(*session)
            }
        }
    }
}

impl Acp {
    pub(super) fn open(&mut self, opening: Opening) -> Vec<Heard> {
        let Some(session) = opening.goal.source() else { return self.open_new(opening) };
        if let (Goal::Stored(_), Some(options), Some(place)) =
            (&opening.goal, self.open.get(&session).cloned(), self.places.get(&session).cloned())
        {
            return self.take_seat(&opening, session, place, |kept| *kept = options);
        }
        if let Some(place) = self.places.get(&session).cloned() {
            return self.open_stored(opening, place);
        }
        let lists = self.can.as_ref().is_some_and(|can| can.session_capabilities.list.is_some());
        if lists {
            return vec![self.list(opening, None, None)];
        }
        // Where its ids are UUIDs, this is one.
        let cwd = self.finder.find(session).map_or_else(|| self.cwd.clone(), |found| found.cwd);
        let place = Place { id: session.to_string(), cwd, active: None };
        self.open_stored(opening, place)
    }

    fn open_new(&mut self, opening: Opening) -> Vec<Heard> {
        let cwd = self.active.as_ref().map_or(&self.cwd, |active| &active.place.cwd);
        let request = NewSessionRequest::new(cwd.clone());
        let step = Step::Opened(opening, None);
        vec![self.connection.request(AGENT_METHOD_NAMES.session_new, &request, step)]
    }

    fn open_stored(&mut self, opening: Opening, place: Place) -> Vec<Heard> {
        let can = self.can.clone().unwrap_or_default();
        let source = opening.goal.source();
        let is_known = source.is_some_and(|session| self.is_on_record(session, &place));
        let resumes = can.session_capabilities.resume.is_some() && (is_known || !can.load_session);
        let Place { id, cwd, .. } = place;
        self.history = Some(History::default());
        let sent = match &opening.goal {
            Goal::Copy { cwd: elsewhere, .. } => {
                let request = ForkSessionRequest::new(id, elsewhere.clone().unwrap_or(cwd));
                self.connection.request(
                    AGENT_METHOD_NAMES.session_fork,
                    &request,
                    Step::Opened(opening, None),
                )
            }
            Goal::New | Goal::Stored(_) | Goal::Lost(_) => {
                let step = Step::Opened(opening, Some(id.clone()));
                if resumes {
                    let request = ResumeSessionRequest::new(id, cwd);
                    self.connection.request(AGENT_METHOD_NAMES.session_resume, &request, step)
                } else {
                    let request = LoadSessionRequest::new(id, cwd);
                    self.connection.request(AGENT_METHOD_NAMES.session_load, &request, step)
                }
            }
        };
        vec![sent]
    }

    fn list(&mut self, opening: Opening, folder: Option<PathBuf>, cursor: Option<String>) -> Heard {
        let request = ListSessionsRequest::new().cwd(folder.clone()).cursor(cursor);
        self.connection.request(AGENT_METHOD_NAMES.session_list, &request, Step::Listed(opening, folder))
    }

    /// A page of the agent's sessions came.
    pub(super) fn listed(
        &mut self,
        opening: Opening,
        folder: Option<PathBuf>,
        result: Result<Value, Error>,
    ) -> Vec<Heard> {
        let page = match result.map(serde_json::from_value::<ListSessionsResponse>) {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => {
                return vec![answer(
                    &opening.ask,
                    Err(refused(&format!("its list makes no sense: {error}"))),
                )];
            }
            Err(error) => return vec![answer(&opening.ask, Err(self.why(&error)))],
        };
        for told in &page.sessions {
            self.note_place(told);
        }
        let source = opening.goal.source();
        let place = source.and_then(|session| self.places.get(&session).cloned());
        // Some list those of one folder only, and where nothing is said of the
        // one they run in.
        let elsewhere = source.filter(|_| folder.is_none()).and_then(|session| self.finder.find(session));
        match (place, page.next_cursor, &opening.goal) {
            (Some(place), _, _) => self.open_stored(opening, place),
            (None, Some(cursor), _) => vec![self.list(opening, folder, Some(cursor))],
            (None, None, _) if let Some(found) = elsewhere => {
                vec![self.list(opening, Some(found.cwd), None)]
            }
            (None, None, Goal::Lost(_)) => self.open_new(opening),
            (None, None, _) => {
                let message = "the agent has no such session".to_owned();
                let error = SlotError::Refused { code: "session_not_found".to_owned(), message };
                vec![answer(&opening.ask, Err(error))]
            }
        }
    }

    /// A session is open, or the agent refuses; the former one stays then.
    pub(super) fn opened(
        &mut self,
        opening: &Opening,
        id: Option<String>,
        result: Result<Value, Error>,
    ) -> Vec<Heard> {
        let result = match result {
            Ok(result) => result,
            Err(_) if self.waits_for_its_close(opening) => return Vec::new(),
            // It was lost with the process: a new one is better than none.
            Err(_) if id.is_some() && matches!(opening.goal, Goal::Lost(_)) => {
                return self.open_new(opening.clone());
            }
            Err(error) => return vec![answer(&opening.ask, Err(self.why(&error)))],
        };
        let Some(id) = id.or_else(|| result["sessionId"].as_str().map(str::to_owned)) else {
            return vec![answer(
                &opening.ask,
                Err(SlotError::Nonsense("it opened a session without an id".to_owned())),
            )];
        };
        let session = SessionId::named(&id);
        let source = opening.goal.source().and_then(|session| self.places.get(&session));
        let cwd = match &opening.goal {
            Goal::Copy { cwd: Some(cwd), .. } => cwd.clone(),
            Goal::New => self.active.as_ref().map_or(&self.cwd, |active| &active.place.cwd).clone(),
            _ => source.map_or(&self.cwd, |place| &place.cwd).clone(),
        };
        let active = source.filter(|place| place.id == id).and_then(|place| place.active);
        let place = Place { id, cwd, active };
        self.places.insert(session, place.clone());
        self.take_seat(opening, session, place, |options| options.read(&result))
    }

    /// Whether what was refused may go once its session is closed; then it is
    /// tried again.
    fn waits_for_its_close(&mut self, opening: &Opening) -> bool {
        let closing = opening.goal.source().and_then(|session| self.closing.get_mut(&session));
        closing.map(|waits| *waits = Some(opening.clone())).is_some()
    }

    /// A session was closed.
    pub(super) fn closed(&mut self, session: SessionId) -> Vec<Heard> {
        let waits = self.closing.remove(&session).flatten();
        waits.map(|opening| self.open(opening)).unwrap_or_default()
    }

    /// From here on this session is the active one.
    fn take_seat(
        &mut self,
        opening: &Opening,
        session: SessionId,
        place: Place,
        offers: impl FnOnce(&mut Options),
    ) -> Vec<Heard> {
        let active = place.active;
        let taken_back = self.take_back();
        let former = self.active.replace(Active { session, place });
        self.said = Said::default();
        self.spent = Totals::default();
        self.context = None;
        let of_former = self.options.clone();
        offers(&mut self.options);
        self.open.remove(&session);
        let mut heard: Vec<_> = self.permits.drop_all().chain(taken_back).collect();
        let history = self.history.take().map(|history| history.of(session)).unwrap_or_default();
        heard.extend(self.seated(opening));
        let early = self.early.take().filter(|(of, _)| *of == session);
        heard.extend(early.map(|(_, commands)| Heard::Commands(commands)));
        if !history.is_empty() {
            heard.push(Heard::Replay { at: active, changes: history });
        }
        if opening.greets {
            heard.extend(self.ask_sessions());
        }
        heard.extend(self.keep_settings());
        if let Some(former) = former.filter(|former| former.session != session) {
            if self.closes() {
                // What it holds of the one that is left can go; it is stored.
                let request = CloseSessionRequest::new(former.place.id);
                let step = Step::Closed(former.session);
                heard.push(self.connection.request(AGENT_METHOD_NAMES.session_close, &request, step));
                self.closing.insert(former.session, None);
            } else {
                self.open.insert(former.session, of_former);
            }
        }
        heard
    }

    fn seated(&self, opening: &Opening) -> Option<Heard> {
        let active = self.active.as_ref()?;
        let told = if opening.greets {
            Answer::Agent(Box::new(self.agent()?), self.spent)
        } else {
            Answer::Seated(Box::new(Seated {
                session: active.session,
                forked_from: match opening.goal {
                    Goal::Copy { source, .. } => Some(source),
                    Goal::New | Goal::Stored(_) | Goal::Lost(_) => None,
                },
                pid: None,
                turns: 0,
                cwd: active.place.cwd.clone(),
                transcript: PathBuf::new(),
                repaired: None,
                totals: self.spent,
            }))
        };
        Some(answer(&opening.ask, Ok(told)))
    }
}
