//! Renders Markdown as styled lines.
//!
//! Total: any text at any width gives lines that fit, without a panic. Fences and
//! hashes are not shown. A link shows its target as text: a hyperlink sequence
//! would let hostile text write to the terminal. Start at [`render`], or at
//! [`MarkdownStream`] for text that still grows.

mod code;
mod layout;
mod parse;
mod stream;
mod table;

use ratatui::style::Style;
use ratatui::text::Line;

use super::highlight::Highlighter;
use super::theme::Theme;

pub use stream::MarkdownStream;

/// How to render.
#[derive(Debug, Clone, Copy)]
pub struct MarkdownFormat<'a> {
    /// Columns available, at least 1.
    pub width: usize,
    /// The style of text without markup.
    pub base: Style,
    /// The colors.
    pub theme: &'a Theme,
    /// The text may still grow, so its last line of code waits for its colors.
    pub growing: bool,
}

/// Renders a whole text.
pub fn render(text: &str, format: MarkdownFormat<'_>, highlighter: &mut Highlighter) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for block in parse::blocks(text, &format) {
        layout::append(&mut lines, &block.block, format, highlighter);
    }
    lines
}

#[cfg(test)]
mod tests;
