//! Sending prompts, and moving through the conversation.

use super::super::command::Command;
use super::super::composer::QueuedPrompt;
use super::super::conversation_page::item_text;
use super::super::effect::Effect;
use super::super::state::App;
use super::{save_drafts, slash};
use crate::session::conversation::ItemKind;
use crate::slot::SlotState;

/// Submits the composer: a slash command, or a prompt for the agent.
pub(super) fn send(app: &mut App) -> Vec<Effect> {
    if let Some(completed) = slash::accept(app) {
        return completed;
    }
    if app.composer.text().trim().is_empty() {
        if matches!(app.agent.state, SlotState::Exited(_)) {
            return super::dispatch::dispatch(app, Command::ShowExit);
        }
        return Vec::new();
    }
    let text = app.composer.take_text();
    let mut effects: Vec<Effect> = save_drafts(app).collect();
    effects.push(Effect::AppendHistory(text.clone()));
    effects.extend(match slash::run(app, &text) {
        Some(effects) => effects,
        None => prompt(app, text),
    });
    effects
}

/// Sends a prompt to the session that is shown.
fn prompt(app: &mut App, text: String) -> Vec<Effect> {
    match app.shown {
        // Written to a session that is only previewed: it is resumed first.
        Some(shown) if app.agent.active.is_some_and(|active| active != shown) => {
            app.deferred.get_or_insert_default().prompt = Some((shown, text));
            super::switch::request_resume(app, shown)
        }
        _ => submit(app, text),
    }
}

/// Gives the agent a prompt. While it starts or works, the slot keeps it.
pub(super) fn submit(app: &mut App, text: String) -> Vec<Effect> {
    let uuid = app.next_prompt_id();
    app.composer.queued.push(QueuedPrompt { uuid: uuid.clone(), text: text.clone() });
    if let Some(page) = app.page_mut() {
        page.scroll_to_end();
    }
    vec![Effect::Submit { uuid, text }]
}

/// Up in the composer: a line up, else the queued prompt back, else the history.
pub(super) fn history_previous(app: &mut App) -> Vec<Effect> {
    if app.composer.is_empty()
        && app.is_busy()
        && let Some(last) = app.composer.queued.pop()
    {
        app.composer.set(&last.text);
        return vec![Effect::CancelPrompt(last.uuid)];
    }
    app.composer.recall(-1);
    Vec::new()
}

/// Scrolls the conversation by lines.
pub(super) fn scroll(app: &mut App, lines: isize) {
    if let Some(page) = app.page_mut() {
        page.scroll.by = page.scroll.by.saturating_add(lines);
    }
}

/// Folds and searches in the conversation.
pub(super) fn conversation_command(app: &mut App, command: Command) {
    let Some(page) = app.page_mut() else { return };
    match command {
        Command::Unfold => {
            let last = page.conversation.items().len().checked_sub(1);
            if let Some(item) = page.selected.or(last) {
                page.toggle_fold(item);
                page.scroll.reveal = page.selected.is_some();
            }
        }
        Command::UnfoldAll if page.unfolded.is_empty() => {
            page.unfolded = (0..page.conversation.items().len()).collect();
        }
        Command::UnfoldAll => page.unfolded.clear(),
        Command::SearchNext => page.search_step(true),
        Command::SearchPrevious => page.search_step(false),
        _ => {}
    }
}

/// Copies the selected message, or the last one.
pub(super) fn copy(app: &mut App) -> Vec<Effect> {
    let text = app.page().and_then(|page| {
        let items = page.conversation.items();
        let item = match page.selected {
            Some(selected) => items.get(selected),
            None => items.iter().rev().find(|item| matches!(item.kind, ItemKind::Reply { .. })),
        };
        item.map(item_text)
    });
    match text {
        Some(text) => vec![Effect::CopyToClipboard(text)],
        None => Vec::new(),
    }
}

/// Copies the first code block of the selected message; again: the next one.
pub(super) fn copy_code(app: &mut App) -> Vec<Effect> {
    let Some(page) = app.page_mut() else { return Vec::new() };
    let items = page.conversation.items();
    let has_code = |at: &usize| !code_blocks(&item_text(&items[*at])).is_empty();
    let Some(at) = page.selected.or_else(|| (0..items.len()).rev().find(has_code)) else { return Vec::new() };
    let blocks = items.get(at).map(|item| code_blocks(&item_text(item))).unwrap_or_default();
    if blocks.is_empty() {
        app.toast_error("there is no code block in this message");
        return Vec::new();
    }
    let block = page.copied_block % blocks.len();
    page.copied_block = block + 1;
    vec![Effect::CopyToClipboard(blocks[block].clone())]
}

/// The fenced code blocks of a markdown text, without their fences.
fn code_blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in markdown.lines() {
        let mark = line.trim_start();
        match &mut open {
            Some((fence, lines)) => {
                if mark.starts_with(*fence) && mark.trim_end().chars().all(|c| fence.contains(c)) {
                    blocks.push(lines.join("\n"));
                    open = None;
                } else {
                    lines.push(line);
                }
            }
            None => {
                let fence = ["```", "~~~"].into_iter().find(|fence| mark.starts_with(fence));
                open = fence.map(|fence| (fence, Vec::new()));
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_blocks_come_without_their_fences() {
        let text = "a\n```rust\nfn main() {}\n```\nb\n~~~\nx\n```\n~~~\n```\nnever closed";
        assert_eq!(code_blocks(text), ["fn main() {}", "x\n```"]);
    }
}
