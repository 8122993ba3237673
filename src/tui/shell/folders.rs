//! Looks up the folders that sessions work in, and whether a person trusts them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::session::SessionId;
use crate::store::{SessionStore, TrustRecord, TrustStore, working_folder};
use crate::tui::app::ResolvedFolder;

/// What is needed to answer; cheap to clone into tasks. Every call reads a disk.
#[derive(Clone)]
pub(super) struct Folders {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) trust: TrustStore,
    /// The folder the person opened.
    pub(super) opened: PathBuf,
}

impl Folders {
    /// The folder that a session works in.
    pub(super) fn resolve(&self, session: SessionId) -> Result<ResolvedFolder, String> {
        let folder =
            working_folder(&*self.store, session, &self.opened).map_err(|error| error.to_string())?;
        // Links must not make one folder two.
        let path = folder.path.canonicalize().unwrap_or(folder.path);
        Ok(ResolvedFolder {
            is_trusted: self.trust.is_trusted(&path),
            exists: path.is_dir(),
            reason: folder.reason,
            path,
        })
    }

    /// The folder of a session, where it is not the one that was opened. A session
    /// that cannot be read is the agent's to refuse.
    pub(super) fn elsewhere(&self, session: SessionId) -> Option<ResolvedFolder> {
        self.resolve(session).ok().filter(|folder| folder.path != self.opened)
    }

    /// Remembers that a person trusts a folder; an error is for a person.
    pub(super) fn trust(&self, folder: &Path, record: TrustRecord) -> Result<(), String> {
        let failed = |error| format!("cannot remember that you trust {}: {error}", folder.display());
        self.trust.trust(folder, record).map_err(failed)
    }
}
