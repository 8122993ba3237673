//! The diff of an edit.

use ratatui::text::{Line, Span};
use serde_json::Value;

use super::excerpt::ExcerptLimit;
use crate::session::conversation::{ToolCall, ToolResult};
use crate::text::diff::{Hunk, LineChange, hunks_between};
use crate::text::{clean_line, pad_start, width};
use crate::tui::view::spans::hard_wrap;
use crate::tui::view::theme::Theme;

/// The diff of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// Number of added lines.
    pub added: usize,
    /// Number of removed lines.
    pub removed: usize,
    /// Changed regions.
    hunks: Vec<Hunk>,
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
        if let Some(hunks) = call.result.as_ref().and_then(ToolResult::hunks) {
            return Some(Self::new(hunks));
        }
        let field = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(content) = field(&call.input, "content") {
            return Some(Self::new(hunks_between("", &content, true)));
        }
        let edits = call.input.get("edits").and_then(Value::as_array);
        let edits = edits.map_or_else(|| std::slice::from_ref(&call.input), Vec::as_slice);
        let hunks = edits.iter().flat_map(|edit| {
            let old = field(edit, "old_string").unwrap_or_default();
            hunks_between(&old, &field(edit, "new_string").unwrap_or_default(), false)
        });
        Some(Self::new(hunks.collect()))
    }

    /// The first `max_lines` lines of some hunks, and how many lines follow.
    pub fn from_hunks(hunks: &[Hunk], max_lines: usize) -> (Self, usize) {
        let (mut shown, mut room, mut beyond) = (Vec::new(), max_lines, 0);
        for hunk in hunks {
            let lines = hunk.lines.iter().take(room).cloned().collect();
            shown.push(Hunk { start: hunk.start, lines });
            beyond += hunk.lines.len().saturating_sub(room);
            room = room.saturating_sub(hunk.lines.len());
        }
        shown.retain(|hunk| !hunk.lines.is_empty());
        (Self::new(shown), beyond)
    }

    fn new(hunks: Vec<Hunk>) -> Self {
        let lines = || hunks.iter().flat_map(|hunk| &hunk.lines);
        let count = |change| lines().filter(|line| line.change == change).count();
        Self { added: count(LineChange::Added), removed: count(LineChange::Removed), hunks }
    }

    /// Its lines with their numbers.
    pub fn lines(&self, limit: ExcerptLimit, most: usize, theme: &Theme) -> Vec<Line<'static>> {
        let numbers = self.hunks.iter().flat_map(Hunk::numbered).filter_map(|(number, _)| number);
        let digits = numbers.max().map(|largest| largest.to_string().len());
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
        let rows: usize = self.hunks.iter().map(|hunk| hunk.lines.len()).sum();
        let mut shown = 0;
        for (at, hunk) in self.hunks.iter().enumerate() {
            if at > 0 && shown < limit.lines {
                lines.push(Line::styled("  ⋯", theme.dim));
            }
            for (mut number, row) in hunk.numbered().take(limit.lines - shown) {
                shown += 1;
                let (sign, style) = match row.change {
                    LineChange::Added => ("+ ", theme.add),
                    LineChange::Removed => ("- ", theme.remove),
                    LineChange::Context => ("  ", theme.dim),
                };
                let mut text: String = clean_line(&row.text).into_owned();
                text.truncate(text.floor_char_boundary(limit.bytes));
                let spans = vec![Span::styled(format!("{sign}{text}"), style)];
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
