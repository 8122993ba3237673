//! Sessions with their forks under them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::index::SessionRow;
use crate::session::SessionId;

/// Which session was forked from which, by index.
#[derive(Debug, Default)]
pub struct ForkTree {
    parents: HashMap<usize, usize>,
    forks: HashMap<usize, Vec<usize>>,
}

/// A session and its forks.
pub struct ForkGroup {
    /// When any of them was last active.
    pub active: DateTime<Utc>,
    /// Row index and depth, parents before their forks.
    pub members: Vec<(usize, usize)>,
}

impl ForkTree {
    /// Links every fork to its parent.
    pub fn build(rows: &[SessionRow]) -> Self {
        let mut kin = Self::default();
        let named: Vec<(usize, SessionId)> =
            rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.parent_id()?))).collect();
        if named.is_empty() {
            return kin;
        }
        let index: HashMap<SessionId, usize> =
            rows.iter().enumerate().map(|(at, row)| (row.stored.id, at)).collect();
        for (at, parent) in named {
            if let Some(&parent) = index.get(&parent).filter(|parent| **parent != at) {
                kin.parents.insert(at, parent);
                kin.forks.entry(parent).or_default().push(at);
            }
        }
        kin
    }

    /// The families of these sessions and of those they were forked from, the
    /// one that was active last first.
    pub fn groups(&self, rows: &[SessionRow], matched: &[usize]) -> Vec<ForkGroup> {
        let mut wanted = vec![false; rows.len()];
        for &at in matched {
            let mut up = Some(at);
            while let Some(member) = up {
                if std::mem::replace(&mut wanted[member], true) {
                    break;
                }
                up = self.parents.get(&member).copied();
            }
        }
        let mut families: Vec<ForkGroup> = Vec::new();
        // Rows whose ancestry is a circle (a hostile file) have no root: they come second, as their own.
        let roots = (0..rows.len()).filter(|at| !self.parents.contains_key(at));
        for root in roots.chain(0..rows.len()) {
            let mut members = Vec::new();
            let mut open = vec![(root, 0)];
            while let Some((at, depth)) = open.pop() {
                if !std::mem::take(&mut wanted[at]) {
                    continue;
                }
                members.push((at, depth));
                open.extend(self.forks.get(&at).into_iter().flatten().rev().map(|&fork| (fork, depth + 1)));
            }
            let active = members.iter().map(|(at, _)| rows[*at].active_at()).max();
            families.extend(active.map(|active| ForkGroup { active, members }));
        }
        families.sort_by_key(|family| std::cmp::Reverse(family.active));
        families
    }
}
