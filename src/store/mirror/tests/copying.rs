//! How far copies go, and whose they are.

use std::time::Duration;

use super::*;
use crate::store::Stored;

#[test]
fn little_at_a_time_the_newest_first() {
    let scratch = Scratch::new();
    for (at, id) in [ONE, FORK].into_iter().enumerate() {
        let lines = [scratch.meta(id, 0, &Value::Null), prompt(1, "hello"), reply(2, "hi")];
        let path = scratch.write(&format!("2026-11-21T09-26-1{at}-{id}"), &lines);
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + at as u64);
        File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
    }
    let mirror = scratch.mirror();
    let facts = |id: &str| {
        let copy = mirror.copies().unwrap().remove(&id.parse().unwrap())?.0;
        let facts = Facts::read(&fs::read(copy).unwrap());
        Some((facts.partial, facts.messages))
    };
    // A line of the newest one, and there is more.
    assert!(mirror.take_in(1).unwrap());
    assert_eq!((facts(FORK), facts(ONE)), (Some((true, 0)), None));
    assert!(mirror.take_in(1).unwrap());
    assert_eq!((facts(FORK), facts(ONE)), (Some((true, 1)), None));
    // Each is whole once its last line is there.
    assert!(mirror.take_in(1).unwrap());
    assert_eq!((facts(FORK), facts(ONE)), (Some((false, 2)), None));
    assert!(mirror.take_in(1).unwrap() && mirror.take_in(1).unwrap());
    assert!(!mirror.take_in(1).unwrap());
    assert_eq!(facts(ONE), Some((false, 2)));
    let copies = mirror.copies().unwrap();
    assert!(!mirror.take_in(1).unwrap());
    assert_eq!(mirror.copies().unwrap(), copies, "nothing is new");
}

/// A thread, and one that goes on from it elsewhere: what is in a copy is the same
/// however often the copying stopped.
#[test]
fn a_copy_in_pieces_is_the_copy_at_once() {
    let scratch = Scratch::new();
    let one = scratch.write(
        &format!("2026-11-21T09-26-10-{ONE}"),
        &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "one"), reply(2, "first")],
    );
    let base = json!({"thread_id": ONE, "end_ordinal_exclusive": 3, "end_byte_offset": fs::metadata(&one).unwrap().len()});
    scratch.write(&format!("2026-11-21T09-26-10-{ONE}"), &[prompt(3, "two")]);
    let mut meta = scratch.meta(FORK, 3, &base);
    meta["payload"]["cwd"] = json!(scratch.folder.path().join("elsewhere"));
    let fork = format!("2026-11-21T09-26-11-{FORK}");
    scratch.write(&fork, &[meta, prompt(4, "three"), reply(5, "third")]);
    let entries = |mirror: &Mirror| {
        let copy = mirror.copies().unwrap().remove(&FORK.parse().unwrap()).unwrap().0;
        let text = fs::read_to_string(&copy).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(r#"{"type":"mirror""#));
        (copy.parent().unwrap().file_name().unwrap().to_owned(), lines.collect::<Vec<_>>().join("\n"))
    };
    let at_once = scratch.mirror_in("at once");
    assert!(!at_once.take_in(u64::MAX).unwrap());
    let in_pieces = scratch.mirror_in("in pieces");
    let mut pieces = 1;
    while in_pieces.take_in(1).unwrap() {
        pieces += 1;
    }
    assert_eq!(pieces, 10, "a line each");
    assert_eq!(entries(&in_pieces), entries(&at_once));

    // It grows while it is copied; who wants all of it gets all of it.
    let begun = scratch.mirror_in("cache");
    assert!(begun.take_in(1).unwrap());
    scratch.write(&fork, &[prompt(6, "four")]);
    begun.take_in(1).unwrap();
    begun.finish(FORK.parse().unwrap()).unwrap();
    assert_eq!(scratch.said(FORK), ["> one", "first", "> three", "third", "> four"]);
    assert!(!scratch.facts(FORK).partial);
}

#[test]
fn each_home_of_codex_has_copies_of_its_own() {
    let scratch = Scratch::new();
    let cache = scratch.folder.path().join("cache");
    // What an older version left.
    fs::create_dir_all(cache.join("codex/projects/-w")).unwrap();
    fs::write(cache.join("codex/projects.lock"), "").unwrap();
    let other = Scratch::new();
    scratch.write(&format!("2026-11-21T09-26-10-{ONE}"), &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "a")]);
    other.write(&format!("2026-11-21T09-26-11-{FORK}"), &[other.meta(FORK, 0, &Value::Null), prompt(1, "b")]);
    let listed = |codex: &Path| {
        let store = LocalStore::new(scratch.folder.path().join("claude")).with(Mirror::new(&cache, codex));
        store.list(&Scope::All).unwrap().try_into().unwrap()
    };
    let [one]: [Stored; 1] = listed(&scratch.codex());
    let [two]: [Stored; 1] = listed(&other.codex());
    assert_eq!((one.id.to_string().as_str(), two.id.to_string().as_str()), (ONE, FORK));
    assert_eq!(listed(&scratch.codex()), [one.clone()], "nothing is copied anew");
    let link = scratch.folder.path().join("link");
    std::os::unix::fs::symlink(scratch.codex(), &link).unwrap();
    assert_eq!(listed(&link), [one.clone()], "by whatever name it goes");
    assert_eq!(fs::read_dir(cache.join("codex")).unwrap().count(), 2);
    // A home that is no more leaves no copies, once there is a new one.
    drop(other);
    let third = scratch.folder.path().join("third");
    fs::create_dir_all(third.join("sessions")).unwrap();
    let []: [Stored; 0] = listed(&third);
    assert!(one.path.exists() && !two.path.exists());
}
