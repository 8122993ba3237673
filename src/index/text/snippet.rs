//! The sentence of a hit, read from its entry.

use std::collections::HashSet;
use std::ops::Range;

use chrono::{DateTime, Utc};

use super::passage::EntryTexts;
use super::query::FullTextQuery;
use super::tokenizer;
use crate::session::raw_entry::EntryKind;
use crate::session::transcript::ParsedLine;
use crate::session::transcript::text::clean;

/// The most characters of a snippet.
const MAX_SNIPPET_CHARS: usize = 160;

/// How many characters before the hit are kept of a longer sentence.
const CONTEXT_CHARS: usize = 48;

/// How many matches are compared to find the best sentence.
const MAX_WEIGHED: usize = 64;

/// Who wrote the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnippetRole {
    /// A person.
    Prompt,
    /// The model.
    Reply,
    /// A tool: its input or its output.
    Tool,
}

/// The sentence of a hit. Its text is hostile, like all text of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The entry's uuid, so that a screen can go there, if it has one.
    pub uuid: Option<String>,
    /// Who wrote it.
    pub role: SnippetRole,
    /// The entry's time.
    pub at: Option<DateTime<Utc>>,
    /// The sentence: one line, cut to what a row holds.
    pub text: String,
    /// The matched characters by position in characters, in order.
    pub match_positions: Vec<usize>,
}

/// The sentence of an entry that matches; `None` if the entry does not match any more (the
/// index is older than the transcript).
pub fn snippet(line: &[u8], query: &FullTextQuery) -> Option<Snippet> {
    let text = clean(line);
    let parsed = ParsedLine::parse(&text);
    let line = parsed.entry()?;
    let texts = EntryTexts::from_line(line);
    let role = if line.kind() == EntryKind::User { SnippetRole::Prompt } else { SnippetRole::Reply };
    let said = best_sentence(&texts.messages.join("\n"), query).map(|found| (role, found));
    let found = said.or_else(|| {
        let tools = query.tools.then(|| texts.tools.join("\n"))?;
        best_sentence(&tools, query).map(|found| (SnippetRole::Tool, found))
    });
    let (role, (text, positions)) = found?;
    Some(Snippet {
        uuid: line.uuid().map(Into::into),
        role,
        at: line.timestamp(),
        text,
        match_positions: positions,
    })
}

/// A place where a phrase of the query matches.
struct PhraseMatch {
    phrase: usize,
    place: Range<usize>,
}

/// The sentence with the most different phrases, and its matched characters.
fn best_sentence(text: &str, query: &FullTextQuery) -> Option<(String, Vec<usize>)> {
    let matches = phrase_matches(text, query)?;
    let weigh = |sentence: &Range<usize>| {
        let inside = matches.iter().filter(|matched| sentence.contains(&matched.place.start));
        inside.map(|matched| matched.phrase).collect::<HashSet<_>>().len()
    };
    let mut best: Option<(usize, Range<usize>, usize)> = None;
    let mut end = 0;
    for matched in matches.iter().take(MAX_WEIGHED) {
        if matched.place.start < end {
            continue;
        }
        let sentence = sentence_around(text, matched.place.start);
        end = sentence.end;
        let weight = weigh(&sentence);
        if best.as_ref().is_none_or(|(most, ..)| weight > *most) {
            best = Some((weight, sentence, matched.place.start));
        }
    }
    let (_, sentence, hit) = best?;
    Some(one_line(text, sentence, hit, &matches))
}

/// All places where phrases match; `None` unless all wanted phrases occur and no unwanted
/// one does.
fn phrase_matches(text: &str, query: &FullTextQuery) -> Option<Vec<PhraseMatch>> {
    let mut folded = String::new();
    let mut words: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    tokenizer::for_each_word(text, |word, place| {
        let start = folded.len();
        folded.push_str(word);
        words.push((start..folded.len(), place));
    });
    let mut missing: HashSet<usize> = (0..query.wanted.len()).collect();
    let mut matches = Vec::new();
    for (at, (_, place)) in words.iter().enumerate() {
        let from_here = || words[at..].iter().map(|(word, _)| &folded[word.clone()]);
        if query.unwanted.iter().any(|phrase| phrase.is_prefix_of(from_here())) {
            return None;
        }
        for (number, phrase) in query.wanted.iter().enumerate() {
            if phrase.is_prefix_of(from_here()) {
                let last = &words[at + phrase.words.len() - 1].1;
                missing.remove(&number);
                matches.push(PhraseMatch { phrase: number, place: place.start..last.end });
            }
        }
    }
    missing.is_empty().then_some(matches)
}

/// The sentence around a byte of a text.
fn sentence_around(text: &str, at: usize) -> Range<usize> {
    let ends = |(place, c): (usize, char)| {
        let after = place + c.len_utf8();
        let ends = match c {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' => text[after..].starts_with(char::is_whitespace),
            _ => false,
        };
        ends.then_some(after)
    };
    let start = text[..at].char_indices().rev().find_map(ends).unwrap_or(0);
    let end = text[at..].char_indices().find_map(|(place, c)| ends((at + place, c)));
    start..end.unwrap_or(text.len())
}

/// A sentence with folded white space, cut around the hit if it is too long, and the
/// positions of the matched characters.
fn one_line(text: &str, sentence: Range<usize>, hit: usize, matches: &[PhraseMatch]) -> (String, Vec<usize>) {
    let mut start = sentence.start;
    let before = text[start..hit].chars().count();
    if before > CONTEXT_CHARS && text[sentence.clone()].chars().count() > MAX_SNIPPET_CHARS {
        let cut = text[start..hit].char_indices().rev().nth(CONTEXT_CHARS - 1).map_or(0, |(at, _)| at);
        start += cut;
        // Start at the next word, if words are separated.
        start += text[start..hit].find(' ').map_or(0, |blank| blank + 1);
    }
    let (mut line, mut positions) = (String::new(), Vec::new());
    let mut length = 0;
    if start > sentence.start {
        line.push('…');
        length += 1;
    }
    let mut matches = matches.iter().filter(|matched| matched.place.end > start).peekable();
    let mut reach = start;
    for (at, c) in text[start..sentence.end].char_indices().map(|(at, c)| (start + at, c)) {
        while let Some(matched) = matches.next_if(|matched| matched.place.start <= at) {
            reach = reach.max(matched.place.end);
        }
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if length >= MAX_SNIPPET_CHARS - 1 {
            line.push('…');
            break;
        }
        if at < reach {
            positions.push(length);
        }
        line.push(c);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    positions.retain(|&at| at < line.chars().count());
    (line, positions)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(said: &str, query: &FullTextQuery) -> Option<Snippet> {
        let line = json!({"type": "user", "uuid": "u", "message": {"content": said}});
        snippet(line.to_string().as_bytes(), query)
    }

    /// The snippet with matches in square brackets.
    fn check(said: &str, typed: &str, expected: &str) {
        let snippet = found(said, &FullTextQuery::parse(typed)).map(|snippet| bracketed(&snippet));
        assert_eq!(snippet.unwrap_or_default(), expected, "{typed} in {said}");
    }

    fn bracketed(snippet: &Snippet) -> String {
        let mut text = String::new();
        let matched = |at| snippet.match_positions.contains(&at);
        for (at, c) in snippet.text.chars().enumerate() {
            if matched(at) && (at == 0 || !matched(at - 1)) {
                text.push('[');
            }
            text.push(c);
            if matched(at) && !matched(at + 1) {
                text.push(']');
            }
        }
        text
    }

    #[test]
    fn the_sentence_of_the_hit_is_shown() {
        check("One. Two three!\nFour", "two", "[Two] three!");
        check("One. Two three!\nFour", "four", "[Four]");
        check("see v1.2.3 of it. No", "2", "see v1.[2].3 of it.");
        check("其一。修复登录页面。", "登录", "修复[登录]页面。");
    }

    #[test]
    fn the_sentence_with_most_of_it_wins() {
        check("The flag. The old grammar flag.", "flag grammar", "The old [grammar] [flag].");
        check("a flag, a grammar", "\"grammar flag\"", "");
        check("no such thing", "flag", "");
        check("a flag, a grammar", "flag -\"a grammar\"", "");
    }

    #[test]
    fn what_is_lit_is_what_was_written() {
        check("Use  foo_bar::Baz()\there", "foo_bar::baz", "Use [foo_bar::Baz]() here");
        check("Un Éte\u{301} chaud", "été", "Un [Éte\u{301}] chaud");
        check("configuration", "conf*", "[configuration]");
    }

    #[test]
    fn a_long_sentence_is_cut_around_the_hit() {
        let said = format!("{} needle {}", "hay ".repeat(200), "straw ".repeat(200));
        let snippet = found(&said, &FullTextQuery::parse("needle")).unwrap();
        assert!(snippet.text.starts_with("…hay ") && snippet.text.ends_with('…'), "{}", snippet.text);
        assert!(snippet.text.chars().count() <= MAX_SNIPPET_CHARS);
        assert!(bracketed(&snippet).contains("[needle]"));
        let blob = "登".repeat(1000) + "录";
        assert!(bracketed(&found(&blob, &FullTextQuery::parse("录")).unwrap()).ends_with("登[录]"));
    }

    #[test]
    fn tools_are_read_where_asked() {
        let line = json!({"type": "assistant", "uuid": "u", "timestamp": "2026-01-02T03:04:05Z",
            "message": {"content": [{"type": "tool_use", "input": {"command": "cargo test"}}]}});
        let line = line.to_string();
        let query = FullTextQuery::parse("cargo");
        assert_eq!(snippet(line.as_bytes(), &query), None);
        let snippet = snippet(line.as_bytes(), &query.with_tools(true)).unwrap();
        assert_eq!((snippet.role, snippet.text.as_str()), (SnippetRole::Tool, "cargo test"));
        assert_eq!(snippet.uuid.as_deref(), Some("u"));
        assert!(snippet.at.is_some());
    }
}
