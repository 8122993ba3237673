//! A transcript's lines and the path through them that is the conversation.
//!
//! Parsing never fails: it returns the lines it could read and a [`TranscriptHealth`]
//! that counts the ones it could not. Branches that a rewind or an edit left
//! behind stay in the file and are simply not on the path.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::raw_entry::{EntryKind, RawEntry};

/// Bytes of the longest line that is read, here and in what agents keep in ways of
/// their own: a longer one counts as torn. The longest that were seen hold a
/// history with its images, some ten million; what is hostile must not fill the
/// memory, of which a line takes this much on each core.
pub const MAX_LINE_BYTES: u64 = 64 << 20;

/// What was wrong with a transcript's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptHealth {
    /// Lines that are not JSON objects: cut off, interleaved, or binary.
    pub torn: usize,
    /// JSON objects that are no entries (they have no `type`).
    pub foreign: usize,
    /// The file does not end in a newline, so its last line may be cut off.
    pub open_end: bool,
}

/// What a line of a transcript turned out to be.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every line is an entry, and boxes cost more")]
pub enum ParsedLine<'a> {
    /// An entry, known or not.
    Entry(RawEntry<'a>),
    /// A JSON object that is no entry.
    Untyped(&'a str),
    /// Nothing that can be read: these bytes.
    Malformed(&'a [u8]),
    /// Nothing at all.
    Blank,
}

impl<'a> ParsedLine<'a> {
    /// Looks at one line, with or without its newline.
    pub fn parse(line: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(line) else { return Self::Malformed(line) };
        let text = text.trim();
        if text.is_empty() {
            return Self::Blank;
        }
        match RawEntry::parse(text) {
            Some(line) if line.has_type() => Self::Entry(line),
            Some(_) => Self::Untyped(text),
            None => Self::Malformed(text.as_bytes()),
        }
    }
}

impl TranscriptHealth {
    /// Nothing to report.
    pub fn is_good(&self) -> bool {
        self.torn == 0 && self.foreign == 0
    }

    /// Counts a line that is no entry.
    pub fn record(&mut self, found: &ParsedLine<'_>) {
        match found {
            ParsedLine::Malformed(_) => self.torn += 1,
            ParsedLine::Untyped(_) => self.foreign += 1,
            ParsedLine::Entry(_) | ParsedLine::Blank => {}
        }
    }
}

/// All readable lines of one transcript, in file order, borrowed from its bytes.
#[derive(Debug, Default)]
pub struct Transcript<'a> {
    /// The lines that are entries, known or not.
    pub entries: Vec<RawEntry<'a>>,
    /// What had to be passed over.
    pub health: TranscriptHealth,
    /// Where each conversation entry stands, by its uuid; made when it is first
    /// asked for, as every walk through the lines needs it.
    index_by_uuid: OnceLock<HashMap<Cow<'a, str>, usize>>,
}

/// A way from a leaf up to a root.
#[derive(Default)]
struct AncestorWalk {
    /// Leaf first.
    path: Vec<usize>,
    seen: HashSet<usize>,
    /// Where it had to be mended: the child, and what it was hung on.
    gaps: Vec<(usize, usize)>,
}

/// How far back a path through the transcript goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathScope {
    /// What the model is given: a compaction is a beginning.
    Model,
    /// What a person is shown: a compaction continues at its logical parent.
    Display,
    /// What a repaired copy holds: as a person is shown, and where a parent is
    /// missing it goes on with what was said before it in the file.
    Repair,
}

impl<'a> Transcript<'a> {
    /// Reads a transcript, or any run of whole lines of one.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut transcript = Transcript::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            transcript.health.open_end = end.is_none();
            let (line, next) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            rest = next;
            match ParsedLine::parse(line) {
                ParsedLine::Entry(line) => transcript.entries.push(line),
                other => transcript.health.record(&other),
            }
        }
        transcript
    }

    /// The index of the conversation's last entry.
    ///
    /// A `last-prompt` line names it (that is how a rewind moves it), unless
    /// conversation entries were written after that line: then the last of
    /// these is newer than the pointer.
    pub fn leaf(&self) -> Option<usize> {
        let by_uuid = self.uuid_index();
        for (at, line) in self.entries.iter().enumerate().rev() {
            match line.kind() {
                EntryKind::LastPrompt => {
                    let leaf = line.leaf_uuid().and_then(|leaf| by_uuid.get(&leaf).copied());
                    if leaf.is_some() {
                        return leaf;
                    }
                }
                kind if kind.is_conversation() && !line.is_sidechain() && line.uuid().is_some() => {
                    return Some(at);
                }
                _ => {}
            }
        }
        None
    }

    /// The index of the entry with this uuid.
    pub fn position(&self, uuid: &str) -> Option<usize> {
        self.entries
            .iter()
            .rposition(|line| line.kind().is_conversation() && line.uuid().as_deref() == Some(uuid))
    }

    /// The path from the root to `leaf`, as indices into [`Self::lines`], with
    /// the calls and results that a parallel turn left beside it put back.
    pub fn path(&self, leaf: Option<usize>, reach: PathScope) -> Vec<usize> {
        let mut walk = self.walk(leaf, reach);
        walk.path.reverse();
        self.rejoin_parallel_calls(walk.path, &walk.seen)
    }

    /// Where the conversation that ends at `leaf` is cut off although something
    /// was said before: each entry whose parent is missing, and the entry that a
    /// repaired copy hangs it on.
    pub fn gaps(&self, leaf: Option<usize>) -> Vec<(usize, usize)> {
        self.walk(leaf, PathScope::Repair).gaps
    }

    fn walk(&self, leaf: Option<usize>, reach: PathScope) -> AncestorWalk {
        let by_uuid = self.uuid_index();
        let mut walk = AncestorWalk::default();
        let mut at = leaf;
        while let Some(index) = at {
            if !walk.seen.insert(index) {
                break;
            }
            walk.path.push(index);
            let line = &self.entries[index];
            let logical = || if reach == PathScope::Model { None } else { line.logical_parent_uuid() };
            let named = line.parent_uuid();
            let is_named = named.is_some();
            at = named.or_else(logical).and_then(|uuid| by_uuid.get(&uuid).copied());
            if at.is_none() && is_named && reach == PathScope::Repair {
                at = self.previous_conversation_entry(index).filter(|before| !walk.seen.contains(before));
                walk.gaps.extend(at.map(|before| (index, before)));
            }
        }
        walk
    }

    /// The last entry of the conversation that lies before this one in the file.
    fn previous_conversation_entry(&self, at: usize) -> Option<usize> {
        let is_said = |line: &RawEntry<'_>| {
            line.kind().is_conversation() && !line.is_sidechain() && line.uuid().is_some()
        };
        if self.entries[at].is_sidechain() { None } else { self.entries[..at].iter().rposition(is_said) }
    }

    fn uuid_index(&self) -> &HashMap<Cow<'a, str>, usize> {
        self.index_by_uuid.get_or_init(|| {
            let entries = self.entries.iter().enumerate().filter(|(_, line)| line.kind().is_conversation());
            entries.filter_map(|(at, line)| Some((line.uuid()?, at))).collect()
        })
    }

    /// A reply with N parallel tool calls is N entries of one `message.id`, and
    /// each result hangs on its own call, so the walk up reaches only one
    /// branch. The others go right behind the last entry of their reply.
    fn rejoin_parallel_calls(&self, path: Vec<usize>, on_path: &HashSet<usize>) -> Vec<usize> {
        let strays: Vec<usize> = (0..self.entries.len())
            .filter(|at| !on_path.contains(at))
            .filter(|&at| {
                let line = &self.entries[at];
                !line.is_sidechain() && matches!(line.kind(), EntryKind::User | EntryKind::Assistant)
            })
            .collect();
        if strays.is_empty() {
            return path;
        }
        let mut anchor: HashMap<String, usize> = HashMap::new();
        for &at in path.iter().filter(|&&at| self.entries[at].kind() == EntryKind::Assistant) {
            if let Some(id) = MessageIds::from_entry(&self.entries[at]).id {
                anchor.insert(id, at);
            }
        }
        let mut behind: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut reply_of_call: HashMap<String, usize> = HashMap::new();
        for &at in path.iter().chain(&strays).filter(|&&at| self.entries[at].kind() == EntryKind::Assistant) {
            let ids = MessageIds::from_entry(&self.entries[at]);
            let Some(&reply) = ids.id.as_ref().and_then(|id| anchor.get(id)) else { continue };
            if !on_path.contains(&at) {
                behind.entry(reply).or_default().push(at);
            }
            reply_of_call.extend(ids.calls.into_iter().map(|call| (call, reply)));
        }
        for &at in path.iter().filter(|&&at| self.entries[at].kind() == EntryKind::User) {
            for call in MessageIds::from_entry(&self.entries[at]).results {
                reply_of_call.remove(&call);
            }
        }
        for &at in strays.iter().filter(|&&at| self.entries[at].kind() == EntryKind::User) {
            let reply = MessageIds::from_entry(&self.entries[at])
                .results
                .iter()
                .find_map(|call| reply_of_call.remove(call));
            if let Some(reply) = reply {
                behind.entry(reply).or_default().push(at);
            }
        }
        path.into_iter()
            .flat_map(|at| std::iter::once(at).chain(behind.remove(&at).unwrap_or_default()))
            .collect()
    }
}

/// The ids in a message that tie calls, results and replies together.
#[derive(Default)]
pub(super) struct MessageIds {
    /// The message's own, shared by the entries that are its blocks.
    pub id: Option<String>,
    /// The calls it makes.
    pub calls: Vec<String>,
    /// The calls it answers.
    pub results: Vec<String>,
}

impl MessageIds {
    /// The ids in this line's message; none where it has no message.
    pub fn from_entry(line: &RawEntry<'_>) -> Self {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(default)]
            id: Option<String>,
            #[serde(borrow, default)]
            content: Option<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Block {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            id: Option<String>,
            #[serde(default)]
            tool_use_id: Option<String>,
        }
        // Text alone ties nothing together, and is most of what a session holds.
        let ties = |raw: &&str| {
            line.kind() != EntryKind::User || memchr::memmem::find(raw.as_bytes(), b"tool_result").is_some()
        };
        let message =
            line.message().filter(ties).and_then(|raw| serde_json::from_str::<Message<'_>>(raw).ok());
        let Some(message) = message else { return Self::default() };
        let blocks = message.content.map(RawValue::get).filter(|content| content.starts_with('['));
        let blocks: Vec<Block> = blocks.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
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

#[cfg(test)]
mod tests;
