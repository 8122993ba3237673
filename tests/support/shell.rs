//! The real program's `sessions` commands in a scratch home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::sessions::Sample;

/// A scratch home with a folder to work in.
pub struct Home {
    temp: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("work")).unwrap();
        Self { temp }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().canonicalize().unwrap().join(name)
    }

    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.path("work")).env("HOME", self.temp.path()).stdin(Stdio::null());
        command.env("CLAUDE_CONFIG_DIR", self.path("claude")).env_remove("CODEX_HOME");
        for (name, folder) in [("STATE", "state"), ("CACHE", "cache"), ("CONFIG", "config"), ("DATA", "data")]
        {
            command.env(format!("XDG_{name}_HOME"), self.path(folder));
        }
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_hotseat")).arg("sessions").args(words).output().unwrap()
    }

    /// Runs a command that must succeed; gives what it said.
    pub fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{words:?}: {said}");
        said
    }

    /// Runs a command that must fail with this code; gives what it said.
    pub fn refused(&self, code: i32, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        said
    }

    pub fn json(&self, words: &[&str]) -> Value {
        serde_json::from_slice(&self.run(&[words, &["--json"]].concat()).stdout).unwrap()
    }

    /// A session of this home's folder.
    pub fn put(&self, number: u32, title: &str) -> String {
        let sample =
            Sample { number, title: Some(title.to_owned()), cwd: self.path("work"), ..Sample::default() };
        sample.write(&self.path("claude")).unwrap();
        sample.id()
    }

    /// Where a session lies now; none where it is in no project.
    pub fn find(&self, id: &str) -> Option<PathBuf> {
        let folders = self.path("claude/projects").read_dir().ok()?;
        let mut paths = folders.map(|folder| folder.unwrap().path().join(format!("{id}.jsonl")));
        paths.find(|path| path.exists())
    }

    pub fn text(&self, id: &str) -> String {
        fs::read_to_string(self.find(id).unwrap()).unwrap()
    }

    /// Pastes the command behind “undo:” into a shell.
    pub fn undo(&self, said: &str) {
        let undo = said.lines().find_map(|line| line.trim().strip_prefix("undo: ")).unwrap();
        let path = format!(
            "{}:{}",
            Path::new(env!("CARGO_BIN_EXE_hotseat")).parent().unwrap().display(),
            "/usr/bin:/bin"
        );
        let shell = self.command("sh").args(["-c", undo]).env("PATH", path).output().unwrap();
        assert!(shell.status.success(), "{undo}: {}", String::from_utf8_lossy(&shell.stderr));
    }
}
