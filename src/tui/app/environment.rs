//! Facts about sessions that are in no transcript: pins, missing folders, the
//! official clean-up. A snapshot; `shell/environment_watch.rs` takes it.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::index::SessionRow;
use crate::session::SessionId;

/// So many days before a clean-up a person is warned.
pub const CLEANUP_WARNING_DAYS: u64 = 7;

/// What the disk says around the sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionEnvironment {
    /// The sessions that work in the opened folder: filed under it, or said to work
    /// there by the agent that keeps them. `None` before the first poll.
    pub project_sessions: Option<HashSet<SessionId>>,
    /// The sessions of which a copy is kept.
    pub pinned: HashSet<SessionId>,
    /// Folders of sessions that do not exist any more.
    pub missing_folders: HashSet<String>,
    /// What the opened folder was probably called before, and how many sessions were left behind
    /// under that name.
    pub former_folder: Option<(String, usize)>,
    /// How long the official tools keep an untouched transcript; `None` if
    /// they do not clean up here.
    pub cleanup_period: Option<Duration>,
}

impl SessionEnvironment {
    /// The folder of a session that belongs to another project than this one.
    pub fn other_folder<'a>(&self, row: &'a SessionRow) -> Option<&'a str> {
        let here = self.project_sessions.as_ref()?;
        row.facts.cwd.as_deref().filter(|_| !here.contains(&row.stored.id))
    }

    /// The folder of a session that can go on in it no more.
    pub fn missing_folder<'a>(&self, row: &'a SessionRow) -> Option<&'a str> {
        self.other_folder(row).filter(|folder| self.missing_folders.contains(*folder))
    }

    /// A copy of the session is kept.
    pub fn is_pinned(&self, row: &SessionRow) -> bool {
        self.pinned.contains(&row.stored.id)
    }

    /// Whole days until the official clean-up may delete the transcript; `None` if
    /// it never does, or a copy is kept.
    pub fn days_left(&self, row: &SessionRow, now: DateTime<Utc>) -> Option<u64> {
        // The official clean-up finds only what is in the official folders.
        let is_theirs = row.facts.agent.is_none() && !self.is_pinned(row);
        let kept_for = self.cleanup_period.filter(|_| is_theirs)?;
        let touched: DateTime<Utc> = row.stored.modified.into();
        let age = u64::try_from((now - touched).num_seconds()).unwrap_or(0);
        Some(kept_for.as_secs().saturating_sub(age) / 86_400)
    }

    /// The same where it is time to say so.
    pub fn cleanup_warning(&self, row: &SessionRow, now: DateTime<Utc>) -> Option<u64> {
        self.days_left(row, now).filter(|days| *days < CLEANUP_WARNING_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tui::app::sample::{id, noon, row};

    fn around() -> SessionEnvironment {
        SessionEnvironment {
            project_sessions: Some([id(1)].into()),
            missing_folders: ["/gone".to_owned()].into(),
            cleanup_period: Some(Duration::from_hours(30 * 24)),
            ..SessionEnvironment::default()
        }
    }

    #[test]
    fn the_clean_up_counts_from_the_last_touch() {
        for (hours, left) in [(0, 30), (1, 29), (24 * 23, 7), (24 * 30, 0), (24 * 400, 0)] {
            let mut row = row(1, "t", 0, None);
            row.stored.modified = (noon() - Duration::from_secs(hours * 3600)).into();
            assert_eq!(around().days_left(&row, noon()), Some(left), "{hours} h");
            assert_eq!(
                around().cleanup_warning(&row, noon()).is_some(),
                left < CLEANUP_WARNING_DAYS,
                "{hours} h"
            );
            let pinned = SessionEnvironment { pinned: [id(1)].into(), ..around() };
            assert_eq!(pinned.days_left(&row, noon()), None, "a copy is kept");
            let for_ever = SessionEnvironment { cleanup_period: None, ..around() };
            assert_eq!(for_ever.days_left(&row, noon()), None);
        }
    }

    #[test]
    fn a_session_is_elsewhere_by_where_its_transcript_lies() {
        let mut here = row(1, "a worktree's", 0, None);
        Arc::make_mut(&mut here.facts).cwd = Some("/gone".into());
        let mut other = row(2, "another project's", 0, None);
        Arc::make_mut(&mut other.facts).cwd = Some("/other".into());
        let mut lost = row(3, "a folder's that is gone", 0, None);
        Arc::make_mut(&mut lost.facts).cwd = Some("/gone".into());
        let check = |row: &SessionRow, elsewhere, gone| {
            assert_eq!((around().other_folder(row), around().missing_folder(row)), (elsewhere, gone));
        };
        check(&here, None, None);
        check(&other, Some("/other"), None);
        check(&lost, Some("/gone"), Some("/gone"));
        check(&row(4, "nobody knows whose", 0, None), None, None);
        assert_eq!(SessionEnvironment::default().other_folder(&other), None, "not looked at yet");
    }
}
