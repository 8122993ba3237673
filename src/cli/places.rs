//! Where things lie on this machine: one answer for every command.
//!
//! Owns the paths only; it makes no folder and opens no file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

/// The folders and files of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Transcripts, the official tools' and ours: `$CLAUDE_CONFIG_DIR` or `~/.claude`.
    pub claude: PathBuf,
    /// Holds `config.toml`.
    pub config: PathBuf,
    /// Logs and what must survive a reboot.
    pub state: PathBuf,
    /// What can be made anew, such as the index.
    pub cache: PathBuf,
}

impl Places {
    /// Asks the environment and the platform.
    pub fn find() -> Self {
        let home = BaseDirs::new().map_or_else(std::env::temp_dir, |base| base.home_dir().to_owned());
        let project = ProjectDirs::from("", "", "hotseat");
        Self::from_parts(&home, std::env::var_os("CLAUDE_CONFIG_DIR"), project.as_ref())
    }

    fn from_parts(home: &Path, claude: Option<OsString>, project: Option<&ProjectDirs>) -> Self {
        let claude = claude.filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let hidden = home.join(".hotseat");
        Self {
            claude: claude.unwrap_or_else(|| home.join(".claude")),
            config: project.map_or_else(|| hidden.clone(), |dirs| dirs.config_dir().to_owned()),
            // Only Linux has a state folder of its own.
            state: project.map_or_else(
                || hidden.clone(),
                |dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned(),
            ),
            cache: project.map_or_else(|| hidden.join("cache"), |dirs| dirs.cache_dir().to_owned()),
        }
    }

    /// The configuration file, which need not exist.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The folder of the log files.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// The folder of all projects' transcripts.
    pub fn projects(&self) -> PathBuf {
        self.claude.join("projects")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_claude_config_dir_means_the_default() {
        let home = Path::new("/home/me");
        for (given, expected) in
            [(None, "/home/me/.claude"), (Some(""), "/home/me/.claude"), (Some("/x"), "/x")]
        {
            let places = Places::from_parts(home, given.map(OsString::from), None);
            assert_eq!(places.claude, Path::new(expected));
        }
    }

    #[test]
    fn without_a_platform_folder_everything_lies_in_the_home() {
        let places = Places::from_parts(Path::new("/home/me"), None, None);
        assert_eq!(places.config_file(), Path::new("/home/me/.hotseat/config.toml"));
        assert_eq!(places.logs(), Path::new("/home/me/.hotseat/logs"));
    }
}
