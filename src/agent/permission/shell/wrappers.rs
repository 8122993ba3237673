//! Commands that start other commands: `timeout 5 rm b`, `sudo rm b`,
//! `sh -c 'rm b'`, `find . -exec rm {} +`.
//!
//! What is started is listed generously: behind a launcher whose options are
//! not known here, every word may be the name of what it starts. Denying reads
//! all of these; allowing trusts only the few wrappers that are read to the
//! letter.

mod code;
mod programs;

use self::code::{code_of, git_aliases, interpreter, variables};
use self::programs::{
    CODE_IN_OPTIONS, INTERPRETERS, LAUNCHERS, READS_COMMANDS, RUNNERS, SHELLS, TRANSPARENT,
};
use super::walk::Input;
use super::word::{Atom, ShellWord};
use super::{Code, NotUnderstood, SimpleCommand, StartedBy, Wrapping};

/// What a command starts.
#[derive(Debug, Default)]
pub struct Started {
    pub commands: Vec<SimpleCommand>,
    /// Scripts for a shell.
    pub scripts: Vec<String>,
    /// Texts that may be scripts: what cannot be read of these is none.
    pub guesses: Vec<String>,
    pub code: Vec<Code>,
    pub wraps: Option<Wrapping>,
    /// It evaluates its arguments as arithmetic.
    pub evaluates: bool,
}

/// What a command starts. `input` is what it reads.
pub fn started(command: &SimpleCommand, input: &Input) -> Result<Started, NotUnderstood> {
    let mut started = Started::default();
    let Some(name) = command.name() else { return Ok(started) };
    let arguments = command.arguments();
    if command.assignments.iter().any(|(name, _)| name.starts_with("BASH_FUNC"))
        || arguments.iter().any(sets_function)
    {
        return Err(NotUnderstood("the command hands a function to a shell".to_owned()));
    }
    variables(command, &mut started);
    if SHELLS.contains(&name.as_str()) {
        shell(arguments, input, &mut started);
        return Ok(started);
    }
    match name.as_str() {
        "eval" => script_of(arguments, &mut started),
        "trap" => script_of(&arguments[..arguments.len().min(1)], &mut started),
        "alias" => {
            for word in arguments {
                let value =
                    word.literal().and_then(|text| text.split_once('=').map(|(_, value)| value.to_owned()));
                started.scripts.extend(value);
            }
        }
        // The file may have been made by the line itself.
        "." | "source"
            if arguments.iter().any(|word| word.is_unknown() || word.text().starts_with("/dev/")) =>
        {
            started.code.push(Code::Unknown);
        }
        "find" | "bfs" | "gfind" | "fd" | "fdfind" => find(arguments, &mut started),
        // A copy of a program, or a link to it, is that program.
        "cp" | "mv" | "ln" | "install" => {
            let sources = arguments.iter().filter(|word| word.text().starts_with('/'));
            started.commands.extend(sources.map(|word| SimpleCommand {
                words: vec![word.clone()],
                started_by: StartedBy::Launcher,
                ..SimpleCommand::default()
            }));
        }
        "let" => started.evaluates = true,
        "declare" | "typeset" | "local" | "export" | "readonly" | "test" | "[" | "printf" | "read"
        | "unset" | "mapfile" | "readarray" | "wait" => {
            started.evaluates =
                arguments.iter().any(|word| word.text().contains('[') || word.text().starts_with('-'));
        }
        _ => {}
    }
    // The loader of programs may be called by its own name.
    let launches = LAUNCHERS.contains(&name.as_str()) || name.starts_with("ld-") || name.starts_with("ld.so");
    if let Some(behind) = transparent(&name, arguments) {
        started.wraps = Some(Wrapping::Transparent);
        if !behind.is_empty() {
            let mut words = replace_marks(behind, None);
            if name == "xargs" {
                // More arguments come in from outside.
                words.push(ShellWord::unknown());
            }
            started.commands.push(SimpleCommand {
                words,
                started_by: StartedBy::Wrapper,
                ..SimpleCommand::default()
            });
        }
    } else if launches || TRANSPARENT.iter().any(|(known, ..)| *known == name) {
        if !matches!(
            (name.as_str(), arguments.first().map(ShellWord::text).as_deref()),
            ("command", Some("-v" | "-V"))
        ) {
            started.wraps = Some(Wrapping::Launching);
            launched(&name, arguments, &mut started);
        }
    } else if let Some((_, first)) = RUNNERS.iter().find(|(known, _)| *known == name)
        && (first.is_empty() || arguments.iter().any(|word| first.contains(&word.text().as_str())))
    {
        launched(&name, arguments, &mut started);
    }
    let unversioned = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    if let Some((_, options)) = INTERPRETERS.iter().find(|(known, _)| *known == unversioned) {
        interpreter(options, arguments, input, &mut started);
    }
    if CODE_IN_OPTIONS.contains(&name.as_str()) {
        let texts: Vec<_> = arguments.iter().map(ShellWord::text).collect();
        // Messages of commits are no code; settings of one run, and aliases, are.
        let is_code = |(at, text): &(usize, &String)| match name.as_str() {
            "git" => text.starts_with(['!', '-']) || *at > 0 && texts[at - 1] == "-c",
            _ => text.contains(['=', '!', ' ', ',']),
        };
        for (_, text) in texts.iter().enumerate().filter(is_code) {
            // A short option may have its value attached: `-Oprogram`.
            let attached = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            let attached = attached.and_then(|rest| rest.get(1..)).filter(|rest| !rest.is_empty());
            started.code.extend(attached.map(|value| Code::Text(value.to_owned())));
            started.code.push(Code::Text(text.clone()));
        }
        if name == "git" {
            git_aliases(&texts, &mut started);
        }
    }
    if READS_COMMANDS.contains(&name.as_str()) {
        match input {
            Input::Text(text) => started.code.push(code_of(text)),
            // An editor or a calculator that reads a pipe is no reason to refuse.
            Input::Unknown if matches!(name.as_str(), "at" | "batch" | "crontab") => {
                started.code.push(Code::Unknown);
            }
            Input::Unknown | Input::Empty => {}
        }
    }
    Ok(started)
}

/// `BASH_FUNC_name%%=() {…}`, as `env` would hand it on.
fn sets_function(word: &ShellWord) -> bool {
    word.text().starts_with("BASH_FUNC")
}

fn shell(arguments: &[ShellWord], input: &Input, started: &mut Started) {
    let is_option = |word: &ShellWord| word.text().starts_with(['-', '+']);
    let takes_script = |word: &ShellWord| {
        let text = word.text();
        is_option(word) && !text.starts_with("--") && text.contains('c')
    };
    if let Some(at) = arguments.iter().position(takes_script) {
        // More options may stand between `-c` and its script.
        match arguments[at + 1..].iter().find(|word| !is_option(word)) {
            Some(script) => script_of(std::slice::from_ref(script), started),
            None => started.code.push(Code::Unknown),
        }
        started.wraps = Some(Wrapping::Launching);
        return;
    }
    let reads_input = arguments.iter().all(is_option) || arguments.iter().any(|word| word.text() == "-s");
    let runs_pipe =
        arguments.iter().any(|word| word.text().starts_with("/dev/") || word.text().starts_with("/proc/"));
    if runs_pipe {
        started.code.push(Code::Unknown);
    } else if reads_input {
        match input {
            Input::Empty => {}
            Input::Unknown => started.code.push(Code::Unknown),
            Input::Text(text) => script_of(std::slice::from_ref(text), started),
        }
    }
}

/// A script that these words make together.
fn script_of(words: &[ShellWord], started: &mut Started) {
    started.wraps = Some(Wrapping::Launching);
    if words.iter().any(ShellWord::is_unknown) {
        started.code.push(Code::Unknown);
        return;
    }
    let texts: Vec<_> = words.iter().map(ShellWord::text).collect();
    started.scripts.push(texts.join(" "));
}

/// What stands behind a wrapper whose options are all known; `None` if one is
/// not.
fn transparent<'a>(name: &str, arguments: &'a [ShellWord]) -> Option<&'a [ShellWord]> {
    let (_, with_value, operands) = TRANSPARENT.iter().find(|(known, ..)| *known == name)?;
    let mut rest = arguments;
    loop {
        let Some(word) = rest.first() else { return Some(rest) };
        let text = word.literal()?;
        if text == "--" {
            rest = &rest[1..];
            break;
        }
        if !text.starts_with('-') || text == "-" {
            break;
        }
        match name {
            // Options make these do something else.
            "xargs" | "builtin" | "nohup" => return None,
            "command" | "time" if text != "-p" => return None,
            _ => {}
        }
        let is_number = name == "nice" && text[1..].chars().all(|char| char.is_ascii_digit());
        let takes_next = with_value.contains(&text.as_str());
        let is_known = takes_next
            || is_number
            || matches!(name, "command" | "time")
            || with_value.iter().any(|option| match option.strip_prefix("--") {
                Some(_) => text.starts_with(&format!("{option}=")),
                None => text.starts_with(option),
            })
            || name == "timeout"
                && matches!(text.as_str(), "--foreground" | "--preserve-status" | "-v" | "--verbose");
        if !is_known {
            return None;
        }
        rest = rest.get(if takes_next { 2 } else { 1 }..)?;
    }
    let operands_known = rest.iter().take(*operands).all(|word| word.literal().is_some());
    operands_known.then(|| rest.get(*operands..)).flatten()
}

/// Everything that may start behind a launcher.
fn launched(name: &str, arguments: &[ShellWord], started: &mut Started) {
    let mark = if name == "xargs" || name == "parallel" { replacement_mark(arguments) } else { None };
    let mut words = replace_marks(arguments, mark.as_deref());
    if matches!(name, "xargs" | "parallel") {
        // More arguments come in from outside.
        words.push(ShellWord::unknown());
    }
    for (at, word) in words.iter().enumerate() {
        let text = word.text();
        let value = text.split_once('=').map_or(text.as_str(), |(_, value)| value);
        let script = value.strip_prefix("-S").unwrap_or(value);
        if script.contains(|char: char| char.is_whitespace() || ";|&".contains(char)) {
            if word.is_unknown() {
                started.code.push(Code::Unknown);
            } else {
                started.code.push(Code::Text(script.to_owned()));
                started.guesses.push(script.to_owned());
            }
        }
        let words = words[at..].to_vec();
        started.commands.push(SimpleCommand {
            words,
            started_by: StartedBy::Launcher,
            ..SimpleCommand::default()
        });
    }
    // Behind a launcher's launcher the same words come up again.
    started.commands.retain(|inner| {
        inner.name().is_none_or(|name| {
            !LAUNCHERS.contains(&name.as_str()) && !TRANSPARENT.iter().any(|(known, ..)| *known == name)
        })
    });
}

/// `-I MARK`, `-IMARK`, `--replace=MARK`.
fn replacement_mark(arguments: &[ShellWord]) -> Option<String> {
    let at = arguments
        .iter()
        .position(|word| word.text().starts_with("-I") || word.text().starts_with("--replace"))?;
    let text = arguments[at].text();
    let attached = text.strip_prefix("-I").or_else(|| text.strip_prefix("--replace=")).unwrap_or_default();
    if attached.is_empty() { arguments.get(at + 1).map(ShellWord::text) } else { Some(attached.to_owned()) }
}

/// The words with gaps where the launcher puts something in.
fn replace_marks(words: &[ShellWord], mark: Option<&str>) -> Vec<ShellWord> {
    let marks = ["{}"].into_iter().chain(mark.filter(|mark| !mark.is_empty()));
    let marks: Vec<_> = marks.collect();
    let replaced = |word: &ShellWord| {
        if marks.iter().any(|mark| word.text().contains(mark)) {
            let text = word.text();
            let mark = marks.iter().find(|mark| text.contains(**mark)).copied().unwrap_or_default();
            let mut atoms = Vec::new();
            for (number, part) in text.split(mark).enumerate() {
                if number > 0 {
                    atoms.push(Atom::Unknown);
                }
                atoms.extend(part.chars().map(|char| Atom::Char { char, quoted: true }));
            }
            return ShellWord { atoms };
        }
        word.clone()
    };
    words.iter().map(replaced).collect()
}

/// `-exec command … ;` and its kin.
fn find(arguments: &[ShellWord], started: &mut Started) {
    let starts = |word: &ShellWord| {
        matches!(
            word.text().as_str(),
            "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec" | "--exec-batch"
        )
    };
    for (at, _) in arguments.iter().enumerate().filter(|(_, word)| starts(word)) {
        let behind = &arguments[at + 1..];
        let end =
            behind.iter().position(|word| matches!(word.text().as_str(), ";" | "+")).unwrap_or(behind.len());
        started.wraps = Some(Wrapping::Launching);
        let words = replace_marks(&behind[..end], None);
        started.commands.push(SimpleCommand {
            words,
            started_by: StartedBy::Launcher,
            ..SimpleCommand::default()
        });
    }
}
