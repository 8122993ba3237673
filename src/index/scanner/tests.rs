use std::path::Path;

use super::*;
use crate::store::LocalStore;

fn entry(number: usize) -> String {
    let parent = if number == 1 { "null".to_owned() } else { format!("\"u{}\"", number - 1) };
    format!(
        r#"{{"type":"user","uuid":"u{number}","parentUuid":{parent},"message":{{"content":"prompt {number}"}}}}"#
    )
}

/// A store with one session that holds this text.
fn holding(text: &[u8]) -> (tempfile::TempDir, LocalStore, StoredSession) {
    let temp = tempfile::tempdir().unwrap();
    let store = LocalStore::new(temp.path());
    let id = SessionId::random();
    let folder = temp.path().join("projects/-w");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{id}.jsonl")), text).unwrap();
    let stored = store.find(id).unwrap();
    (temp, store, stored)
}

fn rewrite(store: &LocalStore, stored: &StoredSession, text: &[u8]) -> StoredSession {
    std::fs::write(&stored.path, text).unwrap();
    store.find(stored.id).unwrap()
}

#[test]
fn what_grew_is_read_from_where_it_ended_wherever_that_was() {
    let text = [entry(1), "{torn".to_owned(), entry(2), entry(3)].join("\n") + "\n";
    let (_temp, store, stored) = holding(text.as_bytes());
    let whole = scan(&store, &stored, None, u64::MAX).unwrap();
    assert_eq!((whole.facts.turns, whole.facts.health.torn), (3, 1));
    assert_eq!(whole.passages.len(), 3);
    for at in 1..text.len() {
        let part = rewrite(&store, &stored, &text.as_bytes()[..at]);
        let first = scan(&store, &part, None, u64::MAX).unwrap();
        let stored = rewrite(&store, &stored, text.as_bytes());
        let second = scan(&store, &stored, Some(first.state), u64::MAX).unwrap();
        assert_eq!(second.facts, whole.facts, "parted at byte {at}");
        assert!(!second.from_start, "{at}");
        let passages = [first.passages, second.passages].concat();
        assert_eq!(passages, whole.passages, "parted at byte {at}");
    }
}

#[test]
fn slices_give_the_same_as_the_whole() {
    let mut text = format!("{}\n{}\n", entry(1), entry(2)).into_bytes();
    text.extend(std::iter::repeat_n(b'x', MAX_LINE_BYTES as usize + 9_000_000));
    text.extend(format!("\n{}\n{}", entry(3), entry(4)).into_bytes());
    let (_temp, store, stored) = holding(&text);
    let whole = scan(&store, &stored, None, u64::MAX).unwrap();
    assert!(whole.is_complete && whole.facts.health.open_end);
    let (mut former, mut passages, mut slices) = (None, Vec::new(), 0);
    let last = loop {
        let slice = scan(&store, &stored, former.take(), 1).unwrap();
        assert_eq!(slice.from_start, slices == 0);
        slices += 1;
        passages.extend(slice.passages.clone());
        if slice.is_complete {
            break slice;
        }
        assert!(slice.state.offset() < stored.size && !slice.facts.health.open_end);
        former = Some(slice.state);
    };
    assert!(slices > 1);
    assert_eq!((last.facts, passages), (whole.facts, whole.passages));
}

#[test]
fn another_file_in_its_place_is_read_anew() {
    let (_temp, store, stored) = holding(format!("{}\n{}\n", entry(1), entry(2)).as_bytes());
    let first = scan(&store, &stored, None, u64::MAX).unwrap().state;
    let check = |text: String, turns: usize| {
        let stored = rewrite(&store, &stored, text.as_bytes());
        let read = scan(&store, &stored, Some(first.clone()), u64::MAX).unwrap();
        assert_eq!((read.from_start, read.facts.turns), (true, turns), "{text}");
    };
    check(format!("{}\n", entry(1)), 1);
    check(format!("{}\n{}\n{}\n", entry(3), entry(4), entry(5)), 3);
}

#[test]
fn a_last_line_without_a_newline_counts() {
    let (_temp, store, stored) = holding(format!("{}\n{}", entry(1), entry(2)).as_bytes());
    let read = scan(&store, &stored, None, u64::MAX).unwrap();
    assert_eq!((read.facts.turns, read.facts.health.open_end), (2, true));
    // It is searched once it is complete.
    assert_eq!(read.passages.len(), 1);
    assert_eq!(quick_scan(&store, &stored, 0).unwrap(), (read.facts, true));
}

#[test]
fn a_line_that_fills_the_memory_is_passed_over() {
    let mut text = format!("{}\n", entry(1)).into_bytes();
    text.extend(std::iter::repeat_n(b'x', MAX_LINE_BYTES as usize + 9_000_000));
    text.extend(format!("\n{}\n", entry(2)).into_bytes());
    let (_temp, store, stored) = holding(&text);
    let read = scan(&store, &stored, None, u64::MAX).unwrap();
    assert_eq!((read.facts.turns, read.facts.health.torn), (2, 1));
    let at = read.passages[1].offset as usize;
    assert_eq!(&text[at..], format!("{}\n", entry(2)).as_bytes());
    let (facts, whole) = quick_scan(&store, &stored, 0).unwrap();
    assert_eq!((facts.turns, whole), (2, false));
}

#[test]
fn deep_json_is_an_entry_like_any_other() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let line = format!(r#"{{"type":"user","uuid":"a","message":{{"content":{deep}}}}}"#);
    let (_temp, store, stored) = holding(format!("{line}\n{}\n", entry(1)).as_bytes());
    assert_eq!(scan(&store, &stored, None, u64::MAX).unwrap().facts.turns, 1);
}

#[test]
fn what_is_gone_is_an_error() {
    let (_temp, store, stored) = holding(entry(1).as_bytes());
    std::fs::remove_file(Path::new(&stored.path)).unwrap();
    assert!(matches!(scan(&store, &stored, None, u64::MAX), Err(StoreError::NotFound(_))));
}
