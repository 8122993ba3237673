//! Items as they were laid out, for as long as nothing about them changed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::FixedOffset;
use ratatui::text::Line;

use super::super::highlight::Highlighter;
use super::super::markdown::{MarkdownFormat, MarkdownStream};
use super::super::theme::Theme;
use super::item::{self, FoldState};
use super::{GUTTER, MARGIN, ViewParams};
use crate::session::conversation::{Item, ItemKind, ToolCall};

/// Laid-out items that are kept besides those in sight.
const MAX_CACHED_ITEMS: usize = 400;

/// What was laid out of one conversation.
#[derive(Debug, Default)]
pub struct LayoutCache {
    key: Option<LayoutKey>,
    items: HashMap<usize, ItemLayout>,
    /// Counts the frames.
    frame: u64,
}

/// What all items have in common; when it changes, all are laid out anew.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutKey {
    /// The columns for text.
    pub width: usize,
    /// The meanings.
    pub theme: Theme,
    /// Show when things were said and what turns cost.
    pub show_timestamps: bool,
    /// The person's time zone.
    pub offset: FixedOffset,
    /// The session's folder: files in it are shown from there.
    pub folder: Arc<str>,
}

impl LayoutKey {
    /// As a person looks at the conversation now.
    pub fn of(look: &ViewParams<'_>) -> Self {
        Self {
            width: usize::from(look.width).saturating_sub(GUTTER + MARGIN).max(1),
            theme: *look.theme,
            show_timestamps: look.show_timestamps,
            offset: look.offset,
            folder: look.folder.into(),
        }
    }

    /// How a reply's markdown is shown.
    pub fn format(&self) -> MarkdownFormat<'_> {
        MarkdownFormat { width: self.width, base: self.theme.reply, theme: &self.theme, growing: false }
    }
}

/// One item as it was laid out.
#[derive(Debug, Default)]
pub struct ItemLayout {
    /// What it was laid out from.
    fingerprint: u64,
    /// The frame it was last used in.
    last_used: u64,
    /// What the painter knew when colours were missing; none where it is whole.
    pending_version: Option<u64>,
    /// Blank rows in front of it.
    gap: usize,
    lines: Vec<Line<'static>>,
    /// The lines behind those, while it is being written.
    streaming: Option<Box<MarkdownStream>>,
}

impl ItemLayout {
    /// Its rows, with the blank ones in front.
    pub fn height(&self) -> usize {
        self.gap + self.lines.len() + self.live_lines().len()
    }

    /// One of its rows, and whether it belongs to the item or stands before it.
    pub fn row(&self, row: usize) -> (Option<&Line<'static>>, bool) {
        let Some(at) = row.checked_sub(self.gap) else { return (None, false) };
        let line = self.lines.get(at).or_else(|| self.live_lines().get(at - self.lines.len()));
        (line, true)
    }

    fn live_lines(&self) -> &[Line<'static>] {
        self.streaming.as_deref().map_or(&[], MarkdownStream::laid_out)
    }
}

impl LayoutCache {
    /// A frame begins.
    pub fn begin_frame(&mut self, look: &ViewParams<'_>) {
        let shape = LayoutKey::of(look);
        if self.key.as_ref() != Some(&shape) {
            *self = Self { key: Some(shape), items: HashMap::new(), frame: self.frame };
        }
        self.frame += 1;
    }

    /// A frame is done: what is far from sight is let go.
    pub fn end_frame(&mut self) {
        if self.items.len() > MAX_CACHED_ITEMS {
            let frame = self.frame;
            self.items.retain(|_, item| item.last_used == frame);
        }
    }

    /// How many items are kept.
    #[cfg(test)]
    pub fn cached_items(&self) -> usize {
        self.items.len()
    }

    /// An item, laid out now or earlier.
    pub fn item(
        &mut self,
        items: &[Item],
        at: usize,
        look: &ViewParams<'_>,
        painter: &mut Highlighter,
    ) -> &ItemLayout {
        let shape = self.key.get_or_insert_with(|| LayoutKey::of(look)).clone();
        let item = &items[at];
        let fold = item::fold_state(item, at, look);
        let gap = gap_before(items, at, look);
        let stamp = fingerprint(item, fold, gap);
        let laid_out = self.items.entry(at).or_default();
        let fresh = laid_out.last_used > 0
            && laid_out.fingerprint == stamp
            && laid_out.pending_version.is_none_or(|version| version == painter.version());
        if !fresh {
            laid_out.gap = gap;
            laid_out.fingerprint = stamp;
            match &item.kind {
                ItemKind::Reply { text, .. } if item.live => {
                    laid_out.lines = item::timestamp_line(item, &shape).into_iter().collect();
                    laid_out.streaming.get_or_insert_default().lines(text, shape.format(), painter);
                }
                _ => {
                    laid_out.lines = item::lines(item, fold, &shape, painter);
                    laid_out.streaming = None;
                }
            }
            laid_out.pending_version = painter.take_pending().then(|| painter.version());
        }
        laid_out.last_used = self.frame;
        laid_out
    }
}

/// Blank rows in front of an item: none between tool calls that are one line
/// each, so that they read as a list.
fn gap_before(items: &[Item], at: usize, look: &ViewParams<'_>) -> usize {
    let item = &items[at];
    if item::is_hidden(item, look.show_timestamps) {
        return 0;
    }
    let before = (0..at).rev().find(|&before| !item::is_hidden(&items[before], look.show_timestamps));
    let Some(before) = before else { return usize::from(!look.is_complete) };
    let is_step = |item: &Item| matches!(item.kind, ItemKind::Tool(_) | ItemKind::Thinking(_));
    let follows_line =
        item::fold_state(&items[before], before, look) == FoldState::Line && is_step(&items[before]);
    usize::from(!(follows_line && is_step(item)))
}

/// Changes whenever the item would look different. Texts only grow or are
/// replaced, so their length and ends stand for them.
fn fingerprint(item: &Item, fold: FoldState, gap: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&item.uuid, item.live, item.at, fold, gap).hash(&mut hasher);
    std::mem::discriminant(&item.kind).hash(&mut hasher);
    match &item.kind {
        ItemKind::Prompt(text) | ItemKind::Reply { text, .. } | ItemKind::Thinking(text) => {
            hash_ends(text, &mut hasher)
        }
        ItemKind::Notice(notice, text) => {
            std::mem::discriminant(notice).hash(&mut hasher);
            hash_ends(text, &mut hasher);
        }
        ItemKind::Tool(ToolCall { id, name, input: _, partial_output: so_far, result }) => {
            (id, name, result.is_some()).hash(&mut hasher);
            hash_ends(so_far, &mut hasher);
            hash_ends(result.as_ref().map_or("", |result| result.text.as_str()), &mut hasher);
        }
        ItemKind::TurnEnd(cost) => cost.duration_ms.hash(&mut hasher),
    }
    hasher.finish()
}

fn hash_ends(text: &str, hasher: &mut DefaultHasher) {
    let bytes = text.as_bytes();
    let end = bytes.len().min(64);
    (bytes.len(), &bytes[..end], &bytes[bytes.len() - end..]).hash(hasher);
}
