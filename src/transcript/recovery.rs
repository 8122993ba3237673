//! Recovers whole entries from malformed transcript lines.
//!
//! Two writers, or a crash and the next start, leave lines such as
//! `{"type":"us{"type":"user",…}`: the first half is lost, the entry behind it
//! is not. Only a repaired copy is made from what is found; no original changes.

use serde::de::IgnoredAny;

use super::raw_entry::RawEntry;
use super::reader::ParsedLine;
use super::text::TranscriptText;

/// What an entry of the official tools can begin with (CLI 2.1.329, SDK 0.2.186).
const ENTRY_PREFIXES: [&str; 6] =
    ["{\"parentUuid\"", "{\"type\"", "{\"uuid\"", "{\"sessionId\"", "{\"leafUuid\"", "{\"isSidechain\""];

/// So many places of one line are tried: a hostile line of nothing but
/// beginnings costs no more.
const MAX_ATTEMPTS_PER_LINE: usize = 256;

/// The transcript with every malformed line replaced by the entries inside it,
/// and how many of those a plain reading passes over.
pub fn recover_entries<'a>(text: &'a TranscriptText<'a>) -> (TranscriptText<'a>, usize) {
    let mut recovered = 0;
    let mut whole = String::new();
    for line in text.as_str().split_inclusive('\n') {
        let trimmed = line.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let parsed = ParsedLine::parse(line);
        if matches!(parsed, ParsedLine::Malformed(_) | ParsedLine::Joined(_)) {
            let entries = entries_in(trimmed);
            recovered += entries.len() - usize::from(parsed.entry().is_some() && !entries.is_empty());
            for entry in entries {
                whole.push_str(entry);
                whole.push('\n');
            }
            continue;
        }
        whole.push_str(line);
    }
    if recovered == 0 { (text.clone(), 0) } else { (TranscriptText::from_clean(whole), recovered) }
}

/// The entries in a torn line, in order.
fn entries_in(text: &str) -> Vec<&str> {
    let mut entries = Vec::new();
    let mut at = 0;
    for _ in 0..MAX_ATTEMPTS_PER_LINE {
        let Some(start) = find_entry_start(text, at) else { break };
        match leading_object(&text[start..]) {
            Some(object) if is_entry(object) => {
                entries.push(object);
                at = start + object.len();
            }
            _ => at = start + 1,
        }
    }
    entries
}

fn find_entry_start(text: &str, from: usize) -> Option<usize> {
    let rest = &text[from..];
    let starts = ENTRY_PREFIXES
        .iter()
        .filter_map(|beginning| memchr::memmem::find(rest.as_bytes(), beginning.as_bytes()));
    starts.min().map(|start| from + start)
}

/// The JSON object that the text begins with, whatever follows it.
fn leading_object(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(&text[..values.byte_offset()])
}

/// Blocks and other parts of an entry have a type too: an entry also says which
/// session it belongs to, or has an id of its own.
fn is_entry(object: &str) -> bool {
    RawEntry::parse(object)
        .is_some_and(|line| line.has_type() && (line.session_id().is_some() || line.uuid().is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, count: usize) {
        let text = TranscriptText::read(text.as_bytes());
        let (whole, found) = recover_entries(&text);
        assert_eq!((whole.as_str(), found), (expected, count), "{}", text.as_str());
    }

    const ENTRY: &str =
        r#"{"type":"user","uuid":"a","message":{"content":[{"type":"text","text":"{\"type\":1}"}]}}"#;

    #[test]
    fn an_entry_behind_a_torn_one_is_found() {
        check(&format!("{{\"type\":\"us{ENTRY}\n"), &format!("{ENTRY}\n"), 1);
        check(&format!("{ENTRY}{ENTRY}\nx\n"), &format!("{ENTRY}\n{ENTRY}\n"), 1);
        check(&format!("\u{0}\u{0}{ENTRY}"), &format!("{ENTRY}\n"), 1);
        check(&format!("{ENTRY}\n{}", &ENTRY[..60]), &format!("{ENTRY}\n{}", &ENTRY[..60]), 0);
    }

    #[test]
    fn a_part_of_an_entry_is_none() {
        let torn = r#"{"type":"user","uuid":"a","message":{"content":[{"type":"text","text":"x"}"#;
        check(torn, torn, 0);
        let endless = "{\"type\"".repeat(10_000);
        check(&endless, &endless, 0);
    }
}
