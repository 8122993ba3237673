//! Code that a command is given: in variables, in settings, as an interpreter's option
//! or on its standard input.

use super::Started;
use super::programs::PROGRAM_VARIABLES;
use crate::agent::permission::shell::walk::Input;
use crate::agent::permission::shell::{Code, ShellWord, SimpleCommand, StartedBy};

/// Programs that variables name, for the command or for those behind it.
pub fn variables(command: &SimpleCommand, started: &mut Started) {
    let mut add = |name: &str, value: &ShellWord| {
        let names_program = PROGRAM_VARIABLES.iter().any(|end| name.ends_with(end));
        match value.is_unknown() {
            true if names_program => started.code.push(Code::Unknown),
            true => {}
            false => started.code.push(Code::Text(value.text())),
        }
    };
    for (name, value) in &command.assignments {
        add(name, value);
    }
    if command.name().is_some_and(|name| matches!(name.as_str(), "export" | "declare" | "typeset")) {
        for word in command.arguments() {
            if let Some((name, value)) = word.text().split_once('=') {
                add(name, &if word.is_unknown() { ShellWord::unknown() } else { ShellWord::quoted(value) });
            }
        }
    }
}

/// Aliases that `git` is given for one run: `-c alias.p=push p`.
pub fn git_aliases(texts: &[String], started: &mut Started) {
    if texts.iter().any(|text| text.starts_with("--config-env")) {
        started.code.push(Code::Unknown);
    }
    for setting in texts.windows(2).filter(|pair| pair[0] == "-c").map(|pair| &pair[1]) {
        let Some((name, value)) = setting.split_once('=') else { continue };
        if !name.to_lowercase().starts_with("alias.") {
            continue;
        }
        if let Some(script) = value.strip_prefix('!') {
            started.guesses.push(script.to_owned());
            continue;
        }
        // What stands behind the alias is handed on to what it means.
        let mut words = vec![ShellWord::quoted("git")];
        words.extend(value.split_whitespace().map(ShellWord::quoted));
        words.push(ShellWord::unknown());
        started.commands.push(SimpleCommand {
            words,
            started_by: StartedBy::Launcher,
            ..SimpleCommand::default()
        });
    }
}

pub fn interpreter(options: &[&str], arguments: &[ShellWord], input: &Input, started: &mut Started) {
    let mut found = false;
    for (at, word) in arguments.iter().enumerate() {
        let text = word.text();
        let attached =
            options.iter().find_map(|option| text.strip_prefix(option)).filter(|code| !code.is_empty());
        // Short options may be bundled: `perl -ne CODE`.
        let bundled = |option: &&str| {
            option.len() == 2
                && text.starts_with('-')
                && !text.starts_with("--")
                && text.ends_with(&option[1..])
        };
        if let Some(code) = attached {
            started.code.push(Code::Text(code.to_owned()));
            found = true;
        }
        if options.contains(&text.as_str()) || options.iter().any(bundled) {
            started.code.push(arguments.get(at + 1).map_or(Code::Unknown, code_of));
            found = true;
        }
    }
    if options.is_empty() {
        started.code.extend(arguments.iter().map(code_of));
        found = !arguments.is_empty();
    }
    let has_file = arguments.iter().any(|word| !word.text().starts_with('-'));
    match input {
        Input::Text(text) if !found && !has_file => started.code.push(code_of(text)),
        Input::Unknown if !found && !has_file => started.code.push(Code::Unknown),
        Input::Text(_) | Input::Unknown | Input::Empty => {}
    }
}

pub fn code_of(word: &ShellWord) -> Code {
    if word.is_unknown() { Code::Unknown } else { Code::Text(word.text()) }
}
