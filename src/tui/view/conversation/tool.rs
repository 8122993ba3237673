//! A tool call: one line that says what it did, and behind it what went in and
//! what came out.

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

/// Edits show what they changed; of the rest one line is enough.
pub fn default_fold(call: &ToolCall) -> FoldState {
    if FileDiff::is_edit(call) { FoldState::Excerpt } else { FoldState::Line }
}

/// The lines of a call.
pub fn lines(call: &ToolCall, fold: FoldState, shape: &LayoutKey) -> Vec<Line<'static>> {
    let diff = FileDiff::from_call(call);
    let mut lines = vec![call_line(call, diff.as_ref(), fold, shape)];
    let limit = match fold {
        FoldState::Line => {
            lines.extend(partial_output(call, MAX_TAIL_LINES, shape));
            return lines;
        }
        FoldState::Excerpt => EXCERPT,
        FoldState::Open => OPEN,
    };
    let failed = call.result.as_ref().filter(|result| result.is_error);
    match (&diff, failed) {
        (Some(diff), None) => lines.extend(diff.lines(limit, shape.width, &shape.theme)),
        (Some(diff), Some(result)) => {
            lines.extend(diff.lines(limit, shape.width, &shape.theme));
            lines.extend(output(result, limit, shape));
        }
        (None, _) => {
            lines.extend(input(call, limit, shape));
            lines.extend(partial_output(call, limit.lines, shape));
            if let Some(result) = &call.result {
                lines.extend(output(result, limit, shape));
            }
        }
    }
    lines
}

/// Columns that what a call is about should have.
const MIN_SUBJECT_WIDTH: usize = 16;

fn call_line(call: &ToolCall, diff: Option<&FileDiff>, fold: FoldState, shape: &LayoutKey) -> Line<'static> {
    let theme = &shape.theme;
    let mark = if fold == FoldState::Line { "▸ " } else { "▾ " };
    let name = name(&call.name);
    let mut outcome = outcome(call, diff, shape);
    if width(&name) + spans_width(&outcome) + MIN_SUBJECT_WIDTH > shape.width {
        // What the call is about comes before what came of it, but for a failure.
        let failed = call.result.as_ref().is_some_and(|result| result.is_error);
        outcome = if failed { vec![Span::styled("✕", theme.error)] } else { Vec::new() };
    }
    let room = shape.width.saturating_sub(width(mark) + width(&name) + 4 + spans_width(&outcome));
    let subject = match subject(call, &shape.folder) {
        CallSubject::Path(path) => truncate_start(&path, room).into_owned(),
        CallSubject::Words(words) => truncate(&words, room).into_owned(),
    };
    let left = vec![
        Span::styled(mark, theme.dim),
        Span::styled(name, theme.tool),
        Span::raw("  "),
        Span::styled(subject, theme.reply),
    ];
    left_and_right(left, outcome, shape.width)
}

/// The tool's name; of one that an MCP server offers, server and tool.
fn name(name: &str) -> String {
    let name = clean_line(name);
    match name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, tool)) => format!("{server} · {tool}"),
        None => name.into_owned(),
    }
}

/// What a call is about.
enum CallSubject {
    /// A file: its end says most.
    Path(String),
    /// Anything else: its beginning does.
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

/// A path within the folder, from there.
fn relative_to<'a>(path: &'a str, folder: &str) -> &'a str {
    let inside = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    inside.filter(|rest| !rest.is_empty() && !folder.is_empty()).unwrap_or(path)
}

/// What came of it, in a few words.
fn outcome(call: &ToolCall, diff: Option<&FileDiff>, shape: &LayoutKey) -> Vec<Span<'static>> {
    let theme = &shape.theme;
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

/// Lines of what came back; of a file, lines that were read.
fn count_lines(call: &ToolCall, result: &ToolResult) -> usize {
    let read = result.detail.as_ref().and_then(|detail| detail.pointer("/file/numLines"));
    let read = read.and_then(Value::as_u64).filter(|_| call.name == "Read");
    read.map_or_else(|| result.text.trim_end().lines().count(), |lines| lines as usize)
}

/// Why it failed, in a few words: the exit code where there is one.
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

/// What went in.
fn input(call: &ToolCall, limit: excerpt::ExcerptLimit, shape: &LayoutKey) -> Vec<Line<'static>> {
    let inner = inner_width(shape);
    let mut lines = Vec::new();
    let mut more = None;
    if let Some(command) = call.input.get("command").and_then(Value::as_str) {
        let (command, rest) = limit.cut(command);
        lines = wrap_text(&clean(&format!("$ {command}")), shape.theme.code, inner);
        more = rest;
    } else if let Value::Object(fields) = &call.input {
        for (name, value) in fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (value, rest) = limit.cut(&value);
            let mut wrapped = wrap_text(&clean(&format!("{name}: {value}")), shape.theme.reply, inner);
            wrapped.extend(excerpt::remainder_line(rest, &shape.theme, inner));
            lines.extend(wrapped);
        }
    }
    lines.extend(excerpt::remainder_line(more, &shape.theme, inner));
    with_rule(lines, shape)
}

/// What came out, as a terminal would have shown it.
fn output(result: &ToolResult, limit: excerpt::ExcerptLimit, shape: &LayoutKey) -> Vec<Line<'static>> {
    let inner = inner_width(shape);
    let (text, more) = limit.cut(&result.text);
    let style = if result.is_error { shape.theme.error } else { shape.theme.dim };
    let mut lines = Vec::new();
    if !text.is_empty() {
        let stripped = strip(text);
        lines.extend(
            stripped
                .split('\n')
                .flat_map(|line| hard_wrap(vec![Span::styled(line.to_owned(), style)], inner)),
        );
    }
    lines.extend(excerpt::remainder_line(more, &shape.theme, inner));
    with_rule(lines, shape)
}

/// Lines of a running tool that are shown where nobody opened it.
const MAX_TAIL_LINES: usize = 4;

/// The last lines of what a running tool has said.
fn partial_output(call: &ToolCall, most: usize, shape: &LayoutKey) -> Vec<Line<'static>> {
    let stripped = strip(call.partial_output.trim_end());
    let said: Vec<&str> = stripped.split('\n').filter(|line| !line.trim().is_empty()).collect();
    let last = &said[said.len().saturating_sub(most)..];
    let width = inner_width(shape);
    let lines = last.iter().map(|line| Line::styled(truncate(line, width).into_owned(), shape.theme.dim));
    with_rule(lines.collect(), shape)
}

/// What stands in front of what belongs to a call.
const RULE_PREFIX: &str = "  │ ";

fn inner_width(shape: &LayoutKey) -> usize {
    shape.width.checked_sub(width(RULE_PREFIX)).filter(|inner| *inner > 0).unwrap_or(shape.width)
}

fn with_rule(mut lines: Vec<Line<'static>>, shape: &LayoutKey) -> Vec<Line<'static>> {
    if shape.width > width(RULE_PREFIX) {
        for line in &mut lines {
            line.spans.insert(0, Span::styled(RULE_PREFIX, shape.theme.dim));
        }
    }
    lines
}
