//! What a compaction keeps: the messages that stand behind its summary.
//!
//! A compaction of Claude Code names them in `compactMetadata`, as
//! `preservedMessages.uuids` or as a `preservedSegment` from head to tail, and
//! the entry they stand behind (`anchorUuid`, the summary). The next prompt
//! hangs on the summary or on the last of them, whichever hooks ran.

use std::collections::HashSet;

use serde::Deserialize;

use super::chain::{Chain, Node, Parent};
use super::raw_entry::{EntryKind, RawEntry};

/// A compaction that kept messages.
#[derive(Debug)]
pub(super) struct Compaction {
    /// The `compact_boundary` entry.
    pub boundary: Node,
    /// The summary.
    pub anchor: Node,
    /// The messages it kept, oldest first; never empty.
    pub kept: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    preserved_segment: Option<Segment>,
    #[serde(default)]
    preserved_messages: Option<List>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Segment {
    head_uuid: String,
    anchor_uuid: String,
    tail_uuid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    anchor_uuid: String,
    uuids: Vec<String>,
}

/// Whether this entry is where a compaction begins the conversation anew.
pub(super) fn is_boundary(entry: &RawEntry<'_>) -> bool {
    entry.kind() == EntryKind::System
        && !entry.is_sidechain()
        && entry.subtype().as_deref() == Some("compact_boundary")
}

impl Compaction {
    /// All compactions of the main conversation that kept something, oldest
    /// first. One whose kept messages are not all there keeps none: the summary
    /// stands for them.
    pub fn find_all(chain: &Chain<'_>, entries: &[RawEntry<'_>]) -> Vec<Self> {
        let boundaries = (0..chain.parents.len()).filter(|node| is_boundary(&entries[chain.entry_of[*node]]));
        boundaries.filter_map(|node| Self::of(chain, node, entries)).collect()
    }

    fn of(chain: &Chain<'_>, boundary: Node, entries: &[RawEntry<'_>]) -> Option<Self> {
        let entry = &entries[chain.entry_of[boundary]];
        let metadata: Metadata = serde_json::from_str(entry.compact_metadata()?).ok()?;
        let (anchor, kept) = match (metadata.preserved_messages, metadata.preserved_segment) {
            (Some(list), _) if !list.uuids.is_empty() => {
                let kept: Option<Vec<_>> = list.uuids.iter().map(|uuid| chain.node(uuid)).collect();
                (list.anchor_uuid, kept?)
            }
            (_, Some(segment)) => {
                let kept = way_up(chain, chain.node(&segment.tail_uuid)?, chain.node(&segment.head_uuid)?)?;
                (segment.anchor_uuid, kept)
            }
            _ => return None,
        };
        let anchor = chain.node(&anchor).filter(|anchor| !kept.contains(anchor))?;
        Some(Self { boundary, anchor, kept })
    }

    /// The parents as the model's conversation has them: the kept messages hang
    /// on the summary, and what hung on the summary hangs on the last of them.
    pub fn put_kept_behind_summary(&self, parents: &mut [Parent]) {
        let kept: HashSet<Node> = self.kept.iter().copied().collect();
        let Some(&tail) = self.kept.last() else { return };
        for (node, parent) in parents.iter_mut().enumerate() {
            if *parent == Parent::Node(self.anchor) && !kept.contains(&node) {
                *parent = Parent::Node(tail);
            }
        }
        let mut before = self.anchor;
        for &node in &self.kept {
            parents[node] = Parent::Node(before);
            before = node;
        }
    }

    /// The parents as a person is shown them: the kept messages stay where they
    /// were said, and what follows the compaction stands behind its summary.
    pub fn put_summary_behind_kept(&self, parents: &mut [Parent]) {
        let Some(&tail) = self.kept.last() else { return };
        for (node, parent) in parents.iter_mut().enumerate().skip(self.boundary + 1) {
            if *parent == Parent::Node(tail) && node != self.anchor && !self.kept.contains(&node) {
                *parent = Parent::Node(self.anchor);
            }
        }
    }
}

/// The nodes from `head` to `tail`; `None` where the tail does not hang on the head.
fn way_up(chain: &Chain<'_>, tail: Node, head: Node) -> Option<Vec<Node>> {
    let mut way = vec![tail];
    let mut at = tail;
    while at != head {
        let Parent::Node(parent) = chain.parents[at] else { return None };
        // A ring never comes to the head.
        if way.len() > chain.parents.len() {
            return None;
        }
        way.push(parent);
        at = parent;
    }
    way.reverse();
    Some(way)
}
