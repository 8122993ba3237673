//! Draws the overlays: viewers to read, line prompts, confirmations, the agent picker.
//!
//! The jump has a file of its own. Start at [`draw`].

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use super::theme::Theme;
use super::{composer, context_usage, conversation, details, spans};
use crate::slot::{McpServerStatus, RewindResult, SlotState};
use crate::text;
use crate::text::format::pluralize;
use crate::tui::app::{
    App, Confirmation, HistorySearch, KeyContext, LinePrompt, Overlay, PromptKind, ViewerContent,
};

/// Draws the open overlay, if it is not the jump. Returns the screen row and index
/// of each answer that can be clicked, and how many lines the content can scroll.
pub fn draw(app: &App, frame: &mut Frame<'_>, theme: &Theme) -> (Vec<(u16, usize)>, usize) {
    let (lines, inner, scroll) = match &app.overlay {
        Some(Overlay::Viewer(text, scroll)) => {
            let (lines, inner) = viewer_lines(app, text, frame, theme);
            (lines, inner, *scroll)
        }
        Some(Overlay::Prompt(ask)) => {
            draw_prompt(app, ask, frame, theme);
            return (Vec::new(), 0);
        }
        Some(Overlay::History(search)) => return (draw_history(search, frame, theme), 0),
        Some(Overlay::AgentPicker(at)) => return (draw_agents(app, *at, frame, theme), 0),
        Some(Overlay::Confirm(choice)) => return (draw_choice(choice, app.is_busy(), frame, theme), 0),
        Some(Overlay::Jump(_)) | None => return (Vec::new(), 0),
    };
    let scrolls = lines.len().saturating_sub(usize::from(inner.height));
    let shown = lines.into_iter().skip(scroll.min(scrolls)).take(usize::from(inner.height));
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), inner);
    (Vec::new(), scrolls)
}

/// Draws the box of a viewer; returns its lines and the area for them.
fn viewer_lines(
    app: &App,
    text: &ViewerContent,
    frame: &mut Frame<'_>,
    theme: &Theme,
) -> (Vec<Line<'static>>, Rect) {
    match text {
        ViewerContent::Help { context, query, typing } => {
            let title = match (query.as_str(), typing) {
                ("", false) => "keys - / searches them".to_owned(),
                (query, typing) => format!("keys / {query}{}", if *typing { "▏" } else { "" }),
            };
            let inner = open_box(frame, &title, (78, u16::MAX), theme);
            (help(app, *context, query, usize::from(inner.width), theme), inner)
        }
        ViewerContent::Details(session) => {
            let lines = details::lines(app, *session, 78.min(usize::from(frame.area().width)) - 6, theme);
            let inner = open_box(frame, "details", (78, lines.len() as u16 + 2), theme);
            (lines, inner)
        }
        ViewerContent::ContextUsage(usage) => {
            let lines = context_usage::lines(usage, 78.min(usize::from(frame.area().width)) - 6, theme);
            let inner = open_box(frame, "context window", (78, lines.len() as u16 + 2), theme);
            (lines, inner)
        }
        ViewerContent::McpServers(servers) => {
            let inner = open_box(frame, "MCP servers", (90, servers.len() as u16 + 2), theme);
            let width = usize::from(inner.width);
            (servers.iter().map(|server| server_line(server, width, theme)).collect(), inner)
        }
        ViewerContent::Subagents(subagents) => {
            let inner = open_box(frame, "subagents", (110, u16::MAX), theme);
            (subagent_lines(subagents, usize::from(inner.width), theme), inner)
        }
        ViewerContent::Rewind { rewind, .. } => {
            let inner = open_box(frame, "rewind files to before this prompt", (110, u16::MAX), theme);
            (rewind_diff(rewind, usize::from(inner.width), theme), inner)
        }
        ViewerContent::ExitOutput => {
            let inner = open_box(frame, "crash output", (110, u16::MAX), theme);
            (crash_output(app, usize::from(inner.width), theme), inner)
        }
    }
}

/// Each subagent's conversation under its name.
fn subagent_lines(subagents: &[(String, String)], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (name, said) in subagents {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(spans::wrap_text(&text::clean_line(name), theme.heading, width));
        lines.extend(spans::wrap_text(&text::clean(said), Style::default(), width));
    }
    lines
}

/// Draws an empty box in the middle of the screen, at most `most` columns and rows,
/// and returns the area inside its border.
pub fn open_box(frame: &mut Frame<'_>, title: &str, most: (u16, u16), theme: &Theme) -> Rect {
    open_shrunk_box(frame, title, most, most.1, theme)
}

/// The same for a box that needs only `height` rows now. Its top stays where it
/// would be at full height, so that it does not jump while its content changes.
pub fn open_shrunk_box(
    frame: &mut Frame<'_>,
    title: &str,
    most: (u16, u16),
    height: u16,
    theme: &Theme,
) -> Rect {
    let screen = frame.area();
    let (width, full) =
        (most.0.min(screen.width.saturating_sub(4)), most.1.min(screen.height.saturating_sub(2)));
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - full) / 3,
        width,
        height: height.min(full),
    };
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.dim);
    let block = block.title(Span::styled(format!(" {title} "), theme.accent));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inner
}

/// An MCP server with its state. Name, state and error are hostile text.
fn server_line(server: &McpServerStatus, width: usize, theme: &Theme) -> Line<'static> {
    let (sign, style) = match server.status.as_str() {
        "connected" => ("●", theme.accent),
        "failed" | "needs-auth" => ("✕", theme.error),
        _ => ("○", theme.dim),
    };
    let tools = server.tools.map(|tools| pluralize(tools, "tool"));
    let parts = [Some(server.status.clone()), server.scope.clone(), tools, server.error.clone()];
    let details = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let name = text::pad(&text::clean_line(&server.name), 20);
    let line = text::truncate(&format!("{name} {}", text::clean_line(&details)), width.saturating_sub(2))
        .into_owned();
    Line::from(vec![Span::styled(format!("{sign} "), style), Span::raw(line)])
}

/// What a rewind changes, file by file. Paths and lines are hostile text.
fn rewind_diff(rewind: &RewindResult, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for file in &rewind.files {
        let path = text::truncate(&text::clean_line(&file.path), width).into_owned();
        lines.push(Line::styled(path, theme.heading));
        lines.extend(conversation::patch_lines(&file.patch, width, theme));
        lines.push(Line::default());
    }
    let (come, go) = (rewind.insertions, rewind.deletions);
    lines.push(Line::styled(format!("+{come} -{go} lines"), theme.dim));
    lines
}

/// The keys that hold a text, or all of them, from the keymap: those of the pane
/// that has the focus first.
fn help(app: &App, first: KeyContext, query: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let keys_width = 18.min(width / 3);
    let query = query.to_lowercase();
    let fits = |(keys, help, _): &(String, &'static str, crate::tui::app::Command)| {
        keys.to_lowercase().contains(&query) || help.to_lowercase().contains(&query)
    };
    let mut lines = Vec::new();
    let rest = KeyContext::ALL.into_iter().filter(|place| *place != first);
    for place in std::iter::once(first).chain(rest) {
        let mut bindings = app.keymap.help(place).filter(fits).peekable();
        if bindings.peek().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(place.heading(), theme.heading));
        for (keys, help, command) in bindings {
            let lack =
                app.missing_capability(command).map(|why| format!("{help} (this agent cannot: {why})"));
            let style = if lack.is_some() { theme.dim } else { Style::default() };
            let help = lack.as_deref().unwrap_or(help);
            let words = spans::wrap_text(help, style, width.saturating_sub(keys_width + 3).max(10));
            for (at, line) in words.into_iter().enumerate() {
                let keys =
                    if at == 0 { text::truncate(&keys, keys_width).into_owned() } else { String::new() };
                let mut spans =
                    vec![Span::styled(format!("  {} ", text::pad(&keys, keys_width)), theme.accent)];
                spans.extend(line.spans);
                lines.push(Line::from(spans));
            }
        }
    }
    lines
}

/// How the agent exited and the last lines of its stderr, which are hostile text.
fn crash_output(app: &App, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let SlotState::Exited(exit) = &app.agent.state else {
        return vec![Line::styled("The agent is running again.", theme.dim)];
    };
    let mut lines =
        vec![Line::styled(format!("The agent exited: {}.", text::clean_line(&exit.reason)), theme.error)];
    lines.push(Line::styled("The session and your draft are safe. R restarts the agent.", theme.dim));
    lines.push(Line::default());
    if exit.stderr.is_empty() {
        lines.push(Line::styled("It printed nothing on stderr.", theme.dim));
    }
    for line in &exit.stderr {
        lines.extend(spans::wrap_text(&text::strip(line), Style::default(), width.max(1)));
    }
    lines
}

fn draw_prompt(app: &App, ask: &LinePrompt, frame: &mut Frame<'_>, theme: &Theme) {
    let count = if ask.kind == PromptKind::Search { search_count(app) } else { String::new() };
    let inner = open_box(frame, &format!("{}{count}", ask.kind.label()), (72, 3), theme);
    let mut line = ask.line.clone();
    line.set_cursor_line_style(Style::default());
    line.set_cursor_style(composer::cursor_style(true));
    frame.render_widget(&line, inner);
}

/// Which match of the conversation search is selected, and how many there are.
fn search_count(app: &App) -> String {
    let Some(page) = app.page() else { return String::new() };
    let Some(search) = &page.search else { return String::new() };
    let selected = page.selected.and_then(|item| search.hits.iter().position(|hit| *hit == item));
    match (selected, search.hits.len()) {
        (_, 0) => " · no matches".to_owned(),
        (Some(at), count) => format!(" · {} of {count}", at + 1),
        (None, count) => format!(" · {count}"),
    }
}

/// Draws the search in the prompts that were sent, which are hostile text.
fn draw_history(search: &HistorySearch, frame: &mut Frame<'_>, theme: &Theme) -> Vec<(u16, usize)> {
    let rows = search.matches.len().clamp(1, 12) as u16;
    let inner = open_box(frame, "prompt history", (90, rows + 3), theme);
    let (width, height) = (usize::from(inner.width), usize::from(inner.height.saturating_sub(1)));
    let mut line = search.line.clone();
    line.set_cursor_line_style(Style::default());
    line.set_cursor_style(composer::cursor_style(true));
    frame.render_widget(&line, Rect { height: inner.height.min(1), ..inner });
    let top = search.cursor.saturating_sub(height.saturating_sub(1));
    let shown = search.matches.iter().enumerate().skip(top).take(height);
    let lines = shown.map(|(at, prompt)| {
        let (cursor, style) =
            if at == search.cursor { ("▸", theme.heading) } else { (" ", Style::default()) };
        let line = format!("{cursor} {}", text::clean_line(prompt));
        Line::styled(text::truncate(&line, width).into_owned(), style)
    });
    let mut lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        lines.push(Line::styled("No prompts match.", theme.dim));
    }
    let below = Rect { y: inner.y + inner.height.min(1), height: height as u16, ..inner };
    frame.render_widget(Paragraph::new(lines), below);
    (top..search.matches.len()).take(height).map(|at| (below.y + (at - top) as u16, at)).collect()
}

/// Draws the agent picker. An unavailable agent is dim and says why.
fn draw_agents(app: &App, at: usize, frame: &mut Frame<'_>, theme: &Theme) -> Vec<(u16, usize)> {
    let inner = open_box(frame, "agents", (78, app.agents.len() as u16 + 2), theme);
    let lines = app.agents.iter().enumerate().map(|(row, offered)| {
        let cursor = if row == at { "▸" } else { " " };
        let marker = if offered.name == app.agent.name { "●" } else { " " };
        let (words, style) = match &offered.unavailable {
            Some(why) => (why, theme.dim),
            None => (&offered.switch_methods, Style::default()),
        };
        let line = format!("{cursor} {marker} {} {}", text::pad(offered.name, 17), text::clean_line(words));
        Line::styled(text::truncate(&line, usize::from(inner.width)).into_owned(), style)
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
    (0..app.agents.len()).map(|row| (inner.y + row as u16, row)).collect()
}

fn draw_choice(choice: &Confirmation, busy: bool, frame: &mut Frame<'_>, theme: &Theme) -> Vec<(u16, usize)> {
    let width = usize::from(60.min(frame.area().width.saturating_sub(6))).max(1);
    let question = spans::wrap_text(&text::clean(&choice.question(busy)), Style::default(), width);
    // A click is understood by the answer's place among all, offered now or not.
    let answers = choice.answer_keys().iter().enumerate();
    let answers: Vec<_> = answers
        .filter_map(|(at, key)| choice.answer_label(*key, busy).map(|words| (at, *key, words)))
        .collect();
    let height = (question.len() + answers.len() + 3) as u16;
    let inner = open_box(frame, "hotseat", (width as u16 + 2, height), theme);
    let first_answer = question.len() + 1;
    let mut lines = question;
    lines.push(Line::default());
    lines.extend(answers.iter().map(|(_, key, words)| {
        let (sign, style) = match choice.default_answer() {
            Some(default) if default == *key => ("⏎", theme.heading),
            _ => (" ", Style::default()),
        };
        Line::from(vec![Span::styled(format!("  {key} {sign}  "), theme.accent), Span::styled(*words, style)])
    }));
    frame.render_widget(Paragraph::new(lines), inner);
    answers.iter().zip(inner.y + first_answer as u16..).map(|((at, ..), row)| (row, *at)).collect()
}
