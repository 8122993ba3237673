//! Slash commands: commands by name, typed in the composer.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::jump::{Jump, SearchScope};
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::{dispatch, session_actions, switch};
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// A slash command as the completion shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashCommand {
    /// Its name, without the slash; from an agent: hostile text.
    pub name: String,
    /// What it takes, in words; empty: nothing.
    pub takes: String,
    /// What it does.
    pub help: String,
}

/// Fewer characters of an id name nothing.
const MIN_ID_PREFIX: usize = 4;

/// What one of hotseat's slash commands does.
#[derive(Debug, Clone, Copy)]
enum SlashAction {
    /// The same as a key.
    Command(Command),
    /// Something with what stands behind its name.
    WithText(fn(&mut App, &str) -> Vec<Effect>),
}

/// hotseat's own: name, aliases, argument, action, help.
#[rustfmt::skip]
const SLASH_COMMANDS: &[(&str, &[&str], &str, SlashAction, &str)] = &[
    ("clear", &["new", "reset"], "", SlashAction::Command(Command::Clear), "start a new session"),
    ("resume", &["continue", "open"], "words of a title, or an id", SlashAction::WithText(resume), "resume another session"),
    ("fork", &["branch"], "", SlashAction::Command(Command::Fork), "continue in a copy"),
    ("undo", &[], "", SlashAction::Command(Command::Undo), "undo the last clear, delete, title or tag"),
    ("last", &[], "", SlashAction::Command(Command::PreviousSession), "switch between the last two sessions"),
    ("parent", &[], "", SlashAction::Command(Command::ParentSession), "go to the session this one was forked from"),
    ("rename", &["title"], "title", SlashAction::WithText(rename), "rename this session"),
    ("tag", &[], "tag", SlashAction::WithText(tag), "tag this session (empty removes the tag)"),
    ("pin", &["keep"], "", SlashAction::Command(Command::Pin), "pin / unpin (protect from clean-up)"),
    ("details", &["info", "cost"], "", SlashAction::Command(Command::Details), "details of this session"),
    ("model", &[], "model", SlashAction::WithText(model), "switch model (empty for the default)"),
    ("mode", &["permissions"], "permission mode", SlashAction::WithText(mode), "switch permission mode"),
    ("agent", &["agents"], "", SlashAction::Command(Command::Agents), "switch agent"),
    ("context", &[], "", SlashAction::WithText(|_, _| vec![Effect::MeasureContext]), "show what fills the context window"),
    ("mcp", &["servers"], "a server to reconnect", SlashAction::WithText(mcp), "list MCP servers, or reconnect one"),
    ("restart", &[], "", SlashAction::Command(Command::Restart), "restart an agent that died"),
    ("rewind", &["checkpoint"], "", SlashAction::Command(Command::Rewind), "rewind files to before the last prompt"),
    ("why", &[], "", SlashAction::Command(Command::ShowExit), "show crash output"),
    ("times", &[], "", SlashAction::Command(Command::ToggleTimestamps), "show times and what turns cost"),
    ("search", &["find"], "", SlashAction::Command(Command::SearchConversation), "search in the conversation"),
    ("editor", &[], "", SlashAction::WithText(|_, text| vec![Effect::OpenEditor(text.to_owned())]), "edit the prompt in $EDITOR"),
    ("help", &["keys"], "", SlashAction::Command(Command::Help), "list all keys"),
    ("quit", &["exit", "q"], "", SlashAction::Command(Command::Quit), "quit"),
];

/// The commands whose names begin with what is written; empty if the composer
/// does not hold the beginning of a command.
pub fn completions(app: &App) -> Vec<SlashCommand> {
    let [line] = app.composer.area.lines() else { return Vec::new() };
    let Some(start) = line.strip_prefix('/').filter(|start| !start.contains(char::is_whitespace)) else {
        return Vec::new();
    };
    let own = SLASH_COMMANDS.iter().map(|(name, _, takes, _, help)| SlashCommand {
        name: (*name).to_owned(),
        takes: (*takes).to_owned(),
        help: (*help).to_owned(),
    });
    let of_agent =
        app.agent.info.iter().flat_map(|agent| &agent.commands).filter(|(name, _)| find(name).is_none());
    let of_agent = of_agent.map(|(name, help)| SlashCommand {
        name: name.clone(),
        takes: String::new(),
        help: help.clone(),
    });
    own.chain(of_agent).filter(|command| command.name.starts_with(start)).collect()
}

/// Keys that belong to the completion while it is open.
pub(super) fn press(app: &mut App, event: KeyEvent) -> Option<Vec<Effect>> {
    let count = completions(app).len();
    if count == 0 || event.modifiers != KeyModifiers::NONE {
        return None;
    }
    let at = app.composer.completion.min(count - 1);
    match event.code {
        KeyCode::Up => app.composer.completion = at.checked_sub(1).unwrap_or(count - 1),
        KeyCode::Down => app.composer.completion = (at + 1) % count,
        KeyCode::Tab => complete(app),
        KeyCode::Esc => app.composer.set(""),
        _ => return None,
    }
    Some(Vec::new())
}

/// Enter while the completion is open: completes what takes something, and lets
/// the rest be sent.
pub(super) fn accept(app: &mut App) -> Option<Vec<Effect>> {
    let offered = completions(app);
    let chosen = offered.get(app.composer.completion.min(offered.len().checked_sub(1)?))?;
    let written = app.composer.text();
    let exact = written.trim_start_matches('/') == chosen.name;
    if !exact || app.composer.completion > 0 {
        complete(app);
    }
    let stays = !chosen.takes.is_empty() && !exact;
    stays.then(Vec::new)
}

fn complete(app: &mut App) {
    let offered = completions(app);
    let at = app.composer.completion.min(offered.len().saturating_sub(1));
    if let Some(chosen) = offered.get(at) {
        let space = if chosen.takes.is_empty() { "" } else { " " };
        let text = format!("/{}{space}", chosen.name);
        app.composer.set(&text);
    }
}

fn find(name: &str) -> Option<SlashAction> {
    SLASH_COMMANDS
        .iter()
        .find(|(own, others, ..)| *own == name || others.contains(&name))
        .map(|(_, _, _, does, _)| *does)
}

/// Runs a text as one of hotseat's own commands; `None` if it is not one: then
/// it is the agent's to understand.
pub(super) fn run(app: &mut App, text: &str) -> Option<Vec<Effect>> {
    let command = text.trim().strip_prefix('/')?;
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    Some(match find(name)? {
        SlashAction::Command(command) => dispatch::dispatch(app, command),
        SlashAction::WithText(does) => does(app, rest.trim()),
    })
}

/// Resumes the only match at once; several are shown in the jump.
fn resume(app: &mut App, query: &str) -> Vec<Effect> {
    if let Some(session) = session_by_id(app, query) {
        return switch::resume_session(app, session);
    }
    let mut jump = Jump::new(&app.browser, SearchScope::Titles, query, app.local_now());
    jump.ranking.rank_now();
    if let (1, Some(session)) = (jump.count(), jump.selected().filter(|_| !query.is_empty())) {
        return switch::resume_session(app, session);
    }
    app.overlay = Some(Overlay::Jump(Box::new(jump)));
    vec![Effect::ListSessions { all: true }]
}

/// The session of an id: a whole one, what the agent that keeps it calls it, or
/// a beginning that only one in the list has.
fn session_by_id(app: &App, text: &str) -> Option<SessionId> {
    let named = SessionId::from_external(text);
    if text.parse::<SessionId>().is_ok() || app.browser.row(named).is_some() {
        return Some(named);
    }
    let lower = text.to_lowercase();
    let ids = app.browser.rows.iter().map(|row| row.stored.id);
    let mut begin = ids.filter(|id| lower.len() >= MIN_ID_PREFIX && id.to_string().starts_with(&lower));
    begin.next().filter(|_| begin.next().is_none())
}

fn rename(app: &mut App, title: &str) -> Vec<Effect> {
    match app.shown {
        Some(session) if !title.is_empty() => session_actions::rename(app, session, title.to_owned()),
        _ => dispatch::dispatch(app, Command::Rename),
    }
}

fn tag(app: &mut App, tag: &str) -> Vec<Effect> {
    let session = app.shown.filter(|session| app.browser.row(*session).is_some());
    match session {
        Some(session) => session_actions::tag(app, session, tag.to_owned()),
        None => {
            app.toast_error("this session is empty; send a prompt first");
            Vec::new()
        }
    }
}

fn model(_: &mut App, model: &str) -> Vec<Effect> {
    vec![Effect::SetModel((!model.is_empty()).then(|| model.to_owned()))]
}

fn mcp(app: &mut App, server: &str) -> Vec<Effect> {
    if server.is_empty() {
        return dispatch::dispatch(app, Command::McpServers);
    }
    app.toast(format!("reconnecting {server}"));
    vec![Effect::ReconnectMcpServer(server.to_owned())]
}

fn mode(app: &mut App, mode: &str) -> Vec<Effect> {
    match mode.parse::<PermissionMode>() {
        Ok(mode) => super::modes::set(app, mode),
        Err(problem) => {
            app.toast_error(problem);
            app.focus = Focus::Composer;
            Vec::new()
        }
    }
}
