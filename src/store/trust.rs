//! Which folders a person trusts: read from where the official programs
//! remember it, and written there, so that nobody is asked twice.
//!
//! A folder counts as trusted once any of three records says so: the official
//! `.claude.json` (`projects.FOLDER.hasTrustDialogAccepted`, which holds for the
//! folders below too; Claude Code 2.1.332), codex's `config.toml`
//! (`projects.FOLDER.trust_level`, which holds for the folder or for the root of
//! its repository; codex 0.169.0), and hotseat's own file. Trust is a person's
//! decision: nothing here decides, and a record that cannot be read trusts
//! nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};

use super::project_dir::canonical_cwd;

/// How long the official program may hold its lock on `.claude.json`.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// A lock older than this was left behind (the official programs' own limit).
const STALE_LOCK: Duration = Duration::from_secs(10);

/// Where an answer is remembered: by the agent that is about to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustRecord {
    /// The official `.claude.json`: `claude` and our own agent read it.
    Claude,
    /// `config.toml` of codex.
    Codex,
    /// hotseat's own file, for agents that remember nothing.
    Hotseat,
}

/// The records of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustStore {
    claude: PathBuf,
    codex: PathBuf,
    own: PathBuf,
}

impl TrustStore {
    /// The records that belong to these folders: Claude's configuration folder,
    /// codex's, and hotseat's state folder.
    pub fn new(claude: &Path, codex: &Path, state: &Path) -> Self {
        let inside = claude.join(".claude.json");
        // Beside `~/.claude`, unless CLAUDE_CONFIG_DIR names another folder.
        let is_default = claude.file_name().is_some_and(|name| name == ".claude")
            && std::env::var_os("CLAUDE_CONFIG_DIR").is_none_or(|folder| folder.is_empty());
        let claude = match claude.parent() {
            Some(home) if is_default && !inside.exists() => home.join(".claude.json"),
            _ => inside,
        };
        Self { claude, codex: codex.join("config.toml"), own: state.join("trusted-folders.json") }
    }

    /// Whether a person said to trust the folder.
    pub fn is_trusted(&self, folder: &Path) -> bool {
        let folder = PathBuf::from(canonical_cwd(folder));
        self.claude_trusts(&folder) || self.codex_trusts(&folder) || self.own_folders().contains(&folder)
    }

    /// Remembers that a person trusts the folder.
    pub fn trust(&self, folder: &Path, record: TrustRecord) -> io::Result<()> {
        let folder = canonical_cwd(folder);
        match record {
            TrustRecord::Claude => self.trust_for_claude(&folder),
            TrustRecord::Codex => self.trust_for_codex(&folder),
            TrustRecord::Hotseat => {
                let mut folders = self.own_folders();
                folders.insert(folder.into());
                write_private(&self.own, &serde_json::to_vec_pretty(&folders)?)
            }
        }
    }

    fn claude_trusts(&self, folder: &Path) -> bool {
        let Some(record) = read_json(&self.claude) else { return false };
        let trusts =
            |folder: &Path| record["projects"][&*folder.to_string_lossy()]["hasTrustDialogAccepted"] == true;
        folder.ancestors().any(trusts)
    }

    fn codex_trusts(&self, folder: &Path) -> bool {
        let Ok(text) = fs::read_to_string(&self.codex) else { return false };
        let Ok(config) = text.parse::<toml::Table>() else { return false };
        let level = |folder: &Path| {
            let level = config.get("projects")?.get(&*folder.to_string_lossy())?.get("trust_level")?;
            level.as_str().map(str::to_owned)
        };
        let root = folder.ancestors().find(|above| above.join(".git").exists());
        let said = level(folder).or_else(|| level(root?));
        said.is_some_and(|level| level == "trusted")
    }

    fn own_folders(&self) -> BTreeSet<PathBuf> {
        let folders = read_json(&self.own).and_then(|folders| serde_json::from_value(folders).ok());
        folders.unwrap_or_default()
    }

    /// Adds one flag to a file that the official programs write too, under their
    /// own lock.
    fn trust_for_claude(&self, folder: &str) -> io::Result<()> {
        let _lock = OfficialLock::take(&self.claude);
        let mut record = match fs::read(&self.claude) {
            Ok(bytes) => serde_json::from_slice::<Value>(&bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Value::Object(Map::new()),
            Err(error) => return Err(error),
        };
        let not_an_object = || io::Error::new(ErrorKind::InvalidData, "it is not a JSON object");
        let projects = record.as_object_mut().ok_or_else(not_an_object)?.entry("projects");
        let projects = projects.or_insert_with(|| Value::Object(Map::new()));
        let project = projects.as_object_mut().ok_or_else(not_an_object)?.entry(folder);
        let project = project.or_insert_with(|| Value::Object(Map::new()));
        project
            .as_object_mut()
            .ok_or_else(not_an_object)?
            .insert("hasTrustDialogAccepted".into(), true.into());
        write_private(&self.claude, &serde_json::to_vec_pretty(&record)?)
    }

    /// Adds a table at the end of the file, and nothing else in it changes.
    fn trust_for_codex(&self, folder: &str) -> io::Result<()> {
        if self.codex_trusts(Path::new(folder)) {
            return Ok(());
        }
        let mut text = match fs::read_to_string(&self.codex) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let quoted = toml::Value::String(folder.to_owned());
        text.push_str(&format!("\n[projects.{quoted}]\ntrust_level = \"trusted\"\n"));
        // A table of that name may be there already, and say something else.
        if let Err(error) = text.parse::<toml::Table>() {
            return Err(io::Error::new(ErrorKind::InvalidData, error.message().to_owned()));
        }
        write_private(&self.codex, text.as_bytes())
    }
}

fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Replaces a file whole; where it is a link, the file behind it.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    crate::sys::private_files::private_dir(folder)?;
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// The lock of the official programs on one of their files: a folder beside it.
struct OfficialLock(Option<PathBuf>);

impl OfficialLock {
    /// Takes it, or goes on without where its holder does not let go: a decision
    /// of a person is not lost over a lock.
    fn take(file: &Path) -> Self {
        let path = PathBuf::from(format!("{}.lock", file.display()));
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match fs::create_dir(&path) {
                Ok(()) => return Self(Some(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && Instant::now() < deadline => {
                    let age = fs::metadata(&path).and_then(|lock| lock.modified()).ok();
                    let age = age.and_then(|since| SystemTime::now().duration_since(since).ok());
                    if age.is_some_and(|age| age > STALE_LOCK) {
                        return Self(None);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(_) => return Self(None),
            }
        }
    }
}

impl Drop for OfficialLock {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The official programs take over a lock that stays.
            fs::remove_dir(path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    struct Scratch {
        root: PathBuf,
        trust: TrustStore,
        _folder: tempfile::TempDir,
    }

    fn scratch() -> Scratch {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for made in ["claude", "codex", "work/sub", "other"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        let claude = root.join("claude/.claude.json");
        let trust =
            TrustStore { claude, codex: root.join("codex/config.toml"), own: root.join("state/own.json") };
        Scratch { root, trust, _folder: folder }
    }

    #[test]
    fn each_record_counts_and_keeps_what_else_it_holds() {
        for record in [TrustRecord::Claude, TrustRecord::Codex, TrustRecord::Hotseat] {
            let Scratch { root, trust, _folder } = scratch();
            let (work, other) = (root.join("work"), root.join("other"));
            fs::write(&trust.claude, r#"{"numStartups":3,"projects":{"/x":{"allowedTools":[]}}}"#).unwrap();
            fs::write(&trust.codex, "model = \"m\" # mine").unwrap();
            assert!(!trust.is_trusted(&work));
            trust.trust(&work, record).unwrap();
            trust.trust(&work, record).unwrap();
            assert!(trust.is_trusted(&work), "{record:?}");
            assert!(!trust.is_trusted(&other), "{record:?}");
            let claude = read_json(&trust.claude).unwrap();
            assert_eq!(
                (&claude["numStartups"], &claude["projects"]["/x"]),
                (&json!(3), &json!({"allowedTools": []}))
            );
            assert!(fs::read_to_string(&trust.codex).unwrap().starts_with("model = \"m\" # mine"));
        }
    }

    #[test]
    fn trust_in_a_folder_of_claude_holds_below_it_and_is_private() {
        let Scratch { root, trust, _folder } = scratch();
        trust.trust(&root.join("work"), TrustRecord::Claude).unwrap();
        assert!(trust.is_trusted(&root.join("work/sub")));
        assert!(!trust.is_trusted(&root));
        assert_eq!(fs::metadata(&trust.claude).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!root.join("claude/.claude.json.lock").exists());
    }

    #[test]
    fn what_codex_was_told_not_to_trust_is_not_trusted_nor_overwritten() {
        let Scratch { root, trust, _folder } = scratch();
        let work = root.join("work");
        let said = format!("[projects.\"{}\"]\ntrust_level = \"untrusted\"\n", work.display());
        fs::write(&trust.codex, &said).unwrap();
        assert!(!trust.is_trusted(&work));
        assert!(trust.trust(&work, TrustRecord::Codex).is_err());
        assert_eq!(fs::read_to_string(&trust.codex).unwrap(), said);
    }

    #[test]
    fn a_record_that_cannot_be_read_trusts_nothing_and_is_left_as_it_is() {
        let Scratch { root, trust, _folder } = scratch();
        fs::write(&trust.claude, "{ torn").unwrap();
        assert!(!trust.is_trusted(&root.join("work")));
        assert!(trust.trust(&root.join("work"), TrustRecord::Claude).is_err());
        assert_eq!(fs::read_to_string(&trust.claude).unwrap(), "{ torn");
    }
}
