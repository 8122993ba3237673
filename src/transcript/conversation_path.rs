//! Which entries are the conversation: the one answer for the model, the
//! screen, `show`, search, export, forks and the summary of a session.
//!
//! The rules of Claude Code 2.1.332, found by resuming damaged transcripts:
//!
//! - The leaf is the newest tip T, unless the last `last-prompt` names an entry
//!   L that is not before T in its conversation: then exactly L (that is how a
//!   rewind stays a rewind). A compaction after that line makes it void.
//! - From the leaf up by `parentUuid`. Where a parent is missing, the walk goes
//!   on at the message that was written last before the gap ([`Gap`]). Claude
//!   Code does so for gaps of up to five seconds and forgets the history at
//!   longer ones; this bridges any.
//! - A compaction is a beginning for the model: the summary, the messages it
//!   kept, what follows. A person sees what came before it, too.
//! - Parallel tool calls and their results lie beside the chain, and are put back.

use std::borrow::Cow;
use std::collections::HashSet;

use super::chain::{Bridges, Chain, Node, Parent};
use super::compaction::{self, Compaction};
use super::parallel_calls;
use super::raw_entry::EntryKind;
use super::reader::Transcript;

/// How far back a conversation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathScope {
    /// What the model is given: a compaction is a beginning.
    Model,
    /// What a person is shown: a compaction continues what came before it.
    Display,
}

/// The entries of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationPath {
    /// Oldest first, as indices into [`Transcript::entries`]; each entry once.
    pub entries: Vec<usize>,
    /// Where an entry is missing, newest first.
    pub gaps: Vec<Gap>,
}

/// A place where the conversation goes on although an entry is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The entry whose parent is not in the file.
    pub child: usize,
    /// The entry that it is taken to follow.
    pub parent: usize,
}

/// A walk from a leaf up to a root.
#[derive(Default)]
struct AncestorWalk {
    /// Leaf first.
    nodes: Vec<Node>,
    seen: HashSet<Node>,
    /// Child and parent.
    gaps: Vec<(Node, Node)>,
}

/// What is not in the model's conversation any more: all that was written before
/// the last compaction, if any of them kept messages, and was not kept by it. A
/// compaction that keeps nothing, in a file of nothing but such ones, only ends the
/// walk: who goes on from an entry before it goes on from there, as in Claude Code.
struct LeftBehind<'t> {
    /// The last compaction's boundary.
    boundary: Node,
    /// The last compaction, if it kept messages.
    compaction: Option<&'t Compaction>,
    kept: HashSet<Node>,
}

impl<'t> LeftBehind<'t> {
    fn of(transcript: &'t Transcript<'_>) -> Option<Self> {
        let last_that_kept = transcript.compactions().last()?;
        let chain = transcript.chain();
        let is_boundary = |node: &Node| compaction::is_boundary(&transcript.entries[chain.entry_of[*node]]);
        let boundary = (last_that_kept.boundary..chain.entry_of.len()).rev().find(is_boundary)?;
        let compaction = Some(last_that_kept).filter(|last| last.boundary == boundary);
        let kept = compaction.iter().flat_map(|last| last.kept.iter().copied()).collect();
        Some(Self { boundary, compaction, kept })
    }

    /// Whether the compaction was written after this node, whichever comes first in
    /// the file.
    fn is_later(&self, transcript: &Transcript<'_>, node: Node) -> bool {
        let time = |node: Node| transcript.entries[transcript.chain().entry_of[node]].timestamp();
        !self.kept.contains(&node) && time(node).zip(time(self.boundary)).is_some_and(|(a, b)| a < b)
    }

    fn contains(&self, node: Node) -> bool {
        node < self.boundary && !self.kept.contains(&node)
    }
}

impl Transcript<'_> {
    /// The conversation's last entry, as an index into [`Self::entries`].
    pub fn leaf(&self) -> Option<usize> {
        let chain = self.chain();
        Some(chain.entry_of[self.leaf_node(chain)?])
    }

    /// The conversation that ends at `leaf`.
    pub fn conversation(&self, leaf: Option<usize>, scope: PathScope) -> ConversationPath {
        let chain = self.chain();
        let Some(leaf) = leaf.and_then(|at| chain.node_of_entry(&self.entries, at)) else {
            return ConversationPath::default();
        };
        let mut walk = self.walk(chain, leaf, scope);
        walk.nodes.reverse();
        let entry = |node: Node| chain.entry_of[node];
        let path: Vec<_> = walk.nodes.iter().copied().map(entry).collect();
        ConversationPath {
            entries: parallel_calls::rejoin(&self.entries, &chain.entry_of, path),
            gaps: walk.gaps.into_iter().map(|(c, p)| Gap { child: entry(c), parent: entry(p) }).collect(),
        }
    }

    /// [`Self::conversation`] without its gaps.
    pub fn path(&self, leaf: Option<usize>, scope: PathScope) -> Vec<usize> {
        self.conversation(leaf, scope).entries
    }

    /// The gaps in the conversation that ends at `leaf`.
    pub fn gaps(&self, leaf: Option<usize>) -> Vec<Gap> {
        let chain = self.chain();
        let Some(leaf) = leaf.and_then(|at| chain.node_of_entry(&self.entries, at)) else {
            return Vec::new();
        };
        let gaps = self.walk(chain, leaf, PathScope::Display).gaps;
        gaps.into_iter().map(|(c, p)| Gap { child: chain.entry_of[c], parent: chain.entry_of[p] }).collect()
    }

    fn leaf_node(&self, chain: &Chain<'_>) -> Option<Node> {
        let left = LeftBehind::of(self);
        let mut parents = Cow::Borrowed(&chain.parents);
        if let Some(last) = left.as_ref().and_then(|left| left.compaction) {
            last.put_kept_behind_summary(parents.to_mut());
        }
        let is_there = |node: Node| left.as_ref().is_none_or(|left| !left.contains(node));
        let tip = chain.newest_tip(&self.entries, &parents, is_there);
        let Some(tip) = tip else { return self.named_leaf(chain) };
        let Some(named) = self.named_leaf(chain) else { return Some(tip) };
        // What a compaction left behind cannot be gone back to.
        if left.is_some_and(|left| left.contains(named) || left.is_later(self, named)) {
            return Some(tip);
        }
        let is_behind = tip >= named && self.walk(chain, tip, PathScope::Model).seen.contains(&named);
        Some(if is_behind { tip } else { named })
    }

    /// The entry that the last `last-prompt` names, unless a compaction came after it.
    fn named_leaf(&self, chain: &Chain<'_>) -> Option<Node> {
        for entry in self.entries.iter().rev() {
            if compaction::is_boundary(entry) {
                return None;
            }
            if entry.kind() == EntryKind::LastPrompt
                && let Some(uuid) = entry.leaf_uuid()
            {
                return chain.node(&uuid);
            }
        }
        None
    }

    fn walk(&self, chain: &Chain<'_>, leaf: Node, scope: PathScope) -> AncestorWalk {
        let mut parents = Cow::Borrowed(&chain.parents);
        // Whoever asks for an entry from before a compaction wants what was there.
        let left = LeftBehind::of(self).filter(|left| scope == PathScope::Model && !left.contains(leaf));
        let last = left.as_ref().and_then(|left| left.compaction);
        match scope {
            PathScope::Model => {
                if let Some(last) = last {
                    last.put_kept_behind_summary(parents.to_mut());
                }
            }
            PathScope::Display => {
                for compaction in self.compactions() {
                    compaction.put_summary_behind_kept(parents.to_mut());
                }
            }
        }
        let mut bridges = None;
        let mut bridge = |node: Node, walk: &mut AncestorWalk| {
            // What is missing in a part of a file may lie in the rest of it.
            if self.is_partial {
                return None;
            }
            let is_there = |node: Node| left.as_ref().is_none_or(|left| !left.contains(node));
            let bridges = bridges.get_or_insert_with(|| Bridges::new(chain, &self.entries, is_there));
            let before = bridges.across(node).filter(|before| !walk.seen.contains(before))?;
            walk.gaps.push((node, before));
            let ends_at_summary = last.filter(|last| last.anchor == before);
            Some(ends_at_summary.and_then(|last| last.kept.last().copied()).unwrap_or(before))
        };
        let mut walk = AncestorWalk::default();
        let mut at = Some(leaf);
        while let Some(node) = at.filter(|node| walk.seen.insert(*node)) {
            walk.nodes.push(node);
            let is_boundary = compaction::is_boundary(&self.entries[chain.entry_of[node]]);
            at = match parents[node] {
                _ if is_boundary && scope == PathScope::Model => None,
                _ if is_boundary => self.before_boundary(chain, node).or_else(|| bridge(node, &mut walk)),
                Parent::Node(parent) if left.as_ref().is_some_and(|left| left.contains(parent)) => {
                    bridge(node, &mut walk)
                }
                Parent::Node(parent) => Some(parent),
                Parent::Root => None,
                Parent::Missing => bridge(node, &mut walk),
            };
        }
        walk
    }

    /// What a compaction continues: the entry that it names, or the last message
    /// that it kept.
    fn before_boundary(&self, chain: &Chain<'_>, boundary: Node) -> Option<Node> {
        let entry = &self.entries[chain.entry_of[boundary]];
        let named = entry.logical_parent_uuid().or_else(|| entry.parent_uuid());
        let named = named.and_then(|uuid| chain.node(&uuid)).filter(|named| *named != boundary);
        named.or_else(|| {
            let kept = self.compactions().iter().find(|compaction| compaction.boundary == boundary);
            kept.and_then(|compaction| compaction.kept.last().copied())
        })
    }
}
