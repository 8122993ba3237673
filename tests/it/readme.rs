//! The README says what the program does: its keys are the keymap's, its files
//! exist. `HOTSEAT_BLESS=1 cargo test --test it readme` writes the keys anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use hotseat::tui::app::{KeyContext, Keymap};

use crate::support::skip::skip;

const BEGIN: &str = "<!-- keys: written by tests/it/readme.rs -->\n";
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
fn the_keys_are_the_keymaps() {
    let readme = readme();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md marks where the keys begin");
    let (written, after) = rest.split_once(END).expect("README.md marks where the keys end");
    if std::env::var_os("HOTSEAT_BLESS").is_some() {
        std::fs::write(root().join("README.md"), [before, BEGIN, &tables(), END, after].concat()).unwrap();
    } else {
        assert_eq!(written, tables(), "run HOTSEAT_BLESS=1 cargo test --test it readme");
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

/// The first block of code in this language.
fn block(language: &str) -> String {
    let readme = readme();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).expect("README.md has such a block");
    rest.split("```").next().unwrap().to_owned()
}

/// Python that has the official SDK: the one on the PATH.
fn has_sdk() -> bool {
    let tried = Command::new("python3").args(["-c", "import claude_agent_sdk"]).output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn its_python_runs() {
    if !has_sdk() {
        return skip(
            "its_python_runs",
            "python3 has no claude_agent_sdk",
            "python3 -m pip install claude-agent-sdk",
        );
    }
    let home = tempfile::tempdir().unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hotseat"));
    let paths = std::env::var_os("PATH").unwrap();
    let paths = std::iter::once(program.parent().unwrap().to_owned()).chain(std::env::split_paths(&paths));
    let output = Command::new("python3")
        .args(["-c", &block("python")])
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("CLAUDE_CONFIG_DIR", home.path().join("claude"))
        .env("PATH", std::env::join_paths(paths).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for expected in ["I will remember", "ConversationResetMessage", "ResultMessage"] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}

#[test]
fn its_configuration_is_right() {
    let home = tempfile::tempdir().unwrap();
    let hotseat = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotseat"));
        command.args(arguments).env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config"));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let path = PathBuf::from(hotseat(&["config", "--path"]).trim_end());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, block("toml")).unwrap();
    assert_eq!(hotseat(&["config", "check"]), format!("{} is right\n", path.display()));
}
