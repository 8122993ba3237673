//! Reads transcripts for the screen: the end of a session's own, and those of its subagents.

use std::path::Path;

use crate::session::summary::{SessionTitle, TitleSource};
use crate::session::{Conversation, SessionId, Transcript};
use crate::store::{SessionStore, SideFiles, StoreError, SubagentTranscript, subagents_of};
use crate::transcript::TranscriptText;
use crate::tui::app::LoadedTranscript;

/// Bytes that are taken in for a session that is not there.
const SYNC_BYTES: u64 = 8 << 20;

/// Each subagent's name and all of its conversation.
pub(super) fn read_subagents(
    store: &dyn SessionStore,
    session: SessionId,
) -> Result<Vec<(String, String)>, String> {
    let transcript = store.find(session).map_err(|error| error.to_string())?.path;
    let read = |agent: &SubagentTranscript| {
        let bytes = agent.read().map_err(|error| error.to_string())?;
        let text = TranscriptText::read(&bytes);
        let conversation = Conversation::from_transcript(&Transcript::read(&text));
        let purpose = agent.purpose();
        let parts = [purpose.agent_type, purpose.description, Some(agent.id.clone())];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        Ok((name, conversation.plain_text()))
    };
    subagents_of(&transcript).iter().map(read).collect()
}

/// Reads the end of a transcript. A session that was begun and holds nothing
/// yet has no file: that is an empty conversation.
pub(super) fn read_transcript(
    store: &dyn SessionStore,
    session: SessionId,
    bytes: u64,
) -> Result<LoadedTranscript, String> {
    let there = match store.find(session) {
        // One that its agent has only just made is not copied yet.
        Err(StoreError::NotFound(_)) => store.sync_external(SYNC_BYTES).and_then(|_more| store.find(session)),
        there => there,
    };
    let (size, path) = match there {
        Ok(stored) => (stored.size, stored.path),
        Err(StoreError::NotFound(_)) => {
            return Ok(LoadedTranscript {
                conversation: Conversation::default(),
                title: None,
                whole: true,
                bytes,
                size: 0,
            });
        }
        Err(error) => return Err(error.to_string()),
    };
    let tail = store.read_tail(session, bytes).map_err(|error| error.to_string())?;
    let text = TranscriptText::read(&tail.bytes);
    let transcript = if tail.is_complete { Transcript::read(&text) } else { Transcript::read_part(&text) };
    let conversation = Conversation::from_transcript(&transcript);
    let title = given_title(&transcript, &path);
    Ok(LoadedTranscript { conversation, title, whole: tail.is_complete, bytes, size })
}

/// The title of a session that no list may hold, because it works in another folder.
fn given_title(transcript: &Transcript<'_>, path: &Path) -> Option<String> {
    let title = SessionTitle::from_transcript(transcript);
    let is_given = |title: &SessionTitle| matches!(title.source, TitleSource::Custom | TitleSource::Ai);
    let title = title.filter(|title| is_given(title) || !transcript.is_partial);
    let beside = || Some(SideFiles::read(path).title).filter(|title| !title.is_empty());
    match title {
        Some(title) if title.source == TitleSource::Custom => Some(title.text),
        title => beside().or(title.map(|title| title.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LocalStore;

    #[test]
    fn each_subagent_is_read_with_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let store = LocalStore::new(temp.path());
        let id = SessionId::random();
        let folder = temp.path().join("projects/-w");
        let agents = folder.join(id.to_string()).join("subagents");
        std::fs::create_dir_all(&agents).unwrap();
        let entry = r#"{"type":"user","uuid":"a","isSidechain":true,"message":{"content":"look here"}}"#;
        std::fs::write(folder.join(format!("{id}.jsonl")), entry).unwrap();
        assert_eq!(read_subagents(&store, SessionId::random()).unwrap_err().split(' ').next(), Some("no"));
        std::fs::write(agents.join("agent-x1.jsonl"), entry).unwrap();
        std::fs::write(agents.join("agent-x1.meta.json"), r#"{"agentType":"Explore"}"#).unwrap();
        let found = read_subagents(&store, id).unwrap();
        assert_eq!(found, [("Explore · x1".to_owned(), "\n❯ look here\n".to_owned())]);
    }
}
