//! Sessions of agents that tell what was said and keep it where nobody else can
//! read it: written down here as they tell it.
//!
//! A record begins with a line that says whose it is. It holds a title alone
//! until its agent has told the rest.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::session::summary::{TitleSource, one_line};
use crate::session::{SessionId, SessionSummary};
use crate::store::{partial_read, project_dir};

/// Each end of a record: the first says whose it is, and either what it is called.
const END_BYTES: u64 = 64 << 10;

/// Something to be written down.
#[derive(Debug, Clone)]
pub struct ExternalRecord {
    /// The agent.
    pub agent: String,
    /// Its session.
    pub session: SessionId,
    /// What the agent itself calls that, where it said so.
    pub agent_session: Option<String>,
    /// The folder that runs in.
    pub cwd: PathBuf,
    /// Its title, where the agent says one.
    pub title: Option<String>,
    /// When something was said in it last.
    pub active_at: SystemTime,
    /// What is written behind the rest.
    pub entries: Vec<Value>,
    /// In the place of the rest.
    pub replace: bool,
}

/// The records of all such agents.
#[derive(Debug)]
pub(super) struct RecordedSessions {
    projects: PathBuf,
}

impl RecordedSessions {
    pub fn new(folder: &Path) -> Self {
        Self { projects: folder.join("projects") }
    }

    /// Where they lie, as a store's projects.
    pub fn projects(&self) -> &Path {
        &self.projects
    }

    /// Writes it down. Where nothing is new nothing is touched.
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
        let title = title.map(|title| json!({"type": "custom-title", "customTitle": title, "sessionId": id}));
        let lines = whose.into_iter().chain(title).chain(record.entries.iter().cloned());
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        if text.is_empty() {
            return Ok(());
        }
        super::create_private_dir(&folder)?;
        if !begins {
            let mut file = File::options().append(true).open(&path)?;
            file.write_all(text.as_bytes())?;
            return file.set_modified(record.active_at);
        }
        let scratch = folder.join(format!("{id}.new"));
        let mut file = File::create(&scratch)?;
        file.write_all(text.as_bytes())?;
        file.set_modified(record.active_at)?;
        fs::rename(scratch, path)
    }

    /// Forgets those of an agent's sessions that it has no more, in the folders
    /// of those that it has: it may have told of some folders only.
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

/// Its title and its agent's name for it, as far as the two ends tell.
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
