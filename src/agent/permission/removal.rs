//! Removals that nobody means: of the home folder, the root, or the project.

use std::path::{Path, PathBuf};

use super::shell::{Code, ShellScript, ShellWord, SimpleCommand, home};
use crate::agent::tool::canonical;

/// The first removal in a line that must be asked about whatever the mode and
/// the rules say, and why. `folders` are those that the line's paths may start
/// from; the first is the session's.
pub fn critical(script: &ShellScript, folders: &[PathBuf]) -> Option<String> {
    script.commands.iter().find_map(|command| critical_command(command, folders))
}

fn critical_command(command: &SimpleCommand, folders: &[PathBuf]) -> Option<String> {
    let in_code = command.code.iter().any(|code| matches!(code, Code::Text(text) if removes_in_code(text)));
    if in_code {
        return Some("the code that this command runs removes folders".to_owned());
    }
    let name = command.words.first()?;
    let arguments = command.arguments();
    let texts: Vec<String> = arguments.iter().map(ShellWord::text).collect();
    let may_be = |wanted: &str| {
        command.name().map_or_else(|| name.is_unknown() || name.has_glob(), |name| name == wanted)
    };
    let recursive = |text: &String| {
        text == "--recursive"
            || text.starts_with("--r") && "--recursive".starts_with(text.as_str())
            || text.starts_with('-') && !text.starts_with("--") && text.contains(['r', 'R'])
    };
    let removes = may_be("rm") && texts.iter().any(recursive)
        || may_be("find") && texts.iter().any(|text| matches!(text.as_str(), "-delete"))
        || may_be("find")
            && texts.iter().any(|text| text.starts_with("-exec"))
            && texts.iter().any(|text| text.ends_with("rm"))
        || may_be("shred")
        || may_be("rmdir")
        || may_be("mv");
    if !removes {
        return None;
    }
    let is_find = command.name().as_deref() == Some("find");
    let is_move = command.name().as_deref() == Some("mv");
    let operands = arguments.iter().take_while(|word| !is_find || !word.text().starts_with(['-', '(', '!']));
    let mut operands: Vec<&ShellWord> =
        operands.filter(|word| !word.text().starts_with('-') || word.is_unknown()).collect();
    if is_move {
        // The last one is where to; moving a folder away is removing it.
        operands.pop();
    }
    let here = ShellWord::quoted(".");
    if is_find {
        // A search from the project's root that names what it removes is meant.
        let narrows = texts.iter().any(|text| {
            matches!(text.as_str(), "-name" | "-iname" | "-path" | "-ipath" | "-regex" | "-mindepth")
        });
        if operands.is_empty() {
            operands.push(&here);
        }
        operands.retain(|word| !narrows || !is_own_root(word, folders));
    }
    operands.iter().find_map(|word| critical_target(word, folders))
}

fn is_own_root(word: &ShellWord, folders: &[PathBuf]) -> bool {
    word.literal().is_some_and(|text| {
        folders.iter().take(1).any(|folder| canonical(folder.join(&text)) == canonical(folder))
    })
}

fn critical_target(word: &ShellWord, folders: &[PathBuf]) -> Option<String> {
    let text = word.text();
    let starts_unknown = word.hole_text().first() == Some(&None) && !word.has_glob();
    if starts_unknown {
        return Some("it is not known what is removed".to_owned());
    }
    // `/*` and `~/*` are all that is in a folder.
    let trimmed = text.trim_end_matches('/');
    let (path, is_content) = match trimmed.rsplit_once('/') {
        Some((folder, last)) if is_everything(word, last) => {
            (if folder.is_empty() { "/" } else { folder }, true)
        }
        None if is_everything(word, trimmed) => (".", true),
        _ if word.has_glob() || word.is_unknown() => return None,
        _ => (text.as_str(), false),
    };
    for folder in folders {
        let target = canonical(folder.join(path));
        if let Some(what) = what_is(&target, &folders[0]) {
            let all = if is_content { "everything in " } else { "" };
            return Some(format!("it removes {all}{what}, {}", target.display()));
        }
    }
    None
}

/// A last part of a path that any name fits.
fn is_everything(word: &ShellWord, last: &str) -> bool {
    word.has_glob()
        && !last.is_empty()
        && last.chars().all(|char| matches!(char, '*' | '.' | '?' | '[' | ']' | '!' | '^'))
}

fn what_is(target: &Path, cwd: &Path) -> Option<&'static str> {
    let project = canonical(cwd);
    if target.parent().is_none() {
        return Some("the root folder");
    }
    if home().is_some_and(|home| canonical(&home).starts_with(target)) {
        return Some("the home folder");
    }
    if project.starts_with(target) {
        return Some("the project's folder");
    }
    // The root of the repository that the session works inside of.
    let repository = project.ancestors().find(|folder| folder.join(".git").exists());
    if repository.is_some_and(|root| root.starts_with(target)) {
        return Some("the project's folder");
    }
    // `/usr`, `/etc`: nothing right under the root is anybody's to remove.
    let is_top = target.parent().is_some_and(|parent| parent.parent().is_none());
    is_top.then_some("a folder of the system")
}

/// Whether code in another language has a recursive `rm` in it.
fn removes_in_code(code: &str) -> bool {
    code.match_indices("rm").any(|(at, _)| {
        let is_word =
            !code[..at].chars().next_back().is_some_and(|char| char.is_alphanumeric() || char == '_');
        let rest = code[at + 2..].trim_start_matches([' ', '\'', '"', ',', '\t']);
        is_word
            && rest.starts_with('-')
            && rest[1..].chars().take_while(char::is_ascii_alphabetic).any(|char| matches!(char, 'r' | 'R'))
    })
}
