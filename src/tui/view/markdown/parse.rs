//! Parses Markdown into blocks whose text already carries its inline styles.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::MarkdownFormat;
use crate::text::{clean, clean_line};

/// How deep containers may nest. Hostile text nests deeper: its inner containers
/// are dissolved into the last one, so layout cannot overflow the stack.
const MAX_DEPTH: usize = 16;

/// Styled text, one entry per line of the source.
pub type InlineLines = Vec<Vec<Span<'static>>>;

/// A block and where it begins in the source.
#[derive(Debug)]
pub struct LocatedBlock {
    /// What it is.
    pub block: MarkdownBlock,
    /// Byte offset of its beginning.
    pub start: usize,
}

/// A block-level element.
#[derive(Debug, Clone, PartialEq)]
pub enum MarkdownBlock {
    /// A paragraph. HTML too: its source is shown as text.
    Paragraph(InlineLines),
    /// A heading of a level.
    Heading(HeadingLevel, InlineLines),
    Code {
        /// The language that the fence names; empty if it names none.
        language: String,
        /// The code, cleaned.
        text: String,
    },
    Quote(Vec<MarkdownBlock>),
    /// A bullet list or a numbered one.
    List {
        /// The number of the first item; `None` for bullets.
        start: Option<u64>,
        /// The source has blank lines between the items, so the output gets them too.
        loose: bool,
        /// The items, in order.
        items: Vec<ListItem>,
    },
    /// A table, heading included.
    Table(MarkdownTable),
    /// A horizontal rule.
    Rule,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListItem {
    /// The state of a task list's checkbox; `None` if the item is not a task.
    pub done: Option<bool>,
    /// Its content.
    pub blocks: Vec<MarkdownBlock>,
}

/// A table's cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MarkdownTable {
    /// One per column.
    pub alignments: Vec<Alignment>,
    /// The heading first. Each row has as many cells as there are columns.
    pub rows: Vec<Vec<InlineLines>>,
}

/// Parses the top-level blocks of a text.
pub fn blocks(text: &str, format: &MarkdownFormat<'_>) -> Vec<LocatedBlock> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder =
        BlockBuilder { format, open: Vec::new(), ignored: 0, done: Vec::new(), text: PendingText::default() };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        builder.handle_event(event, &range);
    }
    builder.done
}

/// A container whose end tag has not come yet.
enum OpenContainer {
    Quote(Vec<MarkdownBlock>),
    List { start: Option<u64>, loose: bool, items: Vec<ListItem> },
    Item(ListItem),
}

struct BlockBuilder<'a> {
    format: &'a MarkdownFormat<'a>,
    open: Vec<(usize, OpenContainer)>,
    /// Containers open beyond [`MAX_DEPTH`], which were dissolved.
    ignored: usize,
    done: Vec<LocatedBlock>,
    text: PendingText,
}

/// The inline text collected for the next block.
#[derive(Default)]
struct PendingText {
    start: usize,
    lines: InlineLines,
    styles: Vec<Style>,
    /// Open links: the target, then line and span where the link's text begins.
    links: Vec<(String, usize, usize)>,
    code: Option<(String, String)>,
    table: Option<MarkdownTable>,
}

impl BlockBuilder<'_> {
    fn handle_event(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range.start),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.text.code {
                Some((_, code)) => code.push_str(&text),
                None => self.push_text(&text, Style::new()),
            },
            Event::Code(code) => self.push_text(&code, self.format.theme.code),
            Event::Html(text) | Event::InlineHtml(text) => {
                for (at, line) in text.split('\n').enumerate() {
                    if at > 0 {
                        self.text.lines.push(Vec::new());
                    }
                    self.push_text(line, Style::new());
                }
            }
            Event::SoftBreak | Event::HardBreak => self.text.lines.push(Vec::new()),
            Event::Rule => self.push_block(range.start, MarkdownBlock::Rule),
            Event::TaskListMarker(done) => {
                if let Some((_, OpenContainer::Item(item))) = self.open.last_mut() {
                    item.done = Some(done);
                }
            }
            // Their extensions are not asked for.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.push_text(&text, Style::new());
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, at: usize) {
        match tag {
            Tag::BlockQuote(_) => self.open_container(at, OpenContainer::Quote(Vec::new())),
            Tag::List(start) => {
                self.open_container(at, OpenContainer::List { start, loose: false, items: Vec::new() });
            }
            Tag::Item => self.open_container(at, OpenContainer::Item(ListItem::default())),
            Tag::Paragraph => {
                self.flush();
                // Only the items of loose lists hold paragraphs.
                if let [.., (_, OpenContainer::List { loose, .. }), (_, OpenContainer::Item(_))] =
                    &mut self.open[..]
                {
                    *loose = true;
                }
                self.text.start = at;
            }
            Tag::Heading { .. } | Tag::HtmlBlock => {
                self.flush();
                self.text.start = at;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.text.start = at;
                self.text.code = Some((fence_language(&kind), String::new()));
            }
            Tag::Table(alignments) => {
                self.flush();
                self.text.start = at;
                self.text.table = Some(MarkdownTable { alignments, rows: Vec::new() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.text.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.push_modifier(Modifier::ITALIC),
            Tag::Strong => self.push_modifier(Modifier::BOLD),
            Tag::Strikethrough => self.push_modifier(Modifier::CROSSED_OUT),
            Tag::Link { dest_url, .. } => self.open_link(&dest_url, ""),
            Tag::Image { dest_url, .. } => self.open_link(&dest_url, "image: "),
            Tag::TableCell
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(level) => {
                let lines = self.text.take_lines();
                self.push_block(self.text.start, MarkdownBlock::Heading(level, lines));
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => self.close_container(),
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.text.code.take() {
                    let text = clean(text.strip_suffix('\n').unwrap_or(&text)).into_owned();
                    self.push_block(self.text.start, MarkdownBlock::Code { language, text });
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.text.table.take() {
                    self.push_block(self.text.start, MarkdownBlock::Table(table));
                }
            }
            TagEnd::TableCell => {
                let cell = self.text.take_lines();
                if let Some(row) = self.text.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.text.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => self.close_link(),
            TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn open_container(&mut self, at: usize, container: OpenContainer) {
        self.flush();
        if self.open.len() < MAX_DEPTH {
            self.open.push((at, container));
        } else {
            self.ignored += 1;
        }
    }

    fn close_container(&mut self) {
        self.flush();
        if self.ignored > 0 {
            self.ignored -= 1;
            return;
        }
        match self.open.pop() {
            Some((at, OpenContainer::Quote(blocks))) => self.push_block(at, MarkdownBlock::Quote(blocks)),
            Some((at, OpenContainer::List { start, loose, items })) => {
                self.push_block(at, MarkdownBlock::List { start, loose, items });
            }
            Some((_, OpenContainer::Item(item))) => {
                if let Some((_, OpenContainer::List { items, .. })) = self.open.last_mut() {
                    items.push(item);
                }
            }
            None => {}
        }
    }

    /// Appends a finished block to the innermost open container.
    fn push_block(&mut self, start: usize, block: MarkdownBlock) {
        self.flush();
        match self.open.last_mut() {
            None => self.done.push(LocatedBlock { block, start }),
            Some((_, OpenContainer::Quote(blocks))) => blocks.push(block),
            Some((_, OpenContainer::Item(item))) => item.blocks.push(block),
            Some((_, OpenContainer::List { items, .. })) => {
                items.push(ListItem { done: None, blocks: vec![block] });
            }
        }
    }

    /// Ends a paragraph. Items of tight lists have no paragraph tag of their own, so
    /// this also runs wherever another block begins.
    fn flush(&mut self) {
        let mut lines = self.text.take_lines();
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        if !lines.is_empty() {
            self.push_block(self.text.start, MarkdownBlock::Paragraph(lines));
        }
    }

    fn style(&self) -> Style {
        self.text.styles.last().copied().unwrap_or(self.format.base)
    }

    fn push_modifier(&mut self, modifier: Modifier) {
        let style = self.style().add_modifier(modifier);
        self.text.styles.push(style);
    }

    fn push_text(&mut self, text: &str, style: Style) {
        if self.text.lines.is_empty() {
            self.text.lines.push(Vec::new());
        }
        if text.is_empty() {
            return;
        }
        let style = self.style().patch(style);
        if let Some(line) = self.text.lines.last_mut() {
            match line.last_mut() {
                Some(last) if last.style == style => last.content.to_mut().push_str(text),
                _ => line.push(Span::styled(text.to_owned(), style)),
            }
        }
    }

    fn open_link(&mut self, to: &str, kind: &str) {
        if !kind.is_empty() {
            self.push_text(kind, self.format.theme.dim);
        }
        let style = self.style().patch(self.format.theme.link);
        self.text.styles.push(style);
        let line = self.text.lines.len().saturating_sub(1);
        let span = self.text.lines.last().map_or(0, Vec::len);
        self.text.links.push((to.to_owned(), line, span));
    }

    /// Appends the link's target after its text, unless the text is the target.
    fn close_link(&mut self) {
        self.text.styles.pop();
        let Some((to, line, span)) = self.text.links.pop() else { return };
        let label: String = self
            .text
            .lines
            .iter()
            .skip(line)
            .enumerate()
            .flat_map(|(at, spans)| spans.iter().skip(if at == 0 { span } else { 0 }))
            .map(|span| span.content.as_ref())
            .collect();
        let bare = |text: &str| text.trim_start_matches("mailto:").trim_end_matches('/').to_owned();
        if !to.is_empty() && bare(&label) != bare(&to) {
            self.push_text(&format!(" ({to})"), self.format.theme.dim);
        }
    }
}

impl PendingText {
    /// Takes the collected lines, cleaned. Cleaning comes after parsing because
    /// entities (`&#27;`) can hide control characters.
    fn take_lines(&mut self) -> InlineLines {
        let mut lines = std::mem::take(&mut self.lines);
        for span in lines.iter_mut().flatten() {
            if let std::borrow::Cow::Owned(cleaned) = clean_line(&span.content) {
                span.content = cleaned.into();
            }
        }
        lines
    }
}

/// The language of a fence: its info string up to the first blank, comma, brace or colon.
fn fence_language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => {
            let end = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | ':');
            clean_line(info.split(end).next().unwrap_or_default()).into_owned()
        }
        CodeBlockKind::Indented => String::new(),
    }
}
