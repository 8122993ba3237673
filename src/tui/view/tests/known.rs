//! What a person knows before Enter: badges in the rows, the details, the
//! questions before a session takes the seat.

use std::sync::Arc;

use chrono::TimeDelta;

use super::*;
use crate::session::summary::LastRequest;
use crate::store::FolderReason;
use crate::tui::app::{ResolvedFolder, SessionEnvironment};

/// A screen whose sessions have everything that can be known of one.
fn known() -> TestScreen {
    let mut screen = TestScreen::warm();
    let mut rows = rows();
    let touched = |days: i64| (noon() - TimeDelta::days(days)).into();
    for row in &mut rows {
        row.stored.modified = touched(1);
        Arc::make_mut(&mut row.facts).cwd = Some("/home/me/hotseat".into());
    }
    let usage = Usage { input_tokens: 2_000, output_tokens: 900, ..Usage::default() };
    let last = Usage { cache_read_input_tokens: 117_000, output_tokens: 1_000, ..Usage::default() };
    let facts = Arc::make_mut(&mut rows[1].facts);
    facts.used = [("claude-opus-4-5", last), ("claude-haiku-4-5", usage)].into_iter().collect();
    facts.usage = last;
    facts.created = Some(noon() - TimeDelta::days(3));
    facts.last_request = Some(LastRequest {
        model: "claude-opus-4-5".into(),
        usage: last,
        at: noon() - TimeDelta::minutes(2),
        cache_life: Some(TimeDelta::hours(1)),
    });
    Arc::make_mut(&mut rows[0].facts).forked_turns = 12;
    rows[3].stored.modified = touched(27);
    Arc::make_mut(&mut rows[4].facts).cwd = Some("/home/me/😀 a folder that was renamed".into());
    rows[5].stored.size = 61_000_000;
    Arc::make_mut(&mut rows[6].facts).health.foreign = 1;
    let here = rows.iter().filter(|row| row.stored.id != id(5)).map(|row| row.stored.id).collect();
    screen.handle(Event::SessionList { all: false, rows, progress: None });
    screen.handle(Event::EnvironmentChanged(SessionEnvironment {
        former_folder: None,
        project_sessions: Some(here),
        pinned: [id(3)].into(),
        missing_folders: ["/home/me/😀 a folder that was renamed".to_owned()].into(),
        cleanup_period: Some(Duration::from_hours(30 * 24)),
    }));
    screen.app.focus = Focus::Browser;
    screen
}

impl TestScreen {
    /// With the cursor on a session, as arrow keys would put it there.
    fn on(mut self, number: u8) -> Self {
        self.app.browser.selected = Some(id(number));
        self.app.shown = Some(id(number));
        self
    }
}

#[test]
fn a_row_says_what_is_wrong_with_its_session() {
    insta::assert_snapshot!(known().at(120, 20));
}

#[test]
fn the_details_of_a_warm_session() {
    let mut screen = known().on(2);
    screen.key(KeyCode::Char('I'));
    insta::assert_snapshot!(screen.at(100, 30));
}

#[test]
fn the_details_of_a_session_that_is_open_elsewhere() {
    let mut screen = known().on(3);
    screen.key(KeyCode::Char('I'));
    insta::assert_snapshot!(screen.at(80, 24));
}

#[test]
fn the_details_of_a_session_whose_folder_is_gone() {
    let mut screen = known().on(5);
    screen.key(KeyCode::Char('I'));
    insta::assert_snapshot!(screen.at(64, 28));
}

#[test]
fn the_details_of_a_broken_fork() {
    let mut screen = known().on(7);
    screen.key(KeyCode::Char('I'));
    insta::assert_snapshot!(screen.at(80, 30));
}

#[test]
fn a_folder_that_is_gone_asks_before_the_seat_is_taken() {
    let mut screen = known().on(5);
    screen.key(KeyCode::Enter);
    let folder = ResolvedFolder {
        path: "/home/me/😀 a folder that was renamed".into(),
        reason: FolderReason::FiledUnder,
        is_trusted: true,
        exists: false,
    };
    screen.handle(Event::FolderResolved { session: id(5), folder: Ok(folder) });
    insta::assert_snapshot!(screen.at(90, 20));
}

#[test]
fn the_head_line_warns_before_a_clean_up_and_knows_the_lineage() {
    let head = |number, width| {
        let screen = known().on(number);
        let lines = header::lines(&screen.app, width, &Theme::mono());
        lines.get(1).map(ToString::to_string).unwrap_or_default()
    };
    assert_eq!(
        head(1, 120),
        "forked from “Parser rewrite” at turn 12 · b to go there · offline model: it only knows this conversation"
    );
    assert_eq!(head(2, 120), "Preview. Enter resumes it · ~$0.06 to resume, cache warm");
    assert_eq!(head(3, 120), "open in claude (pid 77, busy) · f forks it");
    assert_eq!(head(4, 120), "† clean-up in 3 days · p pins it · Preview. Enter resumes it");
    assert_eq!(head(4, 60), "† clean-up in 3 days · p pins it · Preview. Enter resumes it");
    assert_eq!(head(5, 60), "/home/me/😀 a folder that was renamed no longer exists · f…");
    assert!(head(7, 120).starts_with("⚠ 3 unreadable lines skipped"), "{}", head(7, 120));
}

#[test]
fn no_size_breaks_the_details() {
    for width in [1, 3, 20, 39, 40, 41, 60] {
        for height in [1, 9, 10, 11, 24] {
            let mut screen = known().on(5);
            screen.key(KeyCode::Char('I'));
            screen.at(width, height);
        }
    }
}

#[test]
fn the_details_tell_what_the_agent_itself_calls_the_session() {
    let mut screen = known().on(4);
    let mut rows = (*screen.app.browser.rows).clone();
    let row = rows.iter_mut().find(|row| row.stored.id == id(4)).unwrap();
    let facts = Arc::make_mut(&mut row.facts);
    (facts.agent, facts.agent_session) = (Some("opencode".into()), Some("ses_1\u{1b}[2J".into()));
    screen.handle(Event::SessionList { all: false, rows, progress: None });
    screen.key(KeyCode::Char('I'));
    let shown = screen.at(100, 30);
    assert!(shown.contains("ses_1␛[2J in opencode"), "{shown}");
}
