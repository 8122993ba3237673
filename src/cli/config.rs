//! `hotseat config`: checks the configuration file, creates it, prints it and its
//! path. `read` turns the file into [`Settings`].

mod read;
mod settings;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::exit::CliExit;
use super::paths::Paths;
use crate::tui::app::Keymap;
pub use read::{ConfigError, LoadedConfig, read_file};
pub use settings::{Settings, ThemeSetting};

/// Every setting except `[keys]` with its default, commented out with `#:`.
const DEFAULT: &str = include_str!("../../assets/config.toml");

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// What to do; without it: check.
    #[command(subcommand)]
    action: Option<ConfigAction>,
    /// Print the commented default configuration.
    #[arg(long)]
    print_default: bool,
    /// Print where the configuration file lies (it need not exist).
    #[arg(long, conflicts_with = "print_default")]
    path: bool,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigAction {
    /// Say what is wrong with the configuration file; exit code 1 if anything is.
    Check,
}

/// Checks, or prints what was asked for.
pub fn run(arguments: &ConfigArgs) -> Result<CliExit> {
    let path = Paths::from_env().config_file();
    let mut out = std::io::stdout().lock();
    if arguments.print_default {
        write!(out, "{}", default_text()).context("printing the default configuration")?;
        return Ok(CliExit::Done);
    }
    if arguments.path {
        writeln!(out, "{}", path.display()).context("printing the path")?;
        return Ok(CliExit::Done);
    }
    match arguments.action {
        Some(ConfigAction::Check) | None => check(&path, &mut out),
    }
}

/// The commented default configuration. Its `[keys]` come from the keymap, so
/// they cannot disagree.
fn default_text() -> String {
    let keys = Keymap::defaults().map(|(name, keys)| format!("#:{name} = {keys:?}\n"));
    DEFAULT.to_owned() + &keys.collect::<String>()
}

fn check(path: &Path, out: &mut impl Write) -> Result<CliExit> {
    let reading = read_file(path);
    let (verdict, exit) = match (&reading.errors[..], path.exists()) {
        ([], true) => ("is right".to_owned(), CliExit::Done),
        ([], false) => ("does not exist, so the defaults count".to_owned(), CliExit::Done),
        (mistakes, _) => {
            let count = mistakes.len();
            (format!("has {count} mistake{}", if count == 1 { "" } else { "s" }), CliExit::Failed)
        }
    };
    writeln!(out, "{} {verdict}", path.display()).context("printing the verdict")?;
    for mistake in &reading.errors {
        writeln!(out, "{mistake}").context("printing a mistake")?;
    }
    if !path.exists() {
        writeln!(out, "To start one: hotseat config --print-default > \"$(hotseat config --path)\"")
            .context("printing how to start one")?;
    }
    Ok(exit)
}
