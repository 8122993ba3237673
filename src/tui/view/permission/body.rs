//! The middle of a permission card: everything that the tool would be given.
//!
//! Nothing is left out, shortened or summed up here. Every field of the input is
//! shown, the one that matters most first; characters that would not be seen are
//! shown as marks; what does not fit is wrapped, never cut.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::text::{Fragment, graphemes, reveal};
use crate::tui::view::theme::Theme;

/// Fields that say most about what will happen, the most telling first.
const PRIMARY_FIELDS: [&str; 10] =
    ["command", "file_path", "notebook_path", "path", "url", "pattern", "query", "plan", "prompt", "script"];
/// Fields that hold several changes, each an object with fields of its own.
const CHANGE_LISTS: [&str; 2] = ["changes", "edits"];
/// Bytes of both texts of an edit up to which they are compared line by line.
const MAX_COMPARED_BYTES: usize = 40_000;

/// A row of the body, without the card's edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyRow {
    /// What it shows, at most as wide as asked for.
    pub line: Line<'static>,
    /// It continues the line of the row above.
    pub is_continuation: bool,
}

/// Writes the rows of a body at a width.
pub struct BodyWriter<'a> {
    theme: &'a Theme,
    width: usize,
    rows: Vec<BodyRow>,
}

impl<'a> BodyWriter<'a> {
    /// An empty body of so many columns.
    pub fn new(width: usize, theme: &'a Theme) -> Self {
        Self { theme, width: width.max(2), rows: Vec::new() }
    }

    pub fn into_rows(self) -> Vec<BodyRow> {
        self.rows
    }

    /// The field that matters most, if the input has one of those; returns its name.
    pub fn primary_field(&mut self, input: &Value) -> Option<&'static str> {
        let name = PRIMARY_FIELDS.into_iter().find(|name| input.get(*name).is_some())?;
        self.field(name, &input[name]);
        Some(name)
    }

    /// All fields but the one that was shown already.
    pub fn other_fields(&mut self, input: &Value, primary: Option<&str>) {
        let Value::Object(fields) = input else {
            self.field("input", input);
            return;
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let edit = text("old_string").zip(text("new_string"));
        if let Some((old, new)) = edit {
            self.edit(old, new);
        }
        for (name, value) in fields {
            let is_shown = primary == Some(name)
                || edit.is_some() && ["old_string", "new_string"].contains(&name.as_str());
            if !is_shown {
                self.field(name, value);
            }
        }
    }

    /// A field under its name. A command has none: it is what the card is about.
    fn field(&mut self, name: &str, value: &Value) {
        let plain = Style::default();
        match value {
            Value::String(command) if name == "command" => self.text("", command, plain),
            Value::String(content) if name == "content" => {
                self.labelled(name, "");
                self.text("+ ", content, self.theme.add);
            }
            Value::String(text) if text.contains('\n') => {
                self.labelled(name, "");
                self.text("  ", text, plain);
            }
            Value::String(text) => self.labelled(name, text),
            Value::Array(changes) if CHANGE_LISTS.contains(&name) && changes.iter().all(Value::is_object) => {
                for (at, change) in changes.iter().enumerate() {
                    self.note(&format!("change {} of {}", at + 1, changes.len()), self.theme.dim);
                    let primary = self.primary_field(change);
                    self.other_fields(change, primary);
                }
            }
            Value::Array(values) if values.iter().any(|value| value.is_object() || value.is_array()) => {
                self.pretty(name, value);
            }
            Value::Object(fields) if !fields.is_empty() => self.pretty(name, value),
            // An argument list stays on one line: the quotes say where each ends.
            other => self.labelled(name, &other.to_string()),
        }
    }

    fn pretty(&mut self, name: &str, value: &Value) {
        self.labelled(name, "");
        let pretty = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        self.text("  ", &pretty, Style::default());
    }

    /// A value on one line behind its name.
    pub fn labelled(&mut self, name: &str, value: &str) {
        let mut spans = self.revealed(name, self.theme.dim);
        spans.push(Span::styled(if value.is_empty() { ":" } else { ": " }, self.theme.dim));
        spans.extend(self.revealed(value, Style::default()));
        self.wrap(&spans);
    }

    /// A remark of our own on one line; what it quotes is hostile.
    pub fn note(&mut self, words: &str, style: Style) {
        let spans = self.revealed(words, style);
        self.wrap(&spans);
    }

    /// A text of several lines, a sign in front of each.
    pub fn text(&mut self, sign: &'static str, text: &str, style: Style) {
        let lines = text.strip_suffix('\n');
        let count = lines.unwrap_or(text).split('\n').count();
        for (at, line) in lines.unwrap_or(text).split('\n').enumerate() {
            self.text_line(sign, line, style, lines.is_some() && at + 1 == count);
        }
    }

    /// One line of a text. A line break at a text's very end has no line behind
    /// it that would show it, so it is a mark.
    fn text_line(&mut self, sign: &'static str, line: &str, style: Style, ends_with_break: bool) {
        let mut spans = vec![Span::styled(sign, style)];
        spans.extend(self.revealed(line, style));
        if ends_with_break {
            spans.push(Span::styled("␊", self.mark_style()));
        }
        self.wrap(&spans);
    }

    /// Both texts of an edit, all of them, with what changes beside each other.
    fn edit(&mut self, old: &str, new: &str) {
        if old.len() + new.len() > MAX_COMPARED_BYTES {
            self.text("- ", old, self.theme.remove);
            self.text("+ ", new, self.theme.add);
            return;
        }
        let last = |text: &str| text.split_inclusive('\n').count().checked_sub(1);
        let (last_old, last_new) = (last(old), last(new));
        for change in TextDiff::from_lines(old, new).iter_all_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Equal => ("  ", self.theme.dim),
                ChangeTag::Delete => ("- ", self.theme.remove),
                ChangeTag::Insert => ("+ ", self.theme.add),
            };
            let is_last = change.old_index().is_some() && change.old_index() == last_old
                || change.new_index().is_some() && change.new_index() == last_new;
            let line = change.value().strip_suffix('\n');
            self.text_line(sign, line.unwrap_or(change.value()), style, line.is_some() && is_last);
        }
    }

    fn revealed(&self, text: &str, style: Style) -> Vec<Span<'static>> {
        let spans = reveal(text).into_iter().map(|fragment| match fragment {
            Fragment::Plain(text) => Span::styled(text.to_owned(), style),
            Fragment::Mark(mark) => Span::styled(mark, self.mark_style()),
        });
        spans.collect()
    }

    /// Marks are reversed, so that text which only looks like one is not.
    fn mark_style(&self) -> Style {
        self.theme.warn.add_modifier(Modifier::REVERSED)
    }

    /// Breaks a line wherever a row is full. A blank at such a place is a mark:
    /// nobody would see it there.
    fn wrap(&mut self, spans: &[Span<'static>]) {
        let mut row = Line::default();
        let (mut cells, mut is_continuation) = (0, false);
        for span in spans {
            for (grapheme, grapheme_cells) in graphemes(&span.content) {
                if cells + grapheme_cells > self.width {
                    self.mark_last_blank(&mut row);
                    self.rows.push(BodyRow { line: std::mem::take(&mut row), is_continuation });
                    (cells, is_continuation) = (0, true);
                }
                cells += grapheme_cells;
                match row.spans.last_mut() {
                    Some(last) if last.style == span.style => last.content.to_mut().push_str(grapheme),
                    _ => row.spans.push(Span::styled(grapheme.to_owned(), span.style)),
                }
            }
        }
        self.rows.push(BodyRow { line: row, is_continuation });
    }

    fn mark_last_blank(&self, row: &mut Line<'static>) {
        let Some(last) = row.spans.last_mut() else { return };
        if last.content.ends_with(' ') {
            last.content.to_mut().pop();
            row.spans.push(Span::styled("·", self.mark_style()));
        }
    }
}
