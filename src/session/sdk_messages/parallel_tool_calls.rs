//! Puts the calls and results of parallel tool calls back into the chain.
//!
//! A reply with several calls is several entries of one `message.id`, each
//! result hangs on its own call, so a walk up reaches only one branch. What it
//! missed goes behind the last entry of its reply: calls first, then results,
//! each in the order of their times.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::EntryGraph;

/// Who belongs to which reply.
struct ReplyIndex {
    /// The entries of each reply, by its id.
    replies: HashMap<String, Vec<usize>>,
    /// The reply of each entry that is a part of one.
    reply_of: HashMap<usize, String>,
    /// Who made each call; none where two replies claim it.
    callers: HashMap<String, Option<usize>>,
    /// The calls that each result answers.
    calls_answered: HashMap<usize, Vec<String>>,
    /// The results that may belong to an entry.
    results_of_entry: HashMap<usize, Vec<usize>>,
}

/// The chain with what belongs to its replies.
pub(super) fn rejoin<'a>(
    entries: &EntryGraph<'a>,
    chain: Vec<usize>,
    mut seen: HashSet<Cow<'a, str>>,
) -> Vec<usize> {
    let ties = ReplyIndex::build(entries);
    let replies: Vec<(usize, &String)> =
        chain.iter().filter_map(|&at| Some((at, ties.reply_of.get(&at)?))).collect();
    let anchors: HashMap<&String, usize> = replies.iter().map(|&(at, reply)| (reply, at)).collect();
    let answered: HashSet<&String> =
        chain.iter().filter_map(|at| ties.calls_answered.get(at)).flatten().collect();
    let mut done = HashSet::new();
    let mut behind: HashMap<usize, Vec<usize>> = HashMap::new();
    for (_, reply) in replies {
        if !done.insert(reply) {
            continue;
        }
        let recovered = ties.off_chain_members(entries, &ties.replies[reply], &seen, &answered);
        seen.extend(recovered.iter().map(|&at| entries.entries[at].uuid.clone()));
        behind.insert(anchors[reply], recovered);
    }
    chain
        .into_iter()
        .flat_map(|at| std::iter::once(at).chain(behind.remove(&at).unwrap_or_default()))
        .collect()
}

impl ReplyIndex {
    fn build(entries: &EntryGraph<'_>) -> Self {
        let mut ties = Self {
            replies: HashMap::new(),
            reply_of: HashMap::new(),
            callers: HashMap::new(),
            calls_answered: HashMap::new(),
            results_of_entry: HashMap::new(),
        };
        let mut results = Vec::new();
        for &at in &entries.first_seen_order {
            let entry = &entries.entries[at];
            if let Some(reply) = entry.reply_id() {
                for call in entry.block_ids("tool_use").into_iter().flatten() {
                    ties.record_call(call, at, &reply);
                }
                ties.replies.entry(reply.clone()).or_default().push(at);
                ties.reply_of.insert(at, reply);
            } else if entry.kind == "user" {
                let blocks = entry.block_ids("tool_result");
                if !blocks.is_empty() && entry.parent.is_some() {
                    results.push(at);
                }
                ties.calls_answered.insert(at, blocks.into_iter().flatten().collect());
            }
        }
        for result in results {
            ties.link_result(entries, result);
        }
        ties
    }

    fn record_call(&mut self, call: String, at: usize, reply: &String) {
        let claimed = match self.callers.get(&call) {
            None => Some(at),
            Some(Some(other)) if self.reply_of.get(other) == Some(reply) => Some(at),
            Some(_) => None,
        };
        self.callers.insert(call, claimed);
    }

    /// A result may belong to its parent, to who it says asked, and to who made
    /// the calls it answers; the last two only of its own writer.
    fn link_result(&mut self, entries: &EntryGraph<'_>, result: usize) {
        let entry = &entries.entries[result];
        let by_uuid = |uuid: &Option<Cow<'_, str>>| entries.by_uuid.get(uuid.as_ref()?).copied();
        let callers = self.calls_answered[&result].iter().filter_map(|call| *self.callers.get(call)?);
        let same = |at: &usize| entry.has_same_writer(&entries.entries[*at]);
        let owners: Vec<usize> = by_uuid(&entry.parent)
            .into_iter()
            .chain(by_uuid(&entry.source_assistant_uuid).into_iter().chain(callers).filter(same))
            .collect();
        for owner in owners {
            self.results_of_entry.entry(owner).or_default().push(result);
        }
    }

    /// What belongs to the reply of these entries and is not on the chain.
    fn off_chain_members(
        &self,
        entries: &EntryGraph<'_>,
        reply: &[usize],
        seen: &HashSet<Cow<'_, str>>,
        answered: &HashSet<&String>,
    ) -> Vec<usize> {
        let is_unseen = |at: &usize| !seen.contains(&entries.entries[*at].uuid);
        let mut calls: Vec<usize> = reply.iter().copied().filter(is_unseen).collect();
        let mut collected = HashSet::new();
        let around = reply.iter().filter_map(|member| self.results_of_entry.get(member)).flatten().copied();
        let around: Vec<usize> = around.filter(is_unseen).filter(|&at| collected.insert(at)).collect();
        let hangs_on_reply = |at: &usize| {
            let parent = entries.entries[*at].parent.as_ref().and_then(|parent| entries.by_uuid.get(parent));
            parent.is_some_and(|parent| reply.contains(parent))
        };
        let (mut results, mut strays): (Vec<usize>, Vec<usize>) =
            around.into_iter().partition(hangs_on_reply);
        let mut answered = answered.clone();
        answered.extend(results.iter().flat_map(|at| &self.calls_answered[at]));
        strays.sort_by_key(|at| entries.first_seen_order.iter().position(|other| other == at));
        for stray in strays {
            let is_open = |call: &&String| {
                let caller = self.callers.get(*call).copied().flatten();
                !answered.contains(call) && caller.is_some_and(|caller| reply.contains(&caller))
            };
            if self.calls_answered[&stray].iter().any(|call| is_open(&call)) {
                answered.extend(&self.calls_answered[&stray]);
                results.push(stray);
            }
        }
        let time = |at: &usize| &entries.entries[*at].timestamp;
        calls.sort_by_key(time);
        results.sort_by_key(time);
        calls.into_iter().chain(results).collect()
    }
}
