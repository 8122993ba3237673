//! Sessions of agents whose own files nobody else can read, recorded from what they report.
//!
//! A recording starts with a line that names its agent. Until the agent has reported more
//! it holds only a title.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::session::summary::{TitleSource, one_line};
use crate::session::{SessionId, SessionSummary};
use crate::store::{partial_read, project_dir};
use crate::sys::private_files::{narrow, own_private_dir, private_options};
use crate::transcript::entry_encoder::title_entry;

/// How much of each end is read: the start names the agent, either end may hold the title.
const END_BYTES: u64 = 64 << 10;

/// What an agent reported about one session.
#[derive(Debug, Clone)]
pub struct ExternalRecord {
    pub agent: String,
    pub session: SessionId,
    /// The agent's own name for the session, if it has one.
    pub agent_session: Option<String>,
    /// The folder the session works in.
    pub cwd: PathBuf,
    /// The title, if the agent gives one.
    pub title: Option<String>,
    /// When something was last said in it.
    pub active_at: SystemTime,
    /// Entries to append.
    pub entries: Vec<Value>,
    /// Replace everything recorded so far.
    pub replace: bool,
}

/// The recordings of all agents.
#[derive(Debug)]
pub(super) struct RecordedSessions {
    projects: PathBuf,
}

impl RecordedSessions {
    pub fn new(folder: &Path) -> Self {
        Self { projects: folder.join("projects") }
    }

    /// The folder of recordings, laid out like a store's `projects`.
    pub fn projects(&self) -> &Path {
        &self.projects
    }

    /// Writes a report. If nothing is new, no file is touched.
    pub fn write(&self, record: &ExternalRecord) -> io::Result<()> {
        let folder = project_dir::project_dir_for(&self.projects, &record.cwd);
        let path = folder.join(format!("{}.jsonl", record.session));
        let begins = record.replace || !path.exists();
        let known = if begins { SessionSummary::default() } else { recorded_summary(&path) };
        let named = known.title.filter(|title| title.source == TitleSource::Custom);
        let is_new = |text: &&String, known: Option<&str>| known != Some(one_line(text).as_str());
        let title =
            record.title.as_ref().filter(|title| is_new(title, named.as_ref().map(|named| &*named.text)));
        let called = record.agent_session.as_ref().filter(|id| is_new(id, known.agent_session.as_deref()));
        let id = record.session;
        let whose = json!({"type": "mirror", "agent": record.agent, "agentSession": record.agent_session, "cwd": record.cwd, "sessionId": id});
        let whose = (begins || called.is_some()).then_some(whose);
        let title = title.map(|title| title_entry(id, title));
        let lines = whose.into_iter().chain(title).chain(record.entries.iter().cloned());
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        if text.is_empty() {
            return Ok(());
        }
        own_private_dir(&folder)?;
        if !begins {
            // A recording of an older version may be wider.
            narrow(&path)?;
            let mut file = File::options().append(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            return file.set_modified(record.active_at);
        }
        let scratch = folder.join(format!("{id}.new"));
        let mut file = private_options().write(true).truncate(true).open(&scratch)?;
        file.write_all(text.as_bytes())?;
        file.set_modified(record.active_at)?;
        fs::rename(scratch, path)
    }

    /// Removes recordings of sessions that the agent no longer has, but only in the folders
    /// of those that it has: it may have reported some folders only.
    pub fn retain_sessions(&self, agent: &str, there: &[(SessionId, PathBuf)]) -> io::Result<()> {
        let folders: HashSet<_> =
            there.iter().map(|(_, cwd)| project_dir::project_dir_for(&self.projects, cwd)).collect();
        let there: HashSet<_> = there.iter().map(|(id, _)| *id).collect();
        for file in folders.iter().flat_map(|folder| folder.read_dir().into_iter().flatten().flatten()) {
            let id = file.file_name().to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
            let Some(id) = id.filter(|id| !there.contains(id)) else { continue };
            let head = partial_read::read_head(&file.path(), END_BYTES).unwrap_or_default();
            if SessionSummary::from_bytes(&head).agent.as_deref() == Some(agent) {
                tracing::info!(session = %id, "the agent has it no more");
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }
}

/// The recorded title and the agent's name for the session, from both ends of the file.
fn recorded_summary(record: &Path) -> SessionSummary {
    let head = partial_read::read_head(record, END_BYTES)
        .map(|head| SessionSummary::from_bytes(&head))
        .unwrap_or_default();
    let tail = partial_read::read_tail(record, END_BYTES)
        .map(|tail| SessionSummary::from_bytes(&tail.bytes))
        .unwrap_or_default();
    let given = tail.title.filter(|title| title.source == TitleSource::Custom);
    let agent_session = tail.agent_session.or(head.agent_session);
    SessionSummary { title: given.or(head.title), agent_session, ..SessionSummary::default() }
}
