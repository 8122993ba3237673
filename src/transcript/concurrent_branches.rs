//! Branches that two programs wrote at the same time.
//!
//! A rewind leaves a branch behind, too, but that one ends before the new one begins.
//! Where both go on after the other began, nobody left anything behind: two programs had
//! the session open, and the conversation can show only one of their branches.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::PathScope;
use super::chain::{Node, Parent};
use super::prompt_text::is_user_typed;
use super::raw_entry::{EntryKind, RawEntry};
use super::reader::Transcript;

/// A branch beside the conversation, written while the conversation went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcurrentBranch {
    /// Its last message, as an index into [`Transcript::entries`].
    pub tip: usize,
    /// Prompts a person typed on it.
    pub prompts: usize,
}

impl Transcript<'_> {
    /// The branches that were written at the same time as the conversation that ends at `leaf`,
    /// the last one last.
    pub fn concurrent_branches(&self, leaf: Option<usize>) -> Vec<ConcurrentBranch> {
        let chain = self.chain();
        let path = self.path(leaf, PathScope::Display);
        let Some(&last) = path.iter().max() else { return Vec::new() };
        let place_on_path: HashMap<usize, usize> =
            path.iter().enumerate().map(|(at, entry)| (*entry, at)).collect();
        // The branches by the place where they leave the path.
        let mut branches: BTreeMap<(usize, Node), Branch> = BTreeMap::new();
        let mut way_of: Vec<Option<(usize, Node)>> = vec![None; chain.parents.len()];
        for node in 0..chain.parents.len() {
            let at = chain.entry_of[node];
            let entry = &self.entries[at];
            if entry.is_sidechain() || place_on_path.contains_key(&at) {
                continue;
            }
            let Parent::Node(parent) = chain.parents[node] else { continue };
            let way = match place_on_path.get(&chain.entry_of[parent]) {
                Some(place) => Some((*place, node)),
                // Parents come first in the file; of one that does not, nothing is known.
                None => way_of[parent],
            };
            way_of[node] = way;
            let Some(way) = way else { continue };
            let branch = branches.entry(way).or_insert(Branch { first: at, last: at, prompts: 0 });
            if matches!(entry.kind(), EntryKind::User | EntryKind::Assistant) {
                branch.last = at;
                branch.prompts += usize::from(is_prompt(entry));
            }
        }
        let concurrent = |((place, _), branch): &((usize, Node), Branch)| {
            let path_goes_on = path.get(place + 1).is_some_and(|next| branch.last > *next);
            branch.prompts > 0 && path_goes_on && branch.first < last
        };
        let mut found: Vec<_> = branches
            .into_iter()
            .filter(concurrent)
            .map(|(_, branch)| ConcurrentBranch { tip: branch.last, prompts: branch.prompts })
            .collect();
        found.sort_by_key(|branch| branch.tip);
        found
    }
}

struct Branch {
    first: usize,
    last: usize,
    prompts: usize,
}

/// Whether a person typed it.
fn is_prompt(entry: &RawEntry<'_>) -> bool {
    if entry.kind() != EntryKind::User || entry.is_meta() || entry.is_compact_summary() {
        return false;
    }
    let message = entry.message().and_then(|message| serde_json::from_str::<Value>(message).ok());
    match message.as_ref().map(|message| &message["content"]) {
        Some(Value::String(text)) => is_user_typed(text),
        Some(Value::Array(blocks)) => {
            blocks.iter().any(|block| block["text"].as_str().is_some_and(is_user_typed))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::TranscriptText;
    use super::*;

    /// Entries as `uuid<parent`; one with an upper-case uuid is a reply.
    fn check(entries: &str, leaf: &str, expected: &[(&str, usize)]) {
        let lines: String = entries
            .split_whitespace()
            .map(|entry| {
                let (uuid, parent) = entry.split_once('<').unwrap();
                let kind = if uuid == uuid.to_uppercase() { "assistant" } else { "user" };
                let parent = if parent.is_empty() { "null".to_owned() } else { format!("\"{parent}\"") };
                format!(
                    "{{\"type\":\"{kind}\",\"uuid\":\"{uuid}\",\"parentUuid\":{parent},\"message\":{{\"content\":\"x\"}}}}\n"
                )
            })
            .collect();
        let text = TranscriptText::read(lines.as_bytes());
        let transcript = Transcript::read(&text);
        let found = transcript.concurrent_branches(transcript.position(leaf));
        let uuid = |at: usize| transcript.entries[at].uuid().unwrap().into_owned();
        let found: Vec<_> = found.iter().map(|branch| (uuid(branch.tip), branch.prompts)).collect();
        let expected: Vec<_> = expected.iter().map(|(tip, prompts)| ((*tip).to_owned(), *prompts)).collect();
        assert_eq!(found, expected, "{entries}");
    }

    #[test]
    fn branches_that_grew_side_by_side_are_concurrent() {
        check("a< B<a c<B x<B D<c Y<x e<D", "e", &[("Y", 1)]);
        check("a< B<a c<B D<c x<B Y<x e<D F<e", "F", &[("Y", 1)]);
        check("a< B<a x<B c<B Y<x z<Y D<c", "D", &[("z", 2)]);
        check("a< B<a c<B x<B y<a d<c z<y", "d", &[("x", 1), ("z", 2)]);
    }

    #[test]
    fn what_was_rewound_is_not_concurrent() {
        check("a< B<a x<B Y<x c<B D<c", "D", &[]);
        check("a< B<a c<B D<c x<B Y<x", "D", &[]);
        check("a< B<a", "B", &[]);
        check("", "a", &[]);
    }

    #[test]
    fn replies_without_a_prompt_are_no_branch() {
        check("a< B<a C<a d<B", "d", &[]);
    }
}
