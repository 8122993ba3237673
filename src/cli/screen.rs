//! `hotseat` without a command: the screen, on a terminal.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::agents::{self, AgentChoice};
use super::arguments::LaunchArgs;
use super::config::{self, Settings};
use super::exit::{CliError, CliExit};
use super::logs;
use super::paths::Paths;
use super::sessions::lookup::SessionLookup;
use crate::session::raw_entry::EntryKind;
use crate::session::{SessionId, SessionSummary, Transcript};
use crate::slot::{AgentSpec, Launch, SessionFinder, SessionLocation};
use crate::store::{self, LocalStore, SessionStore, TrustStore};
use crate::tui::app::Keymap;
use crate::tui::view::Theme;
use crate::tui::{self, TuiOptions};

/// Where the screen works: a person's own folders, or a demo's.
pub(super) struct ScreenContext {
    /// The sessions.
    pub store: LocalStore,
    /// The folder the agent works in.
    pub cwd: PathBuf,
    /// Drafts and history.
    pub state: PathBuf,
    /// The file of the index.
    pub index: PathBuf,
    /// Environment of the agent on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// The folders that a person trusts.
    pub trust: TrustStore,
    /// Its sessions are still there after the end.
    pub is_persistent: bool,
    /// Something to say at the start.
    pub welcome: Option<String>,
}

/// Opens the screen in the folder that was asked for.
pub fn run(seat: &LaunchArgs) -> Result<CliExit> {
    let here = std::env::current_dir().context("finding the current folder")?;
    let cwd = working_folder(&here, seat.cwd.as_deref())?;
    require_terminal()?;
    let places = Paths::from_env();
    logs::to_folder(&places.logs());
    let reading = config::read_file(&places.config_file());
    let mistakes = reading.errors.len();
    let welcome = reading.errors.first().map(|first| match mistakes {
        1 => first.to_string(),
        _ => format!("{first} - and {} more: hotseat config check", mistakes - 1),
    });
    let index = places.index();
    // The copies of what other agents keep are files, too.
    let store = if seat.ephemeral { LocalStore::new(&places.claude) } else { places.store() };
    let trust = places.trust();
    let room = ScreenContext {
        store,
        cwd,
        state: places.state,
        index,
        env: Vec::new(),
        trust,
        is_persistent: true,
        welcome,
    };
    run_screen(room, seat, reading.settings)
}

/// Opens the screen in a room. The terminal must have been seen to be one.
pub(super) fn run_screen(room: ScreenContext, seat: &LaunchArgs, settings: Settings) -> Result<CliExit> {
    let store = Arc::new(room.store);
    let stock = SessionLookup::new(store.clone(), room.index.clone());
    let mut resume = seat.resume.as_deref().map(|reference| stock.find_one(reference)).transpose();
    if let (Err(_), Some(reference), false) = (&resume, &seat.resume, seat.ephemeral) {
        // It may be a pinned one that a clean-up took.
        store.reconcile_pins().context("looking after the pinned sessions")?;
        resume = SessionLookup::new(store.clone(), room.index.clone()).find_one(reference).map(Some);
    }
    let resume = resume?;
    let all = agents::all_agents(&settings.agents);
    let (asked, configured) = (seat.agent.as_deref(), settings.agent.as_deref());
    let choice = match resume {
        Some(session) => agent_for_session(&all, &store, session, asked, configured)?,
        None => agents::choose_agent(&all, asked.or(configured), agents::find_on_path)?,
    };
    if choice.in_terminal && seat.ephemeral {
        let advice = "Leave --ephemeral out, or seat another agent.";
        return Err(CliError::usage("claude in a terminal always writes its sessions to disk", advice).into());
    }
    let (theme, mut problems) = load_theme(&settings.theme);
    let (keymap, more) = Keymap::with_overrides(&settings.keys);
    problems.extend(more);
    let launch = Launch {
        args: choice.arguments.clone(),
        env: room.env,
        model: seat.model.clone().or(settings.model),
        permission_mode: seat.permission_mode.unwrap_or(settings.permission_mode),
        resume,
        ephemeral: seat.ephemeral,
        processes: settings.processes,
        finder: finder(store.clone(), room.cwd.clone(), room.trust.clone()),
        ..Launch::new(choice.spec.driver, choice.program.clone(), room.cwd)
    };
    let left = tui::run(TuiOptions {
        launch,
        agent: choice.name.to_owned(),
        agents: agents::agent_offers(&all, agents::find_on_path),
        terminal: choice.in_terminal,
        ignores_project_settings: choice.spec.ignores_project_settings,
        trust: room.trust,
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
        welcome: room
            .welcome
            .or_else(|| problems.into_iter().next())
            .or_else(|| choice.first_time_notice(&room.state)),
        state: room.state,
    })?;
    if let Some(session) = left.filter(|_| room.is_persistent) {
        // A closed stdout is no failure of the session that has just ended.
        writeln!(std::io::stdout(), "Resume this session with: hotseat --resume {session}").ok();
    }
    Ok(CliExit::Done)
}

/// The agent that can go on in a session: the one that keeps it, or for those of
/// the official format one that shares that, whatever is configured.
fn agent_for_session(
    all: &[AgentSpec],
    store: &LocalStore,
    session: SessionId,
    asked: Option<&str>,
    configured: Option<&str>,
) -> Result<AgentChoice> {
    // A copy says at its end whose it is, a record at its beginning.
    let tail = store.read_tail(session, END_BYTES).context("reading the session to resume")?;
    let head = store.read_head(session, END_BYTES).context("reading the session to resume")?;
    let choose = |name: Option<&str>| agents::choose_agent(all, name, agents::find_on_path);
    let keeper =
        SessionSummary::from_bytes(&tail.bytes).agent.or_else(|| SessionSummary::from_bytes(&head).agent);
    match (keeper, asked) {
        (Some(keeper), Some(asked)) if keeper != asked => Err(CliError::usage(
            format!("{keeper} keeps this session, and {asked} cannot go on in it"),
            format!("Leave --agent out, or say --agent {keeper}."),
        )
        .into()),
        (Some(keeper), _) => choose(Some(&keeper)),
        (None, asked) => {
            let choice = choose(asked.or(configured))?;
            if choice.spec.official_format || asked.is_some() {
                return Ok(choice);
            }
            choose(Some("claude")).or_else(|_| choose(Some("hotseat")))
        }
    }
}

/// Each end of a transcript, in which its folder and its keeper are looked for.
const END_BYTES: u64 = 64 * 1024;

/// Where stored sessions are, for agents that do not find them themselves.
fn finder(store: Arc<LocalStore>, opened: PathBuf, trust: TrustStore) -> SessionFinder {
    SessionFinder::new(move |session| {
        let stored = store.find(session).ok()?;
        let head = store.read_head(session, END_BYTES).ok()?;
        let parsed = Transcript::parse(&head);
        let cwd = store::working_folder(&*store, session, &opened).ok()?.path;
        let is_trusted = trust.is_trusted(&cwd);
        let holder = store.holder(session).map(|holder| (holder.pid, holder.program));
        let is_told = parsed.entries.iter().any(|line| line.kind() == EntryKind::Imported);
        let tail = || SessionSummary::from_bytes(&store.read_tail(session, END_BYTES).ok()?.bytes).active;
        // A file of the agent's own has all that was said until it was touched.
        let as_of = if is_told { tail().map(SystemTime::from) } else { Some(stored.modified) };
        Some(SessionLocation { cwd, is_trusted, transcript: stored.path, recorded_until: as_of, holder })
    })
}

/// The colours that were configured, within what the terminal was said to bear.
fn load_theme(wanted: &config::ThemeSetting) -> (Theme, Vec<String>) {
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return (Theme::mono(), Vec::new());
    }
    let auto = || Theme::auto(std::env::var("COLORFGBG").ok().as_deref());
    match wanted {
        config::ThemeSetting::Auto => (auto(), Vec::new()),
        config::ThemeSetting::Dark => (Theme::dark(), Vec::new()),
        config::ThemeSetting::Light => (Theme::light(), Vec::new()),
        config::ThemeSetting::Mono => (Theme::mono(), Vec::new()),
        config::ThemeSetting::File(path) => match std::fs::read_to_string(path) {
            Ok(text) => auto().with(&text),
            Err(error) => (auto(), vec![format!("theme {}: {error}", path.display())]),
        },
    }
}

/// A screen needs a terminal to read keys from and one to draw on.
pub(super) fn require_terminal() -> Result<()> {
    let missing = match (std::io::stdin().is_terminal(), std::io::stdout().is_terminal()) {
        (true, true) => return Ok(()),
        (false, _) => "stdin",
        (true, false) => "stdout",
    };
    Err(CliError::usage(
        format!("no terminal: {missing} is a pipe or a file"),
        "Run it in a terminal; `hotseat --help` lists what works without one.",
    )
    .into())
}

/// The folder to work in, as its real path (that is what names a project).
fn working_folder(here: &Path, asked: Option<&Path>) -> Result<PathBuf> {
    let folder = asked.map_or_else(|| here.to_owned(), |asked| here.join(asked));
    match folder.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        Ok(real) => Err(CliError::usage(
            format!("not a folder: {}", real.display()),
            "Give --cwd the folder your agent should work in.",
        )
        .into()),
        Err(error) => Err(CliError::usage(
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

        assert_eq!(working_folder(&real, None).unwrap(), real);
        assert_eq!(working_folder(&real, Some(Path::new("sub/../sub"))).unwrap(), real.join("sub"));
        for bad in ["file", "missing"] {
            assert!(working_folder(&real, Some(Path::new(bad))).is_err(), "{bad}");
        }
    }
}
