//! The links of a transcript in short: what is needed to ask
//! [`Transcript::conversation`] which entries are the conversation, without the
//! transcript.
//!
//! The index reads a transcript once, and afterwards only what was appended. A
//! rewind may then leave behind entries that were read long ago, so a summary
//! keeps of each entry its place, its links and what a list wants of it: some
//! forty bytes. Must never decide by itself what the conversation is: it writes
//! the links down as a transcript and asks.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use super::summary::LastRequest;
use crate::transcript::parallel_calls::MessageIds;
use crate::transcript::raw_entry::{EntryKind, RawEntry};
use crate::transcript::{PathScope, Transcript};

/// With more links than this every entry counts: asking would take the memory of
/// a large transcript.
const MAX_LINKS: usize = 400_000;

/// The links so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConversationOutline {
    links: Vec<EntryLink>,
    /// The ids of the links; rebuilt from them.
    #[serde(skip)]
    ids: Option<HashSet<u64>>,
}

/// Which links are the conversation.
#[derive(Debug, Default)]
pub(super) struct OutlinedPath {
    /// Oldest first, as indices into the outline's links.
    pub links: Vec<usize>,
    /// Places where an entry is missing.
    pub gaps: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EntryLink {
    /// The offset of its line.
    pub offset: u64,
    flags: u16,
    /// Hash of its uuid; of a `last-prompt` line, of its leaf. 0: none.
    id: u64,
    /// Hash of its parent's uuid. 0: none.
    parent: u64,
    /// Microseconds since 1970.
    time: Option<i64>,
    /// Hash of its message's own id. 0: none.
    message: u64,
    /// Hashes of the ids of its calls, and of the calls that it answers.
    calls: Vec<u64>,
    results: Vec<u64>,
    /// What few entries have.
    pub detail: Option<Box<LinkDetail>>,
}

/// What few entries have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LinkDetail {
    /// The prompt that it is, as a list shows it.
    pub prompt: Option<String>,
    /// The first entry of a reply: its request.
    pub request: Option<LastRequest>,
    /// What a compaction continues. 0: nothing.
    logical_parent: u64,
    /// What a compaction says of itself, with hashes for the uuids.
    compaction: Option<String>,
}

/// Bits of [`EntryLink::flags`]; the lowest three say what kind of entry it is.
const KIND: u16 = 0b111;
const SIDECHAIN: u16 = 1 << 3;
const BOUNDARY: u16 = 1 << 4;
const FORKED: u16 = 1 << 5;
const LEAF: u16 = 1 << 6;
/// Its uuid was there before.
const REPEATED: u16 = 1 << 7;

const KINDS: [(EntryKind, &str); 6] = [
    (EntryKind::User, "user"),
    (EntryKind::Assistant, "assistant"),
    (EntryKind::System, "system"),
    (EntryKind::Attachment, "attachment"),
    (EntryKind::Progress, "progress"),
    (EntryKind::Other, "other"),
];

impl EntryLink {
    /// A message of the user or of the model, of the main conversation.
    pub fn is_message(&self) -> bool {
        matches!(self.kind(), EntryKind::User | EntryKind::Assistant) && self.flags & (SIDECHAIN | LEAF) == 0
    }

    /// Where a compaction begins.
    pub fn is_boundary(&self) -> bool {
        self.flags & BOUNDARY != 0
    }

    /// A fork copied it.
    pub fn is_forked(&self) -> bool {
        self.flags & FORKED != 0
    }

    fn kind(&self) -> EntryKind {
        KINDS[usize::from(self.flags & KIND).min(KINDS.len() - 1)].0
    }

    /// The entry with nothing but its links, as a line of a transcript.
    fn write(&self, out: &mut String) {
        if self.flags & LEAF != 0 {
            let _ = writeln!(out, r#"{{"type":"last-prompt","leafUuid":"{:x}"}}"#, self.id);
            return;
        }
        let kind = KINDS[usize::from(self.flags & KIND).min(KINDS.len() - 1)].1;
        let _ = write!(out, r#"{{"type":"{kind}""#);
        for (field, id) in [("uuid", self.id), ("parentUuid", self.parent)] {
            if id != 0 {
                let _ = write!(out, r#","{field}":"{id:x}""#);
            }
        }
        if let Some(at) = self.time.and_then(DateTime::from_timestamp_micros) {
            let _ = write!(out, r#","timestamp":"{}""#, at.to_rfc3339_opts(SecondsFormat::Micros, true));
        }
        if self.flags & SIDECHAIN != 0 {
            out.push_str(r#","isSidechain":true"#);
        }
        if self.is_boundary() {
            out.push_str(r#","subtype":"compact_boundary""#);
        }
        if let Some(detail) = &self.detail {
            if detail.logical_parent != 0 {
                let _ = write!(out, r#","logicalParentUuid":"{:x}""#, detail.logical_parent);
            }
            if let Some(metadata) = &detail.compaction {
                let _ = write!(out, r#","compactMetadata":{metadata}"#);
            }
        }
        if self.message != 0 || !self.results.is_empty() {
            out.push_str(r#","message":{"#);
            if self.message != 0 {
                let _ = write!(out, r#""id":"{:x}","#, self.message);
            }
            out.push_str(r#""content":["#);
            let calls = self.calls.iter().map(|id| format!(r#"{{"type":"tool_use","id":"{id:x}"}}"#));
            let results =
                self.results.iter().map(|id| format!(r#"{{"type":"tool_result","tool_use_id":"{id:x}"}}"#));
            out.push_str(&calls.chain(results).collect::<Vec<_>>().join(","));
            out.push_str("]}");
        }
        out.push_str("}\n");
    }
}

impl ConversationOutline {
    /// Adds an entry whose line is at `offset`. `None` where it has no links, else
    /// its link, to add details to, and whether its uuid was there before.
    pub(super) fn push(&mut self, entry: &RawEntry<'_>, offset: u64) -> Option<(&mut EntryLink, bool)> {
        let kind = entry.kind();
        if kind == EntryKind::LastPrompt {
            let id = hash(&entry.leaf_uuid()?);
            self.links.push(EntryLink { offset, flags: LEAF, id, ..EntryLink::default() });
            return None;
        }
        let (uuid, parent) = (entry.uuid(), entry.parent_uuid());
        let is_linked = match &uuid {
            Some(_) => kind.is_conversation() || parent.is_some(),
            None => kind.is_conversation() && kind != EntryKind::Progress && parent.is_some(),
        };
        if !is_linked {
            return None;
        }
        let number = KINDS.iter().position(|(known, _)| *known == kind).unwrap_or(KINDS.len() - 1);
        let ids = MessageIds::from_entry(entry);
        let id = uuid.as_deref().map_or(0, hash);
        let is_repeated = id != 0 && !self.ids().insert(id);
        let boundary = kind == EntryKind::System && entry.subtype().as_deref() == Some("compact_boundary");
        let flags = [
            (entry.is_sidechain(), SIDECHAIN),
            (boundary, BOUNDARY),
            (entry.forked_from().is_some(), FORKED),
            (is_repeated, REPEATED),
        ];
        let detail = boundary.then(|| LinkDetail {
            logical_parent: entry.logical_parent_uuid().as_deref().map_or(0, hash),
            compaction: entry.compact_metadata().and_then(hashed_strings),
            ..LinkDetail::default()
        });
        self.links.push(EntryLink {
            offset,
            flags: flags.iter().filter(|(is, _)| *is).fold(number as u16, |flags, (_, flag)| flags | flag),
            id,
            parent: parent.as_deref().map_or(0, hash),
            time: entry.timestamp().map(|at| at.timestamp_micros()),
            message: ids.id.as_deref().map_or(0, hash),
            calls: ids.calls.iter().map(|id| hash(id)).collect(),
            results: ids.results.iter().map(|id| hash(id)).collect(),
            detail: detail.map(Box::new),
        });
        self.links.last_mut().map(|link| (link, is_repeated))
    }

    /// The requests that are the session's own, each with the hash of its message's id: what a
    /// fork marked as copied is left out.
    pub fn own_requests(&self) -> impl Iterator<Item = (u64, &LastRequest)> {
        let own = self.links.iter().filter(|link| !link.is_forked() && link.message != 0);
        own.filter_map(|link| Some((link.message, link.detail.as_ref()?.request.as_ref()?)))
    }

    /// The hashes of the uuids of all prompts.
    pub fn prompts(&self) -> impl Iterator<Item = u64> {
        let is_prompt =
            |link: &&EntryLink| link.detail.as_ref().is_some_and(|detail| detail.prompt.is_some());
        self.links.iter().filter(is_prompt).map(|link| link.id)
    }

    /// The hash of the first entry's uuid.
    pub(super) fn root(&self) -> Option<u64> {
        let mut entries = self.links.iter().filter(|link| link.flags & (LEAF | SIDECHAIN) == 0);
        entries.next().map(|link| link.id).filter(|id| *id != 0)
    }

    /// The link at an index of [`OutlinedPath::links`].
    pub(super) fn link(&self, at: usize) -> &EntryLink {
        &self.links[at]
    }

    /// Which links are the conversation, as a person is shown it.
    pub(super) fn path(&self) -> OutlinedPath {
        if self.is_straight() || self.links.len() > MAX_LINKS {
            let links = (0..self.links.len()).filter(|at| self.links[*at].flags & LEAF == 0);
            return OutlinedPath { links: links.collect(), gaps: 0 };
        }
        let mut text = String::with_capacity(self.links.len() * 160);
        self.links.iter().for_each(|link| link.write(&mut text));
        let clean = crate::transcript::TranscriptText::read(text.as_bytes());
        let transcript = Transcript::read(&clean);
        let path = transcript.conversation(transcript.leaf(), PathScope::Display);
        OutlinedPath { links: path.entries, gaps: path.gaps.len() }
    }

    /// All of it, in the order of the file: where only its ends are known.
    pub(super) fn everything(&self) -> OutlinedPath {
        let links = (0..self.links.len()).filter(|at| self.links[*at].flags & (LEAF | REPEATED) == 0);
        OutlinedPath { links: links.collect(), gaps: 0 }
    }

    /// The places of messages that are not part of the conversation, as ranges of
    /// offsets with nothing of the conversation between them.
    pub(super) fn left_behind(&self, path: &OutlinedPath) -> Vec<Range<u64>> {
        let mut is_on_path = vec![false; self.links.len()];
        path.links.iter().for_each(|at| is_on_path[*at] = true);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut goes_on = false;
        for (at, link) in self.links.iter().enumerate().filter(|(_, link)| link.is_message()) {
            match ranges.last_mut().filter(|_| goes_on && !is_on_path[at]) {
                Some(range) => range.end = link.offset + 1,
                None if !is_on_path[at] => ranges.push(link.offset..link.offset + 1),
                None => {}
            }
            goes_on = !is_on_path[at];
        }
        ranges
    }

    /// Each entry hangs on the one before it, so all of them are the conversation.
    /// Most sessions are such, and need not be asked about.
    fn is_straight(&self) -> bool {
        let entries = || self.links.iter().filter(|link| link.flags & LEAF == 0);
        let odd = |link: &EntryLink| link.id == 0 || link.flags & (SIDECHAIN | BOUNDARY | REPEATED) != 0;
        entries().next().is_none_or(|first| first.parent == 0)
            && entries().zip(entries().skip(1)).all(|(before, link)| link.parent == before.id)
            && !entries().any(odd)
    }

    fn ids(&mut self) -> &mut HashSet<u64> {
        let links = &self.links;
        self.ids.get_or_insert_with(|| {
            links.iter().filter(|link| link.flags & LEAF == 0 && link.id != 0).map(|link| link.id).collect()
        })
    }
}

impl PartialEq for ConversationOutline {
    fn eq(&self, other: &Self) -> bool {
        self.links == other.links
    }
}

/// FNV-1a, never 0. Two of a million ids share one with a chance of one in thirty million.
pub(super) fn hash(id: &str) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.max(1)
}

/// The JSON with the hash of every text in its place.
fn hashed_strings(json: &str) -> Option<String> {
    fn replace(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = format!("{:x}", hash(text)),
            serde_json::Value::Array(items) => items.iter_mut().for_each(replace),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(replace),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(json).ok()?;
    replace(&mut value);
    Some(value.to_string())
}

#[cfg(test)]
mod tests;
