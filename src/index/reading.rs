//! Reading transcripts for the index: the two ends at a glance, all of one in
//! pieces, or only what is new in one that grew.
//!
//! Owns how far a transcript was read. Holds a piece and one line in memory,
//! never a whole transcript; knows no database.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::text::Passage;
use crate::session::transcript::{Found, LONGEST_LINE};
use crate::session::{Facts, Gathering, SessionId};
use crate::store::{SessionStore, StoreError, Stored};

/// Bytes of each end that a glance reads (as the official list functions do).
pub const END: u64 = 64 << 10;
/// Bytes that are read at once.
const PIECE: u64 = 4 << 20;
/// Bytes before the place read to that tell whether it is still the same file.
const MARK: u64 = 64;

/// How far a transcript was read, and what was gathered up to there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Behind the last whole line that was read, in bytes.
    to: u64,
    /// Of the bytes before that.
    mark: u64,
    gathering: Gathering,
}

/// What a reading came to.
#[derive(Debug)]
pub struct Read {
    /// Where to go on.
    pub reading: Reading,
    /// What is known now.
    pub facts: Facts,
    /// What can be searched of the new part.
    pub passages: Vec<Passage>,
    /// The former reading was of another file: all of this one was read.
    pub anew: bool,
}

/// The facts of a transcript of at most `small` bytes, or what the two ends of a
/// larger one tell; true for all there is.
pub fn glance(store: &dyn SessionStore, stored: &Stored, small: u64) -> Result<(Facts, bool), StoreError> {
    if stored.size <= small.max(2 * END) {
        let all = store.read_from(stored.id, 0, stored.size)?;
        return Ok((Facts::read(&all), true));
    }
    let mut gathering = Gathering::default();
    let head = store.read_from(stored.id, 0, END)?;
    take_lines(&head[..memchr::memrchr(b'\n', &head).map_or(0, |newline| newline + 1)], &mut gathering);
    let tail = store.read_from(stored.id, stored.size - END, END)?;
    take_lines(
        &tail[memchr::memchr(b'\n', &tail).map_or(tail.len(), |newline| newline + 1)..],
        &mut gathering,
    );
    Ok((gathering.facts(), false))
}

/// Reads what is new since a former reading; all of it where there is none, or
/// where it was of another file.
pub fn read_on(
    store: &dyn SessionStore,
    stored: &Stored,
    former: Option<Reading>,
) -> Result<Read, StoreError> {
    let id = stored.id;
    let former = match former {
        Some(former) if stored.size >= former.to && mark(store, id, former.to)? == former.mark => {
            Some(former)
        }
        _ => None,
    };
    let anew = former.is_none();
    let Reading { to, mut gathering, .. } = former.unwrap_or_default();
    let mut passages = Vec::new();
    let mut lines = Lines { at: to, rest: Vec::new(), too_long: false };
    loop {
        let piece = store.read_from(id, lines.read_to(), PIECE)?;
        if piece.is_empty() {
            break;
        }
        lines.take(piece, |line, at| {
            let found = line.map_or(Found::Torn(b""), Found::in_line);
            gathering.take_found(&found);
            if let Found::Entry(entry) = &found {
                passages.extend(Passage::of_line(entry, at));
            }
        });
    }
    let facts = facts_with_open_end(&gathering, &lines);
    let reading = Reading { to: lines.at, mark: mark(store, id, lines.at)?, gathering };
    Ok(Read { reading, facts, passages, anew })
}

/// What stands behind the last newline may be an entry or the beginning of one:
/// it counts, and is read again when there is more.
fn facts_with_open_end(gathering: &Gathering, lines: &Lines) -> Facts {
    if lines.rest.is_empty() && !lines.too_long {
        return gathering.facts();
    }
    let mut gathering = gathering.clone();
    gathering.take_found(&if lines.too_long { Found::Torn(b"") } else { Found::in_line(&lines.rest) });
    let mut facts = gathering.facts();
    facts.health.open_end = true;
    facts
}

fn take_lines(bytes: &[u8], gathering: &mut Gathering) {
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        gathering.take_found(&Found::in_line(line));
    }
}

/// Tells a file that grew from another one in its place.
fn mark(store: &dyn SessionStore, id: SessionId, to: u64) -> Result<u64, StoreError> {
    let from = to.saturating_sub(MARK);
    let mut hasher = DefaultHasher::new();
    store.read_from(id, from, to - from)?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// Whole lines out of pieces.
struct Lines {
    /// Where the line that is not complete yet begins.
    at: u64,
    /// What there is of it.
    rest: Vec<u8>,
    /// It is too long to be kept; of `rest`, only the length of it counts.
    too_long: bool,
}

impl Lines {
    /// Up to where the pieces reached.
    fn read_to(&self) -> u64 {
        self.at + self.rest.len() as u64
    }

    /// Gives out each line that is complete now and where it begins; none for a
    /// line that is too long.
    fn take(&mut self, piece: Vec<u8>, mut each: impl FnMut(Option<&[u8]>, u64)) {
        // Most pieces begin where a line does: then nothing is copied.
        let bytes = if self.rest.is_empty() {
            piece
        } else {
            let mut bytes = std::mem::take(&mut self.rest);
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
        self.rest = bytes;
        self.rest.drain(..from);
        if self.rest.len() as u64 > LONGEST_LINE {
            // It is left where it is: from here on only its end is looked for.
            self.at += self.rest.len() as u64;
            self.rest = Vec::new();
            self.too_long = true;
        }
    }
}

#[cfg(test)]
mod tests;
