//! Which agent takes the seat, and why: the one that was asked for, the one
//! that is configured, the first that is found, our own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::exit::Problem;
use crate::slot::{ACP, Known, OURS, PREFERRED};

/// The official `claude` in a terminal of its own: a slot of another kind.
pub const TERMINAL: &str = "claude-tty";

/// Before the command line of any agent that speaks the Agent Client Protocol.
pub(super) const COMMAND: &str = "acp:";

/// The file that remembers what the person was told.
const TOLD: &str = "agent";

/// The agent that takes the seat.
#[derive(Debug)]
pub struct Choice {
    /// What it is called.
    pub name: &'static str,
    /// Its program.
    pub program: PathBuf,
    /// Arguments before the driver's.
    pub arguments: Vec<OsString>,
    /// How it is spoken to.
    pub known: Known,
    /// It has a terminal of its own instead.
    pub terminal: bool,
    /// Nobody named it; why it is this one.
    pub why: Option<String>,
}

/// The names that can be asked for.
pub fn names(all: &[Known]) -> Vec<&'static str> {
    all.iter().map(|known| known.name).chain([TERMINAL]).collect()
}

/// Whether a name can be asked for; whether its program is there is another matter.
pub fn is_name(all: &[Known], name: &str) -> bool {
    name.starts_with(COMMAND) || names(all).contains(&name)
}

/// Chooses from all that can take the seat. `named` is what the command line or
/// the configuration says; `find` finds a program.
pub fn choose(all: &[Known], named: Option<&str>, find: impl Fn(&str) -> Option<PathBuf>) -> Result<Choice> {
    let known = |name: &str| all.iter().copied().find(|known| known.name == name);
    let Some(name) = named else {
        return first(known, find);
    };
    if name == TERMINAL {
        let claude = known("claude").unwrap_or(OURS);
        return Ok(Choice { name: TERMINAL, terminal: true, ..seat(claude, find, None)? });
    }
    if let Some(command) = name.strip_prefix(COMMAND) {
        return by_command(command, find);
    }
    let Some(known) = known(name) else {
        return Err(Problem::usage(
            format!("this version cannot seat the agent “{name}”"),
            format!(
                "It drives {}, and what [agents] in the configuration names. `hotseat agents` lists what is found.",
                names(all).join(", ")
            ),
        )
        .into());
    };
    seat(known, find, None)
}

/// An agent by its command line, whose words stand apart by blanks.
fn by_command(command: &str, find: impl Fn(&str) -> Option<PathBuf>) -> Result<Choice> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let Some(program) = find(program) else {
        return Err(Problem::usage(
            format!("no program named “{program}” is on the PATH"),
            "Name one that speaks the Agent Client Protocol, with its arguments: --agent \"acp:goose acp\".",
        )
        .into());
    };
    let arguments = words.map(Into::into).collect();
    Ok(Choice { name: ACP.name, program, arguments, known: ACP, terminal: false, why: None })
}

/// The first of the preferred ones that is there, else our own.
fn first(known: impl Fn(&str) -> Option<Known>, find: impl Fn(&str) -> Option<PathBuf>) -> Result<Choice> {
    let there = PREFERRED.iter().filter_map(|name| known(name));
    let there = there.into_iter().find(|known| known.program.is_some_and(|program| find(program).is_some()));
    let order = PREFERRED.join(", ");
    match there {
        Some(known) => {
            let why = format!(
                "{} takes the seat: the first of {order} that is on the PATH; --agent hotseat seats hotseat's own",
                known.name
            );
            seat(known, find, Some(why))
        }
        None => {
            seat(OURS, find, Some(format!("hotseat's own agent takes the seat: no {order} is on the PATH")))
        }
    }
}

fn seat(known: Known, find: impl Fn(&str) -> Option<PathBuf>, why: Option<String>) -> Result<Choice> {
    let program = match known.program {
        None => std::env::current_exe().context("finding hotseat's own program")?,
        Some(program) => find(program).ok_or_else(|| {
            let get = if known.install.is_empty() {
                "Install it, or mend its command in [agents] of the configuration".to_owned()
            } else {
                format!("Install it with `{}`", known.install)
            };
            let advice = format!("{get}, or take the seat with hotseat's own: --agent hotseat.");
            Problem::usage(format!("no program named {program} is on the PATH"), advice)
        })?,
    };
    let arguments = known.arguments.iter().map(Into::into).collect();
    Ok(Choice { name: known.name, program, arguments, known, terminal: false, why })
}

impl Choice {
    /// Why it is this agent, where nobody named it and it was not said before.
    pub fn news(&self, state: &Path) -> Option<String> {
        let why = self.why.clone()?;
        let told = state.join(TOLD);
        if std::fs::read_to_string(&told).is_ok_and(|told| told.trim() == self.name) {
            return None;
        }
        let kept = std::fs::create_dir_all(state).and_then(|()| std::fs::write(&told, self.name));
        if let Err(error) = kept {
            tracing::warn!(%error, "it will be said again which agent takes the seat");
        }
        Some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::agents::named;
    use crate::slot::KNOWN;

    fn chosen(named: Option<&str>, there: &[&str]) -> Result<(&'static str, bool), String> {
        let find = |program: &str| there.contains(&program).then(|| PathBuf::from("/bin").join(program));
        let choice = choose(KNOWN, named, find).map_err(|error| error.to_string())?;
        Ok((choice.name, choice.why.is_some()))
    }

    #[test]
    fn a_name_counts_before_what_is_found() {
        assert_eq!(chosen(Some("hotseat"), &["claude"]), Ok(("hotseat", false)));
        assert_eq!(chosen(Some("claude"), &["claude"]), Ok(("claude", false)));
        assert_eq!(chosen(Some("claude-tty"), &["claude"]), Ok(("claude-tty", false)));
        assert_eq!(chosen(None, &["claude"]), Ok(("claude", true)));
        assert_eq!(chosen(None, &["gemini"]), Ok(("hotseat", true)));
    }

    #[test]
    fn any_command_can_be_an_acp_agent() {
        let find = |program: &str| (program == "goose").then(|| PathBuf::from("/bin/goose"));
        let choice = choose(KNOWN, Some("acp:goose acp --quiet"), find).unwrap();
        assert_eq!((choice.name, choice.program.to_str()), ("acp", Some("/bin/goose")));
        assert_eq!(choice.arguments, ["acp", "--quiet"]);
        for nothing in ["acp:", "acp: ", "acp:gone"] {
            assert!(choose(KNOWN, Some(nothing), find).unwrap_err().to_string().contains("is on the PATH"));
            assert!(is_name(KNOWN, nothing));
        }
    }

    #[test]
    fn one_that_is_configured_is_chosen_by_its_name() {
        let all = named::known(&[("goose".to_owned(), "gooze acp".to_owned())].into());
        let find = |program: &str| (program == "gooze").then(|| PathBuf::from("/bin/gooze"));
        let choice = choose(&all, Some("goose"), find).unwrap();
        assert_eq!((choice.name, choice.program.to_str()), ("goose", Some("/bin/gooze")));
        assert_eq!(choice.arguments, ["acp"]);
        assert!(
            choose(&all, Some("goose"), |_| None).unwrap_err().to_string().contains("no program named gooze")
        );
        assert!(choose(KNOWN, Some("goose"), find).is_err());
    }

    #[test]
    fn what_is_not_there_is_said() {
        let missing = "no program named claude is on the PATH";
        assert!(chosen(Some("claude"), &[]).unwrap_err().contains(missing));
        assert!(chosen(Some("claude-tty"), &[]).unwrap_err().contains(missing));
        assert!(chosen(Some("nobody"), &[]).unwrap_err().contains("cannot seat the agent “nobody”"));
    }

    #[test]
    fn the_reason_is_told_once_for_each_agent() {
        let state = tempfile::tempdir().unwrap();
        let with = |there: &'static [&str]| {
            choose(KNOWN, None, |program| there.contains(&program).then(|| program.into())).unwrap()
        };
        assert!(with(&[]).news(state.path()).is_some());
        assert!(with(&[]).news(state.path()).is_none());
        assert!(with(&["claude"]).news(state.path()).is_some());
    }
}
