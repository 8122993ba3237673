//! The diff of an edit.

use ratatui::text::{Line, Span};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::excerpt::ExcerptLimit;
use crate::session::conversation::ToolCall;
use crate::text::{clean_line, pad_start, width};
use crate::tui::view::spans::hard_wrap;
use crate::tui::view::theme::Theme;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// Bytes of both texts up to which they are compared line by line: comparing takes
/// time by the square of them. Larger texts show as all removed and all added.
const MAX_DIFF_BYTES: usize = 20_000;

/// The diff of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// Number of added lines.
    pub added: usize,
    /// Number of removed lines.
    pub removed: usize,
    /// Changed regions, each a run of lines.
    hunks: Vec<Vec<DiffRow>>,
}

/// A line of the diff.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DiffRow {
    /// Its number in the new text (in the old one if it was removed). `None` if the
    /// call does not say where in the file the lines are.
    number: Option<usize>,
    change: ChangeTag,
    text: String,
}

impl FileDiff {
    /// Whether the call edits a file.
    pub fn is_edit(call: &ToolCall) -> bool {
        let has = |name: &str| call.input.get(name).is_some_and(Value::is_string);
        has("file_path") && (has("new_string") || has("content")) || call.input.get("edits").is_some()
    }

    /// The diff of a call: from its result if it ran, else from its input.
    pub fn from_call(call: &ToolCall) -> Option<Self> {
        if !Self::is_edit(call) {
            return None;
        }
        let detail = call.result.as_ref().and_then(|result| result.detail.as_ref());
        let patch = detail.and_then(|detail| detail.get("structuredPatch")?.as_array());
        if let Some(hunks) = patch.filter(|hunks| !hunks.is_empty()) {
            return Some(Self::from_rows(hunks.iter().map(|hunk| rows_of_hunk(hunk, usize::MAX)).collect()));
        }
        let field = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(content) = field(&call.input, "content") {
            return Some(Self::from_rows(diff_texts("", &content, true)));
        }
        let edits = call.input.get("edits").and_then(Value::as_array);
        let edits = edits.map_or_else(|| std::slice::from_ref(&call.input), Vec::as_slice);
        let hunks = edits.iter().flat_map(|edit| {
            let old = field(edit, "old_string").unwrap_or_default();
            diff_texts(&old, &field(edit, "new_string").unwrap_or_default(), false)
        });
        Some(Self::from_rows(hunks.collect()))
    }

    /// The first `most` lines of hunks of the official `structuredPatch`, and how many
    /// lines follow.
    pub fn from_patch(hunks: &[Value], most: usize) -> (Self, usize) {
        let (mut shown, mut rest) = (Vec::new(), most);
        let mut beyond = 0;
        for hunk in hunks {
            let lines = hunk.get("lines").and_then(Value::as_array).map_or(0, Vec::len);
            shown.push(rows_of_hunk(hunk, rest));
            beyond += lines.saturating_sub(rest);
            rest = rest.saturating_sub(lines);
        }
        shown.retain(|rows| !rows.is_empty());
        (Self::from_rows(shown), beyond)
    }

    fn from_rows(hunks: Vec<Vec<DiffRow>>) -> Self {
        let count = |change| hunks.iter().flatten().filter(|row| row.change == change).count();
        Self { added: count(ChangeTag::Insert), removed: count(ChangeTag::Delete), hunks }
    }

    /// Its lines with their numbers.
    pub fn lines(&self, limit: ExcerptLimit, most: usize, theme: &Theme) -> Vec<Line<'static>> {
        let digits =
            self.hunks.iter().flatten().filter_map(|row| row.number).max().map(|most| most.to_string().len());
        let front = |number: Option<usize>| match digits {
            Some(digits) => {
                let number = number.map(|number| number.to_string()).unwrap_or_default();
                format!("  {} │ ", pad_start(&number, digits))
            }
            None => "  │ ".to_owned(),
        };
        let front_width = width(&front(None));
        let inner = most.checked_sub(front_width).filter(|inner| *inner >= 8);
        let mut lines = Vec::new();
        let rows: usize = self.hunks.iter().map(Vec::len).sum();
        let mut shown = 0;
        for (at, hunk) in self.hunks.iter().enumerate() {
            if at > 0 && shown < limit.lines {
                lines.push(Line::styled("  ⋯", theme.dim));
            }
            for row in hunk.iter().take(limit.lines - shown) {
                shown += 1;
                let (sign, style) = match row.change {
                    ChangeTag::Insert => ("+ ", theme.add),
                    ChangeTag::Delete => ("- ", theme.remove),
                    ChangeTag::Equal => ("  ", theme.dim),
                };
                let mut text: String = clean_line(&row.text).into_owned();
                text.truncate(text.floor_char_boundary(limit.bytes));
                let spans = vec![Span::styled(format!("{sign}{text}"), style)];
                let mut number = row.number;
                for mut line in hard_wrap(spans, inner.unwrap_or(most)) {
                    if inner.is_some() {
                        line.spans.insert(0, Span::styled(front(number.take()), theme.dim));
                    }
                    lines.push(line);
                }
            }
        }
        if rows > shown {
            let more = crate::text::truncate(&limit.remainder(rows - shown), most).into_owned();
            lines.push(Line::styled(format!("  {more}"), theme.dim));
        }
        lines
    }
}

/// The first lines of a hunk of `structuredPatch`.
fn rows_of_hunk(hunk: &Value, most: usize) -> Vec<DiffRow> {
    let start = |name: &str| hunk.get(name).and_then(Value::as_u64).map_or(1, |line| line as usize);
    let (mut old, mut new) = (start("oldStart"), start("newStart"));
    let lines = hunk.get("lines").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut rows = Vec::new();
    for line in lines.take(most) {
        let (change, text) = match line.chars().next() {
            Some('+') => (ChangeTag::Insert, &line[1..]),
            Some('-') => (ChangeTag::Delete, &line[1..]),
            // "\ No newline at end of file"
            Some('\\') => continue,
            Some(' ') => (ChangeTag::Equal, &line[1..]),
            Some(_) | None => (ChangeTag::Equal, line),
        };
        let number = if change == ChangeTag::Delete { old } else { new };
        old += usize::from(change != ChangeTag::Insert);
        new += usize::from(change != ChangeTag::Delete);
        rows.push(DiffRow { number: Some(number), change, text: text.to_owned() });
    }
    rows
}

/// The changed regions between two texts.
fn diff_texts(old: &str, new: &str, numbered: bool) -> Vec<Vec<DiffRow>> {
    let row = |change, number: Option<usize>, text: &str| DiffRow {
        number: number.filter(|_| numbered).map(|number| number + 1),
        change,
        text: text.trim_end_matches(['\n', '\r']).to_owned(),
    };
    if old.is_empty() || old.len() + new.len() > MAX_DIFF_BYTES {
        let gone = old.lines().enumerate().map(|(at, line)| row(ChangeTag::Delete, Some(at), line));
        let come = new.lines().enumerate().map(|(at, line)| row(ChangeTag::Insert, Some(at), line));
        return vec![gone.chain(come).collect()];
    }
    let diff = TextDiff::from_lines(old, new);
    let hunks = diff.grouped_ops(CONTEXT).into_iter().map(|operations| {
        let changes = operations.iter().flat_map(|operation| diff.iter_changes(operation));
        let number = |change: &similar::Change<&str>| change.new_index().or(change.old_index());
        changes.map(|change| row(change.tag(), number(&change), change.value())).collect()
    });
    hunks.collect()
}
