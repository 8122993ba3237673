//! What somebody types, pastes, or sits on the keyboard for.

use hotseat::index::text::{
    FullTextQuery, Passage, SessionPassages, forget, ingest, schema, search, snippet,
};
use hotseat::session::raw_entry::RawEntry;
use rusqlite::Connection;
use serde_json::json;

use crate::fuzz;
use crate::support::chance::Chance;

/// Pieces that mean something to one reader or another: ours, FTS5, SQL, Unicode.
const PIECES: [&str; 44] = [
    "the",
    "old",
    "grammar",
    "flag",
    "foo_bar::baz",
    "src/parse.rs",
    "--flag",
    "-old",
    "登录",
    "修复登录页面",
    "한국어",
    "がログ",
    "E\u{301}té",
    "İ",
    "ß",
    "\"",
    "\"\"",
    "*",
    "gram*",
    "-",
    "--",
    "- ",
    "(",
    ")",
    "AND",
    "OR",
    "NOT",
    "NEAR(",
    ":",
    "said:",
    "^",
    "+",
    "{",
    "}",
    "'",
    "';",
    "\\",
    "\0",
    "\u{202e}",
    "\u{3099}",
    "🦀",
    "\u{200d}",
    "%",
    "rank MATCH",
];

fn text(chance: &mut Chance) -> String {
    let mut text = String::new();
    for _ in 0..chance.below(9) {
        text.push_str(chance.one(&PIECES));
        text.push_str(chance.one(&["", "", " ", "\n", "\u{3000}", ". "]));
        if chance.percent(10) {
            text.extend(char::from_u32(chance.below(0x11_0000) as u32));
        }
    }
    text
}

#[test]
fn whatever_is_typed_is_a_query() {
    let mut index = Connection::open_in_memory().expect("a database");
    schema(&index).expect("tables");
    let mut row = 0;
    fuzz("whatever_is_typed_is_a_query", |chance| {
        let said = text(chance);
        let line = json!({"type": "user", "uuid": "u", "message": {"content": said}}).to_string();
        let entry = RawEntry::parse(&line).expect("an entry");
        row += 1;
        let passages = Passage::from_line(&entry, 0).into_iter().collect();
        let transaction = index.transaction().expect("a transaction");
        ingest(&transaction, vec![SessionPassages { session: row, active: row, passages }])
            .expect("taken in");
        transaction.commit().expect("kept");

        let typed = text(chance);
        for query in [FullTextQuery::parse(&typed), FullTextQuery::typing(&typed)] {
            let query = query.with_tools(chance.percent(50));
            let read = |_, _: std::ops::Range<u64>| Some(line.clone().into_bytes());
            let hits = search(&index, &query, |session| session == row, 5, read);
            let hits = hits.unwrap_or_else(|error| panic!("{typed:?}: {error}"));
            let shown = snippet(line.as_bytes(), &query);
            if let Some(shown) = &shown {
                let length = shown.text.chars().count();
                assert!(shown.match_positions.iter().all(|at| *at < length), "{typed:?} in {said:?}");
                assert!(shown.match_positions.is_sorted_by(|one, next| one < next), "{typed:?} in {said:?}");
                assert!(!shown.text.contains('\n'), "{typed:?} in {said:?}");
            }
            // What the index finds is what the entry shows, and nothing is missed.
            assert_eq!(
                hits.sessions.len(),
                usize::from(shown.is_some() && !query.is_empty()),
                "{typed:?} in {said:?}"
            );
        }
        // Forgotten again: the index stays as small as the case.
        let transaction = index.transaction().expect("a transaction");
        forget(&transaction, row).expect("forgotten");
        transaction.commit().expect("kept");
    });
}

#[test]
fn a_text_is_found_by_any_run_of_its_words() {
    fuzz("a_text_is_found_by_any_run_of_its_words", |chance| {
        let said = text(chance);
        let line = json!({"type": "user", "message": {"content": said}}).to_string();
        let words: Vec<&str> =
            said.split_whitespace().filter(|word| !word.contains(['"', '-', '*'])).collect();
        if words.is_empty() {
            return;
        }
        let start = chance.below(words.len());
        let typed = words[start..=chance.within(start, words.len())].join(" ");
        let query = FullTextQuery::parse(&typed);
        if hotseat::session::prompt::is_user_typed(&said) && !query.is_empty() {
            assert!(snippet(line.as_bytes(), &query).is_some(), "{typed:?} in {said:?}");
        }
    });
}
