//! `hotseat` without a command: the screen, on a terminal.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::arguments::{self, Seat};
use super::exit::{Exit, Problem};
use super::logs;
use super::places::Places;

/// Opens the screen in the folder that was asked for.
pub fn run(seat: &Seat) -> Result<Exit> {
    let here = std::env::current_dir().context("finding the current folder")?;
    folder(&here, seat.cwd.as_deref())?;
    need_terminal()?;
    let _log = logs::keep(&Places::find().logs());
    arguments::print_help()
}

/// A screen needs a terminal to read keys from and one to draw on.
fn need_terminal() -> Result<()> {
    let missing = match (std::io::stdin().is_terminal(), std::io::stdout().is_terminal()) {
        (true, true) => return Ok(()),
        (false, _) => "stdin",
        (true, false) => "stdout",
    };
    Err(Problem::usage(
        format!("no terminal: {missing} is a pipe or a file"),
        "Run it in a terminal; `hotseat --help` lists what works without one.",
    )
    .into())
}

/// The folder to work in, as its real path (that is what names a project).
fn folder(here: &Path, asked: Option<&Path>) -> Result<PathBuf> {
    let folder = asked.map_or_else(|| here.to_owned(), |asked| here.join(asked));
    match folder.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        Ok(real) => Err(Problem::usage(
            format!("not a folder: {}", real.display()),
            "Give --cwd the folder your agent should work in.",
        )
        .into()),
        Err(error) => Err(Problem::usage(
            format!("no such folder: {}: {error}", folder.display()),
            "Give --cwd a folder that exists.",
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_real_and_a_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let real = scratch.path().canonicalize().unwrap();
        std::fs::write(real.join("file"), "").unwrap();
        std::fs::create_dir(real.join("sub")).unwrap();

        assert_eq!(folder(&real, None).unwrap(), real);
        assert_eq!(folder(&real, Some(Path::new("sub/../sub"))).unwrap(), real.join("sub"));
        for bad in ["file", "missing"] {
            assert!(folder(&real, Some(Path::new(bad))).is_err(), "{bad}");
        }
    }
}
