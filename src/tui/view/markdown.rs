//! Markdown as a terminal shows it.
//!
//! Total: any text at any width gives lines that fit, and never panics. No
//! fences, no hashes; links show where they lead as text, since a hyperlink
//! sequence would let hostile text write to the terminal.

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

/// How markdown is shown.
#[derive(Debug, Clone, Copy)]
pub struct MarkdownFormat<'a> {
    /// The columns there are, at least 1.
    pub width: usize,
    /// What the text looks like where nothing is marked up.
    pub base: Style,
    /// The meanings.
    pub theme: &'a Theme,
    /// The end of the text may still grow.
    pub growing: bool,
}

/// A whole text, wrapped.
pub fn render(text: &str, format: MarkdownFormat<'_>, painter: &mut Highlighter) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for block in parse::blocks(text, &format) {
        layout::append(&mut lines, &block.block, format, painter);
    }
    lines
}

#[cfg(test)]
mod tests;
