//! The README says what the program does: its keys are the keymap's, its files
//! exist. `HOTSEAT_BLESS=1 cargo test --test readme` writes the keys anew.

use std::fmt::Write;
use std::path::Path;

use hotseat::tui::app::{Keymap, Place};

const BEGIN: &str = "<!-- keys: written by tests/readme.rs -->\n";
const END: &str = "<!-- end of keys -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The keymap as markdown, a table for each place.
fn tables() -> String {
    let keymap = Keymap::default();
    let mut text = String::new();
    for place in Place::ALL {
        write!(text, "\n**{}**\n\n| key | what it does |\n| --- | --- |\n", place.heading()).unwrap();
        for (keys, help) in keymap.help(place) {
            let keys: Vec<_> = keys.split("  ").map(code).collect();
            writeln!(text, "| {} | {help} |", keys.join(" ")).unwrap();
        }
    }
    text + "\n"
}

/// A key as code; the backtick needs a longer fence.
fn code(key: &str) -> String {
    if key.contains('`') { format!("`` {key} ``") } else { format!("`{key}`") }
}

#[test]
fn the_keys_are_the_keymaps() {
    let readme = readme();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md marks where the keys begin");
    let (written, after) = rest.split_once(END).expect("README.md marks where the keys end");
    if std::env::var_os("HOTSEAT_BLESS").is_some() {
        std::fs::write(root().join("README.md"), [before, BEGIN, &tables(), END, after].concat()).unwrap();
    } else {
        assert_eq!(written, tables(), "run HOTSEAT_BLESS=1 cargo test --test readme");
    }
}

#[test]
fn what_it_links_to_exists() {
    for link in readme().split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let is_local = !link.contains("://") && !link.starts_with('#');
        assert!(!is_local || root().join(link).exists(), "README.md links to {link}");
    }
}

#[test]
fn it_opens_with_the_picture_and_the_two_commands() {
    let start: String = readme().lines().take(30).collect::<Vec<_>>().join("\n");
    for needed in ["assets/screen.svg", "cargo run --release -- demo", "cargo test"] {
        assert!(start.contains(needed), "README.md does not open with {needed}");
    }
}
