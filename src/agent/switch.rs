//! The three switches inside the running process: clear, resume and fork.
//!
//! A switch happens entirely or not at all: the new session is found, locked and
//! loaded before anything of the former one is touched, and its entries are on disk
//! before the answer is sent. Start reading in `handle_switch`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::active_session::{ActiveSession, ResumePoint};
use super::frames::RequestError;
use super::recorded_settings::AdoptionMoment;
use super::runtime::AgentRuntime;
use crate::protocol::{ErrorCode, ForkRequest, ResumeRequest, SwitchResponse};
use crate::session::{Prices, SessionId};
use crate::store::{ForkResult, ForkSpec, StoreError};

/// A parsed request to switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchRequest {
    /// A new, empty session.
    Clear,
    /// A stored session.
    Resume {
        /// Which.
        id: SessionId,
        /// The uuid of the message to continue from; `None` for the last.
        at: Option<String>,
        /// The folder to run it in; `None` for its own.
        cwd: Option<PathBuf>,
        /// Create it if it does not exist.
        creates: bool,
    },
    /// A copy of a stored session.
    Fork {
        /// Its id; `None` for the active one.
        id: Option<SessionId>,
        /// The uuid of the last message to copy; `None` for all.
        at: Option<String>,
        /// The copy's title; `None` for the source's with the next number.
        title: Option<String>,
        /// The folder to run it in; `None` for the source's.
        cwd: Option<PathBuf>,
    },
}

impl SwitchRequest {
    /// Parses `clear`.
    pub fn from_clear(resume: Option<&str>) -> Result<Self, RequestError> {
        match resume {
            None => Ok(Self::Clear),
            Some(id) => Ok(Self::Resume { id: parse_session_id(id)?, at: None, cwd: None, creates: false }),
        }
    }

    /// Parses `resume` or `load_session`.
    pub fn from_resume(request: ResumeRequest) -> Result<Self, RequestError> {
        let id = parse_session_id(&request.session_id)?;
        let (at, cwd) = (request.resume_session_at, parse_folder(request.cwd)?);
        Ok(if request.fork_session {
            Self::Fork { id: Some(id), at, title: None, cwd }
        } else {
            Self::Resume { id, at, cwd, creates: request.create }
        })
    }

    /// Parses `fork`.
    pub fn from_fork(request: ForkRequest) -> Result<Self, RequestError> {
        let id = request.session_id.as_deref().map(parse_session_id).transpose()?;
        let cwd = parse_folder(request.cwd)?;
        Ok(Self::Fork { id, at: request.resume_session_at, title: request.title, cwd })
    }

    /// Its name on the wire.
    fn trigger(&self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Resume { .. } => "resume",
            Self::Fork { .. } => "fork",
        }
    }
}

impl AgentRuntime {
    /// Handles a request to switch, which arrived at `began`.
    pub(super) fn handle_switch(
        &mut self,
        wanted: Result<SwitchRequest, RequestError>,
        interrupts: bool,
        began: Instant,
    ) -> Result<Value, RequestError> {
        let wanted = wanted?;
        let is_busy = self.turn.is_some() || !self.queue.is_empty();
        if is_busy && !interrupts {
            let error = "a turn runs; wait for its result, or switch with \"interrupt\":true";
            return Err(RequestError::new(ErrorCode::Busy, error));
        }
        if is_busy {
            self.check_switch(&wanted).map_err(|error| to_request_error(&error))?;
            // Queued prompts were meant for the session that is left.
            while let Some(prompt) = self.queue.pop_front() {
                self.send_lifecycle(prompt.host_uuid.as_deref(), "cancelled");
            }
            self.interrupt();
        }
        self.switch(&wanted, began)
    }

    /// Refuses a switch that cannot succeed, before the turn is interrupted for it.
    fn check_switch(&self, wanted: &SwitchRequest) -> Result<(), StoreError> {
        let (id, writes, creates) = match wanted {
            SwitchRequest::Clear => return Ok(()),
            SwitchRequest::Resume { id, creates, .. } => (*id, true, *creates),
            SwitchRequest::Fork { id, .. } => (id.unwrap_or(self.session.id), false, false),
        };
        if id == self.session.id {
            return Ok(());
        }
        let store = self.store_of(id);
        match store.find(id) {
            Err(StoreError::NotFound(_)) if creates => return Ok(()),
            found => found?,
        };
        match store.holder(id) {
            Some(holder) if writes => Err(StoreError::InUse { id, holder }),
            _ => Ok(()),
        }
    }

    /// Switches and tells the host. The caller makes sure that no turn runs.
    pub(super) fn switch(&mut self, wanted: &SwitchRequest, began: Instant) -> Result<Value, RequestError> {
        let (session, forked_from) = self.open_session(wanted).map_err(|error| to_request_error(&error))?;
        self.session.sync().map_err(|error| {
            let error = format!("the active session cannot be written to the end: {error}");
            RequestError::new(ErrorCode::SessionUnreadable, error)
        })?;
        let trigger = wanted.trigger();
        self.run_end_hooks(if trigger == "fork" { "other" } else { trigger });
        let former = std::mem::replace(&mut self.session, session).id;
        self.permissions.clear_session_rules();
        self.pending_start_source = None;
        // A copy of the active session goes on as that does.
        if forked_from != Some(former) {
            self.adopt_recorded_settings(AdoptionMoment::Switch);
        }
        self.run_start_hooks(trigger);
        self.send_reset(former, wanted.trigger());
        self.send_init();
        if forked_from.is_some() {
            self.mirror_fork();
        }
        let answer = SwitchResponse {
            session_id: self.session.id.to_string(),
            previous_session_id: former.to_string(),
            forked_from: forked_from.map(|id| id.to_string()),
            message_count: self.session.context.messages().len() as u64,
            num_turns: self.session.context.prompts() as u64,
            total_cost_usd: self.session.totals.cost_usd(),
            cwd: self.session.cwd.display().to_string(),
            transcript_path: self.session.path().display().to_string(),
            duration_ms: began.elapsed().as_secs_f64() * 1000.0,
            pid: std::process::id(),
            usage: json!(self.session.totals.usage()),
            model: self.settings.model.clone(),
            repaired: self.session.note_text(),
        };
        Ok(json!(answer))
    }

    /// Opens the requested session, and names the one it was copied from. Changes nothing else.
    fn open_session(
        &mut self,
        wanted: &SwitchRequest,
    ) -> Result<(ActiveSession, Option<SessionId>), StoreError> {
        let here = self.session.cwd.clone();
        let store = match wanted {
            SwitchRequest::Clear => Arc::clone(&self.store),
            SwitchRequest::Resume { id, .. } => self.store_of(*id),
            SwitchRequest::Fork { id, .. } => self.store_of(id.unwrap_or(self.session.id)),
        };
        let store = &*store;
        match wanted {
            SwitchRequest::Clear => Ok((ActiveSession::new(store, SessionId::random(), &here)?, None)),
            SwitchRequest::Resume { id, at, cwd, creates } => {
                let at = ResumePoint { message: at.as_deref(), cwd: cwd.as_deref() };
                match ActiveSession::load(store, *id, at, &here, &self.settings.prices) {
                    Err(StoreError::NotFound(_)) if *creates => {
                        Ok((ActiveSession::new(store, *id, cwd.as_deref().unwrap_or(&here))?, None))
                    }
                    loaded => Ok((loaded?, None)),
                }
            }
            SwitchRequest::Fork { id, at, title, cwd } => {
                let source = id.unwrap_or(self.session.id);
                if source == self.session.id && self.session.context.messages().is_empty() {
                    return Err(StoreError::Empty(source));
                }
                // Of two branches of the active session the one that its person sees is copied.
                let has_branches = source == self.session.id && self.session.foreign.is_some();
                let own_leaf = self.session.leaf().filter(|_| has_branches);
                let (at, title) = (at.as_deref().or(own_leaf), title.as_deref());
                let order = ForkSpec { at, title, cwd: cwd.as_deref(), repair: true, ..ForkSpec::default() };
                let fork = store.fork(source, &order)?;
                Ok((load_fork(store, fork, cwd.as_deref(), &here, &self.settings.prices)?, Some(source)))
            }
        }
    }
}

/// Loads a new fork; deletes it again if it cannot be loaded.
pub(super) fn load_fork(
    store: &dyn crate::store::SessionStore,
    fork: ForkResult,
    cwd: Option<&Path>,
    here: &Path,
    prices: &Prices,
) -> Result<ActiveSession, StoreError> {
    let at = ResumePoint { message: None, cwd };
    let mut copy = ActiveSession::load(store, fork.id, at, here, prices).inspect_err(|_| {
        // The first error is the one to report.
        let _ = store.delete(fork.id);
    })?;
    if fork.repairs.is_any() {
        copy.notes.insert(0, fork.repairs.to_string());
    }
    Ok(copy)
}

/// A folder named by the host: absolute, and a folder.
fn parse_folder(cwd: Option<String>) -> Result<Option<PathBuf>, RequestError> {
    let folder = cwd.map(PathBuf::from);
    match folder.as_deref().filter(|folder| !folder.is_absolute() || !folder.is_dir()) {
        None => Ok(folder),
        Some(wrong) => {
            let error = format!("cwd must be a folder that exists, by its whole path: {}", wrong.display());
            Err(RequestError::new(ErrorCode::InvalidRequest, error))
        }
    }
}

fn parse_session_id(text: &str) -> Result<SessionId, RequestError> {
    text.parse().map_err(|error| RequestError::new(ErrorCode::SessionNotFound, format!("{error}")))
}

/// A store's error as the answer to a request.
pub(super) fn to_request_error(error: &StoreError) -> RequestError {
    let code = match error {
        StoreError::NotFound(_) => ErrorCode::SessionNotFound,
        StoreError::InUse { .. } => ErrorCode::SessionInUse,
        StoreError::NoSuchMessage { .. } | StoreError::Empty(_) => ErrorCode::InvalidRequest,
        _ => ErrorCode::SessionUnreadable,
    };
    RequestError::new(code, error.to_string())
}
