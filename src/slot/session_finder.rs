//! Locates stored sessions through a function that the caller provides: the
//! slot itself reads no store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::session::SessionId;

/// What a process must know to open a stored session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLocation {
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// A person trusts that folder, so that its own settings count there.
    pub is_trusted: bool,
    pub transcript: PathBuf,
    /// Up to when its history is recorded on disk; `None` if the agent itself has
    /// to replay it.
    pub recorded_until: Option<SystemTime>,
    /// The live process that has it open: pid and program name.
    pub holder: Option<(u32, String)>,
}

/// Locates stored sessions. Called on the slot's task, so it must be quick.
#[derive(Clone, Default)]
pub struct SessionFinder {
    find: Option<Arc<dyn Fn(SessionId) -> Option<SessionLocation> + Send + Sync>>,
}

impl SessionFinder {
    /// A finder that calls `find`.
    pub fn new(find: impl Fn(SessionId) -> Option<SessionLocation> + Send + Sync + 'static) -> Self {
        Self { find: Some(Arc::new(find)) }
    }

    /// Where a session is stored; `None` if it is unknown.
    pub fn find(&self, session: SessionId) -> Option<SessionLocation> {
        self.find.as_ref().and_then(|find| find(session))
    }
}

impl fmt::Debug for SessionFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("finds", &self.find.is_some()).finish()
    }
}
