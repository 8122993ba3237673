//! One session's conversation as it is shown: what was read of it, how far it
//! is scrolled, what is open and selected.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::session::Conversation;
use crate::session::conversation::{Body, Change, Item};

/// Bytes of a transcript's end that are read first: enough for several screens,
/// little enough to be there at once.
pub const FIRST_READ: u64 = 256 * 1024;

/// The conversation of one session and how it is looked at.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What is known of the conversation.
    pub conversation: Conversation,
    /// Where it stands with reading the transcript.
    pub read: Read,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// The selected item.
    pub selected: Option<usize>,
    /// Items whose fold is not the default one, by index.
    pub unfolded: BTreeSet<usize>,
    /// The code block of the selected item that was copied last.
    pub copied_block: usize,
    /// An older part of the transcript was asked for.
    pub reading_older: bool,
    /// The way to the beginning goes on as older parts are read.
    pub seeks_top: bool,
    /// The search in it.
    pub search: Option<Search>,
    /// News that arrived before the transcript was read.
    waiting: Vec<(String, DateTime<Utc>, Change)>,
}

/// Where a page stands with reading its transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Read {
    /// Nothing was asked for yet.
    #[default]
    Unread,
    /// It was asked for.
    Reading,
    /// It was read: all of it, or the last `bytes`.
    Done {
        /// Nothing older is left to read.
        whole: bool,
        /// How much was asked for.
        bytes: u64,
        /// How large the transcript was.
        size: u64,
    },
    /// It cannot be read, and why.
    Failed(String),
}

/// How far a page is scrolled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The line at the top of the pane in the last frame.
    pub anchor: Anchor,
    /// Lines to move from there in the next frame; up is negative.
    pub by: isize,
    /// Move so that the selected item is in sight.
    pub reveal: bool,
}

/// A line that stays where it is while the conversation grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The end, and follow it.
    #[default]
    End,
    /// This line of this item stands at the top.
    At {
        /// The item's index.
        item: usize,
        /// The line within it.
        line: usize,
    },
}

/// A search inside the conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// What is looked for, whatever its case.
    pub query: String,
    /// The items that hold it.
    pub hits: Vec<usize>,
}

impl Page {
    /// Takes news of the running agent. What was already read from disk is not
    /// taken twice.
    pub fn grow(&mut self, uuid: &str, at: DateTime<Utc>, change: Change) {
        if self.read == Read::Reading {
            self.waiting.push((uuid.to_owned(), at, change));
            return;
        }
        let known = |item: &&Item| !uuid.is_empty() && item.uuid == uuid;
        let repeats = match &change {
            Change::Block { .. } | Change::Prompt(_) => self
                .conversation
                .items()
                .iter()
                .rev()
                .take(64)
                .find(known)
                .is_some_and(|item| same_kind(item, &change)),
            _ => false,
        };
        if !repeats {
            self.conversation.apply(change, uuid, Some(at));
        }
    }

    /// Takes what was read from disk: in place of nothing, or in front of what
    /// is there.
    pub fn take_read(&mut self, read: Conversation, whole: bool, bytes: u64, size: u64) {
        let first_read = !matches!(self.read, Read::Done { .. });
        self.reading_older = false;
        self.read = Read::Done { whole, bytes, size };
        if first_read {
            self.conversation = read;
            for (uuid, at, change) in std::mem::take(&mut self.waiting) {
                self.grow(&uuid, at, change);
            }
            return;
        }
        let added = self.conversation.prepend_older(read);
        self.shift(added);
        if self.seeks_top {
            self.select(0);
            self.seeks_top = !whole;
        }
    }

    /// A page whose transcript was asked for.
    pub fn reading() -> Self {
        Self { read: Read::Reading, ..Self::default() }
    }

    /// The page of a session that was just begun: there is nothing to read.
    pub fn begun() -> Self {
        Self { read: Read::Done { whole: true, bytes: 0, size: 0 }, ..Self::default() }
    }

    /// Searches; the selection goes to the last hit.
    pub fn search(&mut self, query: &str) {
        if query.is_empty() {
            self.search = None;
            return;
        }
        let needle = query.to_lowercase();
        let holds = |(at, item): (usize, &Item)| text_of(item).to_lowercase().contains(&needle).then_some(at);
        let hits: Vec<usize> = self.conversation.items().iter().enumerate().filter_map(holds).collect();
        if let Some(&last) = hits.last() {
            self.select(last);
        }
        self.search = Some(Search { query: query.to_owned(), hits });
    }

    /// Goes to the next hit, or to the one before, around the end.
    pub fn search_step(&mut self, forward: bool) {
        let Some(search) = &self.search else { return };
        let from = self.selected.unwrap_or(usize::MAX);
        let next = if forward {
            search.hits.iter().find(|&&hit| hit > from).or(search.hits.first())
        } else {
            search.hits.iter().rev().find(|&&hit| hit < from).or(search.hits.last())
        };
        if let Some(&hit) = next {
            self.select(hit);
        }
    }

    /// Selects an item and brings it into sight.
    pub fn select(&mut self, item: usize) {
        self.selected = Some(item);
        self.copied_block = 0;
        self.scroll.reveal = true;
    }

    /// Goes to the beginning, however much of it is still to be read.
    pub fn to_top(&mut self) {
        self.select(0);
        self.seeks_top = !matches!(self.read, Read::Done { whole: true, .. });
    }

    /// Goes to the end and follows it.
    pub fn to_end(&mut self) {
        self.selected = None;
        self.seeks_top = false;
        self.scroll = Scroll::default();
    }

    /// Moves the selection; without one it begins at the end.
    pub fn select_step(&mut self, step: isize) {
        self.seeks_top = false;
        let count = self.conversation.items().len();
        if count == 0 {
            return;
        }
        let next = match self.selected {
            Some(at) => at.saturating_add_signed(step).min(count - 1),
            None => count - 1,
        };
        self.select(next);
    }

    /// Opens or closes an item's fold.
    pub fn toggle(&mut self, item: usize) {
        if !self.unfolded.remove(&item) {
            self.unfolded.insert(item);
        }
    }

    /// The uuid of the selected item, for a fork from there.
    pub fn selected_uuid(&self) -> Option<&str> {
        let item = self.conversation.items().get(self.selected?)?;
        (!item.uuid.is_empty()).then_some(item.uuid.as_str())
    }

    /// Indices moved because older items were put in front.
    fn shift(&mut self, by: usize) {
        self.selected = self.selected.map(|at| at + by);
        self.unfolded = self.unfolded.iter().map(|at| at + by).collect();
        if let Anchor::At { item, .. } = &mut self.scroll.anchor {
            *item += by;
        }
        if let Some(search) = self.search.take() {
            let selected = self.selected;
            self.search(&search.query);
            self.selected = selected;
            self.scroll.reveal = false;
        }
    }
}

fn same_kind(item: &Item, change: &Change) -> bool {
    use crate::session::message::Block;
    match (&item.body, change) {
        (Body::Prompt(_), Change::Prompt(_)) => true,
        (body, Change::Block { block, .. }) => matches!(
            (body, block),
            (Body::Reply { .. }, Block::Text(_))
                | (Body::Thinking(_), Block::Thinking(_))
                | (Body::Tool(_), Block::ToolUse { .. })
        ),
        _ => false,
    }
}

/// An item's text, for searching and copying.
pub fn text_of(item: &Item) -> String {
    match &item.body {
        Body::Prompt(text) | Body::Reply { text, .. } | Body::Thinking(text) | Body::Notice(_, text) => {
            text.clone()
        }
        Body::Tool(call) => {
            let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
            let result = call.result.as_ref().map_or("", |result| result.text.as_str());
            format!("{} {input}\n{result}", call.name)
        }
        Body::TurnEnd(_) => String::new(),
    }
}
