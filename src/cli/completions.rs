//! `hotseat completions SHELL`: prints a completion script, and answers that script
//! when the shell runs it.
//!
//! The script calls hotseat itself, so sessions complete by id and by title.
//! Completing reads the session list and changes nothing.

use std::ffi::OsStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use super::arguments::Arguments;
use super::exit::CliExit;
use super::output;
use super::paths::Paths;
use super::sessions::lookup::SessionLookup;
use crate::index::SessionRow;
use crate::text::clean_line;

/// Set by the script when it asks for candidates.
const COMPLETE_VAR: &str = "HOTSEAT_COMPLETE";
/// Set only by the bash script. The other shells escape candidates themselves.
const BASH_VAR: &str = "_CLAP_COMPLETE_COMP_TYPE";
/// More candidates than this are not useful.
const MAX_COMPLETIONS: usize = 100;
/// Characters that end or change a word in bash.
const SHELL_SPECIAL: &str = " \t\\'\"`$&;|<>()[]{}*?!#~";

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// Shell to print the script for.
    shell: Shell,
}

pub fn run(arguments: &CompletionsArgs) -> Result<CliExit> {
    let shell = arguments.shell.to_string();
    let shells = Shells::builtins();
    let shell = shells.completer(&shell).with_context(|| format!("no completions for {shell}"))?;
    let mut script = Vec::new();
    shell
        .write_registration(COMPLETE_VAR, "hotseat", "hotseat", "hotseat", &mut script)
        .context("cannot write the completion script")?;
    output::print_exact(&String::from_utf8_lossy(&script))?;
    Ok(CliExit::Done)
}

/// If a completion script runs this process, prints candidates and exits.
pub fn answer_script() {
    CompleteEnv::with_factory(Arguments::command).var(COMPLETE_VAR).complete();
}

/// Completes an argument that names a session.
pub fn session_completer() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let typed = typed.to_string_lossy();
        // An error message would end up on the command line being typed.
        let places = Paths::from_env();
        let stock = SessionLookup::new(Arc::new(places.store()), places.index());
        let rows = stock.rows_in(&crate::store::Scope::All).ok();
        let bash = std::env::var_os(BASH_VAR).is_some();
        candidates(&rows.unwrap_or_default(), &typed, bash)
    })
}

/// The sessions whose id or title starts with `typed`, newest first.
fn candidates(rows: &[SessionRow], typed: &str, escape: bool) -> Vec<CompletionCandidate> {
    let bare = typed.replace(['\\', '\'', '"'], "").to_lowercase();
    let fits = |text: &str| text.to_lowercase().starts_with(&bare);
    let named = rows.iter().map(|row| (row.stored.id.to_string(), clean_line(row.facts.title_text())));
    let fitting = named.filter_map(|(id, title)| {
        if fits(&id) {
            return Some(CompletionCandidate::new(id).help(Some(title.into_owned().into())));
        }
        let word = if escape { shell_escape(&title) } else { title.into_owned() };
        (!bare.is_empty() && fits(&word.replace('\\', "")))
            .then(|| CompletionCandidate::new(word).help(Some(id.into())))
    });
    fitting.take(MAX_COMPLETIONS).collect()
}

/// Escapes `text` as one word of a shell that inserts candidates unchanged.
fn shell_escape(text: &str) -> String {
    let escape = |letter: char| SHELL_SPECIAL.contains(letter).then_some('\\').into_iter().chain([letter]);
    text.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::sample::row;

    fn values(typed: &str, escape: bool) -> Vec<String> {
        let rows = [row(1, "Parser rewrite", 1, None), row(2, "It's \u{1b}[2J odd", 2, None)];
        let candidates = candidates(&rows, typed, escape);
        candidates.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn ids_and_titles_complete() {
        let id = |number| crate::tui::app::sample::id(number).to_string();
        assert_eq!(values("", false), [id(1), id(2)]);
        assert_eq!(values(&id(2)[..36], false), [id(2)]);
        assert_eq!(values("PARS", false), ["Parser rewrite"]);
        assert_eq!(values("Parser\\ re", true), ["Parser\\ rewrite"]);
        assert_eq!(values("it", true), ["It\\'s\\ ␛\\[2J\\ odd"]);
        assert!(values("lexer", false).is_empty());
    }
}
