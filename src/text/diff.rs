//! What differs between two texts, as data.

use serde_json::{Value, json};
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

impl LineChange {
    /// The sign in front of such a line.
    fn sign(self) -> char {
        match self {
            Self::Context => ' ',
            Self::Added => '+',
            Self::Removed => '-',
        }
    }
}

/// A line of a hunk, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// What happens to it.
    pub change: LineChange,
    /// The line; hostile text.
    pub text: String,
}

impl HunkLine {
    /// A line with its sign in front; `None` for "\ No newline at end of file",
    /// which is no line.
    fn from_signed(line: &str) -> Option<Self> {
        let (change, text) = match line.chars().next() {
            Some('+') => (LineChange::Added, &line[1..]),
            Some('-') => (LineChange::Removed, &line[1..]),
            Some('\\') => return None,
            Some(' ') => (LineChange::Context, &line[1..]),
            Some(_) | None => (LineChange::Context, line),
        };
        Some(Self { change, text: text.to_owned() })
    }
}

/// Changed lines that stand together, with unchanged ones around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk {
    /// The numbers of the first line in the old and the new text, from 1.
    /// `None` if it is not known where in the file the lines stand.
    pub start: Option<(usize, usize)>,
    pub lines: Vec<HunkLine>,
}

impl Hunk {
    /// A hunk of the official tools' `structuredPatch`: `oldStart`, `newStart`
    /// and `lines` with their sign in front.
    pub fn from_structured_patch(hunk: &Value) -> Self {
        let start = |name: &str| hunk[name].as_u64().map_or(1, |line| line as usize);
        let lines = hunk["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let lines = lines.filter_map(HunkLine::from_signed);
        Self { start: Some((start("oldStart"), start("newStart"))), lines: lines.collect() }
    }

    /// The hunks of a unified diff; lines before the first `@@` are passed over.
    pub fn from_unified_diff(diff: &str) -> Vec<Self> {
        let mut hunks: Vec<Self> = Vec::new();
        for line in diff.lines() {
            if let Some(head) = line.strip_prefix("@@ -") {
                let first = |part: Option<&str>| {
                    part.and_then(|part| part.split([',', ' ']).next()?.parse::<usize>().ok()).unwrap_or(1)
                };
                let mut parts = head.split(" +");
                let start = Some((first(parts.next()), first(parts.next())));
                hunks.push(Self { start, lines: Vec::new() });
            } else if let Some(hunk) = hunks.last_mut() {
                hunk.lines.extend(HunkLine::from_signed(line));
            }
        }
        hunks
    }

    /// The hunk as the official tools write it in a `structuredPatch`.
    pub fn to_structured_patch(&self) -> Value {
        let (old, new) = self.start.unwrap_or((1, 1));
        let count = |other| self.lines.iter().filter(|line| line.change != other).count();
        let lines: Vec<_> =
            self.lines.iter().map(|line| format!("{}{}", line.change.sign(), line.text)).collect();
        json!({"oldStart": old, "oldLines": count(LineChange::Added), "newStart": new,
            "newLines": count(LineChange::Removed), "lines": lines})
    }

    /// The text of one side, its lines with their breaks: without what is removed
    /// (`LineChange::Removed`), or without what is added.
    pub fn side_without(&self, change: LineChange) -> String {
        let lines = self.lines.iter().filter(|line| line.change != change);
        lines.map(|line| format!("{}\n", line.text)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as a person sees them: number, sign, text.
    fn shown(hunks: &[Hunk]) -> Vec<String> {
        let lines = hunks.iter().flat_map(Hunk::numbered);
        let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
        lines.map(|(at, line)| format!("{} {}{}", number(at), line.change.sign(), line.text)).collect()
    }

    #[test]
    fn a_structured_patch_is_read_with_its_numbers_and_written_again() {
        let patch = json!({"oldStart": 3, "newStart": 5, "lines": [
            " same", "-old", "+new", "\\ No newline at end of file", "+more"]});
        let hunk = Hunk::from_structured_patch(&patch);
        assert_eq!(shown(std::slice::from_ref(&hunk)), ["5  same", "4 -old", "6 +new", "7 +more"]);
        let written = json!({"oldStart": 3, "oldLines": 2, "newStart": 5, "newLines": 3,
            "lines": [" same", "-old", "+new", "+more"]});
        assert_eq!(hunk.to_structured_patch(), written);
        assert_eq!(Hunk::from_structured_patch(&written), hunk);
        for senseless in [json!(null), json!({"lines": 7}), json!({"oldStart": -1, "lines": [{}]})] {
            let read = Hunk::from_structured_patch(&senseless);
            assert_eq!((read.start, read.lines), (Some((1, 1)), Vec::new()), "{senseless}");
        }
    }

    #[test]
    fn a_unified_diff_is_read_hunk_by_hunk() {
        let diff = "--- a\n+++ b\n@@ -3,2 +4,2 @@ fn x()\n a\n-b\n+c\n\\ No newline at end of file\n@@ -9 +10 @@\n-x\n";
        let hunks = Hunk::from_unified_diff(diff);
        assert_eq!(shown(&hunks), ["4  a", "4 -b", "5 +c", "9 -x"]);
        assert_eq!(hunks[0].side_without(LineChange::Added), "a\nb\n");
        assert_eq!(hunks[0].side_without(LineChange::Removed), "a\nc\n");
        assert_eq!(shown(&Hunk::from_unified_diff("@@ -x +y @@\n+é\n")), ["1 +é"]);
        assert_eq!(Hunk::from_unified_diff("no diff\n+at all"), []);
    }

    #[test]
    fn only_changes_and_the_lines_around_them_are_hunks() {
        let old: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let hunks = hunks_between(&old, &old.replace("10\n", "ten\n"), true);
        assert_eq!((hunks.len(), hunks[0].start, hunks[0].lines.len()), (1, Some((7, 7)), 8));
        assert!(shown(&hunks).contains(&"10 +ten".to_owned()));
        assert_eq!(hunks_between("a", "a", true), []);
        assert_eq!(shown(&hunks_between("", "a\nb", false)), [" +a", " +b"]);
    }

    #[test]
    fn large_texts_are_not_compared() {
        let old = "a\n".repeat(MAX_COMPARED_BYTES);
        let hunks = hunks_between(&old, "a\n", true);
        assert_eq!(hunks[0].lines.len(), MAX_COMPARED_BYTES + 1);
    }
}
