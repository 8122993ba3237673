//! Forks that say nothing of where they come from.
//!
//! `claude --fork-session` copies a conversation with the uuids of its entries and without
//! `forkedFrom`, and goes on with the total cost of the session it copied (Claude Code
//! 2.1.332). So sessions that begin with the same entry are one family: what several of them
//! hold was paid once, by the one that was there first, and the others come from it. Only
//! families are read for this, and there are few of them.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use super::{Catalog, READ_WHOLE_BYTES, lock};
use crate::index::SessionRow;
use crate::index::scanner::{self, ScanState};
use crate::session::SessionId;
use crate::session::summary::LastRequest;
use crate::transcript::raw_entry::ForkedFrom;

/// What was found out of families, by the state of their members.
pub(super) type KnownFamilies = Mutex<HashMap<u64, Arc<Vec<Inheritance>>>>;

/// So many families are remembered; then all are forgotten.
const MAX_KNOWN: usize = 4_096;

/// What a session holds of one that was there before it.
#[derive(Debug)]
pub(super) struct Inheritance {
    heir: SessionId,
    parent: SessionId,
    requests: Vec<LastRequest>,
    turns: usize,
}

impl Catalog {
    /// Takes what a session inherited out of its own figures, and says where it comes from.
    pub(super) fn settle_families(&self, rows: &mut [SessionRow]) {
        let mut families: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            if let Some(root) = row.facts.root.filter(|_| !row.partial) {
                families.entry(root).or_default().push(at);
            }
        }
        for family in families.into_values().filter(|family| family.len() > 1) {
            for inheritance in self.inheritances(rows, &family).iter() {
                let heir = family.iter().find(|at| rows[**at].stored.id == inheritance.heir);
                if let Some(&at) = heir {
                    inheritance.apply(&mut rows[at]);
                }
            }
        }
    }

    fn inheritances(&self, rows: &[SessionRow], family: &[usize]) -> Arc<Vec<Inheritance>> {
        let mut members: Vec<&SessionRow> = family.iter().map(|at| &rows[*at]).collect();
        // The first line that was written tells a session from its fork; else the order of use.
        members.sort_by_key(|row| (row.facts.first_written, row.active_at(), row.stored.id));
        let mut hasher = DefaultHasher::new();
        for row in &members {
            (row.stored.id, row.stored.size, row.stored.inode).hash(&mut hasher);
        }
        let key = hasher.finish();
        if let Some(known) = lock(&self.families).get(&key) {
            return Arc::clone(known);
        }
        let mut found = Vec::new();
        let mut paid: HashMap<u64, SessionId> = HashMap::new();
        let mut asked: HashSet<u64> = HashSet::new();
        let mut is_complete = true;
        for row in members {
            let Some(state) = self.state_of(row) else {
                is_complete = false;
                continue;
            };
            let outline = state.outline();
            let mut inheritance =
                Inheritance { heir: row.stored.id, parent: row.stored.id, requests: Vec::new(), turns: 0 };
            for (message, request) in outline.own_requests() {
                if let Some(payer) = paid.get(&message) {
                    inheritance.parent = *payer;
                    inheritance.requests.push(request.clone());
                } else {
                    paid.insert(message, row.stored.id);
                }
            }
            inheritance.turns = outline.prompts().filter(|prompt| !asked.insert(*prompt)).count();
            if inheritance.parent != inheritance.heir {
                found.push(inheritance);
            }
        }
        let found = Arc::new(found);
        let mut known = lock(&self.families);
        if is_complete && known.len() < MAX_KNOWN {
            known.insert(key, Arc::clone(&found));
        } else if is_complete {
            known.clear();
        }
        found
    }

    /// All of a session's entries in short: from memory, from the index, else read again.
    fn state_of(&self, row: &SessionRow) -> Option<ScanState> {
        let id = row.stored.id;
        let in_memory = self.cache().get(&id).and_then(|cached| cached.scan_state.as_deref().cloned());
        let in_index = || {
            let database = self.database.as_ref()?.try_lock().ok()?;
            database.scan_state(id).ok().flatten()
        };
        let is_whole = |state: &ScanState| state.offset() >= row.stored.size;
        in_memory.or_else(in_index).filter(is_whole).or_else(|| {
            let is_small = row.stored.size <= READ_WHOLE_BYTES;
            is_small.then(|| Some(scanner::scan(&*self.store, &row.stored, None, u64::MAX).ok()?.state))?
        })
    }
}

impl Inheritance {
    fn apply(&self, row: &mut SessionRow) {
        let facts = Arc::make_mut(&mut row.facts);
        for LastRequest { model, usage, at, .. } in &self.requests {
            facts.usage -= *usage;
            facts.used.remove(model, *usage);
            let day = at.date_naive();
            if let Ok(place) = facts.days.binary_search_by_key(&day, |(day, _)| *day) {
                facts.days[place].1.remove(model, *usage);
            }
            facts.inherited.add(model, *usage);
        }
        facts.days.retain(|(_, used)| !used.is_empty());
        facts.forked_turns = facts.forked_turns.max(self.turns.min(facts.turns));
        facts
            .forked_from
            .get_or_insert_with(|| ForkedFrom { session_id: self.parent.to_string(), message_uuid: None });
    }
}
