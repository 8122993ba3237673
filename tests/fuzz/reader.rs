//! Transcripts that a crash, two writers or an enemy left.

use chrono::DateTime;
use hotseat::index::text::{FullTextQuery, Passage, snippet};
use hotseat::session::fork::{self, ForkOptions};
use hotseat::session::raw_entry::RawEntry;
use hotseat::session::{Conversation, SessionId, SessionSummary, SummaryBuilder, Transcript};
use hotseat::transcript::text::clean;
use hotseat::transcript::{ParsedLine, PathScope, TranscriptText};

use crate::fuzz;
use crate::support::chance::Chance;
use crate::support::sessions::Sample;

/// What stands in for a part of an entry.
const ODDITIES: [&str; 22] = [
    "null",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-1e999",
    "true",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[[[[[[]]]]]]",
    "{\"type\":7}",
    "\"type\":",
    "\"uuid\":",
    "\"message\":",
    "\"content\":[",
    "tool_result",
    "last-prompt",
    "\u{202e}",
    "登录",
    "\\",
    "\"",
    "\n",
];

pub(super) fn transcript(chance: &mut Chance) -> Vec<u8> {
    let mut sample = Sample::gnarly(1, chance.within(1, 5));
    sample.compaction = chance.percent(50);
    let mut bytes = sample.text().into_bytes();
    for _ in 0..chance.below(12) {
        mutate(chance, &mut bytes);
    }
    bytes
}

/// Changes a transcript in one place.
fn mutate(chance: &mut Chance, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        bytes.extend_from_slice(b"{\"type\":\"user\"}\n");
    }
    let at = chance.below(bytes.len());
    let end = (at + chance.below(80)).min(bytes.len());
    match chance.below(8) {
        0 => bytes[at] = chance.next() as u8,
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].to_vec();
            let to = chance.below(bytes.len());
            bytes.splice(to..to, part);
        }
        3 => bytes.truncate(at),
        4 => drop(bytes.splice(at..at, chance.one(&ODDITIES).bytes())),
        // A value's place is behind a colon.
        5 | 6 => {
            let colon = memchr::memchr(b':', &bytes[at..]).map_or(at, |colon| at + colon + 1);
            let value = bytes[colon..].iter().position(|byte| b",}\n".contains(byte));
            let end = value.map_or(bytes.len(), |value| colon + value);
            bytes.splice(colon..end, chance.one(&ODDITIES).bytes());
        }
        // Whole lines change places, as when two write at once.
        _ => {
            let mut lines: Vec<Vec<u8>> =
                bytes.split_inclusive(|byte| *byte == b'\n').map(Into::into).collect();
            let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
            lines.swap(one, other);
            *bytes = lines.concat();
        }
    }
}

#[test]
fn whatever_lies_in_a_transcript_it_is_read() {
    fuzz("whatever_lies_in_a_transcript_it_is_read", |chance| {
        let bytes = transcript(chance);
        let text = TranscriptText::read(&bytes);
        let transcript = Transcript::read(&text);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        let health = transcript.health;
        // A line of two records is an entry, and broken.
        assert!(transcript.entries.len() + health.foreign <= lines && health.torn <= lines);
        for reach in [PathScope::Model, PathScope::Display] {
            let path = transcript.path(transcript.leaf(), reach);
            assert!(path.iter().all(|at| *at < transcript.entries.len()));
        }
        Conversation::from_transcript(&transcript);
        let words = FullTextQuery::parse("parser -zzz");
        let mut offset = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if let Some(entry) = std::str::from_utf8(line).ok().and_then(|line| RawEntry::parse(line.trim()))
            {
                let passage = Passage::from_line(&entry, offset);
                assert!(passage.is_none_or(|passage| passage.offset == offset));
            }
            snippet(line, &words);
            offset += line.len() as u64;
        }
    });
}

#[test]
fn read_in_parts_it_says_the_same() {
    fuzz("read_in_parts_it_says_the_same", |chance| {
        let bytes = transcript(chance);
        let mut at_once = SessionSummary::from_bytes(&bytes);
        at_once.health.open_end = false;
        let mut gathering = SummaryBuilder::default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            gathering.push_line(&ParsedLine::parse(&clean(line)), 0);
            if chance.percent(10) {
                // As it is kept from one reading to the next.
                let kept = serde_json::to_string(&gathering).expect("plain data");
                gathering = serde_json::from_str(&kept).expect("what was just written");
            }
        }
        assert_eq!(gathering.summary(), at_once);
    });
}

#[test]
fn a_copy_of_anything_is_sound() {
    let [source, id] = ["3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1", "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a2"]
        .map(|id| id.parse::<SessionId>().expect("an id"));
    fuzz("a_copy_of_anything_is_sound", |chance| {
        let bytes = transcript(chance);
        let order =
            ForkOptions { repair: chance.percent(50), ..ForkOptions::new(source, id, DateTime::UNIX_EPOCH) };
        let Ok(copied) = fork::fork_transcript(&bytes, &order) else { return };
        let text = copied.lines.join("\n") + "\n";
        let clean = hotseat::transcript::TranscriptText::read(text.as_bytes());
        let copy = Transcript::read(&clean);
        assert!(copy.health.is_good() && copy.entries.len() == copied.lines.len(), "{text}");
        for line in &copy.entries {
            assert_eq!(line.session_id().as_deref(), Some(id.to_string().as_str()));
        }
    });
}
