//! What differs between two texts, as data.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Unchanged lines kept around a change.
const CONTEXT_LINES: usize = 3;
/// Bytes of both texts up to which they are compared line by line: comparing
/// takes time by the square of them. Of larger texts every old line counts as
/// removed and every new one as added.
const MAX_COMPARED_BYTES: usize = 20_000;

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineChange {
    /// It stays.
    Context,
    /// It is new.
    Added,
    /// It goes.
    Removed,
}

/// A line of a hunk, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// What happens to it.
    pub change: LineChange,
    /// The line; hostile text.
    pub text: String,
}

/// Changed lines that stand together, with unchanged ones around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk {
    /// The numbers of the first line in the old and the new text, from 1.
    /// `None` if it is not known where in the file the lines stand.
    pub start: Option<(usize, usize)>,
    /// The lines.
    pub lines: Vec<HunkLine>,
}

impl Hunk {
    /// A hunk of the official tools' `structuredPatch`: `oldStart`, `newStart`
    /// and `lines` with their sign in front.
    pub fn from_structured_patch(hunk: &Value) -> Self {
        let start = |name: &str| hunk[name].as_u64().map_or(1, |line| line as usize);
        let lines = hunk["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let lines = lines.filter_map(|line| {
            let (change, text) = match line.chars().next() {
                Some('+') => (LineChange::Added, &line[1..]),
                Some('-') => (LineChange::Removed, &line[1..]),
                // "\ No newline at end of file" is no line.
                Some('\\') => return None,
                Some(' ') => (LineChange::Context, &line[1..]),
                Some(_) | None => (LineChange::Context, line),
            };
            Some(HunkLine { change, text: text.to_owned() })
        });
        Self { start: Some((start("oldStart"), start("newStart"))), lines: lines.collect() }
    }

    /// Its lines with the number to show beside each: of a removed line the one
    /// in the old text, else the one in the new.
    pub fn numbered(&self) -> impl Iterator<Item = (Option<usize>, &HunkLine)> {
        let mut next = self.start;
        self.lines.iter().map(move |line| {
            let number = next.map(|(old, new)| if line.change == LineChange::Removed { old } else { new });
            if let Some((old, new)) = &mut next {
                *old += usize::from(line.change != LineChange::Added);
                *new += usize::from(line.change != LineChange::Removed);
            }
            (number, line)
        })
    }
}

/// The hunks between two texts; numbered if both are whole files.
pub fn hunks_between(old: &str, new: &str, are_whole_files: bool) -> Vec<Hunk> {
    let line = |change, text: &str| HunkLine { change, text: text.trim_end_matches(['\n', '\r']).to_owned() };
    if old.is_empty() || old.len() + new.len() > MAX_COMPARED_BYTES {
        let removed = old.lines().map(|text| line(LineChange::Removed, text));
        let added = new.lines().map(|text| line(LineChange::Added, text));
        return vec![Hunk {
            start: are_whole_files.then_some((1, 1)),
            lines: removed.chain(added).collect(),
        }];
    }
    let diff = TextDiff::from_lines(old, new);
    let hunks = diff.grouped_ops(CONTEXT_LINES).into_iter().map(|operations| {
        let first =
            operations.first().map(|first| (first.old_range().start + 1, first.new_range().start + 1));
        let changes = operations.iter().flat_map(|operation| diff.iter_changes(operation));
        let lines = changes.map(|change| {
            let kind = match change.tag() {
                ChangeTag::Equal => LineChange::Context,
                ChangeTag::Insert => LineChange::Added,
                ChangeTag::Delete => LineChange::Removed,
            };
            line(kind, change.value())
        });
        Hunk { start: first.filter(|_| are_whole_files), lines: lines.collect() }
    });
    hunks.collect()
}
