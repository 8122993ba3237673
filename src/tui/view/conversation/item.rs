//! Lays out one item of a conversation.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::cache::LayoutKey;
use super::excerpt::{self, EXCERPT, OPEN};
use super::{ViewParams, tool};
use crate::session::conversation::{Item, ItemKind, Notice, TurnCost};
use crate::text::format::{pluralize, short_count, turn_duration};
use crate::text::{clean, clean_line, truncate};
use crate::tui::view::highlight::Highlighter;
use crate::tui::view::markdown;
use crate::tui::view::spans::wrap_text;

/// How much of an item is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoldState {
    /// One line that says what it is.
    Line,
    /// Its beginning.
    Excerpt,
    /// All of it, up to a limit that keeps a frame fast.
    Open,
}

/// How much of a reply is shown; only hostile text is longer.
const MAX_REPLY: excerpt::ExcerptLimit = excerpt::ExcerptLimit { lines: 20_000, bytes: 1_000_000, ..OPEN };

/// Whether an item is folded: by default, or as the person toggled it. The selected
/// search hit is open, because otherwise the match could be inside the fold.
pub fn fold_state(item: &Item, at: usize, params: &ViewParams<'_>) -> FoldState {
    let found = params.highlighted.is_some() && params.selected == Some(at);
    let default = match &item.kind {
        ItemKind::Reply { .. } | ItemKind::TurnEnd(_) => return FoldState::Open,
        ItemKind::Thinking(_) | ItemKind::Notice(Notice::Compacted, _) => FoldState::Line,
        ItemKind::Tool(call) => tool::default_fold(call),
        ItemKind::Prompt(_) | ItemKind::Notice(Notice::Interrupted | Notice::Error | Notice::Info, _) => {
            FoldState::Excerpt
        }
    };
    if found || params.unfolded.contains(&at) { FoldState::Open } else { default }
}

/// Whether the item shows nothing.
pub fn is_hidden(item: &Item, times: bool) -> bool {
    match &item.kind {
        ItemKind::Reply { text, .. } | ItemKind::Thinking(text) => text.trim().is_empty(),
        ItemKind::TurnEnd(_) => !times,
        ItemKind::Prompt(_) | ItemKind::Tool(_) | ItemKind::Notice(..) => false,
    }
}

/// The lines of an item.
pub fn lines(
    item: &Item,
    fold: FoldState,
    key: &LayoutKey,
    highlighter: &mut Highlighter,
) -> Vec<Line<'static>> {
    if is_hidden(item, key.show_timestamps) {
        return Vec::new();
    }
    let mut lines: Vec<_> = timestamp_line(item, key).into_iter().collect();
    lines.extend(match &item.kind {
        ItemKind::Prompt(text) => prompt(text, fold, key),
        ItemKind::Reply { text, .. } => reply(text, key, highlighter),
        ItemKind::Thinking(text) => thinking(text, item.live, fold, key),
        ItemKind::Tool(ask) => tool::lines(ask, fold, key),
        ItemKind::Notice(told, text) => notice_lines(*told, text, fold, key, highlighter),
        ItemKind::TurnEnd(cost) => vec![turn_end(cost, key)],
    });
    lines
}

/// The line with time, model and tokens above an item, if timestamps are on.
pub fn timestamp_line(item: &Item, key: &LayoutKey) -> Option<Line<'static>> {
    if !key.show_timestamps || is_hidden(item, true) {
        return None;
    }
    let mut parts: Vec<String> = Vec::new();
    parts.extend(item.at.map(|at| at.with_timezone(&key.offset).format("%-d %b %H:%M:%S").to_string()));
    match &item.kind {
        ItemKind::Reply { model, usage, .. } => {
            parts.extend(model.as_ref().map(|model| clean_line(model).into_owned()));
            parts.extend(usage.map(|usage| format!("{} tok", short_count(usage.total()))));
        }
        ItemKind::Prompt(_) => {}
        ItemKind::Thinking(_) | ItemKind::Tool(_) | ItemKind::Notice(..) | ItemKind::TurnEnd(_) => {
            return None;
        }
    }
    let line = truncate(&parts.join(" · "), key.width).into_owned();
    (!line.is_empty()).then(|| Line::styled(line, key.theme.dim))
}

fn prompt(text: &str, fold: FoldState, key: &LayoutKey) -> Vec<Line<'static>> {
    let limit = if fold == FoldState::Open { OPEN } else { EXCERPT };
    let (text, more) = limit.cut(text);
    let inner = key.width.saturating_sub(2).max(1);
    let mut lines = wrap_text(&clean(text), key.theme.prompt, inner);
    lines.extend(excerpt::remainder_line(more, &key.theme, inner));
    for (at, line) in lines.iter_mut().enumerate().filter(|_| key.width > 2) {
        let mark = if at == 0 { Span::styled("❯ ", key.theme.accent) } else { Span::raw("  ") };
        line.spans.insert(0, mark);
    }
    lines
}

fn reply(text: &str, key: &LayoutKey, highlighter: &mut Highlighter) -> Vec<Line<'static>> {
    let (text, more) = MAX_REPLY.cut(text);
    let mut lines = markdown::render(text, key.format(), highlighter);
    lines.extend(excerpt::remainder_line(more, &key.theme, key.width));
    lines
}

fn thinking(text: &str, live: bool, fold: FoldState, key: &LayoutKey) -> Vec<Line<'static>> {
    let verb = if live { "thinking" } else { "thought" };
    let words = pluralize(text.split_whitespace().count(), "word");
    let open = fold == FoldState::Open;
    let mark = if open { "▾" } else { "▸" };
    let head = format!("{mark} {verb}  {words}");
    let mut lines = vec![Line::styled(truncate(&head, key.width).into_owned(), key.theme.thinking)];
    if open {
        let (text, more) = OPEN.cut(text);
        let inner = key.width.saturating_sub(2).max(1);
        let mut inside = wrap_text(&clean(text), key.theme.thinking, inner);
        inside.extend(excerpt::remainder_line(more, &key.theme, inner));
        for line in inside.iter_mut().filter(|_| key.width > 2) {
            line.spans.insert(0, Span::raw("  "));
        }
        lines.extend(inside);
    }
    lines
}

fn notice_lines(
    notice: Notice,
    text: &str,
    fold: FoldState,
    key: &LayoutKey,
    highlighter: &mut Highlighter,
) -> Vec<Line<'static>> {
    let theme = &key.theme;
    let one_line =
        |words: &str, style: Style| vec![Line::styled(truncate(words, key.width).into_owned(), style)];
    match notice {
        Notice::Interrupted => one_line("⊘ interrupted", theme.warn),
        // Some agents keep the summary to themselves.
        Notice::Compacted if text.is_empty() => {
            one_line("compacted: earlier messages were summarized", theme.dim)
        }
        Notice::Compacted => {
            let open = fold == FoldState::Open;
            let words = pluralize(text.split_whitespace().count(), "word");
            let mark = if open { "▾" } else { "▸" };
            let head = format!("{mark} compacted: earlier messages became a summary of {words}");
            let mut lines = one_line(&head, theme.dim);
            if open {
                lines.extend(reply(text, key, highlighter));
            }
            lines
        }
        Notice::Error => notice_text(text, "✕ ", theme.error, fold, key),
        Notice::Info => notice_text(text, "", theme.dim, fold, key),
    }
}

fn notice_text(text: &str, mark: &str, style: Style, fold: FoldState, key: &LayoutKey) -> Vec<Line<'static>> {
    let limit = if fold == FoldState::Open { OPEN } else { EXCERPT };
    let (text, more) = limit.cut(text);
    let mut lines = wrap_text(&clean(&format!("{mark}{text}")), style, key.width);
    lines.extend(excerpt::remainder_line(more, &key.theme, key.width));
    lines
}

fn turn_end(cost: &TurnCost, key: &LayoutKey) -> Line<'static> {
    let mut parts = vec![turn_duration(cost.duration_ms), format!("{} tok", short_count(cost.usage.total()))];
    parts.extend(cost.usd.map(|usd| format!("${usd:.4}")));
    Line::styled(truncate(&format!("╶ {}", parts.join(" · ")), key.width).into_owned(), key.theme.dim)
}
