//! `hotseat config`: where the configuration lies, whether it is right, and
//! the commented default to start from.

mod read;
mod settings;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::exit::Exit;
use super::places::Places;
use crate::tui::app::Keymap;
pub use read::{Mistake, Reading, read_file};
pub use settings::{Settings, Theme};

/// Every key but those of `[keys]` with its default, commented out by `#:`.
const DEFAULT: &str = include_str!("../../assets/config.toml");

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Config {
    /// What to do; without it: check.
    #[command(subcommand)]
    action: Option<Action>,
    /// Print the commented default configuration.
    #[arg(long)]
    print_default: bool,
    /// Print where the configuration file lies (it need not exist).
    #[arg(long, conflicts_with = "print_default")]
    path: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Say what is wrong with the configuration file; exit code 1 if anything is.
    Check,
}

/// Checks, or prints what was asked for.
pub fn run(arguments: &Config) -> Result<Exit> {
    let path = Places::find().config_file();
    let mut out = std::io::stdout().lock();
    if arguments.print_default {
        write!(out, "{}", default_text()).context("printing the default configuration")?;
        return Ok(Exit::Done);
    }
    if arguments.path {
        writeln!(out, "{}", path.display()).context("printing the path")?;
        return Ok(Exit::Done);
    }
    match arguments.action {
        Some(Action::Check) | None => check(&path, &mut out),
    }
}

/// The commented default configuration. Its `[keys]` come from the keymap, so
/// they cannot disagree.
fn default_text() -> String {
    let keys = Keymap::defaults().map(|(name, keys)| format!("#:{name} = {keys:?}\n"));
    DEFAULT.to_owned() + &keys.collect::<String>()
}

fn check(path: &Path, out: &mut impl Write) -> Result<Exit> {
    let reading = read_file(path);
    let (verdict, exit) = match (&reading.mistakes[..], path.exists()) {
        ([], true) => ("is right".to_owned(), Exit::Done),
        ([], false) => ("does not exist, so the defaults count".to_owned(), Exit::Done),
        (mistakes, _) => {
            let count = mistakes.len();
            (format!("has {count} mistake{}", if count == 1 { "" } else { "s" }), Exit::Failed)
        }
    };
    writeln!(out, "{} {verdict}", path.display()).context("printing the verdict")?;
    for mistake in &reading.mistakes {
        writeln!(out, "{mistake}").context("printing a mistake")?;
    }
    if !path.exists() {
        writeln!(out, "To start one: hotseat config --print-default > \"$(hotseat config --path)\"")
            .context("printing how to start one")?;
    }
    Ok(exit)
}
