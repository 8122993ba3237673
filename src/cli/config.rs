//! `hotseat config`: checks the configuration file, creates it, prints it and its
//! path. `read` turns the file into [`Settings`].

mod read;
mod settings;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};

use super::exit::{CliError, CliExit};
use super::output;
use super::paths::Paths;
use crate::text::format::pluralize;
use crate::tui::app::Keymap;
pub use read::read_file;
pub use settings::{Settings, ThemeSetting};

/// Every setting except `[keys]` with its default, commented out with `#:`.
const DEFAULT: &str = include_str!("../../assets/config.toml");

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// What to do; default: check.
    #[command(subcommand)]
    action: Option<ConfigAction>,
    /// Write the commented default configuration, unless the file exists.
    #[arg(long, conflicts_with_all = ["print_default", "path"])]
    init: bool,
    /// Print the commented default configuration.
    #[arg(long)]
    print_default: bool,
    /// Print the path of the configuration file, and create its folder.
    #[arg(long, conflicts_with = "print_default")]
    path: bool,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigAction {
    /// Report mistakes in the configuration file; exit code 1 if there are any
    Check,
}

pub fn run(arguments: &ConfigArgs) -> Result<CliExit> {
    let path = Paths::from_env().config_file();
    if arguments.init {
        init(&path)?;
        return output::print(&format!("wrote {}\n", path.display())).map(|()| CliExit::Done);
    }
    if arguments.print_default {
        return output::print_exact(&default_text()).map(|()| CliExit::Done);
    }
    if arguments.path {
        // So that a shell can redirect into it.
        create_folder(&path)?;
        return output::print_exact(&format!("{}\n", path.display())).map(|()| CliExit::Done);
    }
    match arguments.action {
        Some(ConfigAction::Check) | None => check(&path),
    }
}

/// The commented default configuration. Its `[keys]` come from the keymap, so they
/// cannot differ.
fn default_text() -> String {
    let keys = Keymap::defaults().map(|(name, keys)| format!("#:{name} = {keys:?}\n"));
    DEFAULT.to_owned() + &keys.collect::<String>()
}

fn create_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Writes the default configuration; never replaces a file.
fn init(path: &Path) -> Result<()> {
    create_folder(path)?;
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::Error::new(CliError::failed(
            format!("{} already exists", path.display()),
            "Edit it, or move it away first.",
        )),
        _ => anyhow::Error::new(error).context(format!("cannot create {}", path.display())),
    })?;
    file.write_all(default_text().as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn check(path: &Path) -> Result<CliExit> {
    let errors = read_file(path).errors;
    let (exists, path) = (path.exists(), path.display());
    let (verdict, exit) = match (&errors[..], exists) {
        ([], true) => (format!("{path}: ok\n"), CliExit::Done),
        ([], false) => {
            let create = "To create it: hotseat config --init";
            (format!("{path} does not exist, using defaults\n{create}\n"), CliExit::Done)
        }
        (errors, _) => (format!("{path}: {}\n", pluralize(errors.len(), "mistake")), CliExit::Failed),
    };
    let errors = errors.iter().map(|error| format!("{error}\n"));
    output::print(&(verdict + &errors.collect::<String>()))?;
    Ok(exit)
}
