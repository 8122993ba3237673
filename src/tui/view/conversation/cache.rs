//! Caches the layout of conversation items until something about them changes.

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

/// Items cached beyond the visible ones.
const MAX_CACHED_ITEMS: usize = 400;

/// The laid-out items of one conversation.
#[derive(Debug, Default)]
pub struct LayoutCache {
    key: Option<LayoutKey>,
    items: HashMap<usize, ItemLayout>,
    /// The number of the current frame.
    frame: u64,
}

/// What the layout of every item depends on. Another key empties the cache.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutKey {
    /// Columns for text.
    pub width: usize,
    /// The colors.
    pub theme: Theme,
    /// Show timestamps and what turns cost.
    pub show_timestamps: bool,
    /// The person's time zone.
    pub offset: FixedOffset,
    /// The session's folder: paths inside it are shown relative to it.
    pub folder: Arc<str>,
}

impl LayoutKey {
    /// The key of the current frame.
    pub fn of(params: &ViewParams<'_>) -> Self {
        Self {
            width: usize::from(params.width).saturating_sub(GUTTER + MARGIN).max(1),
            theme: *params.theme,
            show_timestamps: params.show_timestamps,
            offset: params.offset,
            folder: params.folder.into(),
        }
    }

    /// How to render a reply's Markdown.
    pub fn format(&self) -> MarkdownFormat<'_> {
        MarkdownFormat { width: self.width, base: self.theme.reply, theme: &self.theme, growing: false }
    }
}

/// The layout of one item.
#[derive(Debug, Default)]
pub struct ItemLayout {
    /// The fingerprint of what it was laid out from.
    fingerprint: u64,
    /// The frame that used it last; 0 if it is new.
    last_used: u64,
    /// The highlighter's version when colors were still missing; `None` if the layout
    /// is complete.
    pending_version: Option<u64>,
    /// Blank rows before it.
    gap: usize,
    lines: Vec<Line<'static>>,
    /// The lines of a reply that is still being written.
    streaming: Option<Box<MarkdownStream>>,
}

impl ItemLayout {
    /// Its rows, blank ones included.
    pub fn height(&self) -> usize {
        self.gap + self.lines.len() + self.live_lines().len()
    }

    /// One of its rows, and whether it belongs to the item (blank rows do not).
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
    pub fn begin_frame(&mut self, params: &ViewParams<'_>) {
        let key = LayoutKey::of(params);
        if self.key.as_ref() != Some(&key) {
            *self = Self { key: Some(key), items: HashMap::new(), frame: self.frame };
        }
        self.frame += 1;
    }

    /// Ends a frame: drops items that it did not use if there are too many.
    pub fn end_frame(&mut self) {
        if self.items.len() > MAX_CACHED_ITEMS {
            let frame = self.frame;
            self.items.retain(|_, item| item.last_used == frame);
        }
    }

    /// How many items are cached.
    #[cfg(test)]
    pub fn cached_items(&self) -> usize {
        self.items.len()
    }

    /// An item, laid out now or earlier.
    pub fn item(
        &mut self,
        items: &[Item],
        at: usize,
        params: &ViewParams<'_>,
        highlighter: &mut Highlighter,
    ) -> &ItemLayout {
        let key = self.key.get_or_insert_with(|| LayoutKey::of(params)).clone();
        let item = &items[at];
        let fold = item::fold_state(item, at, params);
        let gap = gap_before(items, at, params);
        let stamp = fingerprint(item, fold, gap);
        let laid_out = self.items.entry(at).or_default();
        let fresh = laid_out.last_used > 0
            && laid_out.fingerprint == stamp
            && laid_out.pending_version.is_none_or(|version| version == highlighter.version());
        if !fresh {
            laid_out.gap = gap;
            laid_out.fingerprint = stamp;
            match &item.kind {
                ItemKind::Reply { text, .. } if item.live => {
                    laid_out.lines = item::timestamp_line(item, &key).into_iter().collect();
                    laid_out.streaming.get_or_insert_default().lines(text, key.format(), highlighter);
                }
                _ => {
                    laid_out.lines = item::lines(item, fold, &key, highlighter);
                    laid_out.streaming = None;
                }
            }
            laid_out.pending_version = highlighter.take_pending().then(|| highlighter.version());
        }
        laid_out.last_used = self.frame;
        laid_out
    }
}

/// Blank rows before an item: none between one-line tool calls, so that they read
/// as a list.
fn gap_before(items: &[Item], at: usize, params: &ViewParams<'_>) -> usize {
    let item = &items[at];
    if item::is_hidden(item, params.show_timestamps) {
        return 0;
    }
    let before = (0..at).rev().find(|&before| !item::is_hidden(&items[before], params.show_timestamps));
    let Some(before) = before else { return usize::from(!params.is_complete) };
    let is_step = |item: &Item| matches!(item.kind, ItemKind::Tool(_) | ItemKind::Thinking(_));
    let follows_line =
        item::fold_state(&items[before], before, params) == FoldState::Line && is_step(&items[before]);
    usize::from(!(follows_line && is_step(item)))
}

/// A hash that changes whenever the item would look different. Texts only grow or
/// are replaced, so their length, beginning and end stand for the whole.
fn fingerprint(item: &Item, fold: FoldState, gap: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&item.uuid, item.live, item.at, fold, gap).hash(&mut hasher);
    std::mem::discriminant(&item.kind).hash(&mut hasher);
    match &item.kind {
        ItemKind::Prompt(text) | ItemKind::Reply { text, .. } | ItemKind::Thinking(text) => {
            hash_ends(text, &mut hasher);
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
