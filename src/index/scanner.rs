//! Reads transcripts for the index: both ends, all of one in pieces, or only what was
//! appended.
//!
//! Owns how far a transcript was read. Holds one piece and one line in memory, never a
//! whole transcript. Knows no database.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::subagents::{SubagentText, Subagents};
use super::text::Passage;
use crate::session::summary::{SessionTitle, TitleSource, one_line};
use crate::session::transcript::text::clean;
use crate::session::transcript::{MAX_LINE_BYTES, ParsedLine};
use crate::session::{ConversationOutline, SessionId, SessionSummary, SummarizedPath, SummaryBuilder};
use crate::store::{self, SessionStore, SideFiles, StoreError, StoredSession, subagents_of};

/// How much of each end [`quick_scan`] reads (as the official list functions do).
pub const END_BYTES: u64 = 64 << 10;
/// How many bytes are read at once.
pub const READ_BYTES: u64 = 4 << 20;
/// How many bytes before the position identify the file.
const FINGERPRINT_BYTES: u64 = 64;

/// How far a transcript was read, and the summary up to there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScanState {
    /// The offset after the last complete line that was read.
    to: u64,
    /// A fingerprint of the bytes before that.
    mark: u64,
    gathering: SummaryBuilder,
    #[serde(default)]
    subagents: Subagents,
}

impl ScanState {
    /// The entries so far, in short.
    pub fn outline(&self) -> &ConversationOutline {
        self.gathering.outline()
    }

    /// How many bytes of the transcript were read.
    pub fn offset(&self) -> u64 {
        self.to
    }
}

/// The result of a scan.
#[derive(Debug)]
pub struct ScanResult {
    /// Where to continue.
    pub state: ScanState,
    /// The summary by now.
    pub facts: SessionSummary,
    /// What can be searched in the new part.
    pub passages: Vec<Passage>,
    /// Where messages lie that are not part of the conversation: no search finds them.
    pub left_behind: Vec<Range<u64>>,
    /// What can be searched in its subagents' transcripts, of those that are new or grew.
    pub subagent_texts: Vec<SubagentText>,
    /// The former state belonged to another file, so all of this one was read.
    pub from_start: bool,
    /// The end of the transcript was reached.
    pub is_complete: bool,
}

/// The summary of a whole transcript of at most `small` bytes, or of the two ends of a
/// larger one. Returns `true` if it was read whole.
pub fn quick_scan(
    store: &dyn SessionStore,
    stored: &StoredSession,
    small: u64,
) -> Result<(SessionSummary, bool), StoreError> {
    if stored.size <= small.max(2 * END_BYTES) {
        let all = store.read_range(stored.id, 0, stored.size)?;
        let mut path = SummaryBuilder::of_bytes(&all).summarize();
        path.summary.health.open_end = all.last().is_some_and(|last| *last != b'\n');
        apply_side_files(&mut path.summary, stored, path.title_offset);
        // What its subagents used is read with the index.
        let is_whole = stored.side_modified.is_none() || subagents_of(&stored.path).is_empty();
        return Ok((path.summary, is_whole));
    }
    let head = store.read_range(stored.id, 0, END_BYTES)?;
    let tail = store.read_range(stored.id, stored.size - END_BYTES, END_BYTES)?;
    let mut path = summarize_ends(&head, &tail, stored.size);
    apply_side_files(&mut path.summary, stored, path.title_offset);
    Ok((path.summary, false))
}

/// Adds what lies beside the transcript. As for the official picker, a title from there counts
/// unless one is found near the end of the transcript.
fn apply_side_files(summary: &mut SessionSummary, stored: &StoredSession, title_offset: Option<u64>) {
    if stored.side_modified.is_none() {
        return;
    }
    let side = SideFiles::read(&stored.path);
    summary.archived |= side.archived;
    let is_in_tail = title_offset.is_some_and(|offset| offset + END_BYTES >= stored.size);
    if !side.title.is_empty() && !is_in_tail {
        let text = one_line(&side.title);
        summary.title = Some(SessionTitle { text, source: TitleSource::Custom });
    }
}

/// The summary that the first and the last bytes of a transcript give; lines that are cut off
/// are left out.
pub fn summary_of_ends(head: &[u8], tail: &[u8]) -> SessionSummary {
    summarize_ends(head, tail, 2 * END_BYTES).summary
}

fn summarize_ends(head: &[u8], tail: &[u8], size: u64) -> SummarizedPath {
    let mut builder = SummaryBuilder::of_ends();
    builder.push_lines(&head[..memchr::memrchr(b'\n', head).map_or(0, |newline| newline + 1)], 0);
    let cut = memchr::memchr(b'\n', tail).map_or(tail.len(), |newline| newline + 1);
    builder.push_lines(&tail[cut..], size.saturating_sub((tail.len() - cut) as u64));
    builder.summarize()
}

/// Reads what was appended since a former scan; all of it if there is no former state or it
/// belongs to another file. Stops at the end of a line after about `at_most` bytes, so that a
/// caller can bound its memory and continue from the returned state.
pub fn scan(
    store: &dyn SessionStore,
    stored: &StoredSession,
    former: Option<ScanState>,
    at_most: u64,
) -> Result<ScanResult, StoreError> {
    let id = stored.id;
    let former = match former {
        Some(former) if stored.size >= former.to && fingerprint(store, id, former.to)? == former.mark => {
            Some(former)
        }
        _ => None,
    };
    let anew = former.is_none();
    let ScanState { to, mut gathering, mut subagents, .. } = former.unwrap_or_default();
    let mut passages = Vec::new();
    let mut lines = LineSplitter { at: to, partial_line: Vec::new(), too_long: false };
    let mut is_complete = false;
    let enough = to.saturating_add(at_most);
    // Inside a line that is too long nothing can be continued.
    while lines.at < enough || lines.too_long {
        let piece = store.read_range(id, lines.read_to(), READ_BYTES)?;
        if piece.is_empty() {
            is_complete = true;
            break;
        }
        lines.push(piece, |line, at| {
            let text = line.map(clean);
            let found = text.as_deref().map_or(ParsedLine::Malformed(""), ParsedLine::parse);
            gathering.push_line(&found, at);
            if let (Some(entry), Some(line)) = (found.entry().filter(|entry| !entry.is_sidechain()), line) {
                // A hit is read again from the file, where the line is as long as it was.
                let length = line.trim_ascii_end().len() as u64;
                passages.extend(Passage::from_line(entry, at).map(|passage| passage.with_length(length)));
            }
        });
    }
    let path = if is_complete { summarize_with_open_end(&gathering, &lines) } else { gathering.summarize() };
    let (mut facts, left_behind) = (path.summary, path.left_behind);
    apply_side_files(&mut facts, stored, path.title_offset);
    let mut subagent_texts = Vec::new();
    if is_complete && stored.side_modified.is_some() {
        (subagents, subagent_texts) = Subagents::scan(&subagents, &stored.path);
    }
    subagents.add_to(&mut facts);
    let reading = ScanState { to: lines.at, mark: fingerprint(store, id, lines.at)?, gathering, subagents };
    Ok(ScanResult {
        state: reading,
        facts,
        passages,
        left_behind,
        subagent_texts,
        from_start: anew,
        is_complete,
    })
}

/// What follows the last newline may be an entry or the start of one. It counts now, and is
/// read again when there is more.
fn summarize_with_open_end(gathering: &SummaryBuilder, lines: &LineSplitter) -> SummarizedPath {
    if lines.partial_line.is_empty() && !lines.too_long {
        return gathering.summarize();
    }
    let mut gathering = gathering.clone();
    let text = clean(&lines.partial_line);
    let found = if lines.too_long { ParsedLine::Malformed("") } else { ParsedLine::parse(&text) };
    gathering.push_line(&found, lines.at);
    let mut path = gathering.summarize();
    path.summary.health.open_end = true;
    path
}

/// Tells a file that grew from another file in its place.
fn fingerprint(store: &dyn SessionStore, id: SessionId, to: u64) -> Result<u64, StoreError> {
    let from = to.saturating_sub(FINGERPRINT_BYTES);
    Ok(store::fingerprint(&store.read_range(id, from, to - from)?))
}

/// Splits pieces into whole lines.
#[derive(Default)]
pub(super) struct LineSplitter {
    /// Where the incomplete line starts.
    pub(super) at: u64,
    /// What there is of it.
    pub(super) partial_line: Vec<u8>,
    /// It is too long to keep.
    pub(super) too_long: bool,
}

impl LineSplitter {
    /// The offset up to which pieces were pushed.
    pub(super) fn read_to(&self) -> u64 {
        self.at + self.partial_line.len() as u64
    }

    /// Passes each complete line and its offset to `each`; `None` for a line that is too
    /// long.
    pub(super) fn push(&mut self, piece: Vec<u8>, mut each: impl FnMut(Option<&[u8]>, u64)) {
        // Most pieces start at a line; then nothing is copied.
        let bytes = if self.partial_line.is_empty() {
            piece
        } else {
            let mut bytes = std::mem::take(&mut self.partial_line);
            bytes.extend_from_slice(&piece);
            bytes
        };
        let mut from = 0;
        while let Some(length) = memchr::memchr(b'\n', &bytes[from..]) {
            let line = &bytes[from..=from + length];
            each((!std::mem::take(&mut self.too_long)).then_some(line), self.at);
            self.at += line.len() as u64;
            from += line.len();
        }
        self.partial_line = bytes;
        self.partial_line.drain(..from);
        if self.partial_line.len() as u64 > MAX_LINE_BYTES {
            // Drop it: from here on only its end is looked for.
            self.at += self.partial_line.len() as u64;
            self.partial_line = Vec::new();
            self.too_long = true;
        }
    }
}

#[cfg(test)]
mod tests;
