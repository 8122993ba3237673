//! Agents from `[agents]` of the configuration.

use std::collections::BTreeMap;

use super::choice::{ACP_PREFIX, CLAUDE_TTY};
use crate::slot::{AGENTS, AgentSpec, CUSTOM_ACP};

/// Longer names are cut off in the list and could not be told apart.
const MAX_NAME_LEN: usize = 24;

/// Checks the name of a configured agent; the error says what is wrong.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_.".contains(letter);
    let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    if !begins || name.len() > MAX_NAME_LEN || !name.chars().all(fits) {
        return Err(format!(
            "expected a name of at most {MAX_NAME_LEN} lowercase letters, digits, \"-\", \"_\" and \".\", starting with a letter"
        ));
    }
    let is_taken =
        AGENTS.iter().any(|known| known.name == name) || [CLAUDE_TTY, CUSTOM_ACP.name].contains(&name);
    if is_taken {
        let problem = "this name belongs to a built-in agent; use another one";
        return Err(problem.to_owned());
    }
    Ok(())
}

/// Checks the command of a configured agent; the error says what was expected.
pub fn check_command(command: &str) -> Result<(), String> {
    let command = command.strip_prefix(ACP_PREFIX).unwrap_or(command);
    let is_one = !command.trim().is_empty() && !command.contains(char::is_control);
    is_one
        .then_some(())
        .ok_or_else(|| "expected the command that starts it, such as \"goose acp\"".to_owned())
}

/// The built-in agents and the configured ones, which speak the Agent Client
/// Protocol.
///
/// Leaks the configured names: the configuration is read once, at start, and an
/// `AgentSpec` holds `&'static str` for the built-in table.
pub fn all_agents(named: &BTreeMap<String, String>) -> Vec<AgentSpec> {
    AGENTS
        .iter()
        .copied()
        .chain(named.iter().filter_map(|(name, command)| configured_agent(name, command)))
        .collect()
}

fn configured_agent(name: &str, command: &str) -> Option<AgentSpec> {
    let keep = |word: &str| -> &'static str { Box::leak(word.into()) };
    let mut words = command.strip_prefix(ACP_PREFIX).unwrap_or(command).split_whitespace().map(keep);
    let program = words.next()?;
    let arguments: &'static [&'static str] = Box::leak(words.collect());
    Some(AgentSpec { name: keep(name), program: Some(program), args: arguments, ..CUSTOM_ACP })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_agent_like_any_other() {
        let named = [("goose", "goose acp --quiet"), ("mine", "acp:/opt/mine")];
        let named = named.map(|(name, command)| (name.to_owned(), command.to_owned())).into();
        let all = all_agents(&named);
        let [.., goose, mine] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(all.len(), AGENTS.len() + 2);
        assert_eq!(
            (goose.name, goose.program, goose.args),
            ("goose", Some("goose"), &["acp", "--quiet"][..])
        );
        assert_eq!((mine.name, mine.program, mine.args.len()), ("mine", Some("/opt/mine"), 0));
        assert!(!goose.official_format);
    }

    #[test]
    fn a_name_is_one_word_and_nobody_elses() {
        for good in ["goose", "my-agent_2.0"] {
            assert_eq!(check_name(good), Ok(()));
        }
        for bad in
            ["", "Goose", "two words", "a/b", "7up", "acp:x", "\u{1b}[31m", "a-name-that-is-much-too-long"]
        {
            assert!(check_name(bad).unwrap_err().contains("expected a name"), "{bad}");
        }
        for taken in ["claude", "claude-tty", "opencode", "acp"] {
            assert!(check_name(taken).unwrap_err().contains("built-in"), "{taken}");
        }
        for nothing in ["", " ", "acp:", "a\nb"] {
            assert!(check_command(nothing).unwrap_err().contains("goose acp"), "{nothing}");
        }
    }
}
