//! Draws what fills the model's context window, category by category.

use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::slot::ContextUsage;
use crate::text;
use crate::text::format::grouped;

/// Columns of a category's name.
const NAME_WIDTH: usize = 24;
/// Columns of a number of tokens.
const TOKENS_WIDTH: usize = 10;
/// Fewer columns than this hold no bar.
const MIN_BAR_WIDTH: usize = 8;

/// The lines for this width: the total, then the largest category first. Names
/// are hostile text.
pub fn lines(usage: &ContextUsage, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let total = format!(
        "{} of {} tokens ({:.0} %)",
        grouped_tokens(usage.tokens),
        grouped_tokens(usage.max),
        usage.percent
    );
    let mut lines = vec![Line::styled(text::truncate(&total, width).into_owned(), theme.heading)];
    if usage.categories.is_empty() {
        lines.push(Line::styled("This agent does not report categories.", theme.dim));
        return lines;
    }
    lines.push(Line::default());
    let mut categories: Vec<_> = usage.categories.iter().collect();
    categories.sort_by_key(|(_, tokens)| std::cmp::Reverse(*tokens));
    // Agents count the free space as a category, too, so the bars are shares of it all.
    let whole = usage.max.max(categories.iter().map(|(_, tokens)| *tokens).max().unwrap_or(0)).max(1);
    let name_width = NAME_WIDTH.min(width / 2);
    for (name, tokens) in categories {
        let name = text::pad(&text::truncate(&text::clean_line(name), name_width), name_width);
        let tokens_text = text::pad_start(&grouped_tokens(*tokens), TOKENS_WIDTH);
        let used = name_width + TOKENS_WIDTH + 2;
        let bar = width.checked_sub(used).filter(|room| *room >= MIN_BAR_WIDTH).map(|room| {
            let cells = (*tokens as f64 / whole as f64 * room as f64).round() as usize;
            format!("  {}", "▆".repeat(cells.min(room).max(usize::from(*tokens > 0))))
        });
        lines.push(Line::from(vec![
            Span::raw(format!("{name}{tokens_text}")),
            Span::styled(bar.unwrap_or_default(), theme.accent),
        ]));
    }
    lines
}

fn grouped_tokens(tokens: u64) -> String {
    grouped(usize::try_from(tokens).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    fn shown(usage: &ContextUsage, columns: usize) -> Vec<String> {
        let lines = lines(usage, columns, &Theme::default());
        let text = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
        let lines: Vec<_> = lines.iter().map(text).collect();
        assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
        lines
    }

    #[test]
    fn the_largest_category_comes_first_and_names_are_cleaned() {
        let categories = vec![
            ("System prompt".to_owned(), 2_000),
            ("Messages\u{1b}[31m".to_owned(), 50_000),
            ("Free space".to_owned(), 148_000),
            ("Skills".to_owned(), 0),
        ];
        let usage = ContextUsage { tokens: 52_000, max: 200_000, percent: 26.0, categories };
        let lines = shown(&usage, 70);
        assert!(lines[0].ends_with("tokens (26 %)"), "{}", lines[0]);
        assert!(lines[2].starts_with("Free space") && lines[3].starts_with("Messages"), "{lines:?}");
        assert!(!lines[3].contains('\u{1b}'));
        let bars: Vec<_> = lines[2..].iter().map(|line| line.matches('▆').count()).collect();
        assert_eq!(bars, [25, 9, 1, 0]);
        // Where there is no room for bars there are none.
        assert_eq!(shown(&usage, 30)[2].matches('▆').count(), 0);
    }

    #[test]
    fn an_agent_without_categories_shows_its_total() {
        let usage = ContextUsage { tokens: 5, max: 0, percent: 0.0, categories: Vec::new() };
        assert_eq!(shown(&usage, 60).len(), 2);
        let absurd = vec![("x".to_owned(), u64::MAX), ("y".to_owned(), 1)];
        shown(&ContextUsage { categories: absurd, ..usage }, 40);
    }
}
