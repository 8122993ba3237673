//! Renders Markdown that is still being written.

use ratatui::style::Style;
use ratatui::text::Line;

use super::super::highlight::Highlighter;
use super::super::theme::Theme;
use super::{MarkdownFormat, layout, parse};

/// The lines of a growing text. Finished blocks are laid out once; only the last
/// block is laid out again as it grows, so a delta costs one block, not the reply.
#[derive(Debug, Default)]
pub struct MarkdownStream {
    /// Width, base style and theme of the layout; another one starts over.
    key: Option<(usize, Style, Theme)>,
    /// The source of the finished blocks.
    source: String,
    /// The lines of the finished blocks, then those of the last block.
    lines: Vec<Line<'static>>,
    /// How many lines belong to finished blocks.
    done: usize,
}

impl MarkdownStream {
    /// Lays out the text as it is now.
    pub fn lines(
        &mut self,
        text: &str,
        format: MarkdownFormat<'_>,
        highlighter: &mut Highlighter,
    ) -> &[Line<'static>] {
        let key = Some((format.width, format.base, *format.theme));
        if self.key != key || !text.starts_with(&self.source) {
            *self = Self { key, ..Self::default() };
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
                highlighter,
            );
            if highlighter.has_pending() && at < done {
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

    /// The lines of the last call to [`Self::lines`].
    pub fn laid_out(&self) -> &[Line<'static>] {
        &self.lines
    }
}

/// How many blocks are finished: all before the last one, once the first line of
/// the last one is complete. Until then that line may still join the block before
/// it, as a lazy continuation does.
fn finished_blocks(text: &str, blocks: &[parse::LocatedBlock]) -> usize {
    let complete = |block: &parse::LocatedBlock| text[block.start..].contains('\n');
    match blocks {
        [.., last] if complete(last) => blocks.len() - 1,
        _ => 0,
    }
}

/// The start of the line that holds `at`: a block's indentation belongs to it.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}
