//! How entries are written: the envelope that every entry of a conversation has,
//! and the lines beside the conversation.
//!
//! Owns the field names and the cleaning of titles and tags, so that a title is
//! the same text whoever writes it: a rename, a fork, a turn, an import.

use std::fmt::Display;

use serde_json::{Map, Value, json};

/// Who writes an entry, for entries of a program that says so.
#[derive(Debug, Clone, Copy)]
pub struct EntryOrigin<'a> {
    /// The version of the format, by the Claude Code that has it.
    pub version: &'a str,
    /// The branch that the folder has checked out; empty if none.
    pub branch: &'a str,
    /// The program that hosts the agent, as Claude Code names it.
    pub entrypoint: Option<&'a str>,
}

/// What every entry of a conversation says about itself.
#[derive(Debug, Clone, Copy)]
pub struct EntryEnvelope<'a, Id: Display> {
    /// The entry's uuid.
    pub uuid: &'a str,
    /// The entry that it hangs on; `None` for the first.
    pub parent: Option<&'a str>,
    /// The session that it belongs to.
    pub session: Id,
    /// When it was written, as RFC 3339.
    pub timestamp: &'a str,
    /// The folder that the agent works in.
    pub cwd: &'a str,
    /// A sub-agent wrote it.
    pub is_sidechain: bool,
    /// The session and uuid that it was copied from.
    pub forked_from: Option<(Id, &'a str)>,
    /// Who wrote it, if that is known.
    pub origin: Option<EntryOrigin<'a>>,
}

impl<Id: Display> EntryEnvelope<'_, Id> {
    /// The whole entry: these fields and the entry's own, which go before them.
    pub fn seal(&self, fields: Map<String, Value>) -> Value {
        let mut entry = json!({
            "parentUuid": self.parent,
            "isSidechain": self.is_sidechain,
            "uuid": self.uuid,
            "timestamp": self.timestamp,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.session.to_string(),
        });
        if let Some(EntryOrigin { version, branch, entrypoint }) = self.origin {
            entry["version"] = json!(version);
            entry["gitBranch"] = json!(branch);
            if let Some(entrypoint) = entrypoint {
                entry["entrypoint"] = json!(entrypoint);
            }
        }
        if let Some((session, uuid)) = &self.forked_from {
            entry["forkedFrom"] = json!({"sessionId": session.to_string(), "messageUuid": uuid});
        }
        if let Value::Object(entry) = &mut entry {
            entry.extend(fields);
        }
        entry
    }
}

/// The line that gives a session its title.
pub fn title_entry(session: impl Display, title: &str) -> Value {
    json!({"type": "custom-title", "customTitle": single_line(title), "sessionId": session.to_string()})
}

/// The line that gives a session its tag; an empty one takes it away.
pub fn tag_entry(session: impl Display, tag: &str) -> Value {
    json!({"type": "tag", "tag": single_line(tag), "sessionId": session.to_string()})
}

/// The line that ends a turn: what was asked last, in one line, and the leaf of
/// the conversation.
pub fn last_prompt_entry(session: impl Display, prompt: &str, leaf: &str) -> Value {
    json!({"type": "last-prompt", "lastPrompt": prompt, "leafUuid": leaf, "sessionId": session.to_string()})
}

/// One line without control characters: white space is folded, and what would
/// reach a terminal as a command is left out.
pub fn single_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_plain_text() {
        let entry = title_entry("id", "A \"plan\"\n\u{1b}[31mred\u{7}");
        let expected =
            json!({"type": "custom-title", "customTitle": "A \"plan\" [31mred", "sessionId": "id"});
        assert_eq!(entry, expected);
    }

    #[test]
    fn an_entry_has_its_own_fields_and_the_envelope() {
        let envelope = EntryEnvelope {
            uuid: "u",
            parent: None,
            session: "id",
            timestamp: "2026-11-21T10:00:00.000Z",
            cwd: "/w",
            is_sidechain: false,
            forked_from: Some(("source", "old")),
            origin: Some(EntryOrigin { version: "2", branch: "main", entrypoint: None }),
        };
        let Value::Object(fields) = json!({"type": "user", "logicalParentUuid": "l"}) else { panic!() };
        let expected = json!({
            "type": "user", "logicalParentUuid": "l", "parentUuid": null, "isSidechain": false, "uuid": "u",
            "timestamp": "2026-11-21T10:00:00.000Z", "userType": "external", "cwd": "/w", "sessionId": "id",
            "version": "2", "gitBranch": "main", "forkedFrom": {"sessionId": "source", "messageUuid": "old"},
        });
        assert_eq!(envelope.seal(fields), expected);
    }
}
