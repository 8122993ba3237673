//! README and `docs/` say what the program does: their keys are the keymap's, their
//! commands exist, their examples run, their links lead somewhere.
//!
//! `HOTSEAT_BLESS=1 cargo test --test it docs::` writes the keys anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hotseat::tui::app::{KeyContext, Keymap};

use crate::support::claude::has_sdk;

const BEGIN: &str = "<!-- keys: written by tests/it/docs.rs -->\n";
const END: &str = "<!-- end of keys -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page of documentation, by its path from the root.
fn pages() -> BTreeMap<String, String> {
    let beside = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned);
    let docs = root().join("docs").read_dir().unwrap();
    let docs = docs.map(|page| format!("docs/{}", page.unwrap().file_name().to_str().unwrap()));
    let read = |path: String| (path.clone(), std::fs::read_to_string(root().join(path)).unwrap());
    beside.into_iter().chain(docs).map(read).collect()
}

fn page(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The blocks of code in one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    text.split(&open).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

fn hotseat(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotseat"));
    command.args(arguments).env("HOME", home).env("XDG_CONFIG_HOME", home.join("config"));
    command.output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = hotseat(home.path(), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The keymap as markdown, a table for each place.
fn tables() -> String {
    let keymap = Keymap::default();
    let mut text = String::new();
    for place in KeyContext::ALL {
        write!(text, "\n**{}**\n\n| key | what it does |\n| --- | --- |\n", place.heading()).unwrap();
        for (keys, help, _) in keymap.help(place) {
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
fn the_keys_are_those_of_the_keymap() {
    let page = page("docs/keys.md");
    let (before, rest) = page.split_once(BEGIN).expect("docs/keys.md marks where the keys begin");
    let (written, after) = rest.split_once(END).expect("docs/keys.md marks where the keys end");
    if std::env::var_os("HOTSEAT_BLESS").is_some() {
        std::fs::write(root().join("docs/keys.md"), [before, BEGIN, &tables(), END, after].concat()).unwrap();
    } else {
        assert_eq!(written, tables(), "run HOTSEAT_BLESS=1 cargo test --test it docs::");
    }
}

#[test]
fn the_keys_in_the_readme_exist() {
    let readme = page("README.md");
    let (_, table) = readme.split_once("## Twelve keys").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 12);
    let keymap = Keymap::default();
    for row in rows {
        let key = row.trim_start_matches("| `").split('`').next().unwrap().replace("Ctrl-", "^");
        let bound = KeyContext::ALL
            .into_iter()
            .flat_map(|place| keymap.help(place))
            .any(|(keys, ..)| keys.split("  ").any(|bound| bound == key));
        assert!(bound, "no command has the key of {row}");
    }
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in pages() {
        let folder = root().join(&path).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let is_local = !link.contains("://") && !file.is_empty();
            assert!(!is_local || folder.join(file).exists(), "{path} links to {link}");
        }
    }
}

#[test]
fn the_readme_opens_with_the_picture_and_the_two_commands() {
    let start: String = page("README.md").lines().take(30).collect::<Vec<_>>().join("\n");
    for needed in ["assets/screen.svg", "cargo run --release -- demo", "cargo test"] {
        assert!(start.contains(needed), "README.md does not open with {needed}");
    }
}

#[test]
fn commands_in_the_documentation_exist_with_their_flags() {
    let texts = pages();
    let lines = texts.iter().filter(|(path, _)| *path != "ARCHITECTURE.md").flat_map(|(path, text)| {
        let lines = blocks(text, "sh").into_iter().flat_map(str::lines);
        lines.map(move |line| (path, line.split('#').next().unwrap().trim()))
    });
    let mut tried = 0;
    for (path, line) in lines.filter(|(_, line)| line.starts_with("hotseat")) {
        // What stands behind a pipe is another command.
        let words: Vec<_> = line.split(" | ").next().unwrap().split_whitespace().skip(1).collect();
        let is_name = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase());
        let depth = if words.first() == Some(&"sessions") { 2 } else { 1 };
        let command: Vec<_> = words.iter().take(depth).take_while(is_name).copied().collect();
        let help = if command.first() == Some(&"help") {
            continue;
        } else if command.is_empty() {
            printed(&["--help"])
        } else {
            printed(&[&["help"], &command[..]].concat())
        };
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{path}: {line}: there is no {flag}");
        }
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn help_lists_and_prints_every_page() {
    let overview = printed(&["help"]);
    for (path, text) in pages() {
        let Some(topic) = path.strip_prefix("docs/").and_then(|page| page.strip_suffix(".md")) else {
            continue;
        };
        assert!(overview.contains(&format!("  {topic} ")), "hotseat help does not list {topic}");
        assert_eq!(printed(&["help", topic]), text);
        assert!(page("README.md").contains(&format!("]({path})")), "README.md does not link to {path}");
    }
}

#[test]
fn configurations_in_the_documentation_are_right() {
    let home = tempfile::tempdir().unwrap();
    let path = String::from_utf8(hotseat(home.path(), &["config", "--path"]).stdout).unwrap();
    let path = PathBuf::from(path.trim_end());
    let mut tried = 0;
    for (page, text) in pages() {
        for block in blocks(&text, "toml") {
            std::fs::write(&path, block).unwrap();
            let output = hotseat(home.path(), &["config", "check"]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(said, format!("{}: ok\n", path.display()), "{page}");
            tried += 1;
        }
    }
    assert!(tried >= 3, "{tried}");
}

#[test]
fn the_python_of_the_documentation_runs() {
    if !has_sdk("the_python_of_the_documentation_runs") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hotseat"));
    let paths = std::env::var_os("PATH").unwrap();
    let paths = std::iter::once(program.parent().unwrap().to_owned()).chain(std::env::split_paths(&paths));
    let page = page("docs/sdk-and-protocol.md");
    let output = Command::new("python3")
        .args(["-c", blocks(&page, "python")[0]])
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("CLAUDE_CONFIG_DIR", home.path().join("claude"))
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("HOTSEAT_PROVIDER", "offline")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for expected in ["I will remember", "ConversationResetMessage", "ResultMessage"] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}
