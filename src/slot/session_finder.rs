//! Where stored sessions are, asked of whoever knows: the slot reads no store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::session::SessionId;

/// A stored session, as far as a process that is to run it must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLocation {
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Its transcript.
    pub transcript: PathBuf,
    /// When the last of what is written down was said; none where its agent has to
    /// tell what was said.
    pub recorded_until: Option<SystemTime>,
    /// The live process that has it open: its pid, and who that is.
    pub holder: Option<(u32, String)>,
}

/// Finds stored sessions. It is asked from the slot's task, so it must be quick.
#[derive(Clone, Default)]
pub struct SessionFinder {
    find: Option<Arc<dyn Fn(SessionId) -> Option<SessionLocation> + Send + Sync>>,
}

impl SessionFinder {
    /// Finds by this function.
    pub fn new(find: impl Fn(SessionId) -> Option<SessionLocation> + Send + Sync + 'static) -> Self {
        Self { find: Some(Arc::new(find)) }
    }

    /// Where a session is; none where nobody knows.
    pub fn find(&self, session: SessionId) -> Option<SessionLocation> {
        self.find.as_ref().and_then(|find| find(session))
    }
}

impl fmt::Debug for SessionFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("finds", &self.find.is_some()).finish()
    }
}
