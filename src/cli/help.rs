//! `hotseat help [TOPIC]`: prints a page of `docs/`, or the help of a command.

use std::fmt::Write;

use anyhow::Result;

use super::arguments::command_with_help;
use super::exit::{CliError, CliExit};
use super::output::{self, OutputTarget};

/// Name, subject and text of each page of `docs/`, in the order of the README.
const PAGES: [(&str, &str, &str); 9] = [
    ("keys", "every key, per pane", include_str!("../../docs/keys.md")),
    ("configuration", "config.toml, environment, prices", include_str!("../../docs/configuration.md")),
    ("agents", "how each agent is driven; models", include_str!("../../docs/agents.md")),
    (
        "sdk-and-protocol",
        "hotseat agent for SDKs, hotseat acp",
        include_str!("../../docs/sdk-and-protocol.md"),
    ),
    ("sessions-on-disk", "files, trash, pins, scripts", include_str!("../../docs/sessions-on-disk.md")),
    ("transcripts", "how a transcript is read", include_str!("../../docs/transcripts.md")),
    ("permissions", "modes, rules, trust, hooks, MCP", include_str!("../../docs/permissions.md")),
    ("performance", "what was measured, and how", include_str!("../../docs/performance.md")),
    ("decisions", "why it is built this way", include_str!("../../docs/decisions.md")),
];

#[derive(Debug, clap::Args)]
pub struct HelpArgs {
    /// Topic or command; without one, list both.
    #[arg(value_name = "TOPIC")]
    words: Vec<String>,
}

pub fn run(arguments: &HelpArgs) -> Result<CliExit> {
    let target = OutputTarget::stdout();
    match &arguments.words[..] {
        [] => output::print(&overview(target))?,
        [topic] if page(topic).is_some() => {
            let text = page(topic).unwrap_or_default();
            target.show_in_pager(|print| print(text))?;
        }
        words => output::print(&command_help(words)?)?,
    }
    Ok(CliExit::Done)
}

fn page(topic: &str) -> Option<&'static str> {
    PAGES.iter().find(|(name, ..)| *name == topic).map(|(.., text)| *text)
}

fn overview(target: OutputTarget) -> String {
    let mut text = format!("{}\n\n{}\n", command_with_help().render_help(), target.bold("Topics:"));
    for (name, subject, _) in PAGES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<18}{subject}");
    }
    text + "\n`hotseat help TOPIC` prints a topic, `hotseat help COMMAND` the help of a command.\n"
}

/// The help of a command such as `sessions list`.
fn command_help(words: &[String]) -> Result<String> {
    let mut root = command_with_help();
    // Only a built command knows its full name, which the usage line shows.
    root.build();
    let mut command = &mut root;
    for word in words {
        command = command.find_subcommand_mut(word).ok_or_else(|| {
            let names: Vec<_> = PAGES.iter().map(|(name, ..)| *name).collect();
            CliError::usage(
                format!("no topic or command “{}”", words.join(" ")),
                format!("Topics are {}; `hotseat --help` lists commands.", names.join(", ")),
            )
        })?;
    }
    Ok(command.render_long_help().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_is_found_by_its_path() {
        assert!(command_help(&words("sessions list")).unwrap().contains("Usage: hotseat sessions list"));
        let error = command_help(&words("sessions nothing")).unwrap_err().to_string();
        assert_eq!(error, "no topic or command “sessions nothing”");
    }

    #[test]
    fn the_overview_lists_topics_and_commands() {
        let text = overview(OutputTarget { width: None, styled: false });
        for part in ["sdk-and-protocol", "doctor", "hotseat help TOPIC"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
