//! One item of a conversation as lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::cache::Shape;
use super::excerpt::{self, EXCERPT, OPEN};
use super::{Look, tool};
use crate::session::conversation::{Body, Item, Notice, TurnCost};
use crate::tui::view::figures::{counted, rounded, took};
use crate::tui::view::highlight::Painter;
use crate::tui::view::markdown;
use crate::tui::view::text::{clean, clean_line, truncate, wrap_text};

/// How much of an item is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    /// One line that says what it is.
    Line,
    /// Its beginning.
    Excerpt,
    /// All of it.
    Open,
}

/// Replies larger than this (hostile text) are shown up to here.
const LARGEST_REPLY: excerpt::Limit = excerpt::Limit { lines: 20_000, bytes: 1_000_000, ..OPEN };

/// How an item is shown: by default, or the other way when a person said so. A
/// search opens what it found, or a person would not see why it stopped there.
pub fn fold(item: &Item, at: usize, look: &Look<'_>) -> Fold {
    let found = look.lit.is_some() && look.selected == Some(at);
    let default = match &item.body {
        Body::Reply { .. } | Body::TurnEnd(_) => return Fold::Open,
        Body::Thinking(_) | Body::Notice(Notice::Compacted, _) => Fold::Line,
        Body::Tool(call) => tool::fold(call),
        Body::Prompt(_) | Body::Notice(Notice::Interrupted | Notice::Error | Notice::Info, _) => {
            Fold::Excerpt
        }
    };
    if found || look.unfolded.contains(&at) { Fold::Open } else { default }
}

/// Nothing is shown of this item.
pub fn is_hidden(item: &Item, times: bool) -> bool {
    match &item.body {
        Body::Reply { text, .. } | Body::Thinking(text) => text.trim().is_empty(),
        Body::TurnEnd(_) => !times,
        Body::Prompt(_) | Body::Tool(_) | Body::Notice(..) => false,
    }
}

/// All lines of an item.
pub fn lines(item: &Item, fold: Fold, shape: &Shape, painter: &mut Painter) -> Vec<Line<'static>> {
    if is_hidden(item, shape.times) {
        return Vec::new();
    }
    let mut lines: Vec<_> = said_at(item, shape).into_iter().collect();
    lines.extend(match &item.body {
        Body::Prompt(text) => prompt(text, fold, shape),
        Body::Reply { text, .. } => reply(text, shape, painter),
        Body::Thinking(text) => thinking(text, item.live, fold, shape),
        Body::Tool(call) => tool::lines(call, fold, shape),
        Body::Notice(notice, text) => announce(*notice, text, fold, shape, painter),
        Body::TurnEnd(cost) => vec![turn_end(cost, shape)],
    });
    lines
}

/// When it was said and by whom, where a person wants to know.
pub fn said_at(item: &Item, shape: &Shape) -> Option<Line<'static>> {
    if !shape.times || is_hidden(item, true) {
        return None;
    }
    let mut parts: Vec<String> = Vec::new();
    parts.extend(item.at.map(|at| at.with_timezone(&shape.offset).format("%-d %b %H:%M:%S").to_string()));
    match &item.body {
        Body::Reply { model, usage, .. } => {
            parts.extend(model.as_ref().map(|model| clean_line(model).into_owned()));
            parts.extend(usage.map(|usage| format!("{} tok", rounded(usage.total()))));
        }
        Body::Prompt(_) => {}
        Body::Thinking(_) | Body::Tool(_) | Body::Notice(..) | Body::TurnEnd(_) => return None,
    }
    let line = truncate(&parts.join(" · "), shape.width).into_owned();
    (!line.is_empty()).then(|| Line::styled(line, shape.theme.dim))
}

fn prompt(text: &str, fold: Fold, shape: &Shape) -> Vec<Line<'static>> {
    let limit = if fold == Fold::Open { OPEN } else { EXCERPT };
    let (text, more) = limit.cut(text);
    let inner = shape.width.saturating_sub(2).max(1);
    let mut lines = wrap_text(&clean(text), shape.theme.prompt, inner);
    lines.extend(excerpt::rest(more, &shape.theme, inner));
    for (at, line) in lines.iter_mut().enumerate().filter(|_| shape.width > 2) {
        let mark = if at == 0 { Span::styled("❯ ", shape.theme.accent) } else { Span::raw("  ") };
        line.spans.insert(0, mark);
    }
    lines
}

fn reply(text: &str, shape: &Shape, painter: &mut Painter) -> Vec<Line<'static>> {
    let (text, more) = LARGEST_REPLY.cut(text);
    let mut lines = markdown::render(text, shape.format(), painter);
    lines.extend(excerpt::rest(more, &shape.theme, shape.width));
    lines
}

fn thinking(text: &str, live: bool, fold: Fold, shape: &Shape) -> Vec<Line<'static>> {
    let verb = if live { "thinking" } else { "thought" };
    let words = counted(text.split_whitespace().count(), "word");
    let open = fold == Fold::Open;
    let mark = if open { "▾" } else { "▸" };
    let head = format!("{mark} {verb}  {words}");
    let mut lines = vec![Line::styled(truncate(&head, shape.width).into_owned(), shape.theme.thinking)];
    if open {
        let (text, more) = OPEN.cut(text);
        let inner = shape.width.saturating_sub(2).max(1);
        let mut inside = wrap_text(&clean(text), shape.theme.thinking, inner);
        inside.extend(excerpt::rest(more, &shape.theme, inner));
        for line in inside.iter_mut().filter(|_| shape.width > 2) {
            line.spans.insert(0, Span::raw("  "));
        }
        lines.extend(inside);
    }
    lines
}

fn announce(
    notice: Notice,
    text: &str,
    fold: Fold,
    shape: &Shape,
    painter: &mut Painter,
) -> Vec<Line<'static>> {
    let theme = &shape.theme;
    let one_line =
        |words: &str, style: Style| vec![Line::styled(truncate(words, shape.width).into_owned(), style)];
    match notice {
        Notice::Interrupted => one_line("⊘ interrupted", theme.warn),
        // Some agents keep the summary to themselves.
        Notice::Compacted if text.is_empty() => {
            one_line("compacted: a summary took the place of what came before", theme.dim)
        }
        Notice::Compacted => {
            let open = fold == Fold::Open;
            let words = counted(text.split_whitespace().count(), "word");
            let mark = if open { "▾" } else { "▸" };
            let head = format!("{mark} compacted: what came before became a summary of {words}");
            let mut lines = one_line(&head, theme.dim);
            if open {
                lines.extend(reply(text, shape, painter));
            }
            lines
        }
        Notice::Error => remark(text, "✕ ", theme.error, fold, shape),
        Notice::Info => remark(text, "", theme.dim, fold, shape),
    }
}

fn remark(text: &str, mark: &str, style: Style, fold: Fold, shape: &Shape) -> Vec<Line<'static>> {
    let limit = if fold == Fold::Open { OPEN } else { EXCERPT };
    let (text, more) = limit.cut(text);
    let mut lines = wrap_text(&clean(&format!("{mark}{text}")), style, shape.width);
    lines.extend(excerpt::rest(more, &shape.theme, shape.width));
    lines
}

fn turn_end(cost: &TurnCost, shape: &Shape) -> Line<'static> {
    let mut parts = vec![took(cost.duration_ms), format!("{} tok", rounded(cost.usage.total()))];
    parts.extend(cost.usd.map(|usd| format!("${usd:.4}")));
    Line::styled(truncate(&format!("╶ {}", parts.join(" · ")), shape.width).into_owned(), shape.theme.dim)
}
