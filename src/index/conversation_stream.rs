//! A conversation read piece by piece: for sessions that do not fit into memory.
//!
//! Reads the transcript twice: once for the outline of every entry, which says which of
//! them are the conversation, then those entries in order. Holds some hundred bytes an
//! entry, one piece of the file, and the items that a tool's result may still change.

use std::collections::HashSet;
use std::ops::Range;

use super::scanner::{LineSplitter, READ_BYTES};
use crate::session::conversation::{Conversation, Item};
use crate::session::{SessionId, SessionSummary, SummaryBuilder};
use crate::store::{SessionStore, StoreError};
use crate::transcript::text::clean;
use crate::transcript::{
    MAX_LINE_BYTES, ParsedLine, PathScope, RawEntry, Transcript, TranscriptText, outline,
};

/// How many items are held back for a tool call that has no result: it may never get one.
const MAX_HELD_ITEMS: usize = 256;
/// The same in bytes of the entries that they are from.
const MAX_HELD_BYTES: u64 = 16 << 20;

/// A session whose conversation can be read in order.
pub struct ConversationStream<'a> {
    store: &'a dyn SessionStore,
    id: SessionId,
    facts: SessionSummary,
    /// The entries of the conversation as ranges of bytes, each with whether one is missing before it.
    path: Vec<(Range<u64>, bool)>,
}

impl<'a> ConversationStream<'a> {
    /// Reads what the session is and which entries are its conversation.
    pub fn open(store: &'a dyn SessionStore, id: SessionId) -> Result<Self, StoreError> {
        // A copy of another agent's session is completed by this.
        store.read_tail(id, 1)?;
        let mut found = OutlineBuilder::default();
        let mut lines = LineSplitter::default();
        loop {
            let piece = store.read_range(id, lines.read_to(), READ_BYTES)?;
            if piece.is_empty() {
                break;
            }
            lines.push(piece, |line, at| found.push(line, at));
        }
        let open_end = !lines.partial_line.is_empty() || lines.too_long;
        if open_end {
            found.push((!lines.too_long).then_some(&lines.partial_line[..]), lines.at);
        }
        let mut facts = found.summary.summary();
        facts.health.open_end = open_end;
        let OutlineBuilder { outlines, places, .. } = found;
        let text = TranscriptText::read(outlines.as_bytes());
        let transcript = Transcript::read(&text);
        debug_assert_eq!(transcript.entries.len(), places.len(), "each outline is an entry");
        let path = transcript.conversation(transcript.leaf(), PathScope::Display);
        let gaps: HashSet<usize> = path.gaps.iter().map(|gap| gap.child).collect();
        let place = |at: usize| Some((places.get(at)?.clone(), gaps.contains(&at)));
        let path = path.entries.into_iter().filter_map(place).collect();
        Ok(Self { store, id, facts, path })
    }

    pub fn facts(&self) -> &SessionSummary {
        &self.facts
    }

    /// Passes on every item in order, until `each` fails.
    pub fn for_each<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(&Item) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut file = PieceReader { store: self.store, id: self.id, at: 0, piece: Vec::new() };
        let mut conversation = Conversation::default();
        let mut held = 0;
        for (place, is_behind_gap) in &self.path {
            let text = clean(file.read(place.clone())?);
            // It may have been cut off since.
            let parsed = ParsedLine::parse(&text);
            let Some(entry) = parsed.entry() else { continue };
            conversation.apply_entry(entry, *is_behind_gap);
            held += place.end - place.start;
            let mut settled = conversation.take_settled();
            let is_too_much = conversation.items().len() > MAX_HELD_ITEMS || held > MAX_HELD_BYTES;
            if is_too_much {
                settled.extend(conversation.take_first(conversation.items().len()));
            }
            if conversation.is_empty() {
                held = 0;
            }
            settled.iter().try_for_each(&mut each)?;
        }
        conversation.take_first(conversation.items().len()).iter().try_for_each(each)
    }
}

#[derive(Default)]
struct OutlineBuilder {
    summary: SummaryBuilder,
    outlines: String,
    places: Vec<Range<u64>>,
}

impl OutlineBuilder {
    fn push(&mut self, line: Option<&[u8]>, at: u64) {
        let text = line.map(clean);
        let found = text.as_deref().map_or(ParsedLine::Malformed(""), ParsedLine::parse);
        self.summary.push_line(&found, at);
        if let (Some(entry), Some(line)) = (found.entry(), line) {
            let short = outline(entry);
            if RawEntry::parse(&short).is_some_and(|entry| entry.has_type()) {
                self.outlines.push_str(&short);
                self.outlines.push('\n');
                self.places.push(at..at + line.len() as u64);
            }
        }
    }
}

/// Reads ranges that mostly follow each other.
struct PieceReader<'a> {
    store: &'a dyn SessionStore,
    id: SessionId,
    at: u64,
    piece: Vec<u8>,
}

impl PieceReader<'_> {
    /// The bytes in this range; fewer if the file was cut off.
    fn read(&mut self, range: Range<u64>) -> Result<&[u8], StoreError> {
        let length = (range.end - range.start).min(MAX_LINE_BYTES);
        let end = self.at + self.piece.len() as u64;
        if range.start < self.at || range.start + length > end {
            self.piece = Vec::new();
            self.piece = self.store.read_range(self.id, range.start, length.max(READ_BYTES))?;
            self.at = range.start;
        }
        let from = (range.start - self.at) as usize;
        let to = self.piece.len().min(from + length as usize);
        Ok(&self.piece[from.min(to)..to])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;
    use crate::store::MemoryStore;

    fn check(lines: &[String]) {
        let store = MemoryStore::new();
        let id = SessionId::random();
        store.open(id, Path::new("/")).unwrap().append(lines).unwrap();
        let bytes = store.read(id).unwrap();
        let text = TranscriptText::read(&bytes);
        let transcript = Transcript::read(&text);
        let stream = ConversationStream::open(&store, id).unwrap();
        let mut items = Vec::new();
        let done: Result<(), StoreError> = stream.for_each(|item| {
            items.push(item.clone());
            Ok(())
        });
        done.unwrap();
        assert_eq!(items, Conversation::from_transcript(&transcript).items());
        let whole = SessionSummary::from_transcript(&transcript);
        let facts = stream.facts();
        assert_eq!((&facts.title, facts.turns, facts.health), (&whole.title, whole.turns, whole.health));
    }

    #[test]
    fn a_streamed_conversation_is_the_whole_one() {
        let cases: Value = serde_json::from_str(include_str!("../../tests/resume/cases.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let lines =
                case["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
            check(&lines.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_call_without_a_result_does_not_hold_back_everything() {
        let call = r#"{"type":"assistant","uuid":"u0","parentUuid":null,"message":{"id":"m","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}]}}"#;
        let prompt = |at: usize| {
            format!(
                r#"{{"type":"user","uuid":"u{at}","parentUuid":"u{}","message":{{"content":"{at}"}}}}"#,
                at - 1
            )
        };
        let lines: Vec<_> = std::iter::once(call.to_owned()).chain((1..2000).map(prompt)).collect();
        check(&lines);
    }
}
