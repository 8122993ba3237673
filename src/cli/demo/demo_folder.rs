//! The scratch folder of the demo, filled with its sessions; removed on drop.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;

use crate::session::SessionId;
use crate::store::{LocalStore, SessionStore, TrustRecord, TrustStore};

/// The demo's transcripts, written as if [`WRITTEN_AT`] were now and their folders
/// were under [`DEMO_HOME`].
const SESSIONS: [&str; 10] = [
    include_str!("../../../assets/demo/flaky-harbour-test.jsonl"),
    include_str!("../../../assets/demo/harbour-office-sync.jsonl"),
    include_str!("../../../assets/demo/harmonic-constants.jsonl"),
    include_str!("../../../assets/demo/help-in-japanese.jsonl"),
    include_str!("../../../assets/demo/parser-rewrite-fork.jsonl"),
    include_str!("../../../assets/demo/parser-rewrite.jsonl"),
    include_str!("../../../assets/demo/release-0-3.jsonl"),
    include_str!("../../../assets/demo/speed-up-the-table.jsonl"),
    include_str!("../../../assets/demo/tide-clock-for-the-web.jsonl"),
    include_str!("../../../assets/demo/what-does-zulu-do.jsonl"),
];

/// Files of the demo project, for tools to read and edit.
const FILES: [(&str, &str); 2] = [
    ("README.md", include_str!("../../../assets/demo/project/README.md")),
    ("fixtures/spring.tide", include_str!("../../../assets/demo/project/fixtures/spring.tide")),
];

const WRITTEN_AT: &str = "2026-01-01T12:00:00Z";
const DEMO_HOME: &str = "/demo/";
const PROJECT: &str = "tidepool";

#[derive(Debug)]
pub struct DemoFolder {
    folder: TempDir,
    /// Canonical path: projects are named after it.
    root: PathBuf,
}

impl DemoFolder {
    /// Creates the folder and copies the sessions into it, dated just now.
    pub fn create() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hotseat-demo-").tempdir();
        let folder = folder.context("cannot create a scratch folder for the demo")?;
        let root = folder.path().canonicalize().context("cannot resolve the path of the scratch folder")?;
        let scratch = Self { folder, root };
        scratch.fill().context("cannot copy the demo sessions")?;
        Ok(scratch)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `CLAUDE_CONFIG_DIR` of the demo.
    pub fn claude(&self) -> PathBuf {
        self.root.join("claude")
    }

    /// The working folder of the agent.
    pub fn project(&self) -> PathBuf {
        self.root.join(PROJECT)
    }

    /// Records that say that the made-up project is trusted.
    pub(super) fn trust(&self) -> TrustStore {
        let trust = TrustStore::new(&self.claude(), &self.root().join("codex"), &self.root().join("state"));
        if let Err(error) = trust.trust(&self.project(), TrustRecord::Hotseat) {
            tracing::warn!(%error, "the demo's folder cannot be marked as trusted");
        }
        trust
    }

    /// Environment that keeps the agent inside the scratch folder and off the network.
    pub fn env(&self) -> Vec<(OsString, OsString)> {
        vec![
            ("CLAUDE_CONFIG_DIR".into(), self.claude().into()),
            ("HOTSEAT_PROVIDER".into(), "offline".into()),
        ]
    }

    /// Removes the folder now, so that a failure can be reported.
    pub fn remove(self) -> Result<()> {
        self.folder.close().context("cannot remove the scratch folder of the demo")
    }

    fn fill(&self) -> Result<()> {
        for (name, text) in FILES {
            let path = self.project().join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, text)?;
        }
        let written: DateTime<Utc> = WRITTEN_AT.parse()?;
        let store = LocalStore::new(self.claude());
        for text in SESSIONS {
            let text = relocate_folders(text, &self.root);
            let (id, cwd) = session_and_cwd(&text)?;
            let lines: Vec<_> =
                text.lines().map(|line| shift_timestamp(line, Utc::now() - written)).collect();
            std::fs::create_dir_all(&cwd)?;
            store.open(id, &cwd)?.append(&lines)?;
        }
        Ok(())
    }
}

/// Moves all folders in `text` from [`DEMO_HOME`] to `root`.
fn relocate_folders(text: &str, root: &Path) -> String {
    let quoted = Value::from(format!("{}/", root.display())).to_string();
    text.replace(DEMO_HOME, quoted.trim_matches('"'))
}

/// The session id and working folder that the first line names.
fn session_and_cwd(text: &str) -> Result<(SessionId, PathBuf)> {
    let first: Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
    let field = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
    Ok((field("sessionId").parse()?, field("cwd").into()))
}

/// Moves the timestamp of a line. Works on malformed lines, too.
fn shift_timestamp(line: &str, by: TimeDelta) -> String {
    const KEY: &str = "\"timestamp\":\"";
    let moved = || {
        let start = line.find(KEY)? + KEY.len();
        let end = start + line[start..].find('"')?;
        let at: DateTime<Utc> = line[start..end].parse().ok()?;
        let at = (at + by).to_rfc3339_opts(SecondsFormat::Millis, true);
        Some(format!("{}{at}{}", &line[..start], &line[end..]))
    };
    moved().unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{SessionSummary, Transcript};
    use crate::store::Scope;

    /// Title, turns and tag of each session of a scope, by title.
    fn listed(scratch: &DemoFolder, scope: &Scope) -> Vec<(String, usize, Option<String>)> {
        let store = LocalStore::new(scratch.claude());
        let facts = store.list(scope).unwrap().into_iter().map(|stored| {
            let bytes = store.read(stored.id).unwrap();
            SessionSummary::from_transcript(&Transcript::read(&crate::transcript::TranscriptText::read(
                &bytes,
            )))
        });
        let mut listed: Vec<_> =
            facts.map(|facts| (facts.title_text().to_owned(), facts.turns, facts.tag.clone())).collect();
        listed.sort();
        listed
    }

    #[test]
    fn the_demo_holds_what_it_shows() {
        let scratch = DemoFolder::create().unwrap();
        let all = listed(&scratch, &Scope::All);
        let here = listed(&scratch, &Scope::Project(scratch.project()));
        assert_eq!((all.len(), here.len()), (10, 9));
        let expected = [
            ("Parser rewrite", 4, None),
            ("Parser rewrite ⑂2", 6, None),
            ("Find the flaky harbour test", 2, Some("bug")),
            ("ヘルプの日本語訳 🌊", 3, Some("l10n")),
            ("what does --zulu do?", 1, None),
        ];
        for (title, turns, tag) in expected {
            let row = (title.to_owned(), turns, tag.map(str::to_owned));
            assert!(all.contains(&row), "{row:?} is not in {all:#?}");
        }
    }

    #[test]
    fn the_demo_was_held_just_now_and_keeps_its_torn_lines() {
        let scratch = DemoFolder::create().unwrap();
        let store = LocalStore::new(scratch.claude());
        let mut torn = 0;
        let mut newest = DateTime::UNIX_EPOCH;
        for stored in store.list(&Scope::All).unwrap() {
            let bytes = store.read(stored.id).unwrap();
            let facts = SessionSummary::from_transcript(&Transcript::read(
                &crate::transcript::TranscriptText::read(&bytes),
            ));
            torn += facts.health.torn;
            newest = newest.max(facts.active.unwrap());
            assert!(!String::from_utf8_lossy(&bytes).contains(DEMO_HOME), "a folder was not moved");
        }
        assert_eq!(torn, 2);
        let age = Utc::now() - newest;
        assert!(age > TimeDelta::zero() && age < TimeDelta::hours(1), "the newest is {age} old");
    }

    #[test]
    fn removing_leaves_nothing() {
        let scratch = DemoFolder::create().unwrap();
        let root = scratch.root().to_owned();
        assert!(root.exists());
        scratch.remove().unwrap();
        assert!(!root.exists());
    }
}
