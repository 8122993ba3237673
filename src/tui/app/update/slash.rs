//! Slash commands: the keys' commands by name, for hands that stay in the composer.

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

/// What a slash command of hotseat's own does.
#[derive(Debug, Clone, Copy)]
enum SlashAction {
    /// The same as a key.
    Command(Command),
    /// Something with what stands behind its name.
    WithText(fn(&mut App, &str) -> Vec<Effect>),
}

/// hotseat's own: name, other names, what it takes, what it does, help.
#[rustfmt::skip]
const SLASH_COMMANDS: &[(&str, &[&str], &str, SlashAction, &str)] = &[
    ("clear", &["new", "reset"], "", SlashAction::Command(Command::Clear), "leave for a new, empty session"),
    ("resume", &["continue", "open"], "words of a title, or an id", SlashAction::WithText(resume), "give another session the seat"),
    ("fork", &["branch"], "", SlashAction::Command(Command::Fork), "go on in a copy"),
    ("undo", &[], "", SlashAction::Command(Command::Undo), "undo the last clear, delete, title or tag"),
    ("last", &[], "", SlashAction::Command(Command::PreviousSession), "flip between the last two sessions"),
    ("parent", &[], "", SlashAction::Command(Command::ParentSession), "go to the session this one was forked from"),
    ("rename", &["title"], "title", SlashAction::WithText(rename), "give this session a title"),
    ("tag", &[], "tag", SlashAction::WithText(tag), "give this session a tag; none takes it away"),
    ("pin", &["keep"], "", SlashAction::Command(Command::Pin), "keep a copy that no clean-up finds; again: give it up"),
    ("details", &["info", "cost"], "", SlashAction::Command(Command::Details), "what is known of this session"),
    ("model", &[], "model", SlashAction::WithText(model), "use another model; none: the agent's own"),
    ("mode", &["permissions"], "permission mode", SlashAction::WithText(mode), "what may run without asking"),
    ("agent", &["agents"], "", SlashAction::Command(Command::Agents), "another agent for the seat"),
    ("mcp", &["servers"], "", SlashAction::Command(Command::McpServers), "the agent's MCP servers"),
    ("restart", &[], "", SlashAction::Command(Command::Restart), "start a dead agent again"),
    ("rewind", &["checkpoint"], "", SlashAction::Command(Command::Rewind), "bring the files back to before the last prompt"),
    ("why", &[], "", SlashAction::Command(Command::ShowExit), "why the agent died"),
    ("times", &[], "", SlashAction::Command(Command::ToggleTimestamps), "show when things were said and what turns cost"),
    ("search", &["find"], "", SlashAction::Command(Command::SearchConversation), "search in the conversation"),
    ("editor", &[], "", SlashAction::WithText(|_, text| vec![Effect::OpenEditor(text.to_owned())]), "write the prompt in $EDITOR"),
    ("help", &["keys"], "", SlashAction::Command(Command::Help), "what the keys do"),
    ("quit", &["exit", "q"], "", SlashAction::Command(Command::Quit), "leave hotseat"),
];

/// The commands whose names begin with what is written; none when it is not a
/// command's beginning.
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

/// Runs a text as one of hotseat's own commands; `None` where it is none: then
/// it is the agent's to understand.
pub(super) fn run(app: &mut App, text: &str) -> Option<Vec<Effect>> {
    let command = text.trim().strip_prefix('/')?;
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    Some(match find(name)? {
        SlashAction::Command(command) => dispatch::dispatch(app, command),
        SlashAction::WithText(does) => does(app, rest.trim()),
    })
}

/// With one match it takes the seat at once; else the search shows them.
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
            app.toast_error("this session holds nothing yet: say something first");
            Vec::new()
        }
    }
}

fn model(_: &mut App, model: &str) -> Vec<Effect> {
    vec![Effect::SetModel((!model.is_empty()).then(|| model.to_owned()))]
}

fn mode(app: &mut App, mode: &str) -> Vec<Effect> {
    match mode.parse::<PermissionMode>() {
        Ok(mode) => vec![Effect::SetMode(mode)],
        Err(problem) => {
            app.toast_error(problem);
            app.focus = Focus::Composer;
            Vec::new()
        }
    }
}
