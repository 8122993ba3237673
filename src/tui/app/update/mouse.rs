//! The mouse: click, wheel, and dragging the divider.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::super::effect::Effect;
use super::super::geometry::HitTarget;
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::{agents, dispatch, jump, keys, loading, prompts, terminal};

/// Lines that one notch of the wheel moves.
const NOTCH: isize = 3;
/// The browser's width stays between these, in columns (`screen.md`).
const WIDTHS: (u16, u16) = (34, 60);

/// The mouse did something.
pub(super) fn mouse(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    if let Some(effects) = terminal::mouse(app, mouse) {
        return effects;
    }
    let target = app.geometry.hit_test(mouse.column, mouse.row, app.overlay.is_some());
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => click(app, target),
        MouseEventKind::Drag(MouseButton::Left) if app.dragging => {
            let width = (mouse.column - app.geometry.browser.x.min(mouse.column)).clamp(WIDTHS.0, WIDTHS.1);
            app.browser.width = Some(width);
            Vec::new()
        }
        MouseEventKind::Up(MouseButton::Left) => {
            app.dragging = false;
            Vec::new()
        }
        MouseEventKind::ScrollUp => wheel(app, target, -NOTCH),
        MouseEventKind::ScrollDown => wheel(app, target, NOTCH),
        _ => Vec::new(),
    }
}

fn wheel(app: &mut App, target: HitTarget, lines: isize) -> Vec<Effect> {
    match (&mut app.overlay, target) {
        (Some(Overlay::Jump(search)), _) => {
            search.step(lines.signum());
            jump::preview(app)
        }
        (Some(Overlay::Viewer(_, scroll)), _) => {
            *scroll = scroll.saturating_add_signed(lines);
            Vec::new()
        }
        (Some(Overlay::AgentPicker(_)), _) => agents::step(app, lines.signum()),
        (Some(Overlay::History(search)), _) => {
            search.step(lines.signum());
            Vec::new()
        }
        (Some(Overlay::Prompt(_) | Overlay::Confirm(_)), _) => Vec::new(),
        (None, HitTarget::Row(_) | HitTarget::Browser) => {
            app.browser.step(lines.signum());
            loading::show_selected(app)
        }
        (None, _) => {
            prompts::scroll(app, lines);
            Vec::new()
        }
    }
}

fn click(app: &mut App, target: HitTarget) -> Vec<Effect> {
    match target {
        HitTarget::Row(line) => {
            let before = app.browser.selected;
            app.focus = Focus::Browser;
            if !app.browser.select_line(line) {
                return Vec::new();
            }
            // The second click on a row is Enter.
            if app.browser.selected == before && app.shown == before.or(app.agent.active) {
                return dispatch::dispatch(app, super::super::command::Command::Resume);
            }
            loading::show_selected(app)
        }
        HitTarget::Browser => {
            app.focus = Focus::Browser;
            Vec::new()
        }
        HitTarget::Divider => {
            app.dragging = true;
            Vec::new()
        }
        HitTarget::Item(item) => {
            app.focus = Focus::Conversation;
            if let Some(page) = app.page_mut() {
                if page.selected == Some(item) {
                    page.toggle_fold(item);
                }
                page.selected = Some(item);
            }
            Vec::new()
        }
        HitTarget::Conversation => {
            app.focus = Focus::Conversation;
            Vec::new()
        }
        HitTarget::Composer => {
            app.focus = Focus::Composer;
            Vec::new()
        }
        HitTarget::Choice(choice) => match &mut app.overlay {
            Some(Overlay::Jump(search)) => {
                search.cursor = choice;
                keys::press(app, KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))
            }
            Some(Overlay::History(search)) => {
                search.cursor = choice;
                keys::press(app, KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))
            }
            Some(Overlay::Confirm(question)) => {
                let key = question.answer_keys().get(choice).copied();
                key.map_or_else(Vec::new, |key| {
                    keys::press(app, KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))
                })
            }
            Some(Overlay::AgentPicker(at)) => {
                *at = choice;
                agents::pick(app)
            }
            Some(Overlay::Viewer(..) | Overlay::Prompt(_)) | None => Vec::new(),
        },
        HitTarget::Nothing => {
            if matches!(app.overlay, Some(Overlay::Viewer(..))) {
                app.overlay = None;
            }
            Vec::new()
        }
    }
}
