//! A session's messages as the official `get_session_messages()` returns them.
//!
//! By the rules of the Python SDK 0.2.186, which differ from a resume's: the leaf
//! is the last message in the file without a child, whatever `last-prompt` says,
//! gaps end the conversation, and a compaction begins it.

mod parallel_tool_calls;
mod sdk_entry;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::value::RawValue;

use sdk_entry::SdkEntry;

/// One message, under the official names and in their order.
#[derive(Debug, Serialize)]
pub struct SessionMessage<'a> {
    /// `user` or `assistant`.
    #[serde(rename = "type")]
    kind: &'static str,
    uuid: Cow<'a, str>,
    /// As in the entry; empty if it has none.
    session_id: SessionIdField<'a>,
    /// The Messages API message, to the byte.
    message: Option<&'a RawValue>,
    /// Only messages of sub-agents have one.
    parent_tool_use_id: Option<&'a str>,
    /// Likewise.
    parent_agent_id: Option<&'a str>,
}

/// Whatever an entry says its session is.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SessionIdField<'a> {
    Said(&'a RawValue),
    Unsaid(&'static str),
}

/// The messages in a transcript's bytes, oldest first.
pub fn session_messages(bytes: &[u8]) -> Vec<SessionMessage<'_>> {
    let entries = EntryGraph::read(bytes);
    let Some(leaf) = entries.leaf() else { return Vec::new() };
    let (chain, seen) = entries.chain(leaf);
    let chain = parallel_tool_calls::rejoin(&entries, chain, seen);
    chain.into_iter().map(|at| &entries.entries[at]).filter_map(to_session_message).collect()
}

/// What `get_subagent_messages()` returns of a subagent's transcript: the chain of its last
/// message, whatever is marked as what.
pub fn subagent_messages<'a>(
    bytes: &'a [u8],
    parent_tool_use_id: Option<&'a str>,
    parent_agent_id: Option<&'a str>,
) -> Vec<SessionMessage<'a>> {
    let graph = EntryGraph::read(bytes);
    let is_message = |entry: &SdkEntry<'_>| matches!(entry.kind.as_ref(), "user" | "assistant");
    let Some(leaf) = graph.entries.iter().rposition(is_message) else { return Vec::new() };
    let leaf = graph.by_uuid[&graph.entries[leaf].uuid];
    let (chain, _) = graph.chain(leaf);
    let messages = chain.into_iter().map(|at| &graph.entries[at]).filter_map(as_message);
    messages.map(|message| SessionMessage { parent_tool_use_id, parent_agent_id, ..message }).collect()
}

fn to_session_message<'a>(entry: &SdkEntry<'a>) -> Option<SessionMessage<'a>> {
    let is_shown = !entry.is_meta && !entry.is_sidechain && !entry.is_team_member;
    as_message(entry).filter(|_| is_shown)
}

fn as_message<'a>(entry: &SdkEntry<'a>) -> Option<SessionMessage<'a>> {
    let kind = match entry.kind.as_ref() {
        "user" => "user",
        "assistant" => "assistant",
        _ => return None,
    };
    Some(SessionMessage {
        kind,
        uuid: entry.uuid.clone(),
        session_id: entry.session_id.map_or(SessionIdField::Unsaid(""), SessionIdField::Said),
        message: entry.message,
        parent_tool_use_id: None,
        parent_agent_id: None,
    })
}

/// The entries that hang together, as they lie in the file.
struct EntryGraph<'a> {
    entries: Vec<SdkEntry<'a>>,
    /// By uuid; of several of one uuid the last.
    by_uuid: HashMap<Cow<'a, str>, usize>,
    /// One of each uuid, in the order in which the uuids came up.
    first_seen_order: Vec<usize>,
}

impl<'a> EntryGraph<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let all: Vec<_> = lines.filter_map(|line| SdkEntry::read(line.trim())).collect();
        let mut by_uuid = HashMap::new();
        let mut order = Vec::new();
        for (at, entry) in all.iter().enumerate() {
            if by_uuid.insert(entry.uuid.clone(), at).is_none() {
                order.push(entry.uuid.clone());
            }
        }
        let unique = order.iter().map(|uuid| by_uuid[uuid]).collect();
        Self { entries: all, by_uuid, first_seen_order: unique }
    }

    fn parent(&self, at: usize) -> Option<usize> {
        self.by_uuid.get(self.entries[at].parent.as_ref()?).copied()
    }

    /// The last message that nothing hangs on; one of the main conversation
    /// goes before others.
    fn leaf(&self) -> Option<usize> {
        let parents: HashSet<&str> =
            self.entries.iter().filter_map(|entry| entry.parent.as_deref()).collect();
        let ends = (0..self.entries.len()).filter(|&at| !parents.contains(self.entries[at].uuid.as_ref()));
        let leaves: Vec<usize> = ends.filter_map(|end| self.nearest_message(end)).collect();
        let is_main = |at: &&usize| {
            let entry = &self.entries[**at];
            !entry.is_sidechain && !entry.is_team_member && !entry.is_meta
        };
        let position = |at: &&usize| self.by_uuid.get(&self.entries[**at].uuid).copied();
        // Of entries with one uuid the first, so from behind: the last maximum wins.
        let main = leaves.iter().rev().filter(is_main).max_by_key(position);
        main.or_else(|| leaves.iter().rev().max_by_key(position)).copied()
    }

    /// The entry itself or the nearest above it that is a message.
    fn nearest_message(&self, end: usize) -> Option<usize> {
        let mut seen = HashSet::new();
        let mut at = Some(end);
        while let Some(here) = at.filter(|&here| seen.insert(self.entries[here].uuid.as_ref())) {
            if matches!(self.entries[here].kind.as_ref(), "user" | "assistant") {
                return Some(here);
            }
            at = self.parent(here);
        }
        None
    }

    /// The way from the root to the leaf, and the uuids on it.
    fn chain(&self, leaf: usize) -> (Vec<usize>, HashSet<Cow<'a, str>>) {
        let (mut chain, mut seen) = (Vec::new(), HashSet::new());
        let mut at = Some(leaf);
        while let Some(here) = at.filter(|&here| seen.insert(self.entries[here].uuid.clone())) {
            chain.push(here);
            at = self.parent(here);
        }
        chain.reverse();
        (chain, seen)
    }
}

#[cfg(test)]
mod tests;
