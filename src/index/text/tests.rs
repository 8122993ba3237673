//! What a search finds, over a database in memory.

use rusqlite::Connection;

use super::*;
use crate::session::line::Line;

fn passage(line: &str, offset: u64) -> Passage {
    Passage::of_line(&Line::parse(line).unwrap(), offset).unwrap()
}

/// A session of prompts, last active at a time that is its row.
fn said(session: i64, texts: &[&str]) -> Text {
    let lines = texts.iter().map(|text| serde_json::json!({"type": "user", "message": {"content": text}}));
    let passages = lines.zip(0..).map(|(line, at)| passage(&line.to_string(), at)).collect();
    Text { session, active: session, passages }
}

fn index(batches: &[&[Text]]) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema(&connection).unwrap();
    for batch in batches {
        let transaction = connection.transaction().unwrap();
        ingest(&transaction, batch.to_vec()).unwrap();
        transaction.commit().unwrap();
    }
    connection
}

/// Session, place and number of other hits, for each session found.
fn find(connection: &Connection, query: &Query, limit: usize) -> Vec<(i64, u64, usize)> {
    let hits = search(connection, query, |_| true, limit).unwrap();
    hits.sessions.iter().map(|hit| (hit.session, hit.offset, hit.others)).collect()
}

fn check(connection: &Connection, typed: &str, sessions: &[i64]) {
    let found: Vec<_> =
        find(connection, &Query::parse(typed), 50).into_iter().map(|(session, ..)| session).collect();
    assert_eq!(found, sessions, "{typed}");
}

#[test]
fn the_query_means_what_it_says() {
    let index = index(&[&[
        said(1, &["Keep the old grammar behind a flag"]),
        said(2, &["A grammar for flags; the Old one"]),
        said(3, &["修复登录页面 in src/parse.rs, foo_bar::baz"]),
        said(4, &["Élan: NOT AND OR \"quoted\" ünïcode"]),
    ]]);
    check(&index, "grammar", &[2, 1]);
    check(&index, "grammar flag", &[1]);
    check(&index, "\"old grammar\"", &[1]);
    check(&index, "grammar -behind", &[2]);
    check(&index, "gramm*", &[2, 1]);
    check(&index, "登录", &[3]);
    check(&index, "录登", &[]);
    check(&index, "src/parse.rs", &[3]);
    check(&index, "foo_bar::baz", &[3]);
    check(&index, "bar::foo", &[]);
    check(&index, "elan unicode not", &[4]);
    check(&index, "", &[]);
    check(&index, "-grammar", &[]);
}

#[test]
fn words_that_stand_together_come_first() {
    let index = index(&[&[said(1, &["one grammar flag"]), said(2, &["a flag in the grammar"])]]);
    check(&index, "grammar flag", &[1, 2]);
    check(&index, "flag", &[2, 1]);
}

#[test]
fn one_hit_a_session_and_how_many_more() {
    let index = index(&[&[said(1, &["x", "word", "word"]), said(2, &["word"])]]);
    assert_eq!(find(&index, &Query::parse("word"), 50), [(2, 0, 0), (1, 2, 1)]);
}

#[test]
fn what_was_said_last_comes_first_in_whatever_order_it_was_read() {
    let batch = |rows: &[i64]| rows.iter().map(|&row| said(row, &["word"])).collect::<Vec<_>>();
    let index = index(&[&batch(&[8, 9]), &batch(&[5, 7]), &batch(&[3, 12]), &batch(&[13])]);
    check(&index, "word", &[13, 12, 9, 8, 7, 5, 3]);
}

#[test]
fn a_session_that_grew_is_found_by_both_parts() {
    let index = index(&[&[said(1, &["old"]), said(2, &["old"])], &[Text { active: 9, ..said(1, &["new"]) }]]);
    check(&index, "old", &[2, 1]);
    check(&index, "new", &[1]);
}

#[test]
fn what_is_forgotten_is_not_found() {
    let mut index = index(&[&[said(1, &["word"]), said(2, &["word"])], &[said(1, &["more word"])]]);
    let transaction = index.transaction().unwrap();
    forget(&transaction, 1).unwrap();
    transaction.commit().unwrap();
    check(&index, "word", &[2]);
    let transaction = index.transaction().unwrap();
    ingest(&transaction, vec![said(1, &["word"])]).unwrap();
    transaction.commit().unwrap();
    check(&index, "word", &[2, 1]);
}

#[test]
fn a_scope_and_a_limit_narrow_it() {
    let many: Vec<_> = (1..=300).map(|row| said(row, &["word"; 10])).collect();
    let index = index(&[&many]);
    for typed in ["word", "wor*"] {
        let query = Query::parse(typed);
        let found = search(&index, &query, |session| session % 100 == 0, 2).unwrap();
        let sessions: Vec<_> = found.sessions.iter().map(|hit| (hit.session, hit.others)).collect();
        assert_eq!((sessions, found.more), (vec![(300, 9), (200, 9)], true), "{typed}");
        let found = search(&index, &query, |session| session == 7, 2).unwrap();
        assert_eq!((found.sessions.len(), found.more), (1, false), "{typed}");
    }
}

#[test]
fn a_session_full_of_it_does_not_hide_the_others() {
    let index = index(&[&[said(1, &["word"]), said(2, &["word"; 1000])]]);
    assert_eq!(find(&index, &Query::parse("word"), 50), [(2, 999, MOST_COUNTED), (1, 0, 0)]);
}

#[test]
fn tools_are_searched_where_asked() {
    let line = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","input":{"command":"cargo test"}}]}}"#;
    let tool = Text { session: 1, active: 1, passages: vec![passage(line, 0)] };
    let index = index(&[&[tool, said(2, &["cargo"])]]);
    let query = Query::parse("cargo");
    assert_eq!(find(&index, &query, 50), [(2, 0, 0)]);
    assert_eq!(find(&index, &query.with_tools(true), 50), [(2, 0, 0), (1, 0, 0)]);
}
