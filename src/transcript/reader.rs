//! The one reader of transcript lines.
//!
//! Reading never fails: it gives the entries it could read and a
//! [`TranscriptHealth`] that counts what it could not. Of a line that holds two
//! records, or a record and what was written over it, the first record counts,
//! as in Claude Code 2.1.332; `fork --repair` takes out the others
//! ([`super::recovery`]).

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::compaction::Compaction;
use super::raw_entry::RawEntry;
use super::text::TranscriptText;

/// Bytes of the longest line that is read, here and in the formats of other
/// agents: a longer one counts as malformed. The longest that were seen hold a
/// history with its images, some ten million; a hostile one must not fill the
/// memory, of which a line takes this much on each core.
pub const MAX_LINE_BYTES: u64 = 64 << 20;

/// What was wrong with a transcript's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptHealth {
    /// Lines that are not one JSON object: cut off, interleaved, joined, or binary.
    pub torn: usize,
    /// JSON objects without a `type`: not entries.
    pub foreign: usize,
    /// The file does not end in a newline, so its last line may be cut off.
    pub open_end: bool,
}

/// One line of a transcript.
#[derive(Debug)]
pub enum ParsedLine<'a> {
    /// An entry, of a known type or not.
    Entry(RawEntry<'a>),
    /// An entry, and behind it something else.
    Joined(RawEntry<'a>),
    /// A JSON object that is not an entry.
    Untyped(&'a str),
    /// Not a JSON object: this text.
    Malformed(&'a str),
    /// Nothing but white space or NULs.
    Blank,
}

impl<'a> ParsedLine<'a> {
    /// Reads one line, with or without its newline. It was cleaned before
    /// ([`super::text::clean`]).
    pub fn parse(line: &'a str) -> Self {
        let text = line.trim_end_matches(|c: char| c.is_whitespace() || c == '\0').trim_start();
        if text.trim_start_matches('\0').is_empty() {
            return Self::Blank;
        }
        match RawEntry::parse(text) {
            Some(entry) if entry.has_type() => Self::Entry(entry),
            Some(_) => Self::Untyped(text),
            None => match RawEntry::parse_leading(text).filter(RawEntry::has_type) {
                Some(entry) => Self::Joined(entry),
                None => Self::Malformed(text),
            },
        }
    }

    /// The entry on this line.
    pub fn entry(&self) -> Option<&RawEntry<'a>> {
        match self {
            Self::Entry(entry) | Self::Joined(entry) => Some(entry),
            Self::Untyped(_) | Self::Malformed(_) | Self::Blank => None,
        }
    }
}

impl TranscriptHealth {
    /// Nothing to report.
    pub fn is_good(&self) -> bool {
        self.torn == 0 && self.foreign == 0
    }

    /// Counts a line that is not one entry.
    pub fn record(&mut self, line: &ParsedLine<'_>) {
        match line {
            ParsedLine::Malformed(_) | ParsedLine::Joined(_) => self.torn += 1,
            ParsedLine::Untyped(_) => self.foreign += 1,
            ParsedLine::Entry(_) | ParsedLine::Blank => {}
        }
    }
}

/// All readable lines of one transcript, in file order, borrowed from its text.
#[derive(Debug, Default)]
pub struct Transcript<'a> {
    /// The lines that are entries, of known types or not.
    pub entries: Vec<RawEntry<'a>>,
    /// What had to be passed over.
    pub health: TranscriptHealth,
    /// The text is a part of a file: an entry that is missing may lie in the rest.
    pub is_partial: bool,
    /// The links between the entries; built when first asked for, as every walk
    /// needs them.
    chain: OnceLock<Chain<'a>>,
    compactions: OnceLock<Vec<Compaction>>,
}

impl<'a> Transcript<'a> {
    /// Reads a whole transcript. Its bytes were cleaned before, always: there is no
    /// other way in.
    pub fn read(text: &'a TranscriptText<'_>) -> Self {
        let mut transcript = Transcript::default();
        for line in text.as_str().split_inclusive('\n') {
            transcript.health.open_end = !line.ends_with('\n');
            match ParsedLine::parse(line) {
                ParsedLine::Entry(entry) => transcript.entries.push(entry),
                other => {
                    transcript.health.record(&other);
                    if let ParsedLine::Joined(entry) = other {
                        transcript.entries.push(entry);
                    }
                }
            }
        }
        transcript
    }

    /// Reads some lines of a transcript, of which others may lie before them.
    pub fn read_part(text: &'a TranscriptText<'_>) -> Self {
        Self { is_partial: true, ..Self::read(text) }
    }

    /// The entry with this uuid, as an index: of several the last.
    pub fn position(&self, uuid: &str) -> Option<usize> {
        let chain = self.chain();
        let at = chain.entry_of[chain.node(uuid)?];
        self.entries[at].kind().is_conversation().then_some(at)
    }

    pub(super) fn chain(&self) -> &Chain<'a> {
        self.chain.get_or_init(|| Chain::build(&self.entries))
    }

    pub(super) fn compactions(&self) -> &[Compaction] {
        self.compactions.get_or_init(|| Compaction::find_all(self.chain(), &self.entries))
    }
}
