//! Rewinding files to an earlier prompt: a preview first, done on one more key.

use super::super::effect::Effect;
use super::super::overlay::{Overlay, ViewerContent};
use super::super::state::App;
use super::dispatch::refuse;
use crate::session::conversation::ItemKind;
use crate::slot::RewindResult;

/// Asks the agent what coming back to the selected message's prompt would
/// change; with none selected, to the last prompt.
pub(super) fn preview(app: &mut App) -> Vec<Effect> {
    if !app.shows_active() {
        return refuse(app, "only the active session can rewind files");
    }
    let Some(page) = app.page() else { return refuse(app, "there is no prompt yet") };
    let items = page.conversation.items();
    let to = page.selected.map_or(items.len(), |at| at + 1).min(items.len());
    let prompt = items[..to].iter().rev().find(|item| matches!(item.kind, ItemKind::Prompt(_)));
    let Some(prompt) = prompt.filter(|prompt| !prompt.uuid.is_empty()) else {
        return refuse(app, "there is no prompt yet");
    };
    vec![Effect::Rewind { prompt: prompt.uuid.clone(), dry_run: true }]
}

/// The person has seen what it changes, and wants it.
pub(super) fn confirm(app: &mut App) -> Vec<Effect> {
    let Some(Overlay::Viewer(ViewerContent::Rewind { prompt, .. }, _)) = app.overlay.take() else {
        return Vec::new();
    };
    vec![Effect::Rewind { prompt, dry_run: false }]
}

/// The agent answered.
pub(super) fn rewind_answered(
    app: &mut App,
    prompt: String,
    dry_run: bool,
    rewind: Result<RewindResult, String>,
) -> Vec<Effect> {
    let rewind = match rewind {
        Ok(rewind) => rewind,
        Err(why) => return refuse(app, &format!("files not changed: {why}")),
    };
    let files = match rewind.files.len() {
        0 => {
            app.toast("files have not changed since this prompt");
            return Vec::new();
        }
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    if dry_run {
        app.overlay = Some(Overlay::Viewer(ViewerContent::Rewind { prompt, rewind }, 0));
    } else {
        app.toast(format!("{files} rewound (+{} -{} lines)", rewind.insertions, rewind.deletions));
    }
    Vec::new()
}
