//! The links between entries: one node per uuid, its parent, and the gaps.
//!
//! Owns the graph and nothing of its meaning: which way through it is the
//! conversation says [`super::conversation_path`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::raw_entry::{EntryKind, RawEntry};

/// A node of the graph, in the order in which uuids first appear in the file.
pub(super) type Node = usize;

/// What an entry hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// Nothing: it begins a conversation.
    Root,
    Node(Node),
    /// An entry that is not in the file, or itself: a gap.
    Missing,
}

/// The graph of a transcript's entries.
#[derive(Debug, Default)]
pub(super) struct Chain<'a> {
    /// Each node's entry: of several lines with one uuid the last.
    pub entry_of: Vec<usize>,
    pub parents: Vec<Parent>,
    by_uuid: HashMap<Cow<'a, str>, Node>,
}

impl<'a> Chain<'a> {
    /// Links all entries that have a uuid, of whatever type: one that is not
    /// known yet must not cut off what came before it. A message without a uuid
    /// is a node that nothing can hang on.
    pub fn build(entries: &[RawEntry<'a>]) -> Self {
        let mut chain = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            let Some(uuid) = entry.uuid() else {
                if is_talk(entry) && entry.parent_uuid().is_some() {
                    chain.entry_of.push(at);
                }
                continue;
            };
            if !entry.kind().is_conversation() && entry.parent_uuid().is_none() {
                continue;
            }
            match chain.by_uuid.get(&uuid) {
                Some(&node) => chain.entry_of[node] = at,
                None => {
                    chain.by_uuid.insert(uuid, chain.entry_of.len());
                    chain.entry_of.push(at);
                }
            }
        }
        chain.parents = Vec::with_capacity(chain.entry_of.len());
        for node in 0..chain.entry_of.len() {
            let named = entries[chain.entry_of[node]].parent_uuid();
            chain.parents.push(match named.map(|uuid| chain.by_uuid.get(&uuid)) {
                None => Parent::Root,
                Some(Some(&parent)) if parent != node => Parent::Node(parent),
                Some(_) => Parent::Missing,
            });
        }
        chain
    }

    pub fn node(&self, uuid: &str) -> Option<Node> {
        self.by_uuid.get(uuid).copied()
    }

    /// The node of an entry, which may be an older line of the same uuid.
    pub fn node_of_entry(&self, entries: &[RawEntry<'a>], at: usize) -> Option<Node> {
        match entries.get(at)?.uuid() {
            Some(uuid) => self.node(&uuid),
            None => {
                self.entry_of.binary_search(&at).ok().or_else(|| self.entry_of.iter().position(|e| *e == at))
            }
        }
    }

    /// The last node of the main conversation that no other message hangs on:
    /// where the newest writer stopped. `parents` are the links, of the nodes that
    /// `is_there` knows.
    pub fn newest_tip(
        &self,
        entries: &[RawEntry<'a>],
        parents: &[Parent],
        is_there: impl Fn(Node) -> bool,
    ) -> Option<Node> {
        let is_message = |node: Node| is_main_message(&entries[self.entry_of[node]]) && is_there(node);
        let mut has_child = vec![false; parents.len()];
        let mut passed = vec![false; parents.len()];
        for node in (0..parents.len()).filter(|node| is_message(*node)) {
            let mut at = parents[node];
            // Up to the next message, past entries that only link.
            while let Parent::Node(parent) = at {
                has_child[parent] = true;
                if is_message(parent) || std::mem::replace(&mut passed[parent], true) {
                    break;
                }
                at = parents[parent];
            }
        }
        let messages = || (0..parents.len()).rev().filter(|node| is_message(*node));
        // In a ring of entries everything hangs on something.
        messages().find(|node| !has_child[*node]).or_else(|| messages().next())
    }

    /// The first node of the tree that each node belongs to.
    fn roots(&self) -> Vec<Node> {
        const UNKNOWN: Node = usize::MAX;
        let mut roots = vec![UNKNOWN; self.parents.len()];
        let mut way = Vec::new();
        for start in 0..self.parents.len() {
            let mut at = start;
            let root = loop {
                if roots[at] != UNKNOWN {
                    break roots[at];
                }
                // Marks the way, so that a ring ends at its own beginning.
                roots[at] = start;
                way.push(at);
                match self.parents[at] {
                    Parent::Node(parent) => at = parent,
                    Parent::Root | Parent::Missing => break at,
                }
            };
            for node in way.drain(..) {
                roots[node] = root;
            }
        }
        roots
    }
}

/// What a gap is bridged to: the message of the main conversation that was
/// written last before the entry whose parent is missing.
///
/// Claude Code looks back five seconds at most, and forgets the history
/// otherwise. The last message before the gap is the better guess at any
/// distance.
#[derive(Debug)]
pub(super) struct Bridges {
    roots: Vec<Node>,
    /// When each node was written, in microseconds since 1970.
    times: Vec<Option<i64>>,
    /// The messages of the main conversation that have a time, oldest first.
    by_time: Vec<Node>,
    /// The messages of the main conversation.
    messages: Vec<Node>,
    /// The trees that a walk has left behind.
    left: HashSet<Node>,
    /// Candidates that may still be looked at: a hostile file of nothing but
    /// gaps costs no more than a few readings of it.
    steps: usize,
}

impl Bridges {
    /// `is_there` says which nodes can be bridged to.
    pub fn new(chain: &Chain<'_>, entries: &[RawEntry<'_>], is_there: impl Fn(Node) -> bool) -> Self {
        let entry = |node: &Node| &entries[chain.entry_of[*node]];
        let messages: Vec<Node> =
            (0..chain.parents.len()).filter(|node| is_main_message(entry(node)) && is_there(*node)).collect();
        let time = |node| Some(entry(&node).timestamp()?.timestamp_micros());
        let times: Vec<_> = (0..chain.parents.len()).map(time).collect();
        let mut by_time: Vec<Node> = messages.iter().copied().filter(|node| times[*node].is_some()).collect();
        by_time.sort_by_key(|node| times[*node]);
        let steps = 8 * chain.parents.len() + 64;
        Self { roots: chain.roots(), times, by_time, messages, left: HashSet::new(), steps }
    }

    /// Where a walk that has come to `child` goes on.
    pub fn across(&mut self, child: Node) -> Option<Node> {
        self.left.insert(self.roots[child]);
        let before = self.times[child].and_then(|time| {
            // Of messages of one moment those that come first in the file.
            let end = self.by_time.partition_point(|node| (self.times[*node], *node) < (Some(time), child));
            let (left, roots) = (&self.left, &self.roots);
            let found = self.by_time[..end].iter().rev().take(self.steps);
            let mut looked_at = 0;
            let found =
                found.inspect(|_| looked_at += 1).find(|node| !left.contains(&roots[**node])).copied();
            self.steps -= looked_at;
            found
        });
        before.or_else(|| {
            let end = self.messages.partition_point(|node| *node < child);
            let (left, roots) = (&self.left, &self.roots);
            let mut looked_at = 0;
            let found = self.messages[..end].iter().rev().take(self.steps).inspect(|_| looked_at += 1);
            let found = found.into_iter().find(|node| !left.contains(&roots[**node])).copied();
            self.steps -= looked_at;
            found
        })
    }
}

fn is_talk(entry: &RawEntry<'_>) -> bool {
    matches!(entry.kind(), EntryKind::User | EntryKind::Assistant | EntryKind::System | EntryKind::Attachment)
}

/// A message of the main conversation: no sub-agent wrote it, and it is not
/// only the progress of a tool.
pub(super) fn is_main_message(entry: &RawEntry<'_>) -> bool {
    is_talk(entry) && !entry.is_sidechain()
}
