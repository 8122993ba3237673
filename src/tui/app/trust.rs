//! The folder that a session works in, as far as the screen has to ask about it.
//!
//! Knows what the shell resolved (`store::working_folder` and the records of
//! trust); never looks at the disk itself. The questions are in
//! `overlay::Confirmation`, what follows from an answer in `update::trust`.

use std::path::{Path, PathBuf};

use super::state::App;
use crate::session::SessionId;
use crate::store::{FolderReason, TrustRecord};

/// The folder that a session would work in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedFolder {
    /// Its real path.
    pub path: PathBuf,
    /// Why it is this one.
    pub reason: FolderReason,
    /// A person trusts it.
    pub is_trusted: bool,
    pub exists: bool,
}

impl ResolvedFolder {
    /// As a person reads it; hostile text.
    pub fn display(&self) -> String {
        self.path.display().to_string()
    }
}

/// What is to be done in another folder, once a person agreed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderUse {
    /// Resume the session there.
    Resume,
    /// Fork the session, so that the copy works there: up to this message, or all.
    Fork(Option<String>),
}

/// The first process, while questions keep it from being started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PendingStart {
    /// The session to start in.
    pub resume: Option<SessionId>,
    /// That session's folder, where it is not the opened one and nobody was asked
    /// about it yet.
    pub elsewhere: Option<ResolvedFolder>,
    /// A person still has to say whether they trust the opened folder.
    pub asks_for_trust: bool,
}

impl App {
    /// The folder the person opened.
    pub fn opened_folder(&self) -> &Path {
        Path::new(&self.folder)
    }

    /// The folder that the agent works in, where it is not the one that was opened:
    /// shown for as long as it holds.
    pub fn foreign_folder(&self) -> Option<&Path> {
        self.agent.folder.as_deref().filter(|folder| *folder != self.opened_folder())
    }

    /// The settings of the folder that the agent works in do not count: no person
    /// trusts it.
    pub fn is_restricted(&self) -> bool {
        let folder = self.agent.folder.as_deref().unwrap_or_else(|| self.opened_folder());
        self.restricted_folders.contains(folder)
    }

    /// Where the trust in a folder is remembered: where the active agent looks.
    pub(super) fn trust_record(&self) -> TrustRecord {
        match self.agent.name.as_str() {
            name if name.starts_with("codex") => TrustRecord::Codex,
            "claude" | "hotseat" => TrustRecord::Claude,
            _ if self.shares_transcripts() => TrustRecord::Claude,
            _ => TrustRecord::Hotseat,
        }
    }
}
