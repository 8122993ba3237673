//! Items as they were laid out, for as long as nothing about them changed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::FixedOffset;
use ratatui::text::Line;

use super::super::highlight::Painter;
use super::super::markdown::{Format, Stream};
use super::super::theme::Theme;
use super::item::{self, Fold};
use super::{GUTTER, Look, MARGIN};
use crate::session::conversation::{Body, Item, ToolCall};

/// Laid-out items that are kept besides those in sight.
const KEPT: usize = 400;

/// What was laid out of one conversation.
#[derive(Debug, Default)]
pub struct Cache {
    shape: Option<Shape>,
    items: HashMap<usize, LaidOut>,
    /// Counts the frames.
    frame: u64,
}

/// What all items have in common; when it changes, all are laid out anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The columns for text.
    pub width: usize,
    /// The meanings.
    pub theme: Theme,
    /// Show when things were said and what turns cost.
    pub times: bool,
    /// The person's time zone.
    pub offset: FixedOffset,
    /// The session's folder: files in it are shown from there.
    pub folder: Arc<str>,
}

impl Shape {
    /// As a person looks at the conversation now.
    pub fn of(look: &Look<'_>) -> Self {
        Self {
            width: usize::from(look.width).saturating_sub(GUTTER + MARGIN).max(1),
            theme: *look.theme,
            times: look.times,
            offset: look.offset,
            folder: look.folder.into(),
        }
    }

    /// How a reply's markdown is shown.
    pub fn format(&self) -> Format<'_> {
        Format { width: self.width, base: self.theme.reply, theme: &self.theme, growing: false }
    }
}

/// One item as it was laid out.
#[derive(Debug, Default)]
pub struct LaidOut {
    /// What it was laid out from.
    stamp: u64,
    /// The frame it was last used in.
    frame: u64,
    /// What the painter knew when colours were missing; none where it is whole.
    pale: Option<u64>,
    /// Blank rows in front of it.
    gap: usize,
    lines: Vec<Line<'static>>,
    /// The lines behind those, while it is being written.
    live: Option<Box<Stream>>,
}

impl LaidOut {
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
        self.live.as_deref().map_or(&[], Stream::laid_out)
    }
}

impl Cache {
    /// A frame begins.
    pub fn begin(&mut self, look: &Look<'_>) {
        let shape = Shape::of(look);
        if self.shape.as_ref() != Some(&shape) {
            *self = Self { shape: Some(shape), items: HashMap::new(), frame: self.frame };
        }
        self.frame += 1;
    }

    /// A frame is done: what is far from sight is let go.
    pub fn end(&mut self) {
        if self.items.len() > KEPT {
            let frame = self.frame;
            self.items.retain(|_, item| item.frame == frame);
        }
    }

    /// How many items are kept.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.items.len()
    }

    /// An item, laid out now or earlier.
    pub fn item(&mut self, items: &[Item], at: usize, look: &Look<'_>, painter: &mut Painter) -> &LaidOut {
        let shape = self.shape.get_or_insert_with(|| Shape::of(look)).clone();
        let item = &items[at];
        let fold = item::fold(item, at, look);
        let gap = gap(items, at, look);
        let stamp = stamp(item, fold, gap);
        let laid_out = self.items.entry(at).or_default();
        let fresh = laid_out.frame > 0
            && laid_out.stamp == stamp
            && laid_out.pale.is_none_or(|version| version == painter.version());
        if !fresh {
            laid_out.gap = gap;
            laid_out.stamp = stamp;
            match &item.body {
                Body::Reply { text, .. } if item.live => {
                    laid_out.lines = item::said_at(item, &shape).into_iter().collect();
                    laid_out.live.get_or_insert_default().lines(text, shape.format(), painter);
                }
                _ => {
                    laid_out.lines = item::lines(item, fold, &shape, painter);
                    laid_out.live = None;
                }
            }
            laid_out.pale = painter.take_missing().then(|| painter.version());
        }
        laid_out.frame = self.frame;
        laid_out
    }
}

/// Blank rows in front of an item: none between tool calls that are one line
/// each, so that they read as a list.
fn gap(items: &[Item], at: usize, look: &Look<'_>) -> usize {
    let item = &items[at];
    if item::is_hidden(item, look.times) {
        return 0;
    }
    let before = (0..at).rev().find(|&before| !item::is_hidden(&items[before], look.times));
    let Some(before) = before else { return usize::from(!look.whole) };
    let is_step = |item: &Item| matches!(item.body, Body::Tool(_) | Body::Thinking(_));
    let follows_line = item::fold(&items[before], before, look) == Fold::Line && is_step(&items[before]);
    usize::from(!(follows_line && is_step(item)))
}

/// Changes whenever the item would look different. Texts only grow or are
/// replaced, so their length and ends stand for them.
fn stamp(item: &Item, fold: Fold, gap: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&item.uuid, item.live, item.at, fold, gap).hash(&mut hasher);
    std::mem::discriminant(&item.body).hash(&mut hasher);
    match &item.body {
        Body::Prompt(text) | Body::Reply { text, .. } | Body::Thinking(text) => ends(text, &mut hasher),
        Body::Notice(notice, text) => {
            std::mem::discriminant(notice).hash(&mut hasher);
            ends(text, &mut hasher);
        }
        Body::Tool(ToolCall { id, name, input: _, so_far, result }) => {
            (id, name, result.is_some()).hash(&mut hasher);
            ends(so_far, &mut hasher);
            ends(result.as_ref().map_or("", |result| result.text.as_str()), &mut hasher);
        }
        Body::TurnEnd(cost) => cost.duration_ms.hash(&mut hasher),
    }
    hasher.finish()
}

fn ends(text: &str, hasher: &mut DefaultHasher) {
    let bytes = text.as_bytes();
    let end = bytes.len().min(64);
    (bytes.len(), &bytes[..end], &bytes[bytes.len() - end..]).hash(hasher);
}
