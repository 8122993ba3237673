//! What a fork asks for and returns, and the fork as lines. Both stores share this.

use std::fmt;
use std::path::Path;

use chrono::Utc;

use super::{StoreError, project_dir};
use crate::session::{SessionId, fork};

/// What to copy, and as what.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForkSpec<'a> {
    /// The id of the copy; no session may have it yet. `None` for a random one.
    pub id: Option<SessionId>,
    /// The uuid of the last entry to copy; `None` for the conversation's leaf.
    pub at: Option<&'a str>,
    /// The copy's title; `None` for the source's title with the next number, “Plan ⑂2”.
    pub title: Option<&'a str>,
    /// The folder the copy belongs to; `None` for the source's.
    pub cwd: Option<&'a Path>,
    /// Repairs the copy: bridges gaps in the conversation and recovers entries from
    /// malformed lines.
    pub repair: bool,
}

/// A finished copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForkResult {
    /// The id of the copy.
    pub id: SessionId,
    /// What was repaired in it.
    pub repairs: RepairReport,
}

/// What a repaired copy has that its source lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Gaps in the conversation that the copy bridges.
    pub bridged_gaps: usize,
    /// Entries recovered from malformed lines.
    pub recovered_entries: usize,
}

impl RepairReport {
    /// Whether anything was repaired.
    pub fn is_any(&self) -> bool {
        self.bridged_gaps + self.recovered_entries > 0
    }
}

impl fmt::Display for RepairReport {
    /// A sentence for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let mut parts = Vec::new();
        if self.bridged_gaps > 0 {
            parts.push(format!("bridges {} in the conversation", count(self.bridged_gaps, "gap", "gaps")));
        }
        if self.recovered_entries > 0 {
            parts.push(format!(
                "recovers {} from malformed lines",
                count(self.recovered_entries, "entry", "entries")
            ));
        }
        if parts.is_empty() {
            return f.write_str("there was nothing to repair");
        }
        write!(f, "this repaired copy {}; the original is unchanged", parts.join(" and "))
    }
}

/// Copies a conversation as lines. `cwd` is the new working folder, if it changes.
pub(super) fn fork_lines(
    bytes: &[u8],
    source: SessionId,
    order: &ForkSpec<'_>,
    cwd: Option<&Path>,
) -> Result<(ForkResult, Vec<String>), StoreError> {
    let id = order.id.unwrap_or_else(SessionId::random);
    let cwd = cwd.map(project_dir::canonical_cwd);
    let copy = fork::ForkOptions {
        at: order.at,
        title: order.title,
        cwd: cwd.as_deref(),
        repair: order.repair,
        ..fork::ForkOptions::new(source, id, Utc::now())
    };
    let copied = fork::fork_transcript(bytes, &copy).map_err(StoreError::from_fork_error(source, order))?;
    Ok((
        ForkResult {
            id,
            repairs: RepairReport { bridged_gaps: copied.gaps, recovered_entries: copied.recovered },
        },
        copied.lines,
    ))
}
