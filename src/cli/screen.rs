//! `hotseat` without a command: opens the screen.
//!
//! Resolves folder, session, agent, theme and keys, then hands over to `crate::tui`.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::agents::{self, AgentChoice};
use super::arguments::LaunchArgs;
use super::config::{self, Settings};
use super::exit::{CliError, CliExit};
use super::logs;
use super::output;
use super::paths::Paths;
use super::sessions::lookup::SessionLookup;
use crate::session::raw_entry::EntryKind;
use crate::session::{SessionId, SessionSummary, Transcript};
use crate::slot::{AgentSpec, Launch, SessionFinder, SessionLocation};
use crate::store::{self, LocalStore, SessionStore, TrustStore};
use crate::tui::app::Keymap;
use crate::tui::view::Theme;
use crate::tui::{self, TuiOptions};

/// The folders that the screen uses: the user's own, or the demo's.
pub(super) struct ScreenContext {
    pub store: LocalStore,
    /// The agent's working folder.
    pub cwd: PathBuf,
    /// Folder for drafts and history.
    pub state: PathBuf,
    /// The index file.
    pub index: PathBuf,
    /// Environment variables of the agent, added to ours.
    pub env: Vec<(OsString, OsString)>,
    /// Which folders the user trusts.
    pub trust: TrustStore,
    /// Whether the sessions still exist after the end.
    pub is_persistent: bool,
    /// Message shown at start.
    pub welcome: Option<String>,
}

pub fn run(seat: &LaunchArgs) -> Result<CliExit> {
    let here = std::env::current_dir().context("cannot find the current folder")?;
    let cwd = working_folder(&here, seat.cwd.as_deref())?;
    require_terminal()?;
    let places = Paths::from_env();
    logs::to_folder(&places.logs());
    let reading = config::read_file(&places.config_file());
    let mistakes = reading.errors.len();
    let welcome = reading.errors.first().map(|first| match mistakes {
        1 => first.to_string(),
        _ => format!("{first} (and {} more: hotseat config check)", mistakes - 1),
    });
    let index = places.index();
    // Imported sessions of other agents are files in the cache, so leave them out.
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

/// Opens the screen. The caller has checked that there is a terminal.
pub(super) fn run_screen(room: ScreenContext, seat: &LaunchArgs, settings: Settings) -> Result<CliExit> {
    let store = Arc::new(room.store);
    let stock = SessionLookup::new(store.clone(), room.index.clone());
    let mut resume = seat.resume.as_deref().map(|reference| stock.find_one(reference)).transpose();
    if let (Err(_), Some(reference), false) = (&resume, &seat.resume, seat.ephemeral) {
        // A clean-up may have deleted a pinned session: restore pins and try again.
        store.reconcile_pins().context("cannot restore pinned sessions")?;
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
        let advice = "Omit --ephemeral, or use another agent.";
        return Err(CliError::usage("claude-tty always writes its sessions to disk", advice).into());
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
        output::print(&format!("Resume this session with: hotseat --resume {session}\n")).ok();
    }
    Ok(CliExit::Done)
}

/// The agent that can resume a session: the one it belongs to, or for transcripts in
/// the official format any agent that writes them.
fn agent_for_session(
    all: &[AgentSpec],
    store: &LocalStore,
    session: SessionId,
    asked: Option<&str>,
    configured: Option<&str>,
) -> Result<AgentChoice> {
    // Imported copies name their agent at the end, recordings at the start.
    let tail = store.read_tail(session, END_BYTES).context("cannot read the session to resume")?;
    let head = store.read_head(session, END_BYTES).context("cannot read the session to resume")?;
    let choose = |name: Option<&str>| agents::choose_agent(all, name, agents::find_on_path);
    let keeper =
        SessionSummary::from_bytes(&tail.bytes).agent.or_else(|| SessionSummary::from_bytes(&head).agent);
    match (keeper, asked) {
        (Some(keeper), Some(asked)) if keeper != asked => Err(CliError::usage(
            format!("this session belongs to {keeper}, and {asked} cannot resume it"),
            format!("Omit --agent, or use --agent {keeper}."),
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

/// Bytes read from each end of a transcript to find its folder and its agent.
const END_BYTES: u64 = 64 * 1024;

/// Locates stored sessions for agents that cannot do it themselves.
fn finder(store: Arc<LocalStore>, opened: PathBuf, trust: TrustStore) -> SessionFinder {
    SessionFinder::new(move |session| {
        let stored = store.find(session).ok()?;
        let head = store.read_head(session, END_BYTES).ok()?;
        let clean = crate::transcript::TranscriptText::read(&head);
        let parsed = Transcript::read(&clean);
        let cwd = store::working_folder(&*store, session, &opened).ok()?.path;
        let is_trusted = trust.is_trusted(&cwd);
        let holder = store.holder(session).map(|holder| (holder.pid, holder.program));
        let is_told = parsed.entries.iter().any(|line| line.kind() == EntryKind::Imported);
        let tail = || SessionSummary::from_bytes(&store.read_tail(session, END_BYTES).ok()?.bytes).active;
        // The agent's own file is complete up to its modification time.
        let as_of = if is_told { tail().map(SystemTime::from) } else { Some(stored.modified) };
        Some(SessionLocation { cwd, is_trusted, transcript: stored.path, recorded_until: as_of, holder })
    })
}

/// The configured theme, unless `NO_COLOR` is set; with what is wrong in a theme file.
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

/// Fails unless both stdin and stdout are a terminal.
pub(super) fn require_terminal() -> Result<()> {
    let missing = match (std::io::stdin().is_terminal(), std::io::stdout().is_terminal()) {
        (true, true) => return Ok(()),
        (false, _) => "stdin",
        (true, false) => "stdout",
    };
    Err(CliError::usage(
        format!("no terminal: {missing} is a pipe or a file"),
        "Run it in a terminal, or use a command that works without one: `hotseat --help`.",
    )
    .into())
}

/// The working folder as a canonical path: projects are named after it.
fn working_folder(here: &Path, asked: Option<&Path>) -> Result<PathBuf> {
    let folder = asked.map_or_else(|| here.to_owned(), |asked| here.join(asked));
    match folder.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        Ok(real) => {
            Err(CliError::usage(format!("not a folder: {}", real.display()), "Pass a folder to --cwd.")
                .into())
        }
        Err(error) => Err(CliError::usage(
            format!("no such folder: {}: {error}", folder.display()),
            "Pass an existing folder to --cwd.",
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
