//! Lays out a tool call: a line that says what it did, then its input and output.

use ratatui::text::{Line, Span};
use serde_json::Value;

use super::cache::LayoutKey;
use super::diff::FileDiff;
use super::excerpt::{self, EXCERPT, OPEN};
use super::item::FoldState;
use crate::session::conversation::{ToolCall, ToolResult};
use crate::text::format::{grouped, pluralize};
use crate::text::{clean, clean_line, strip, truncate, truncate_start, width};
use crate::tui::view::spans::{hard_wrap, left_and_right, spans_width, wrap_text};

/// Edits show their diff; other calls are one line.
pub fn default_fold(call: &ToolCall) -> FoldState {
    if FileDiff::is_edit(call) { FoldState::Excerpt } else { FoldState::Line }
}

/// The lines of a call at a fold.
pub fn lines(call: &ToolCall, fold: FoldState, key: &LayoutKey) -> Vec<Line<'static>> {
    let diff = FileDiff::from_call(call);
    let mut lines = vec![call_line(call, diff.as_ref(), fold, key)];
    let limit = match fold {
        FoldState::Line => {
            lines.extend(partial_output(call, MAX_TAIL_LINES, key));
            return lines;
        }
        FoldState::Excerpt => EXCERPT,
        FoldState::Open => OPEN,
    };
    let failed = call.result.as_ref().filter(|result| result.is_error);
    match (&diff, failed) {
        (Some(diff), None) => lines.extend(diff.lines(limit, key.width, &key.theme)),
        (Some(diff), Some(result)) => {
            lines.extend(diff.lines(limit, key.width, &key.theme));
            lines.extend(output(result, limit, key));
        }
        (None, _) => {
            lines.extend(input(call, limit, key));
            lines.extend(partial_output(call, limit.lines, key));
            if let Some(result) = &call.result {
                lines.extend(output(result, limit, key));
            }
        }
    }
    lines
}

/// Columns that the subject gets before the outcome is shortened.
const MIN_SUBJECT_WIDTH: usize = 16;

fn call_line(call: &ToolCall, diff: Option<&FileDiff>, fold: FoldState, key: &LayoutKey) -> Line<'static> {
    let theme = &key.theme;
    let mark = if fold == FoldState::Line { "▸ " } else { "▾ " };
    let name = name(&call.name);
    let mut outcome = outcome(call, diff, key);
    if width(&name) + spans_width(&outcome) + MIN_SUBJECT_WIDTH > key.width {
        // What the call is about comes before what came of it, but for a failure.
        let failed = call.result.as_ref().is_some_and(|result| result.is_error);
        outcome = if failed { vec![Span::styled("✕", theme.error)] } else { Vec::new() };
    }
    let room = key.width.saturating_sub(width(mark) + width(&name) + 4 + spans_width(&outcome));
    let subject = match subject(call, &key.folder) {
        CallSubject::Path(path) => truncate_start(&path, room).into_owned(),
        CallSubject::Words(words) => truncate(&words, room).into_owned(),
    };
    let left = vec![
        Span::styled(mark, theme.dim),
        Span::styled(name, theme.tool),
        Span::raw("  "),
        Span::styled(subject, theme.reply),
    ];
    left_and_right(left, outcome, key.width)
}

/// The tool's name; `server · tool` for a tool of an MCP server.
fn name(name: &str) -> String {
    let name = clean_line(name);
    match name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, tool)) => format!("{server} · {tool}"),
        None => name.into_owned(),
    }
}

/// What a call is about.
enum CallSubject {
    /// A path, cut at its beginning.
    Path(String),
    /// Anything else, cut at its end.
    Words(String),
}

fn subject(call: &ToolCall, folder: &str) -> CallSubject {
    let field = |name: &str| call.input.get(name).and_then(Value::as_str);
    let line = |text: &str| clean_line(text.trim()).into_owned();
    for name in ["file_path", "notebook_path"] {
        if let Some(path) = field(name) {
            return CallSubject::Path(line(relative_to(path, folder)));
        }
    }
    if let Some(pattern) = field("pattern") {
        let place = field("path").map(|path| format!("  in {path}")).unwrap_or_default();
        return CallSubject::Words(line(&format!("{pattern}{place}")));
    }
    let named = ["command", "query", "url", "description", "prompt", "path", "skill"];
    let words = named.into_iter().find_map(field).map(str::to_owned);
    CallSubject::Words(line(&words.unwrap_or_else(|| match &call.input {
        Value::Object(fields) if fields.is_empty() => String::new(),
        Value::Null => String::new(),
        other => other.to_string().chars().take(400).collect(),
    })))
}

/// A path relative to the folder if it lies inside.
fn relative_to<'a>(path: &'a str, folder: &str) -> &'a str {
    let inside = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    inside.filter(|rest| !rest.is_empty() && !folder.is_empty()).unwrap_or(path)
}

/// The outcome in a few words.
fn outcome(call: &ToolCall, diff: Option<&FileDiff>, key: &LayoutKey) -> Vec<Span<'static>> {
    let theme = &key.theme;
    let Some(result) = &call.result else { return vec![Span::styled("…", theme.dim)] };
    if result.is_error {
        return vec![Span::styled(format!("✕ {}", failure(result)), theme.error)];
    }
    if let Some(diff) = diff {
        return vec![
            Span::styled(format!("+{}", grouped(diff.added)), theme.add),
            Span::raw(" "),
            Span::styled(format!("−{}", grouped(diff.removed)), theme.remove),
        ];
    }
    let lines = pluralize(count_lines(call, result), "line");
    let words = if call.name == "Bash" { format!("exit 0 · {lines}") } else { lines };
    vec![Span::styled(words, theme.dim)]
}

/// The number of lines of the output; for a file, of lines that were read.
fn count_lines(call: &ToolCall, result: &ToolResult) -> usize {
    let read = result.detail.as_ref().and_then(|detail| detail.pointer("/file/numLines"));
    let read = read.and_then(Value::as_u64).filter(|_| call.name == "Read");
    read.map_or_else(|| result.text.trim_end().lines().count(), |lines| lines as usize)
}

/// Why it failed in a few words: the exit code if there is one.
fn failure(result: &ToolResult) -> String {
    let first = result.text.lines().next().unwrap_or_default();
    let first = first.trim_start_matches("Error: ");
    if let Some(code) = first.strip_prefix("Exit code ") {
        let lines = result.text.lines().count() - 1;
        return format!("exit {} · {}", clean_line(code), pluralize(lines, "line"));
    }
    let refused = ["rejected", "denied", "refused", "doesn't want to"];
    if refused.into_iter().any(|word| first.contains(word)) {
        return "not allowed".to_owned();
    }
    if first.is_empty() { "failed".to_owned() } else { truncate(&clean_line(first), 32).into_owned() }
}

/// The call's input.
fn input(call: &ToolCall, limit: excerpt::ExcerptLimit, key: &LayoutKey) -> Vec<Line<'static>> {
    let inner = inner_width(key);
    let mut lines = Vec::new();
    let mut more = None;
    if let Some(command) = call.input.get("command").and_then(Value::as_str) {
        let (command, rest) = limit.cut(command);
        lines = wrap_text(&clean(&format!("$ {command}")), key.theme.code, inner);
        more = rest;
    } else if let Value::Object(fields) = &call.input {
        for (name, value) in fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (value, rest) = limit.cut(&value);
            let mut wrapped = wrap_text(&clean(&format!("{name}: {value}")), key.theme.reply, inner);
            wrapped.extend(excerpt::remainder_line(rest, &key.theme, inner));
            lines.extend(wrapped);
        }
    }
    lines.extend(excerpt::remainder_line(more, &key.theme, inner));
    with_rule(lines, key)
}

/// The call's output as a terminal would have shown it.
fn output(result: &ToolResult, limit: excerpt::ExcerptLimit, key: &LayoutKey) -> Vec<Line<'static>> {
    let inner = inner_width(key);
    let (text, more) = limit.cut(&result.text);
    let style = if result.is_error { key.theme.error } else { key.theme.dim };
    let mut lines = Vec::new();
    if !text.is_empty() {
        let stripped = strip(text);
        lines.extend(
            stripped
                .split('\n')
                .flat_map(|line| hard_wrap(vec![Span::styled(line.to_owned(), style)], inner)),
        );
    }
    lines.extend(excerpt::remainder_line(more, &key.theme, inner));
    with_rule(lines, key)
}

/// Lines of a running tool's output shown while the call is folded.
const MAX_TAIL_LINES: usize = 4;

/// The last lines that a running tool has printed.
fn partial_output(call: &ToolCall, most: usize, key: &LayoutKey) -> Vec<Line<'static>> {
    let stripped = strip(call.partial_output.trim_end());
    let said: Vec<&str> = stripped.split('\n').filter(|line| !line.trim().is_empty()).collect();
    let last = &said[said.len().saturating_sub(most)..];
    let width = inner_width(key);
    let lines = last.iter().map(|line| Line::styled(truncate(line, width).into_owned(), key.theme.dim));
    with_rule(lines.collect(), key)
}

/// Drawn before the rows that belong to a call.
const RULE_PREFIX: &str = "  │ ";

fn inner_width(key: &LayoutKey) -> usize {
    key.width.checked_sub(width(RULE_PREFIX)).filter(|inner| *inner > 0).unwrap_or(key.width)
}

fn with_rule(mut lines: Vec<Line<'static>>, key: &LayoutKey) -> Vec<Line<'static>> {
    if key.width > width(RULE_PREFIX) {
        for line in &mut lines {
            line.spans.insert(0, Span::styled(RULE_PREFIX, key.theme.dim));
        }
    }
    lines
}
