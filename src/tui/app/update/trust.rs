//! Questions about folders, and what follows from their answers: no process is
//! started in a folder before a person agreed to it.

use std::path::PathBuf;

use super::super::deferred::DeferredChange;
use super::super::effect::Effect;
use super::super::overlay::{Confirmation, Overlay};
use super::super::state::App;
use super::super::trust::{FolderUse, ResolvedFolder};
use super::switch;
use crate::session::SessionId;
use crate::slot::Switch;

/// Starts the first process, or asks the next question that keeps it from being
/// started.
pub(super) fn start(app: &mut App) -> Vec<Effect> {
    let can_restrict = app.agent.ignores_project_settings;
    let Some(start) = &mut app.pending_start else { return Vec::new() };
    if let (Some(session), Some(folder)) = (start.resume, start.elsewhere.take()) {
        ask_about(app, session, folder, FolderUse::Resume);
        return Vec::new();
    }
    if start.asks_for_trust {
        let folder = app.folder.clone();
        app.overlay = Some(Overlay::Confirm(Confirmation::TrustFolder { folder, can_restrict }));
        return Vec::new();
    }
    let resume = start.resume;
    start_in(app, PathBuf::from(&app.folder), resume)
}

fn start_in(app: &mut App, cwd: PathBuf, resume: Option<SessionId>) -> Vec<Effect> {
    app.pending_start = None;
    let project_settings = !app.restricted_folders.contains(&cwd);
    vec![Effect::StartSlot { cwd, resume, project_settings }]
}

/// The answer about the folder that was opened.
pub(super) fn answer_trust(app: &mut App, answer: char) -> Vec<Effect> {
    let folder = PathBuf::from(&app.folder);
    let mut effects = Vec::new();
    match answer {
        't' => {
            let record = app.trust_record();
            effects.push(Effect::TrustFolder { folder, record, session: None });
        }
        'w' => drop(app.restricted_folders.insert(folder)),
        _ => return vec![Effect::Quit],
    }
    if let Some(start) = &mut app.pending_start {
        start.asks_for_trust = false;
    }
    effects.extend(self::start(app));
    effects
}

/// Whether a session works in the folder that was opened: the shell found its
/// transcript filed under it.
pub(super) fn is_filed_here(app: &App, session: SessionId) -> bool {
    app.environment.project_sessions.as_ref().is_some_and(|here| here.contains(&session))
}

/// Asks the shell which folder a session works in.
pub(super) fn resolve(app: &mut App, session: SessionId, purpose: FolderUse) -> Vec<Effect> {
    app.resolving = Some((session, purpose));
    vec![Effect::ResolveFolder(session)]
}

/// The shell answered. An answer that nobody waits for any more is dropped.
pub(super) fn resolved(
    app: &mut App,
    session: SessionId,
    folder: Result<ResolvedFolder, String>,
) -> Vec<Effect> {
    let Some((_, purpose)) = app.resolving.take_if(|(waiting, _)| *waiting == session) else {
        return Vec::new();
    };
    let folder = match folder {
        Ok(folder) => folder,
        Err(problem) => {
            switch::restore_prompt(app);
            app.toast_error(problem);
            return Vec::new();
        }
    };
    let is_agreed = folder.path == app.opened_folder() || app.confirmed_folders.contains(&folder.path);
    let works_there = app.agent.folder.as_deref() == Some(&folder.path);
    if folder.exists && (is_agreed || works_there) {
        return go(app, session, purpose);
    }
    ask_about(app, session, folder, purpose);
    Vec::new()
}

fn ask_about(app: &mut App, session: SessionId, folder: ResolvedFolder, purpose: FolderUse) {
    let can_restrict = app.agent.ignores_project_settings;
    app.overlay = Some(Overlay::Confirm(if folder.exists {
        Confirmation::OtherFolder { session, folder, purpose, can_restrict }
    } else {
        Confirmation::FolderGone { session, folder: folder.display() }
    }));
}

/// The answer about another folder: work there, trusting it or not.
pub(super) fn answer_other_folder(
    app: &mut App,
    session: SessionId,
    folder: ResolvedFolder,
    purpose: FolderUse,
    answer: char,
) -> Vec<Effect> {
    app.confirmed_folders.insert(folder.path.clone());
    if answer == 'w' {
        app.restricted_folders.insert(folder.path.clone());
    } else {
        app.restricted_folders.remove(&folder.path);
    }
    let is_first = app.pending_start.is_some();
    let mut effects = Vec::new();
    if answer == 't' {
        let record = app.trust_record();
        let then = (!is_first).then_some(session);
        effects.push(Effect::TrustFolder { folder: folder.path.clone(), record, session: then });
        if !is_first {
            // Once that is written, its folder is looked up again and agreed to.
            app.resolving = Some((session, purpose));
            return effects;
        }
    }
    effects.extend(if is_first {
        app.confirmed.insert(session);
        start_in(app, folder.path, Some(session))
    } else {
        go(app, session, purpose)
    });
    effects
}

/// Forks a session of another folder into the one that was opened.
pub(super) fn fork_here(app: &mut App, session: SessionId) -> Vec<Effect> {
    let Some(start) = &mut app.pending_start else { return switch::fork_here(app, session) };
    start.resume = None;
    let cwd = Some(PathBuf::from(&app.folder));
    let fork = Switch::Fork { source: session, at: None, title: None, cwd };
    app.deferred.get_or_insert_default().change = Some(DeferredChange::Switch(fork));
    self::start(app)
}

/// Does not go to another folder: keeps the active session, or starts a new one.
pub(super) fn stay(app: &mut App) -> Vec<Effect> {
    let Some(start) = &mut app.pending_start else { return switch::cancel_switch(app) };
    start.resume = None;
    app.shown = None;
    app.browser.selected = None;
    self::start(app)
}

/// Resumes a session whose folder is gone in the one that was opened.
pub(super) fn resume_here(app: &mut App, session: SessionId) -> Vec<Effect> {
    app.confirmed.insert(session);
    if app.pending_start.is_some() { self::start(app) } else { switch::request_resume(app, session) }
}

fn go(app: &mut App, session: SessionId, purpose: FolderUse) -> Vec<Effect> {
    match purpose {
        FolderUse::Resume => {
            app.confirmed.insert(session);
            switch::request_resume(app, session)
        }
        FolderUse::Fork(at) => switch::fork_in_its_folder(app, session, at),
    }
}
