//! Parallel tool calls: the entries of one reply that lie beside the chain.
//!
//! A reply with N parallel calls is N entries of one `message.id`, and each
//! result hangs on its own call, so the walk up by `parentUuid` reaches only one
//! of the branches.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::raw_entry::{EntryKind, RawEntry};

/// The path with the calls and results that lie beside it: calls of a reply,
/// then their results, stand behind that entry of the reply on the path that was written last.
/// `nodes` are the entries that count, one for each uuid.
pub(super) fn rejoin(entries: &[RawEntry<'_>], nodes: &[usize], path: Vec<usize>) -> Vec<usize> {
    let on_path: HashSet<usize> = path.iter().copied().collect();
    let is_stray = |at: &usize| {
        let entry = &entries[*at];
        !on_path.contains(at)
            && !entry.is_sidechain()
            && matches!(entry.kind(), EntryKind::User | EntryKind::Assistant)
    };
    let strays: Vec<usize> = nodes.iter().copied().filter(is_stray).collect();
    if strays.is_empty() {
        return path;
    }
    let is = |kind| move |at: &&usize| entries[**at].kind() == kind;
    let mut last_of_reply: HashMap<String, usize> = HashMap::new();
    for &at in path.iter().filter(is(EntryKind::Assistant)) {
        if let Some(id) = MessageIds::from_entry(&entries[at]).id {
            // The one that was written last, which is not always the last on the path.
            last_of_reply.entry(id).and_modify(|last| *last = at.max(*last)).or_insert(at);
        }
    }
    let mut behind: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut reply_of_call: HashMap<String, usize> = HashMap::new();
    for &at in path.iter().chain(&strays).filter(is(EntryKind::Assistant)) {
        let ids = MessageIds::from_entry(&entries[at]);
        let Some(&reply) = ids.id.as_ref().and_then(|id| last_of_reply.get(id)) else { continue };
        if !on_path.contains(&at) {
            behind.entry(reply).or_default().push(at);
        }
        reply_of_call.extend(ids.calls.into_iter().map(|call| (call, reply)));
    }
    for &at in path.iter().filter(is(EntryKind::User)) {
        for call in MessageIds::from_entry(&entries[at]).results {
            reply_of_call.remove(&call);
        }
    }
    for &at in strays.iter().filter(is(EntryKind::User)) {
        let results = MessageIds::from_entry(&entries[at]).results;
        if let Some(reply) = results.iter().find_map(|call| reply_of_call.remove(call)) {
            behind.entry(reply).or_default().push(at);
        }
    }
    path.into_iter()
        .flat_map(|at| std::iter::once(at).chain(behind.remove(&at).unwrap_or_default()))
        .collect()
}

/// The ids in a message that tie calls, results and replies together.
#[derive(Default)]
pub(crate) struct MessageIds {
    /// The message's own, shared by the entries that are its blocks.
    pub id: Option<String>,
    /// The calls it makes.
    pub calls: Vec<String>,
    /// The calls it answers.
    pub results: Vec<String>,
}

impl MessageIds {
    /// The ids in this entry's message; empty if it has no message.
    pub fn from_entry(entry: &RawEntry<'_>) -> Self {
        #[derive(Deserialize)]
        struct Ids<'a> {
            #[serde(default)]
            id: Option<String>,
            #[serde(borrow, default)]
            content: Option<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct BlockIds {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            id: Option<String>,
            #[serde(default)]
            tool_use_id: Option<String>,
        }
        // Text alone ties nothing together, and is most of what a session holds.
        let may_tie = |raw: &&str| {
            entry.kind() != EntryKind::User || memchr::memmem::find(raw.as_bytes(), b"tool_result").is_some()
        };
        let message =
            entry.message().filter(may_tie).and_then(|raw| serde_json::from_str::<Ids<'_>>(raw).ok());
        let Some(message) = message else { return Self::default() };
        let blocks = message.content.map(RawValue::get).filter(|content| content.starts_with('['));
        let blocks: Vec<BlockIds> = blocks.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let mut ids = Self { id: message.id, ..Self::default() };
        for block in blocks {
            match block.kind.as_str() {
                "tool_use" => ids.calls.extend(block.id),
                "tool_result" => ids.results.extend(block.tool_use_id),
                _ => {}
            }
        }
        ids
    }
}
