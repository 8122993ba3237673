//! The mouse: click, wheel, and dragging the divider.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::super::effect::Effect;
use super::super::geometry::Target;
use super::super::overlay::Overlay;
use super::super::state::{App, Focus};
use super::{act, agents, jump, keys, read, talk, terminal};

/// Lines that one notch of the wheel moves.
const NOTCH: isize = 3;
/// The browser's width stays between these, in columns (`screen.md`).
const WIDTHS: (u16, u16) = (34, 60);

/// The mouse did something.
pub(super) fn mouse(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    if let Some(effects) = terminal::mouse(app, mouse) {
        return effects;
    }
    let target = app.geometry.target(mouse.column, mouse.row, app.overlay.is_some());
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

fn wheel(app: &mut App, target: Target, lines: isize) -> Vec<Effect> {
    match (&mut app.overlay, target) {
        (Some(Overlay::Jump(search)), _) => {
            search.step(lines.signum());
            jump::preview(app)
        }
        (Some(Overlay::Read(_, scroll)), _) => {
            *scroll = scroll.saturating_add_signed(lines);
            Vec::new()
        }
        (Some(Overlay::Agents(_)), _) => {
            agents::step(app, lines.signum());
            Vec::new()
        }
        (Some(Overlay::Ask(_) | Overlay::Choice(_)), _) => Vec::new(),
        (None, Target::Row(_) | Target::Browser) => {
            app.browser.step(lines.signum());
            read::show_selected(app)
        }
        (None, _) => {
            talk::scroll(app, lines);
            Vec::new()
        }
    }
}

fn click(app: &mut App, target: Target) -> Vec<Effect> {
    match target {
        Target::Row(line) => {
            let before = app.browser.selected;
            app.focus = Focus::Browser;
            if !app.browser.select_line(line) {
                return Vec::new();
            }
            // The second click on a row is Enter.
            if app.browser.selected == before && app.shown == before.or(app.seat.active) {
                return act::act(app, super::super::command::Command::Seat);
            }
            read::show_selected(app)
        }
        Target::Browser => {
            app.focus = Focus::Browser;
            Vec::new()
        }
        Target::Divider => {
            app.dragging = true;
            Vec::new()
        }
        Target::Item(item) => {
            app.focus = Focus::Conversation;
            if let Some(page) = app.page_mut() {
                if page.selected == Some(item) {
                    page.toggle(item);
                }
                page.selected = Some(item);
            }
            Vec::new()
        }
        Target::Conversation => {
            app.focus = Focus::Conversation;
            Vec::new()
        }
        Target::Composer => {
            app.focus = Focus::Composer;
            Vec::new()
        }
        Target::Choice(choice) => match &mut app.overlay {
            Some(Overlay::Jump(search)) => {
                search.cursor = choice;
                keys::press(app, KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))
            }
            Some(Overlay::Choice(question)) => {
                let key = question.keys().get(choice).copied();
                key.map_or_else(Vec::new, |key| {
                    keys::press(app, KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))
                })
            }
            Some(Overlay::Agents(at)) => {
                *at = choice;
                agents::pick(app)
            }
            Some(Overlay::Read(..) | Overlay::Ask(_)) | None => Vec::new(),
        },
        Target::Nothing => {
            if matches!(app.overlay, Some(Overlay::Read(..))) {
                app.overlay = None;
            }
            Vec::new()
        }
    }
}
