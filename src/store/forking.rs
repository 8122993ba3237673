//! What a fork is asked for and gives, and a fork as lines: what both stores do
//! with a transcript's bytes.

use std::fmt;
use std::path::Path;

use chrono::Utc;

use super::{StoreError, project_dir};
use crate::session::{SessionId, fork};

/// What to copy.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForkSpec<'a> {
    /// The copy's id, of a session that does not exist yet; none: a new one.
    pub id: Option<SessionId>,
    /// The last entry to copy, by uuid; none: the conversation's leaf.
    pub at: Option<&'a str>,
    /// The copy's title; none: the source's with the next number, "Plan ⑂2".
    pub title: Option<&'a str>,
    /// The folder the copy belongs to; none: the source's.
    pub cwd: Option<&'a Path>,
    /// Mends what is broken in the source: goes on where the conversation is cut
    /// off, and takes the entries out of torn lines.
    pub repair: bool,
}

/// A copy of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForkResult {
    /// The copy.
    pub id: SessionId,
    /// What was mended in it.
    pub repairs: RepairReport,
}

/// What a repaired copy has that its source lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Places where the conversation was cut off and goes on now.
    pub bridged_gaps: usize,
    /// Entries taken out of torn lines.
    pub recovered_entries: usize,
}

impl RepairReport {
    /// There was something to mend.
    pub fn is_any(&self) -> bool {
        self.bridged_gaps + self.recovered_entries > 0
    }
}

impl fmt::Display for RepairReport {
    /// For a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let mut parts = Vec::new();
        if self.bridged_gaps > 0 {
            parts.push(format!(
                "goes on at {} where the original is cut off",
                count(self.bridged_gaps, "place", "places")
            ));
        }
        if self.recovered_entries > 0 {
            parts.push(format!(
                "has {} taken out of torn lines",
                count(self.recovered_entries, "entry", "entries")
            ));
        }
        if parts.is_empty() {
            return f.write_str("there was nothing to mend");
        }
        write!(f, "this repaired copy {}; the original is as it was", parts.join(" and "))
    }
}

/// Copies a conversation; `cwd` is the folder to work in from now on, where it
/// is another one.
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
