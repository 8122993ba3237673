//! Sessions that exist only in the host's own store: loaded over the control
//! channel when a switch asks for one, and kept in memory.
//!
//! Owns the request that is open and what a host's answer must look like. A load
//! that fails leaves the active session as it is. What is appended here reaches
//! the host's store as mirrored entries, like that of any session.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::frames::RequestError;
use super::runtime::AgentRuntime;
use super::switch::{SwitchRequest, to_request_error};
use crate::protocol::{AgentControlRequest, AgentFrame, ErrorCode, SessionStoreKey};
use crate::session::SessionId;
use crate::store::{MemoryStore, SessionStore, project_key};

/// How long the host's store may take.
const LOAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Entries in one frame that mirrors a copied history.
const MIRROR_BATCH: usize = 200;

/// What is known of the host's store.
#[derive(Default)]
pub struct HostSessions {
    /// The host said in `initialize` that it has one.
    pub is_offered: bool,
    /// The sessions that came from it.
    memory: Arc<MemoryStore>,
    loading: Option<HostLoad>,
}

/// A switch that waits for the host's store.
struct HostLoad {
    request_id: String,
    switch: SwitchRequest,
    interrupts: bool,
    began: Instant,
    id: SessionId,
    cwd: PathBuf,
    entries: Pin<Box<dyn Future<Output = Result<Value, String>> + Send>>,
}

impl HostSessions {
    /// Waits for the host's answer; for ever if nothing is asked. Cancel-safe.
    pub async fn loaded(&mut self) -> Result<Value, String> {
        match &mut self.loading {
            Some(load) => load.entries.as_mut().await,
            None => std::future::pending().await,
        }
    }
}

impl AgentRuntime {
    /// The store that has this session: what came from the host's is in memory.
    pub(super) fn store_of(&self, id: SessionId) -> Arc<dyn SessionStore> {
        match self.host_sessions.memory.find(id) {
            Ok(_) => Arc::clone(&self.host_sessions.memory) as Arc<dyn SessionStore>,
            Err(_) => Arc::clone(&self.store),
        }
    }

    /// Asks the host's store for the session of a switch, if only that can have it: then the switch is
    /// answered later, and this gives nothing back.
    pub(super) fn load_from_host(
        &mut self,
        request_id: String,
        switch: Result<SwitchRequest, RequestError>,
        interrupts: bool,
        began: Instant,
    ) -> Option<(String, Result<SwitchRequest, RequestError>)> {
        let wanted = match &switch {
            Ok(SwitchRequest::Resume { id, cwd, creates: false, .. }) => Some((*id, cwd.clone())),
            Ok(SwitchRequest::Fork { id: Some(id), cwd, .. }) => Some((*id, cwd.clone())),
            _ => None,
        };
        let wanted = wanted.filter(|(id, _)| {
            self.host_sessions.is_offered && *id != self.session.id && self.store.find(*id).is_err()
        });
        let (Some((id, cwd)), Ok(request)) = (wanted, &switch) else { return Some((request_id, switch)) };
        if self.host_sessions.loading.is_some() {
            let busy =
                RequestError::new(ErrorCode::Busy, "another switch waits for the host's session store");
            return Some((request_id, Err(busy)));
        }
        let cwd = cwd.unwrap_or_else(|| self.session.cwd.clone());
        let key = SessionStoreKey { project_key: project_key(&cwd), session_id: id.to_string() };
        let host = self.host.clone();
        let entries = Box::pin(async move {
            let asked = host.request(AgentControlRequest::SessionStoreLoad { key });
            let late = |_| Err(format!("it did not answer within {} s", LOAD_TIMEOUT.as_secs()));
            tokio::time::timeout(LOAD_TIMEOUT, asked).await.unwrap_or_else(late)
        });
        let switch = request.clone();
        self.host_sessions.loading =
            Some(HostLoad { request_id, switch, interrupts, began, id, cwd, entries });
        None
    }

    /// Goes on with the switch that waited for the host's store.
    pub(super) fn handle_host_load(&mut self, answer: Result<Value, String>) {
        let Some(load) = self.host_sessions.loading.take() else { return };
        let HostLoad { request_id, switch, interrupts, began, id, cwd, .. } = load;
        let loaded = answer
            .map_err(|error| unreadable(id, &error))
            .and_then(|body| lines_of(id, &body))
            .and_then(|lines| self.keep_host_session(id, &cwd, &lines));
        let answer = loaded.and_then(|()| self.handle_switch(Ok(switch), interrupts, began));
        self.send_answer(request_id, answer);
    }

    /// Puts a session into memory, unless it is there and has more: then the host's copy is behind.
    fn keep_host_session(&mut self, id: SessionId, cwd: &Path, lines: &[String]) -> Result<(), RequestError> {
        let memory = &self.host_sessions.memory;
        if let Ok(bytes) = memory.read(id) {
            if memchr::memchr_iter(b'\n', &bytes).count() >= lines.len() {
                return Ok(());
            }
            memory.delete(id).map_err(|error| to_request_error(&error))?;
        }
        let mut writer = memory.open(id, cwd).map_err(|error| to_request_error(&error))?;
        writer.append(lines).map_err(|error| unreadable(id, &error.to_string()))
    }

    /// Where the host's store puts what is mirrored of the active session: the path that its transcript
    /// has, or would have on disk.
    pub(super) fn mirror_path(&self) -> String {
        let session = &self.session;
        if self.host_sessions.memory.find(session.id).is_err() {
            return session.path().display().to_string();
        }
        let folder = self.settings_files.root().join("projects").join(project_key(&session.cwd));
        folder.join(format!("{}.jsonl", session.id)).display().to_string()
    }

    /// Sends the copied history of a fork to a host that mirrors, whole and in order: a store that has only
    /// what came later could not resume it.
    pub(super) fn mirror_fork(&self) {
        if !self.settings.mirrors_transcript {
            return;
        }
        let bytes = match self.store_of(self.session.id).read(self.session.id) {
            Ok(bytes) => bytes,
            Err(error) => return self.send_warning(&format!("the copied history is not mirrored: {error}")),
        };
        let lines = bytes.split(|&byte| byte == b'\n');
        let entries: Vec<Value> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let file_path = self.mirror_path();
        for batch in entries.chunks(MIRROR_BATCH) {
            let (file_path, entries) = (file_path.clone(), batch.to_vec());
            self.out.send(&AgentFrame::TranscriptMirror { file_path, entries });
        }
    }
}

/// The lines of a transcript from what a host's store has; an error says what is wrong with it.
fn lines_of(id: SessionId, body: &Value) -> Result<Vec<String>, RequestError> {
    let entries = match &body["entries"] {
        Value::Null => return Err(to_request_error(&crate::store::StoreError::NotFound(id))),
        Value::Array(entries) if entries.is_empty() => {
            return Err(to_request_error(&crate::store::StoreError::NotFound(id)));
        }
        Value::Array(entries) => entries,
        _ => return Err(unreadable(id, "its answer has no list “entries”")),
    };
    let mut is_conversation = false;
    for entry in entries {
        if !entry.is_object() {
            return Err(unreadable(id, "one of the entries is not an object"));
        }
        is_conversation |= entry["uuid"].is_string();
        let belongs_to = entry["sessionId"].as_str().unwrap_or_default();
        if !belongs_to.is_empty() && belongs_to != id.to_string() {
            return Err(unreadable(id, &format!("an entry belongs to the session {belongs_to}")));
        }
    }
    if !is_conversation {
        return Err(unreadable(id, "none of the entries is part of a conversation"));
    }
    Ok(entries.iter().map(Value::to_string).collect())
}

fn unreadable(id: SessionId, error: &str) -> RequestError {
    let error = format!("the host's session store cannot give {id}: {error}");
    RequestError::new(ErrorCode::SessionUnreadable, error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_store_gives_is_checked() {
        let id = SessionId::random();
        let entry = |session: &str| json!({"type": "user", "uuid": "u", "sessionId": session});
        let code = |body: Value| lines_of(id, &body).map_err(|error| error.code);
        assert_eq!(code(json!({"entries": [entry(&id.to_string())]})).unwrap().len(), 1);
        for (body, expected) in [
            (json!({"entries": null}), ErrorCode::SessionNotFound),
            (json!({"entries": []}), ErrorCode::SessionNotFound),
            (json!({"entries": "x"}), ErrorCode::SessionUnreadable),
            (json!({"entries": [7]}), ErrorCode::SessionUnreadable),
            (json!({"entries": [{"type": "summary"}]}), ErrorCode::SessionUnreadable),
            (json!({"entries": [entry(&SessionId::random().to_string())]}), ErrorCode::SessionUnreadable),
        ] {
            assert_eq!(code(body.clone()), Err(expected), "{body}");
        }
    }
}
