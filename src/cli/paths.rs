//! hotseat's folders and files on this machine: one answer for every command.
//!
//! Only computes paths; never creates a folder or opens a file.

use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};
use uuid::Uuid;

use crate::store::{ImportedSessions, LocalStore, TrustStore};

/// The folders and files of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Transcripts, the official tools' and ours: `$CLAUDE_CONFIG_DIR` or `~/.claude`.
    pub claude: PathBuf,
    /// codex's folder: `$CODEX_HOME` or `~/.codex`.
    pub codex: PathBuf,
    /// The folder of `config.toml`.
    pub config: PathBuf,
    /// Drafts, history and logs.
    pub state: PathBuf,
    /// Files that can be deleted at any time: index, imported sessions.
    pub cache: PathBuf,
}

impl Paths {
    /// By environment and platform.
    pub fn from_env() -> Self {
        let home = BaseDirs::new().map_or_else(std::env::temp_dir, |base| base.home_dir().to_owned());
        let claude =
            LocalStore::from_env().map_or_else(|_| home.join(".claude"), |store| store.root().into());
        let codex = std::env::var_os("CODEX_HOME").filter(|folder| !folder.is_empty());
        let codex = codex.map_or_else(|| home.join(".codex"), PathBuf::from);
        Self::from_folders(claude, codex, &home, ProjectDirs::from("", "", "hotseat").as_ref())
    }

    fn from_folders(claude: PathBuf, codex: PathBuf, home: &Path, platform: Option<&ProjectDirs>) -> Self {
        let Some(platform) = platform else {
            let own = home.join(".hotseat");
            return Self { claude, codex, state: own.join("state"), cache: own.join("cache"), config: own };
        };
        Self {
            claude,
            codex,
            config: platform.config_dir().to_owned(),
            cache: platform.cache_dir().to_owned(),
            // Only Linux has a state folder.
            state: platform.state_dir().unwrap_or_else(|| platform.data_local_dir()).to_owned(),
        }
    }

    /// The configuration file. It need not exist.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// The index: one file per `CLAUDE_CONFIG_DIR`.
    pub fn index(&self) -> PathBuf {
        let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, self.claude.as_os_str().as_encoded_bytes());
        self.cache.join(format!("index-{}.db", name.simple()))
    }

    /// The records of the folders that a person trusts.
    pub fn trust(&self) -> TrustStore {
        TrustStore::new(&self.claude, &self.codex, &self.state)
    }

    /// The store of all sessions, including imported ones of other agents.
    pub fn store(&self) -> LocalStore {
        let store = LocalStore::new(&self.claude)
            .with_imported(ImportedSessions::new(&self.cache.join("mirror"), &self.codex));
        match std::env::current_dir() {
            Ok(here) => store.preferring(&here),
            Err(_) => store,
        }
    }

    pub fn trash(&self) -> PathBuf {
        self.claude.join("hotseat").join("trash")
    }

    pub fn pinned(&self) -> PathBuf {
        self.claude.join("hotseat").join("pinned")
    }

    /// Transcripts, one folder per project.
    pub fn projects(&self) -> PathBuf {
        self.claude.join("projects")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_platform_folders_everything_is_in_the_home() {
        let places = Paths::from_folders("/c".into(), "/x".into(), Path::new("/home/me"), None);
        assert_eq!(places.config_file(), Path::new("/home/me/.hotseat/config.toml"));
        assert_eq!(places.logs(), Path::new("/home/me/.hotseat/state/logs"));
        assert_eq!(places.projects(), Path::new("/c/projects"));
        assert!(places.index().starts_with("/home/me/.hotseat/cache"));
    }
}
