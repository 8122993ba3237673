//! What is wrong with a session: a word for its row, a sentence for a person
//! who asks.

use super::surroundings::Surroundings;
use crate::index::Row;

/// A transcript of more bytes than this is told as oversized: the official
/// picker freezes on such (its users say so of some tens of megabytes).
const OVERSIZED: u64 = 50_000_000;

/// One thing that is wrong with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Badge {
    /// The transcript cannot be read.
    Unreadable(String),
    /// So many lines are no JSON.
    Torn(usize),
    /// So many lines are JSON and no entries.
    Foreign(usize),
    /// The folder it was started in is gone.
    FolderGone(String),
    /// The file has so many bytes.
    Oversized(u64),
}

impl Badge {
    /// All that is wrong with a session, the worst first.
    pub fn of(row: &Row, around: &Surroundings) -> Vec<Self> {
        let health = row.facts.health;
        let some = |count: usize| (count > 0).then_some(count);
        let found = [
            row.problem.clone().map(Self::Unreadable),
            some(health.torn).map(Self::Torn),
            some(health.foreign).map(Self::Foreign),
            around.gone(row).map(|folder| Self::FolderGone(folder.to_owned())),
            (row.stored.size > OVERSIZED).then_some(Self::Oversized(row.stored.size)),
        ];
        found.into_iter().flatten().collect()
    }

    /// A word for the row.
    pub fn word(&self) -> String {
        match self {
            Self::Unreadable(_) => "unreadable".to_owned(),
            Self::Torn(_) => "torn".to_owned(),
            Self::Foreign(_) => "foreign".to_owned(),
            Self::FolderGone(_) => "no folder".to_owned(),
            Self::Oversized(bytes) => megabytes(*bytes),
        }
    }

    /// What it means, and what to do about it.
    pub fn sentence(&self) -> String {
        let lines = |count: usize| match count {
            1 => "1 line is".to_owned(),
            count => format!("{count} lines are"),
        };
        match self {
            Self::Unreadable(problem) => format!("The transcript cannot be read: {problem}."),
            Self::Torn(count) => format!(
                "{} torn: cut off by a crash or a full disk, or written into by two programs at once. \
                 They are passed over and left as they are; a fork is a repaired copy.",
                lines(*count)
            ),
            Self::Foreign(count) => format!(
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
        let around = Surroundings {
            here: Some([id(9)].into()),
            gone: ["/gone".to_owned()].into(),
            ..Surroundings::default()
        };
        let mut row = row(1, "t", 0, None);
        assert_eq!(Badge::of(&row, &around), []);
        Arc::make_mut(&mut row.facts).health.torn = 1;
        Arc::make_mut(&mut row.facts).health.foreign = 2;
        Arc::make_mut(&mut row.facts).cwd = Some("/gone".into());
        row.stored.size = 61_400_000;
        let badges = Badge::of(&row, &around);
        let words: Vec<_> = badges.iter().map(Badge::word).collect();
        assert_eq!(words, ["torn", "foreign", "no folder", "61 MB"]);
        assert!(badges[0].sentence().starts_with("1 line is torn"), "{}", badges[0].sentence());
        assert!(badges[1].sentence().starts_with("2 lines are JSON but no entry"));
    }
}
