//! How far copies go, and whose they are.

use std::time::Duration;

use super::*;
use crate::store::StoredSession;

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
        let facts = SessionSummary::from_bytes(&fs::read(copy).unwrap());
        Some((facts.partial, facts.messages))
    };
    // First each gets a beginning, then the rest of each is copied.
    let mut turns = Vec::new();
    while mirror.sync(1).unwrap() {
        turns.push((facts(FORK), facts(ONE)));
    }
    let (begun, half, whole) = (Some((true, 0)), Some((true, 1)), Some((false, 2)));
    assert_eq!(turns, [(begun, None), (begun, begun), (half, begun), (whole, begun), (whole, half)]);
    assert_eq!((facts(FORK), facts(ONE)), (whole, whole));
    let copies = mirror.copies().unwrap();
    assert!(!mirror.sync(1).unwrap());
    assert_eq!(mirror.copies().unwrap(), copies, "nothing is new");
}

#[test]
fn a_sub_agent_is_known_for_one_from_its_first_line_on() {
    let scratch = Scratch::new();
    let mut meta = scratch.meta(ONE, 0, &Value::Null);
    meta["payload"]["parent_thread_id"] = json!(FORK);
    scratch.write(&format!("2026-11-21T09-26-10-{ONE}"), &[meta, prompt(1, "look")]);
    let mirror = scratch.mirror();
    for _line in 0..2 {
        mirror.sync(1).unwrap();
        let copy = mirror.copies().unwrap().remove(&ONE.parse().unwrap()).unwrap().0;
        assert!(SessionSummary::from_bytes(&fs::read(copy).unwrap()).is_sidechain);
    }
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
    let entries = |mirror: &ImportedSessions| {
        let copy = mirror.copies().unwrap().remove(&FORK.parse().unwrap()).unwrap().0;
        let text = fs::read_to_string(&copy).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(r#"{"type":"mirror""#));
        (copy.parent().unwrap().file_name().unwrap().to_owned(), lines.collect::<Vec<_>>().join("\n"))
    };
    let at_once = scratch.mirror_in("at once");
    assert!(!at_once.sync(u64::MAX).unwrap());
    let in_pieces = scratch.mirror_in("in pieces");
    let mut pieces = 1;
    while in_pieces.sync(1).unwrap() {
        pieces += 1;
    }
    assert_eq!(pieces, 10, "a line each");
    assert_eq!(entries(&in_pieces), entries(&at_once));

    // It grows while it is copied; who wants all of it gets all of it.
    let begun = scratch.mirror_in("cache");
    assert!(begun.sync(1).unwrap());
    scratch.write(&fork, &[prompt(6, "four")]);
    begun.sync(1).unwrap();
    begun.complete_copy(FORK.parse().unwrap()).unwrap();
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
    scratch
        .write(&format!("2026-11-21T09-26-10-{ONE}"), &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "a")]);
    other.write(&format!("2026-11-21T09-26-11-{FORK}"), &[other.meta(FORK, 0, &Value::Null), prompt(1, "b")]);
    let listed = |codex: &Path| {
        let store = LocalStore::new(scratch.folder.path().join("claude"))
            .with_imported(ImportedSessions::new(&cache, codex));
        store.list(&Scope::All).unwrap()
    };
    let (one, two) = (listed(&scratch.codex()), listed(&other.codex()));
    let ids = |list: &[StoredSession]| list.iter().map(|stored| stored.id.to_string()).collect::<Vec<_>>();
    assert_eq!((ids(&one), ids(&two)), (vec![ONE.to_owned()], vec![FORK.to_owned()]));
    assert_eq!(listed(&scratch.codex()), one, "nothing is copied anew");
    let link = scratch.folder.path().join("link");
    std::os::unix::fs::symlink(scratch.codex(), &link).unwrap();
    assert_eq!(listed(&link), one, "by whatever name it goes");
    assert_eq!(fs::read_dir(cache.join("codex")).unwrap().count(), 2);
    // A home that is no more leaves no copies, once there is a new one.
    drop(other);
    let third = scratch.folder.path().join("third");
    fs::create_dir_all(third.join("sessions")).unwrap();
    assert_eq!(listed(&third), []);
    assert!(one[0].path.exists() && !two[0].path.exists());
}

/// As codex packs it: in the place of the plain file, with the time of that.
fn pack(path: &Path) {
    let packed = PathBuf::from(format!("{}.zst", path.display()));
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    fs::write(&packed, ruzstd::encoding::compress_to_vec(File::open(path).unwrap(), level)).unwrap();
    File::options().append(true).open(packed).unwrap().set_modified(modified).unwrap();
    fs::remove_file(path).unwrap();
}

#[test]
fn what_codex_packed_reads_the_same() {
    let scratch = Scratch::new();
    let names = [format!("2026-11-21T09-26-10-{ONE}"), format!("2026-11-21T09-26-11-{FORK}")];
    let one =
        scratch.write(&names[0], &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "one"), reply(2, "first")]);
    let end = fs::metadata(&one).unwrap().len();
    let base = json!({"thread_id": ONE, "end_ordinal_exclusive": 3, "end_byte_offset": end});
    let fork =
        scratch.write(&names[1], &[scratch.meta(FORK, 3, &base), prompt(4, "two"), reply(5, "second")]);
    let store = scratch.store();
    let before = store.list(&Scope::All).unwrap();
    let inodes = |list: &[StoredSession]| {
        let mut inodes: Vec<_> = list.iter().map(|stored| (stored.id, stored.inode)).collect();
        inodes.sort();
        inodes
    };
    let check = |of_fork: &[&str]| {
        assert_eq!(inodes(&store.list(&Scope::All).unwrap()), inodes(&before), "nothing is copied anew");
        assert_eq!(scratch.said(ONE), ["> one", "first"]);
        assert_eq!(scratch.said(FORK), of_fork);
    };
    let plain = fs::read(&fork).unwrap();
    pack(&one);
    pack(&fork);
    check(&["> one", "first", "> two", "second"]);
    // It is unpacked before something is added to it.
    fs::write(&fork, plain).unwrap();
    check(&["> one", "first", "> two", "second"]);
    scratch.write(&names[1], &[prompt(6, "three")]);
    check(&["> one", "first", "> two", "second", "> three"]);

    // Packed from the beginning, and in pieces.
    let packed = PathBuf::from(format!("{}.zst", fork.display()));
    fs::remove_file(packed).unwrap();
    pack(&fork);
    let in_pieces = scratch.mirror_in("in pieces");
    while in_pieces.sync(1).unwrap() {}
    let copy = in_pieces.copies().unwrap().remove(&FORK.parse().unwrap()).unwrap().0;
    let facts = SessionSummary::from_bytes(&fs::read(copy).unwrap());
    assert_eq!((facts.turns, facts.forked_turns, facts.partial), (3, 1, false));
    // What is torn is not listed, and harms nobody.
    let packed = PathBuf::from(format!("{}.zst", one.display()));
    let bytes = fs::read(&packed).unwrap();
    fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    assert!(!scratch.mirror_in("torn").sync(u64::MAX).unwrap());
}

#[test]
fn what_nobody_had_and_what_was_archived_says_so() {
    let scratch = Scratch::new();
    let exec = line(0, "session_meta", &json!({"id": ONE, "cwd": scratch.work(), "source": "exec"}));
    let name = format!("2026-11-21T09-26-10-{ONE}");
    let path = scratch.write(&name, &[exec, prompt(1, "hello")]);
    let listed = || scratch.store().list(&Scope::All).unwrap().len();
    assert_eq!(listed(), 1);
    let facts = scratch.facts(ONE);
    assert_eq!((facts.origin, facts.archived), (crate::session::SessionOrigin::Headless, false));
    // Codex moves the file of a thread that is archived, and back.
    let archive = scratch.codex().join("archived_sessions");
    fs::create_dir(&archive).unwrap();
    let put_away = archive.join(path.file_name().unwrap());
    fs::rename(&path, &put_away).unwrap();
    assert_eq!(listed(), 1);
    assert!(scratch.facts(ONE).archived);
    assert_eq!(scratch.said(ONE), ["> hello"]);
    fs::rename(&put_away, &path).unwrap();
    assert_eq!(listed(), 1);
    assert!(!scratch.facts(ONE).archived);
}
