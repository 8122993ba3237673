//! `hotseat` without a command: the screen, on a terminal.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::arguments::Seat;
use super::config::{self, Settings};
use super::doctor;
use super::exit::{Exit, Problem};
use super::logs;
use super::places::Places;
use super::sessions::reference::Stock;
use crate::slot::{Finder, Launch, OURS};
use crate::store::{LocalStore, SessionStore};
use crate::tui::app::Keymap;
use crate::tui::view::Theme;
use crate::tui::{self, Options};

/// The agent that has a terminal of its own.
const TERMINAL: &str = "claude-tty";

/// Where the screen works: a person's own folders, or a demo's.
pub(super) struct Room {
    /// The root of the store, as `CLAUDE_CONFIG_DIR` names it.
    pub claude: PathBuf,
    /// The folder the agent works in.
    pub cwd: PathBuf,
    /// Drafts and history.
    pub state: PathBuf,
    /// The file of the index.
    pub index: PathBuf,
    /// Environment of the agent on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// Something to say at the start.
    pub welcome: Option<String>,
}

/// Opens the screen in the folder that was asked for.
pub fn run(seat: &Seat) -> Result<Exit> {
    let here = std::env::current_dir().context("finding the current folder")?;
    let cwd = folder(&here, seat.cwd.as_deref())?;
    need_terminal()?;
    let places = Places::find();
    logs::keep(&places.logs());
    let reading = config::read_file(&places.config_file());
    let mistakes = reading.mistakes.len();
    let welcome = reading.mistakes.first().map(|first| match mistakes {
        1 => first.to_string(),
        _ => format!("{first} - and {} more: hotseat config check", mistakes - 1),
    });
    let index = places.index();
    let room = Room { claude: places.claude, cwd, state: places.state, index, env: Vec::new(), welcome };
    open(room, seat, reading.settings)
}

/// Opens the screen in a room. The terminal must have been seen to be one.
pub(super) fn open(room: Room, seat: &Seat, settings: Settings) -> Result<Exit> {
    let agent = seat.agent.clone().unwrap_or(settings.agent);
    if !config::AGENTS.contains(&agent.as_str()) {
        return Err(Problem::usage(
            format!("this version cannot seat the agent “{agent}”"),
            format!("It drives {}. `hotseat doctor` lists what is found.", config::AGENTS.join(" and ")),
        )
        .into());
    }
    let store = Arc::new(LocalStore::new(&room.claude));
    let stock = Stock::over(store.clone(), room.index.clone());
    let mut resume = seat.resume.as_deref().map(|reference| stock.one(reference)).transpose();
    if let (Err(_), Some(reference), false) = (&resume, &seat.resume, seat.ephemeral) {
        // It may be a pinned one that a clean-up took.
        store.tend().context("looking after the pinned sessions")?;
        resume = Stock::over(store.clone(), room.index.clone()).one(reference).map(Some);
    }
    let resume = resume?;
    let (theme, mut problems) = theme(&settings.theme);
    let (keymap, more) = Keymap::with(&settings.keys);
    problems.extend(more);
    let terminal = agent == TERMINAL;
    let (program, args) = if terminal {
        if seat.ephemeral {
            let advice = "Leave --ephemeral out, or seat hotseat's own agent.";
            return Err(
                Problem::usage("the official claude always writes its sessions to disk", advice).into()
            );
        }
        (official_claude()?, Vec::new())
    } else {
        (std::env::current_exe().context("finding hotseat's own program")?, vec!["agent".into()])
    };
    let launch = Launch {
        driver: OURS.driver,
        program,
        args,
        env: room.env,
        cwd: room.cwd,
        model: seat.model.clone().or(settings.model),
        permission_mode: seat.permission_mode.unwrap_or(settings.permission_mode),
        resume,
        ephemeral: seat.ephemeral,
        guard: None,
        processes: 2,
        finder: Finder::default(),
    };
    tui::run(Options {
        launch,
        agent,
        terminal,
        store,
        index: (!seat.ephemeral).then_some(room.index),
        resume_newest: seat.continue_last,
        all: seat.all || settings.all,
        keymap,
        theme,
        mouse: settings.mouse,
        times: settings.timestamps,
        browser_width: settings.browser_width,
        editor: settings.editor,
        prices: settings.prices,
        state: room.state,
        welcome: room.welcome.or_else(|| problems.into_iter().next()),
    })?;
    Ok(Exit::Done)
}

/// The official program, as the shell would find it.
fn official_claude() -> Result<PathBuf> {
    doctor::on_path("claude").ok_or_else(|| {
        let advice = "Install it with `npm install -g @anthropic-ai/claude-code`, or leave --agent out.";
        Problem::usage("no program named claude is on the PATH", advice).into()
    })
}

/// The colours that were configured, within what the terminal was said to bear.
fn theme(wanted: &config::Theme) -> (Theme, Vec<String>) {
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return (Theme::mono(), Vec::new());
    }
    let auto = || Theme::auto(std::env::var("COLORFGBG").ok().as_deref());
    match wanted {
        config::Theme::Auto => (auto(), Vec::new()),
        config::Theme::Dark => (Theme::dark(), Vec::new()),
        config::Theme::Light => (Theme::light(), Vec::new()),
        config::Theme::Mono => (Theme::mono(), Vec::new()),
        config::Theme::File(path) => match std::fs::read_to_string(path) {
            Ok(text) => auto().with(&text),
            Err(error) => (auto(), vec![format!("theme {}: {error}", path.display())]),
        },
    }
}

/// A screen needs a terminal to read keys from and one to draw on.
pub(super) fn need_terminal() -> Result<()> {
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
