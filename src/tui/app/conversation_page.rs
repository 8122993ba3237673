//! One session's conversation as the screen shows it: how much of it is loaded,
//! how far it is scrolled, what is unfolded and selected.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::session::Conversation;
use crate::session::conversation::{ConversationEvent, Item, ItemKind};

/// Bytes of a transcript's end that are read first: enough for several screens,
/// little enough to be there at once.
pub const INITIAL_READ_BYTES: u64 = 256 * 1024;

/// Bytes that are read before a message that is sought, so that something stands over it.
const SEEK_CONTEXT_BYTES: u64 = 64 * 1024;

/// The conversation of one session and how it is looked at.
#[derive(Debug, Clone, Default)]
pub struct ConversationPage {
    /// What is known of the conversation.
    pub conversation: Conversation,
    /// The session's title, as its transcript has it: for one that no list holds.
    pub title: Option<String>,
    /// Where it stands with reading the transcript.
    pub load_state: LoadState,
    /// How far it is scrolled.
    pub scroll: ScrollState,
    /// The selected item.
    pub selected: Option<usize>,
    /// Items whose fold is not the default one, by index.
    pub unfolded: BTreeSet<usize>,
    /// The code block of the selected item that was copied last.
    pub copied_block: usize,
    /// An older part of the transcript was asked for.
    pub loading_older: bool,
    /// The way to the beginning goes on as older parts are read.
    pub seeking_top: bool,
    /// The message that the way leads to, until it is read.
    pub seeking: Option<SeekTarget>,
    pub search: Option<ConversationSearch>,
    /// News that arrived before the transcript was read.
    buffered_events: Vec<(String, DateTime<Utc>, ConversationEvent)>,
}

/// Where a page stands with reading its transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LoadState {
    /// Nothing was asked for yet.
    #[default]
    NotLoaded,
    /// It was asked for.
    Loading,
    /// It was read: all of it, or the last `bytes`.
    Loaded {
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
pub struct ScrollState {
    /// The line at the top of the pane in the last frame.
    pub anchor: ScrollAnchor,
    /// Lines to move from there in the next frame; up is negative.
    pub by: isize,
    /// Move so that the selected item is in sight.
    pub reveal: bool,
}

/// A line that stays where it is while the conversation grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScrollAnchor {
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
pub struct ConversationSearch {
    /// What is looked for, as a person wrote it.
    pub query: String,
    /// The words of it that are lit, whatever their case.
    pub words: Vec<String>,
    /// The items that hold all of them.
    pub hits: Vec<usize>,
}

/// A message that a page is to come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeekTarget {
    /// Its entry's uuid.
    pub uuid: String,
    /// Where that entry begins in the transcript, in bytes.
    pub offset: u64,
    /// What is lit in it.
    pub words: Vec<String>,
}

impl ConversationPage {
    /// Takes news of the running agent. What was already read from disk is not
    /// taken twice.
    pub fn apply_event(&mut self, uuid: &str, at: DateTime<Utc>, change: ConversationEvent) {
        if self.load_state == LoadState::Loading {
            self.buffered_events.push((uuid.to_owned(), at, change));
            return;
        }
        let known = |item: &&Item| !uuid.is_empty() && item.uuid == uuid;
        let repeats = match &change {
            ConversationEvent::Block { .. } | ConversationEvent::Prompt(_) => self
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
    pub fn set_loaded(&mut self, read: Conversation, whole: bool, bytes: u64, size: u64) {
        let first_read = !matches!(self.load_state, LoadState::Loaded { .. });
        self.loading_older = false;
        self.load_state = LoadState::Loaded { whole, bytes, size };
        if first_read {
            self.conversation = read;
            for (uuid, at, change) in std::mem::take(&mut self.buffered_events) {
                self.apply_event(&uuid, at, change);
            }
            self.resolve_seek();
            return;
        }
        let added = self.conversation.prepend_older(read);
        self.shift_indices(added);
        self.resolve_seek();
        if self.seeking_top {
            self.select(0);
            self.seeking_top = !whole;
        }
    }

    /// A page whose transcript was asked for.
    pub fn loading() -> Self {
        Self { load_state: LoadState::Loading, ..Self::default() }
    }

    /// The page of a session that was just begun: there is nothing to read.
    pub fn empty() -> Self {
        Self { load_state: LoadState::Loaded { whole: true, bytes: 0, size: 0 }, ..Self::default() }
    }

    /// The page of a session that its agent replayed.
    pub fn from_replay(conversation: Conversation) -> Self {
        Self { conversation, ..Self::empty() }
    }

    /// Searches; the selection goes to the last hit.
    pub fn search(&mut self, query: &str) {
        if query.is_empty() {
            self.search = None;
            return;
        }
        self.find_items(query.to_owned(), vec![query.to_owned()]);
        if let Some(&last) = self.search.as_ref().and_then(|search| search.hits.last()) {
            self.select(last);
        }
    }

    /// Lights words and finds the items that hold all of them.
    fn find_items(&mut self, query: String, words: Vec<String>) {
        let needles: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let holds = |(at, item): (usize, &Item)| {
            let text = item_text(item).to_lowercase();
            needles.iter().all(|needle| text.contains(needle)).then_some(at)
        };
        let hits = self.conversation.items().iter().enumerate().filter_map(holds).collect();
        self.search = Some(ConversationSearch { query, words, hits });
    }

    /// Goes to a message, as soon as the transcript is read that far.
    pub fn seek(&mut self, seek: SeekTarget) {
        self.seeking = Some(seek);
        self.seeking_top = false;
        if !matches!(self.load_state, LoadState::Loading) {
            self.resolve_seek();
        }
    }

    fn resolve_seek(&mut self) {
        let Some(seek) = self.seeking.take() else { return };
        match self.conversation.position(&seek.uuid) {
            Some(item) => {
                self.find_items(seek.words.join(" "), seek.words);
                self.select(item);
            }
            None => self.seeking = Some(seek),
        }
    }

    /// How much of the transcript has to be read to come to the message that is
    /// sought; `None` if nothing is, or if all of it is loaded.
    pub fn bytes_to_seek_target(&mut self) -> Option<u64> {
        let (Some(seek), LoadState::Loaded { whole: false, bytes, size }) = (&self.seeking, &self.load_state)
        else {
            return None;
        };
        let reach = size.saturating_sub(seek.offset).saturating_add(SEEK_CONTEXT_BYTES);
        if *bytes >= reach || self.loading_older {
            return None;
        }
        self.loading_older = true;
        Some(reach)
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
    pub fn scroll_to_top(&mut self) {
        self.select(0);
        self.seeking_top = !matches!(self.load_state, LoadState::Loaded { whole: true, .. });
    }

    /// Goes to the end and follows it.
    pub fn scroll_to_end(&mut self) {
        self.selected = None;
        self.seeking_top = false;
        self.scroll = ScrollState::default();
    }

    /// Moves the selection; without one it begins at the end.
    pub fn select_step(&mut self, step: isize) {
        self.seeking_top = false;
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
    pub fn toggle_fold(&mut self, item: usize) {
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
    fn shift_indices(&mut self, by: usize) {
        self.selected = self.selected.map(|at| at + by);
        self.unfolded = self.unfolded.iter().map(|at| at + by).collect();
        if let ScrollAnchor::At { item, .. } = &mut self.scroll.anchor {
            *item += by;
        }
        if let Some(search) = self.search.take() {
            self.find_items(search.query, search.words);
            self.scroll.reveal = false;
        }
    }
}

fn same_kind(item: &Item, change: &ConversationEvent) -> bool {
    use crate::session::message::MessageBlock;
    match (&item.kind, change) {
        (ItemKind::Prompt(_), ConversationEvent::Prompt(_)) => true,
        (body, ConversationEvent::Block { block, .. }) => matches!(
            (body, block),
            (ItemKind::Reply { .. }, MessageBlock::Text(_))
                | (ItemKind::Thinking(_), MessageBlock::Thinking(_))
                | (ItemKind::Tool(_), MessageBlock::ToolUse { .. })
        ),
        _ => false,
    }
}

/// An item's text, for searching and copying.
pub fn item_text(item: &Item) -> String {
    match &item.kind {
        ItemKind::Prompt(text)
        | ItemKind::Reply { text, .. }
        | ItemKind::Thinking(text)
        | ItemKind::Notice(_, text) => text.clone(),
        ItemKind::Tool(call) => {
            let input = serde_json::to_string_pretty(&call.input).unwrap_or_default();
            let result = call.result.as_ref().map_or("", |result| result.text.as_str());
            format!("{} {input}\n{result}", call.name)
        }
        ItemKind::TurnEnd(_) => String::new(),
    }
}
