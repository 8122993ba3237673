//! From markdown to blocks, with their inline styles already in them.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::MarkdownFormat;
use crate::text::{clean, clean_line};

/// Containers inside each other at most; deeper ones (hostile text) are opened up.
const MAX_DEPTH: usize = 16;

/// Text with inline styles, by the lines its author broke it into.
pub type InlineLines = Vec<Vec<Span<'static>>>;

/// A block and where it stands in the source.
#[derive(Debug)]
pub struct LocatedBlock {
    /// The block.
    pub block: MarkdownBlock,
    /// Where it begins.
    pub start: usize,
}

/// A block of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum MarkdownBlock {
    /// A paragraph; also HTML, as its text.
    Paragraph(InlineLines),
    /// A heading.
    Heading(HeadingLevel, InlineLines),
    /// Code.
    Code {
        /// The language, as the fence names it; empty where it does not.
        language: String,
        /// The code, clean.
        text: String,
    },
    /// A quotation.
    Quote(Vec<MarkdownBlock>),
    /// A list.
    List {
        /// The number of the first item; none for bullets.
        start: Option<u64>,
        /// The author put blank lines between the items.
        loose: bool,
        /// Its items.
        items: Vec<ListItem>,
    },
    /// A table.
    Table(MarkdownTable),
    /// A line across.
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListItem {
    /// Whether the task it stands for is done; none where it is no task.
    pub done: Option<bool>,
    /// What it holds.
    pub blocks: Vec<MarkdownBlock>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MarkdownTable {
    /// How each column is aligned.
    pub alignments: Vec<Alignment>,
    /// The heading, then the rows; each of as many cells as there are columns.
    pub rows: Vec<Vec<InlineLines>>,
}

/// The top-level blocks of a text.
pub fn blocks(text: &str, format: &MarkdownFormat<'_>) -> Vec<LocatedBlock> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder =
        BlockBuilder { format, open: Vec::new(), ignored: 0, done: Vec::new(), text: PendingText::default() };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        builder.handle_event(event, &range);
    }
    builder.done
}

/// A container that is not closed yet.
enum OpenContainer {
    Quote(Vec<MarkdownBlock>),
    List { start: Option<u64>, loose: bool, items: Vec<ListItem> },
    Item(ListItem),
}

struct BlockBuilder<'a> {
    format: &'a MarkdownFormat<'a>,
    open: Vec<(usize, OpenContainer)>,
    /// Containers that were opened beyond the deepest level.
    ignored: usize,
    done: Vec<LocatedBlock>,
    text: PendingText,
}

/// The text being gathered.
#[derive(Default)]
struct PendingText {
    start: usize,
    lines: InlineLines,
    styles: Vec<Style>,
    /// Where the links that are open lead, and where their text began.
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
                self.open_container(at, OpenContainer::List { start, loose: false, items: Vec::new() })
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

    /// Puts a finished block into the container that is open.
    fn push_block(&mut self, start: usize, block: MarkdownBlock) {
        self.flush();
        match self.open.last_mut() {
            None => self.done.push(LocatedBlock { block, start }),
            Some((_, OpenContainer::Quote(blocks))) => blocks.push(block),
            Some((_, OpenContainer::Item(item))) => item.blocks.push(block),
            Some((_, OpenContainer::List { items, .. })) => {
                items.push(ListItem { done: None, blocks: vec![block] })
            }
        }
    }

    /// The text gathered so far is a paragraph: also that of a tight item, which
    /// has no tag of its own.
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

    /// Where the link leads stands behind its text, unless its text says so.
    fn close_link(&mut self) {
        self.text.styles.pop();
        let Some((to, line, span)) = self.text.links.pop() else { return };
        let said: String = self
            .text
            .lines
            .iter()
            .skip(line)
            .enumerate()
            .flat_map(|(at, spans)| spans.iter().skip(if at == 0 { span } else { 0 }))
            .map(|span| span.content.as_ref())
            .collect();
        let bare = |text: &str| text.trim_start_matches("mailto:").trim_end_matches('/').to_owned();
        if !to.is_empty() && bare(&said) != bare(&to) {
            self.push_text(&format!(" ({to})"), self.format.theme.dim);
        }
    }
}

impl PendingText {
    /// The lines gathered, clean. Entities can hide control characters, so this
    /// cannot be done before parsing.
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

/// The language of a fence: the first word, which may go on behind a comma or brace.
fn fence_language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => {
            let end = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | ':');
            clean_line(info.split(end).next().unwrap_or_default()).into_owned()
        }
        CodeBlockKind::Indented => String::new(),
    }
}
