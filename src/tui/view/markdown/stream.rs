//! A text that is still being written.

use ratatui::style::Style;
use ratatui::text::Line;

use super::super::highlight::Highlighter;
use super::super::theme::Theme;
use super::{MarkdownFormat, layout, parse};

/// The lines of a growing text. Blocks that cannot change any more are laid out
/// once; only the last one is laid out again as it grows.
#[derive(Debug, Default)]
pub struct MarkdownStream {
    /// What the lines were laid out for.
    key: Option<(usize, Style, Theme)>,
    /// The source of the blocks that are done.
    source: String,
    /// Their lines, and behind them those of the last block.
    lines: Vec<Line<'static>>,
    /// How many of the lines are done.
    done: usize,
}

impl MarkdownStream {
    /// The lines of the text as it is now.
    pub fn lines(
        &mut self,
        text: &str,
        format: MarkdownFormat<'_>,
        painter: &mut Highlighter,
    ) -> &[Line<'static>] {
        let shape = Some((format.width, format.base, *format.theme));
        if self.key != shape || !text.starts_with(&self.source) {
            *self = Self { key: shape, ..Self::default() };
        }
        self.lines.truncate(self.done);
        let rest = &text[self.source.len()..];
        let blocks = parse::blocks(rest, &format);
        let (last, mut done) = (blocks.len().saturating_sub(1), finished_blocks(rest, &blocks));
        for (at, placed) in blocks.iter().enumerate() {
            if at == done {
                self.done = self.lines.len();
            }
            let before = self.lines.len();
            layout::append(
                &mut self.lines,
                &placed.block,
                MarkdownFormat { growing: at == last, ..format },
                painter,
            );
            if painter.has_pending() && at < done {
                // Its colours are still to come, so it is laid out again.
                (done, self.done) = (at, before);
            }
        }
        if done > 0 {
            let next = line_start(rest, blocks[done].start);
            self.source.push_str(&rest[..next]);
        }
        &self.lines
    }

    /// The lines as they were laid out last.
    pub fn laid_out(&self) -> &[Line<'static>] {
        &self.lines
    }
}

/// How many blocks cannot change any more: those before the last one, once its
/// first line is complete. Until then that line may still belong to the block
/// before it.
fn finished_blocks(text: &str, blocks: &[parse::LocatedBlock]) -> usize {
    let complete = |block: &parse::LocatedBlock| text[block.start..].contains('\n');
    match blocks {
        [.., last] if complete(last) => blocks.len() - 1,
        _ => 0,
    }
}

/// Where the line begins that holds this place: a block's indentation is part of it.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}
