//! Commands that only read and report: they need no permission, as in the
//! official CLI (seen at 2.1.197).
//!
//! A command is one of them only if its name, every option and every operand
//! are known to be harmless; what is not listed here is asked for. Which files
//! it may read is decided elsewhere.

mod programs;

use self::programs::Options::{Any, Bare, Only, Special};
use self::programs::{COMMANDS, FIND, VARIABLES};
pub use self::programs::{SORT_LETTERS, SORT_NAMES};
use super::shell::{ShellWord, SimpleCommand};

/// Whether a variable may be set before a command without asking.
pub fn is_harmless_variable(name: &str, value: &ShellWord) -> bool {
    VARIABLES.contains(&name) && value.literal().is_some()
}

/// Whether a command does nothing but read and report.
pub fn is_read_only(command: &SimpleCommand) -> bool {
    let Some(name) = command.words.first().and_then(ShellWord::literal) else { return false };
    let arguments = command.arguments();
    let variables = command.assignments.iter().all(|(name, value)| is_harmless_variable(name, value));
    if !variables || arguments.iter().any(ShellWord::is_unknown) {
        return false;
    }
    let texts: Vec<String> = arguments.iter().map(ShellWord::text).collect();
    let has_glob = arguments.iter().any(ShellWord::has_glob);
    match name.as_str() {
        // A wrapper: what stands behind it is looked at by itself.
        "command" => return command.wraps == Some(super::shell::Wrapping::Transparent),
        "git" => return !has_glob && super::git_read_only::is_read_only(&texts),
        "node" | "python" | "python3" | "ruby" | "npm" | "docker" => return is_version(&name, &texts),
        _ => {}
    }
    let Some((_, options)) = COMMANDS.iter().find(|(known, _)| *known == name) else { return false };
    match options {
        Any => true,
        Bare => texts.is_empty(),
        // A file name that comes in for a pattern could be an option.
        Only(..) if has_glob => false,
        Special if has_glob && !matches!(name.as_str(), "grep" | "egrep" | "fgrep" | "diff") => false,
        Only(letters, names) => texts.iter().all(|text| is_listed(text, letters, names)),
        Special => is_harmless(&name, &texts),
    }
}

fn is_version(name: &str, texts: &[String]) -> bool {
    match (name, texts) {
        ("docker", [only]) => matches!(only.as_str(), "ps" | "images" | "--version"),
        (_, [only]) => matches!(only.as_str(), "--version" | "-v" | "-V"),
        _ => false,
    }
}

/// Whether a word is an operand, or an option that is listed.
pub fn is_listed(text: &str, letters: &str, names: &[&str]) -> bool {
    if !text.starts_with('-') || text == "-" || text == "--" {
        return true;
    }
    if text.starts_with("--") {
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        return names.contains(&name);
    }
    let (plain, with_value) = letters.split_once(':').unwrap_or((letters, ""));
    for char in text[1..].chars() {
        if with_value.contains(char) {
            return true;
        }
        // A count: `-5`.
        if !plain.contains(char) && !char.is_ascii_digit() {
            return false;
        }
    }
    true
}

fn is_harmless(name: &str, texts: &[String]) -> bool {
    match name {
        // These would follow links out of the folder.
        "grep" | "egrep" | "fgrep" => !texts.iter().any(|text| {
            let bundled = text.starts_with('-') && !text.starts_with("--");
            bundled && text.contains('R') || text.starts_with("--deref")
        }),
        "diff" => !texts.iter().any(|text| {
            let bundled = text.starts_with('-') && !text.starts_with("--");
            bundled && text.contains('r') || text.starts_with("--rec")
        }),
        // Without a dash, `e` shows the environment of every process.
        "ps" => texts.iter().all(|text| match text.strip_prefix('-') {
            Some(letters) => letters.chars().all(|char| "AaefFlHjuwxTLcd".contains(char)),
            None => text.chars().all(|char| "aAuxfwlj".contains(char) || char.is_ascii_digit()),
        }),
        "find" => texts.iter().all(|text| !text.starts_with('-') || text == "-" || is_find_option(text)),
        "sed" => super::sed_script::only_prints(texts),
        "date" => texts.iter().all(|text| {
            text.starts_with('+')
                || matches!(
                    text.as_str(),
                    "-u" | "--utc" | "-R" | "-I" | "-Iseconds" | "-Idate" | "--rfc-email"
                )
        }),
        // The environment holds keys, and modules are code.
        "jq" => {
            let reads = |text: &String| {
                !text.to_lowercase().contains("env") && !text.contains("import") && !text.contains("include")
            };
            texts.iter().all(reads)
                && texts.iter().all(|text| {
                    is_listed(
                        text,
                        "nrRsSceaCMj",
                        &[
                            "--raw-output",
                            "--raw-input",
                            "--slurp",
                            "--compact-output",
                            "--null-input",
                            "--exit-status",
                            "--sort-keys",
                            "--tab",
                            "--color-output",
                            "--monochrome-output",
                            "--join-output",
                            "--ascii-output",
                        ],
                    )
                })
        }
        // A subscript in an operand would be evaluated, with the commands in it.
        "test" | "[" => {
            let inner =
                if name == "[" { texts.strip_suffix(&["]".to_owned()]).unwrap_or(texts) } else { texts };
            inner.iter().all(|text| !text.contains(['[', '`', '$']) && !matches!(text.as_str(), "-v" | "-R"))
        }
        "printf" => texts.first().is_some_and(|text| !text.starts_with('-')),
        _ => false,
    }
}

pub fn is_find_option(text: &str) -> bool {
    FIND.contains(&text) || matches!(text, "-L" | "-H" | "-P")
}
