//! The command line of a terminal: how it is run, and the ways it may be spelled.

use crate::slot::driver::shell_words::{is_plain, join, shell_quote};

/// Shells whose `-c SCRIPT` may also be spelled as the script alone.
const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "fish", "ksh"];

/// The program and arguments to run. Agents that send no arguments send a whole
/// command line, which needs a shell.
pub(super) fn argv(command: String, arguments: Vec<String>) -> Vec<String> {
    if arguments.is_empty() && !command.chars().all(is_plain) {
        return vec!["/bin/sh".to_owned(), "-c".to_owned(), command];
    }
    std::iter::once(command).chain(arguments).collect()
}

/// The spellings of a command; the first one is shown to people. A command with
/// its own environment differs from the same command without it, so the
/// environment is part of the spelling.
pub(super) fn spellings(command: &str, arguments: &[String], env: &[(String, String)]) -> Vec<String> {
    if arguments.is_empty() {
        return vec![with_env(env, command)];
    }
    let whole = join(std::iter::once(command).chain(arguments.iter().map(String::as_str)));
    match shell_script(command, arguments) {
        Some(script) if env.is_empty() => vec![whole, script.to_owned()],
        _ => vec![with_env(env, &whole)],
    }
}

/// The script, if this is a shell with `-c`.
fn shell_script<'a>(command: &str, arguments: &'a [String]) -> Option<&'a str> {
    let name = command.strip_prefix("/usr").unwrap_or(command);
    let is_shell = SHELLS.contains(&name.strip_prefix("/bin/").unwrap_or(name));
    match arguments {
        [flag, script] if is_shell && (flag == "-c" || flag == "-lc") => Some(script),
        _ => None,
    }
}

/// The command with its environment in front, as typed in a shell.
fn with_env(env: &[(String, String)], command: &str) -> String {
    let set = env.iter().map(|(name, value)| format!("{}={} ", shell_quote(name), shell_quote(value)));
    set.chain([command.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_command_is_shown_as_a_person_would_write_it() {
        let check = |command: &str, arguments: &[&str], env: &[(&str, &str)], expected: &[&str]| {
            let env: Vec<_> =
                env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(spellings(command, &words(arguments), &env), words(expected), "{command}");
        };
        check("ls -la | wc", &[], &[], &["ls -la | wc"]);
        check("ls", &["a b", "it's", ""], &[], &[r"ls 'a b' 'it'\''s' ''"]);
        check("/bin/sh", &["-c", "ls | wc"], &[], &["/bin/sh -c 'ls | wc'", "ls | wc"]);
        check("/usr/bin/bash", &["-lc", "ls"], &[], &["/usr/bin/bash -lc ls", "ls"]);
        check("/work/sh", &["-c", "ls"], &[], &["/work/sh -c ls"]);
        check("sh", &["-c", "ls"], &[("PATH", "/e v")], &["PATH='/e v' sh -c ls"]);
        check("ls", &[], &[("A", "1"), ("B", "2")], &["A=1 B=2 ls"]);
    }

    #[test]
    fn a_line_without_arguments_is_for_a_shell() {
        assert_eq!(argv("ls -la".to_owned(), Vec::new()), words(&["/bin/sh", "-c", "ls -la"]));
        assert_eq!(argv("ls".to_owned(), Vec::new()), words(&["ls"]));
        assert_eq!(argv("a b".to_owned(), words(&["-c"])), words(&["a b", "-c"]));
    }
}
