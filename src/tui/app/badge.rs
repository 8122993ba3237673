//! What is wrong with a session: a word for its row, and a sentence for its
//! details.

use super::environment::SessionEnvironment;
use crate::index::SessionRow;

/// A transcript of more bytes than this is marked as oversized: the official
/// picker freezes on such (its users say so of some tens of megabytes).
const OVERSIZED_BYTES: u64 = 50_000_000;

/// One thing that is wrong with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthBadge {
    /// The transcript cannot be read.
    Unreadable(String),
    /// So many lines are no JSON.
    Malformed(usize),
    /// So many lines are JSON and no entries.
    Untyped(usize),
    /// So many entries are missing in the conversation, which goes on at the message before.
    Gap(usize),
    /// The folder it was started in is gone.
    FolderGone(String),
    /// The file has so many bytes.
    Oversized(u64),
}

impl HealthBadge {
    /// All that is wrong with a session, the worst first.
    pub fn all_for_row(row: &SessionRow, around: &SessionEnvironment) -> Vec<Self> {
        let health = row.facts.health;
        let some = |count: usize| (count > 0).then_some(count);
        let found = [
            row.read_error.clone().map(Self::Unreadable),
            some(health.torn).map(Self::Malformed),
            some(row.facts.gaps).map(Self::Gap),
            some(health.foreign).map(Self::Untyped),
            around.missing_folder(row).map(|folder| Self::FolderGone(folder.to_owned())),
            (row.stored.size > OVERSIZED_BYTES).then_some(Self::Oversized(row.stored.size)),
        ];
        found.into_iter().flatten().collect()
    }

    /// A word for the row.
    pub fn label(&self) -> String {
        match self {
            Self::Unreadable(_) => "unreadable".to_owned(),
            Self::Malformed(_) => "torn".to_owned(),
            Self::Gap(_) => "gap".to_owned(),
            Self::Untyped(_) => "foreign".to_owned(),
            Self::FolderGone(_) => "no folder".to_owned(),
            Self::Oversized(bytes) => megabytes(*bytes),
        }
    }

    /// What it means, and what to do about it.
    pub fn explanation(&self) -> String {
        let lines = |count: usize| match count {
            1 => "1 line is".to_owned(),
            count => format!("{count} lines are"),
        };
        match self {
            Self::Unreadable(problem) => format!("The transcript cannot be read: {problem}."),
            Self::Malformed(count) => format!(
                "{} torn: cut off by a crash or a full disk, or written into by two programs at once. \
                 They are passed over and left as they are; a fork is a repaired copy.",
                lines(*count)
            ),
            Self::Gap(count) => format!(
                "{} missing in the conversation: it goes on at the message that was written before. \
                 A fork closes the gap.",
                match count {
                    1 => "1 entry is".to_owned(),
                    count => format!("{count} entries are"),
                }
            ),
            Self::Untyped(count) => format!(
                "{} JSON but no entry of a session: another program wrote here. They are passed over.",
                lines(*count)
            ),
            Self::FolderGone(folder) => {
                format!(
                    "Its folder {folder} does not exist any more: moved, renamed or deleted. A fork goes on here."
                )
            }
            Self::Oversized(bytes) => {
                format!(
                    "The transcript has {}: other tools may be slow with it or freeze.",
                    megabytes(*bytes)
                )
            }
        }
    }

    /// It needs no help: only something to know.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Oversized(_))
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tui::app::sample::{id, row};

    #[test]
    fn the_worst_comes_first_and_health_says_nothing() {
        let around = SessionEnvironment {
            project_sessions: Some([id(9)].into()),
            missing_folders: ["/gone".to_owned()].into(),
            ..SessionEnvironment::default()
        };
        let mut row = row(1, "t", 0, None);
        assert_eq!(HealthBadge::all_for_row(&row, &around), []);
        Arc::make_mut(&mut row.facts).health.torn = 1;
        Arc::make_mut(&mut row.facts).health.foreign = 2;
        Arc::make_mut(&mut row.facts).cwd = Some("/gone".into());
        row.stored.size = 61_400_000;
        let badges = HealthBadge::all_for_row(&row, &around);
        let words: Vec<_> = badges.iter().map(HealthBadge::label).collect();
        assert_eq!(words, ["torn", "foreign", "no folder", "61 MB"]);
        assert!(badges[0].explanation().starts_with("1 line is torn"), "{}", badges[0].explanation());
        assert!(badges[1].explanation().starts_with("2 lines are JSON but no entry"));
    }
}
