//! From markdown to blocks, with their inline styles already in them.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::text::{clean, clean_line};
use super::Format;

/// Containers inside each other at most; deeper ones (hostile text) are opened up.
const DEEPEST: usize = 16;

/// Text with inline styles, by the lines its author broke it into.
pub type Inline = Vec<Vec<Span<'static>>>;

/// A block and where it stands in the source.
#[derive(Debug)]
pub struct Placed {
    /// The block.
    pub block: Block,
    /// Where it begins.
    pub start: usize,
}

/// A block of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph; also HTML, as its text.
    Paragraph(Inline),
    /// A heading.
    Heading(HeadingLevel, Inline),
    /// Code.
    Code {
        /// The language, as the fence names it; empty where it does not.
        language: String,
        /// The code, clean.
        text: String,
    },
    /// A quotation.
    Quote(Vec<Block>),
    /// A list.
    List {
        /// The number of the first item; none for bullets.
        start: Option<u64>,
        /// The author put blank lines between the items.
        loose: bool,
        /// Its items.
        items: Vec<Item>,
    },
    /// A table.
    Table(Table),
    /// A line across.
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// Whether the task it stands for is done; none where it is no task.
    pub done: Option<bool>,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// How each column is aligned.
    pub alignments: Vec<Alignment>,
    /// The heading, then the rows; each of as many cells as there are columns.
    pub rows: Vec<Vec<Inline>>,
}

/// The top-level blocks of a text.
pub fn blocks(text: &str, format: &Format<'_>) -> Vec<Placed> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder =
        Builder { format, open: Vec::new(), ignored: 0, done: Vec::new(), text: Text::default() };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        builder.take(event, &range);
    }
    builder.done
}

/// A container that is not closed yet.
enum Open {
    Quote(Vec<Block>),
    List { start: Option<u64>, loose: bool, items: Vec<Item> },
    Item(Item),
}

struct Builder<'a> {
    format: &'a Format<'a>,
    open: Vec<(usize, Open)>,
    /// Containers that were opened beyond the deepest level.
    ignored: usize,
    done: Vec<Placed>,
    text: Text,
}

/// The text being gathered.
#[derive(Default)]
struct Text {
    start: usize,
    lines: Inline,
    styles: Vec<Style>,
    /// Where the links that are open lead, and where their text began.
    links: Vec<(String, usize, usize)>,
    code: Option<(String, String)>,
    table: Option<Table>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range.start),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.text.code {
                Some((_, code)) => code.push_str(&text),
                None => self.push(&text, Style::new()),
            },
            Event::Code(code) => self.push(&code, self.format.theme.code),
            Event::Html(text) | Event::InlineHtml(text) => {
                for (at, line) in text.split('\n').enumerate() {
                    if at > 0 {
                        self.text.lines.push(Vec::new());
                    }
                    self.push(line, Style::new());
                }
            }
            Event::SoftBreak | Event::HardBreak => self.text.lines.push(Vec::new()),
            Event::Rule => self.place(range.start, Block::Rule),
            Event::TaskListMarker(done) => {
                if let Some((_, Open::Item(item))) = self.open.last_mut() {
                    item.done = Some(done);
                }
            }
            // Their extensions are not asked for.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.push(&text, Style::new());
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, at: usize) {
        match tag {
            Tag::BlockQuote(_) => self.enter(at, Open::Quote(Vec::new())),
            Tag::List(start) => self.enter(at, Open::List { start, loose: false, items: Vec::new() }),
            Tag::Item => self.enter(at, Open::Item(Item::default())),
            Tag::Paragraph => {
                self.flush();
                // Only the items of loose lists hold paragraphs.
                if let [.., (_, Open::List { loose, .. }), (_, Open::Item(_))] = &mut self.open[..] {
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
                self.text.code = Some((language(&kind), String::new()));
            }
            Tag::Table(alignments) => {
                self.flush();
                self.text.start = at;
                self.text.table = Some(Table { alignments, rows: Vec::new() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.text.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.mark(Modifier::ITALIC),
            Tag::Strong => self.mark(Modifier::BOLD),
            Tag::Strikethrough => self.mark(Modifier::CROSSED_OUT),
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
                self.place(self.text.start, Block::Heading(level, lines));
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => self.leave(),
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.text.code.take() {
                    let text = clean(text.strip_suffix('\n').unwrap_or(&text)).into_owned();
                    self.place(self.text.start, Block::Code { language, text });
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.text.table.take() {
                    self.place(self.text.start, Block::Table(table));
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

    fn enter(&mut self, at: usize, container: Open) {
        self.flush();
        if self.open.len() < DEEPEST {
            self.open.push((at, container));
        } else {
            self.ignored += 1;
        }
    }

    fn leave(&mut self) {
        self.flush();
        if self.ignored > 0 {
            self.ignored -= 1;
            return;
        }
        match self.open.pop() {
            Some((at, Open::Quote(blocks))) => self.place(at, Block::Quote(blocks)),
            Some((at, Open::List { start, loose, items })) => {
                self.place(at, Block::List { start, loose, items });
            }
            Some((_, Open::Item(item))) => {
                if let Some((_, Open::List { items, .. })) = self.open.last_mut() {
                    items.push(item);
                }
            }
            None => {}
        }
    }

    /// Puts a finished block into the container that is open.
    fn place(&mut self, start: usize, block: Block) {
        self.flush();
        match self.open.last_mut() {
            None => self.done.push(Placed { block, start }),
            Some((_, Open::Quote(blocks))) => blocks.push(block),
            Some((_, Open::Item(item))) => item.blocks.push(block),
            Some((_, Open::List { items, .. })) => items.push(Item { done: None, blocks: vec![block] }),
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
            self.place(self.text.start, Block::Paragraph(lines));
        }
    }

    fn style(&self) -> Style {
        self.text.styles.last().copied().unwrap_or(self.format.base)
    }

    fn mark(&mut self, modifier: Modifier) {
        let style = self.style().add_modifier(modifier);
        self.text.styles.push(style);
    }

    fn push(&mut self, text: &str, style: Style) {
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
            self.push(kind, self.format.theme.dim);
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
            self.push(&format!(" ({to})"), self.format.theme.dim);
        }
    }
}

impl Text {
    /// The lines gathered, clean. Entities can hide control characters, so this
    /// cannot be done before parsing.
    fn take_lines(&mut self) -> Inline {
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
fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => {
            let end = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | ':');
            clean_line(info.split(end).next().unwrap_or_default()).into_owned()
        }
        CodeBlockKind::Indented => String::new(),
    }
}
