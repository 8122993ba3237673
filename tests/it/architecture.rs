//! Holds the source against `ARCHITECTURE.md`: the map, the arrows, purity,
//! file sizes, and that nothing unfinished lies about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The ground floor: rooms that every other room may use.
const GROUND_FLOOR: [&str; 3] = ["sys", "text", "transcript"];

/// Which rooms a room may use besides those; the map in `src/lib.rs` as a table.
const ARROWS: [(&str, &[&str]); 13] = [
    ("sys", &[]),
    ("text", &[]),
    ("transcript", &[]),
    ("session", &[]),
    ("protocol", &[]),
    ("store", &["session"]),
    ("index", &["store", "session"]),
    ("agent_api", &["protocol", "session"]),
    ("slot", &["agent_api", "protocol", "session"]),
    ("agent", &["store", "protocol", "session"]),
    ("tui", &["slot", "index", "store", "protocol", "session"]),
    ("acp", &["slot", "index", "store", "protocol", "session"]),
    ("cli", &["tui", "acp", "agent", "slot", "index", "store", "protocol", "session"]),
];

/// Files of more than 400 lines, and why each is still one thing.
const LONG: [(&str, &str); 1] = [("tests/it/screen.rs", "what a person does at one screen, a story each")];

/// What the pure core must not reach for.
const IMPURE: [&str; 7] =
    ["tokio", "std::fs", "std::process", "std::env", "Utc::now", "Instant::now", "new_v4"];

/// What nothing may be left with. Written so that this file does not match itself.
const UNFINISHED: [&str; 5] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ign", "ore"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All `.rs` files under a folder, with their path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = folder.read_dir() else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push((relative(&path), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// A file without its tests, which may do what they like.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn every_room_is_on_the_map_and_nothing_else() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    // Folders below a room are on the map where that helps; `tui` only groups rooms.
    let rooms = ["src", "src/tui"].into_iter().flat_map(|parent| {
        let entries = root().join(parent).read_dir().unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).map(|path| format!("{}/", relative(&path)))
    });
    let missing: Vec<_> =
        rooms.filter(|room| room != "src/tui/" && !map.contains(&format!("`{room}`"))).collect();
    assert!(missing.is_empty(), "not in ARCHITECTURE.md: {missing:?}");
    let named = map.split("`src/").skip(1).filter_map(|rest| rest.split('`').next());
    let gone: Vec<_> = named.filter(|path| !root().join("src").join(path).exists()).collect();
    assert!(gone.is_empty(), "in ARCHITECTURE.md but not in src: {gone:?}");
}

#[test]
fn the_crate_opens_with_the_same_map() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, map) = map.split_once("## Code map").unwrap();
    let map = map.split("```").nth(1).unwrap().trim_start_matches("text\n");
    let map: Vec<_> = map.lines().map(|line| format!("//! {line}")).collect();
    let crate_root = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    assert!(crate_root.contains(&map.join("\n")), "src/lib.rs and ARCHITECTURE.md draw different maps");
}

#[test]
fn every_arrow_is_on_the_map() {
    let mut rooms: Vec<_> = ARROWS.iter().map(|(room, _)| *room).collect();
    rooms.sort_unstable();
    for (path, text) in sources("src") {
        let Some(room) =
            path.strip_prefix("src/").and_then(|path| path.split_once('/')).map(|(room, _)| room)
        else {
            continue;
        };
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| {
            panic!("the room {room} has no line in the table of arrows");
        });
        for used in text.split("crate::").skip(1) {
            let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let known = rooms.binary_search(&used).is_ok();
            let may = used == room || allowed.contains(&used) || GROUND_FLOOR.contains(&used);
            assert!(!known || may, "{path} must not use crate::{used}");
        }
    }
}

#[test]
fn the_core_is_pure_and_the_view_only_draws() {
    for (folder, forbidden) in
        [("src/tui/app", &IMPURE[..]), ("src/tui/view", &["tokio", "Utc::now", "Instant::now"])]
    {
        for (path, text) in sources(folder) {
            if path.ends_with("tests.rs") || path.contains("/tests/") {
                continue;
            }
            for line in without_tests(&text).lines().filter(|line| !line.trim_start().starts_with("//")) {
                let found = forbidden.iter().find(|word| line.contains(**word));
                assert!(found.is_none(), "{path} is not pure: {line}");
            }
        }
    }
}

#[test]
fn a_long_file_has_a_reason() {
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        let excused = LONG.iter().any(|(long, _)| *long == path);
        let lines = text.lines().count();
        assert!(excused || lines <= 400, "{path} has {lines} lines: is it still one thing?");
    }
}

/// Type names that more than one room may use, and why.
const SHARED_NAMES: [(&str, &str); 0] = [];

/// The names of the types that a file declares, those inside functions included.
fn declared_types(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let declaration = line.trim_start();
        let declaration = match declaration.strip_prefix("pub") {
            Some(rest) => {
                rest.strip_prefix('(').map_or(rest, |rest| rest.split_once(')').unwrap_or_default().1)
            }
            None => declaration,
        };
        let (keyword, rest) = declaration.trim_start().split_once(' ')?;
        // An indented `type` is the associated type of a trait.
        let declares = matches!(keyword, "struct" | "enum" | "trait" | "union")
            || keyword == "type" && !line.starts_with(' ');
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        (declares && name.starts_with(char::is_uppercase)).then_some(name)
    })
}

#[test]
fn a_type_name_belongs_to_one_room() {
    let mut rooms_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources("src") {
        if path.ends_with("tests.rs") || path.contains("/tests/") {
            continue;
        }
        let room = path.trim_start_matches("src/").trim_end_matches(".rs");
        // `tui` only groups rooms.
        let depth = if room.starts_with("tui/") { 2 } else { 1 };
        let room: Vec<_> = room.split('/').take(depth).collect();
        for name in declared_types(without_tests(&text)) {
            rooms_of.entry(name.to_owned()).or_default().insert(room.join("/"));
        }
    }
    assert!(rooms_of.len() > 500, "the declarations are no longer recognized");
    let shared: Vec<_> = rooms_of.iter().filter(|(_, rooms)| rooms.len() > 1).collect();
    for (name, rooms) in &shared {
        let excused = SHARED_NAMES.iter().any(|(shared, _)| shared == name);
        assert!(excused, "{name} is a type in {rooms:?}: give one of them its own name");
    }
    for (name, _) in SHARED_NAMES {
        assert!(shared.iter().any(|(shared, _)| *shared == name), "{name} is no longer shared");
    }
}

#[test]
fn a_file_begins_with_what_it_owns() {
    for (path, text) in sources("src") {
        let is_tests = path.ends_with("tests.rs") || path.contains("/tests/");
        assert!(is_tests || text.starts_with("//!"), "{path} does not begin with //!");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        // `TODOS` and `TODO_LIST` are names, not notes.
        let is_note = |rest: &str| !rest.starts_with(|after: char| after.is_alphanumeric() || after == '_');
        for word in UNFINISHED {
            let unfinished = text.match_indices(word).any(|(at, _)| is_note(&text[at + word.len()..]));
            assert!(!unfinished, "{path} holds “{word}”");
        }
    }
}
