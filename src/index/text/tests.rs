//! What a search finds, over a database in memory.

use std::collections::HashMap;
use std::ops::Range;

use rusqlite::Connection;
use serde_json::json;

use super::*;
use crate::session::raw_entry::RawEntry;

/// Sessions of lines, and an index over them.
#[derive(Default)]
struct World {
    transcripts: HashMap<i64, String>,
    index: Option<Connection>,
}

impl World {
    fn of(batches: &[&[(i64, &[&str])]]) -> Self {
        let mut world = Self::default();
        for batch in batches {
            let batch = batch.iter().map(|(session, texts)| world.say(*session, *session, texts)).collect();
            world.take_in(batch);
        }
        world
    }

    fn index(&mut self) -> &mut Connection {
        self.index.get_or_insert_with(|| {
            let index = Connection::open_in_memory().unwrap();
            schema(&index).unwrap();
            index
        })
    }

    fn take_in(&mut self, batch: Vec<SessionPassages>) {
        let transaction = self.index().transaction().unwrap();
        ingest(&transaction, batch).unwrap();
        transaction.commit().unwrap();
    }

    fn forget(&mut self, session: i64) {
        let transaction = self.index().transaction().unwrap();
        forget(&transaction, session).unwrap();
        transaction.commit().unwrap();
    }

    /// Appends prompts to a session.
    fn say(&mut self, session: i64, active: i64, texts: &[&str]) -> SessionPassages {
        let entry = |text: &&str| json!({"type": "user", "message": {"content": text}}).to_string();
        self.append(session, active, texts.iter().map(entry).collect())
    }

    fn append(&mut self, session: i64, active: i64, lines: Vec<String>) -> SessionPassages {
        let transcript = self.transcripts.entry(session).or_default();
        let mut passages = Vec::new();
        for line in lines {
            passages.extend(Passage::from_line(&RawEntry::parse(&line).unwrap(), transcript.len() as u64));
            transcript.push_str(&line);
            transcript.push('\n');
        }
        SessionPassages { session, active, passages }
    }

    fn search(&self, query: &FullTextQuery, in_scope: impl Fn(i64) -> bool, limit: usize) -> IndexHits {
        let read = |session, range: Range<u64>| {
            let text = self.transcripts.get(&session)?;
            Some(text.as_bytes()[range.start as usize..range.end as usize].to_vec())
        };
        search(self.index.as_ref().unwrap(), query, in_scope, limit, read).unwrap()
    }

    /// Session, sentence and number of other hits, for each session found.
    fn find(&self, query: &FullTextQuery) -> Vec<(i64, String, usize)> {
        let hits = self.search(query, |_| true, 50).sessions.into_iter();
        hits.map(|hit| (hit.session, hit.snippet.text, hit.others)).collect()
    }
}

fn check(world: &World, typed: &str, sessions: &[i64]) {
    let found: Vec<_> =
        world.find(&FullTextQuery::parse(typed)).into_iter().map(|(session, ..)| session).collect();
    assert_eq!(found, sessions, "{typed}");
}

#[test]
fn the_query_means_what_it_says() {
    let world = World::of(&[&[
        (1, &["Keep the old grammar behind a flag"]),
        (2, &["A grammar for flags; the Old one"]),
        (3, &["修复登录页面 in src/parse.rs, foo_bar::baz"]),
        (4, &["Élan: NOT AND OR \"quoted\" ünïcode"]),
    ]]);
    check(&world, "grammar", &[2, 1]);
    check(&world, "grammar flag", &[1]);
    check(&world, "\"old grammar\"", &[1]);
    check(&world, "grammar -behind", &[2]);
    check(&world, "gramm*", &[2, 1]);
    check(&world, "登录", &[3]);
    check(&world, "录登", &[]);
    check(&world, "src/parse.rs", &[3]);
    check(&world, "foo_bar::baz", &[3]);
    check(&world, "bar::foo", &[]);
    check(&world, "elan unicode not", &[4]);
    check(&world, "", &[]);
    check(&world, "-grammar", &[]);
}

#[test]
fn words_that_stand_together_come_first() {
    let world = World::of(&[&[(1, &["one grammar flag"]), (2, &["a flag in the grammar"])]]);
    check(&world, "grammar flag", &[1, 2]);
    check(&world, "flag", &[2, 1]);
}

#[test]
fn one_hit_a_session_and_how_many_more() {
    let world = World::of(&[&[(1, &["x", "word one", "word two"]), (2, &["word"])]]);
    assert_eq!(world.find(&FullTextQuery::parse("word")), [(2, "word".into(), 0), (1, "word two".into(), 1)]);
}

#[test]
fn what_was_said_last_comes_first_in_whatever_order_it_was_read() {
    let batch = |rows: &[i64]| rows.iter().map(|&row| (row, &["word"][..])).collect::<Vec<_>>();
    let world = World::of(&[&batch(&[8, 9]), &batch(&[5, 7]), &batch(&[3, 12]), &batch(&[13])]);
    check(&world, "word", &[13, 12, 9, 8, 7, 5, 3]);
}

#[test]
fn a_session_that_grew_is_found_by_both_parts() {
    let mut world = World::of(&[&[(1, &["old"]), (2, &["old"])]]);
    let grown = world.say(1, 9, &["new"]);
    world.take_in(vec![grown]);
    check(&world, "old", &[2, 1]);
    check(&world, "new", &[1]);
}

#[test]
fn what_is_forgotten_is_not_found() {
    let mut world = World::of(&[&[(1, &["word"]), (2, &["word"])], &[(1, &["more word"])]]);
    world.forget(1);
    check(&world, "word", &[2]);
    let again = world.say(1, 1, &["word"]);
    world.take_in(vec![again]);
    check(&world, "word", &[2, 1]);
}

#[test]
fn only_what_still_stands_there_is_a_hit() {
    let mut world = World::of(&[&[(1, &["word"]), (2, &["a word"]), (3, &["word"])]]);
    world.transcripts.remove(&3);
    world.transcripts.insert(2, " ".repeat(1000));
    check(&world, "word", &[1]);
}

#[test]
fn a_scope_and_a_limit_narrow_it() {
    let many: Vec<(i64, &[&str])> = (1..=300).map(|row| (row, &["word"; 10][..])).collect();
    let world = World::of(&[&many]);
    for typed in ["word", "wor*"] {
        let query = FullTextQuery::parse(typed);
        let found = world.search(&query, |session| session % 100 == 0, 2);
        let sessions: Vec<_> = found.sessions.iter().map(|hit| (hit.session, hit.others)).collect();
        assert_eq!((sessions, found.more), (vec![(300, 9), (200, 9)], true), "{typed}");
        let found = world.search(&query, |session| session == 7, 2);
        assert_eq!((found.sessions.len(), found.more), (1, false), "{typed}");
    }
}

#[test]
fn a_session_full_of_it_does_not_hide_the_others() {
    let world = World::of(&[&[(1, &["word"]), (2, &["word"; 1000])]]);
    let said = || String::from("word");
    assert_eq!(world.find(&FullTextQuery::parse("word")), [(2, said(), MAX_COUNTED_HITS), (1, said(), 0)]);
}

#[test]
fn tools_are_searched_where_asked() {
    let mut world = World::of(&[&[(2, &["cargo"])]]);
    let call = |command| json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "input": {"command": command}}]}});
    let lines = vec![call("cargo test").to_string(), call("test cargo").to_string()];
    let tools = world.append(1, 1, lines);
    world.take_in(vec![tools]);
    check(&world, "cargo", &[2]);
    let find = |typed| world.find(&FullTextQuery::parse(typed).with_tools(true));
    assert_eq!(find("cargo"), [(2, "cargo".into(), 0), (1, "test cargo".into(), 1)]);
    // The index finds both calls; only one has the words in this order.
    assert_eq!(find("\"cargo test\""), [(1, "cargo test".into(), 0)]);
    assert_eq!(find("carg* -\"test cargo\"")[1].1, "cargo test");
}
