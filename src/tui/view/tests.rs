//! Whole screens, as a person sees them, at the sizes of `style.md`.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

use super::*;
use crate::index::text::{Snippet, SnippetRole};
use crate::index::{SessionRow, TextHit};
use crate::session::conversation::{ConversationEvent, ToolResult};
use crate::session::message::{MessageBlock, Usage};
use crate::slot::{
    AgentEvent, CompletedSwitch, FileChange, ModelRetry, PermissionRequest, ProcessExit, RewindResult,
    SlotEvent, SlotEventKind, SlotState, SlotTotals, SwitchMethod,
};
use crate::store::Holder;
use crate::text::diff::Hunk;
use crate::tui::app::sample::{agent, id, noon, row, setup};
use crate::tui::app::{AgentOffer, Event, TextQuery, TextResults, initial_effects, update};

/// A program in the middle of its work, and where it is drawn.
struct TestScreen {
    app: App,
    caches: ViewCaches,
}

impl TestScreen {
    fn cold() -> Self {
        let mut app = App::new(setup());
        drop(initial_effects(&mut app));
        // Most pictures are of a person in the list.
        app.focus = Focus::Browser;
        Self { app, caches: ViewCaches::default() }
    }

    fn warm() -> Self {
        let mut screen = Self::cold();
        screen.handle(Event::SessionList { all: false, rows: rows(), progress: None });
        screen.slot(SlotEventKind::Ready(agent(id(1))));
        screen.slot(SlotEventKind::StateChanged(SlotState::Idle(id(1))));
        screen.handle(Event::Memory { agent: Some(23 << 20) });
        screen
    }

    /// In the middle of a conversation, seated by a switch.
    fn talking() -> Self {
        let mut screen = Self::warm();
        screen.slot(SlotEventKind::Switched(CompletedSwitch {
            kind: "resume",
            method: SwitchMethod::InProcess,
            from: id(9),
            to: id(1),
            forked_from: None,
            duration: Duration::from_micros(2_100),
            pid: 4711,
            turns: 2,
            cwd: "/home/me/hotseat".into(),
            transcript: "t".into(),
            repaired: None,
        }));
        screen.slot(SlotEventKind::StateChanged(SlotState::Idle(id(1))));
        let usage = Usage { input_tokens: 811_000, output_tokens: 1_200, ..Usage::default() };
        screen.slot(SlotEventKind::TotalsChanged(SlotTotals {
            usd: Some(3.18),
            usage,
            context_percent: Some(38.4),
        }));
        screen.append_change(
            "p",
            ConversationEvent::Prompt(
                "Keep the old grammar behind a flag, and show me the error path.".into(),
            ),
        );
        let markdown = "I'll gate it behind `legacy_grammar`. Two places change:\n\n1. `lexer.rs` - the **token** table\n2. `parse.rs` - recovery\n\n| file | lines |\n| --- | ---: |\n| lexer.rs | 214 |\n";
        screen.append_change("a", block(MessageBlock::Text(markdown.into())));
        let input = json!({"command": "cargo test parser"});
        screen
            .append_change("b", block(MessageBlock::ToolUse { id: "t".into(), name: "Bash".into(), input }));
        let detail = Some(json!({"stdout": "ok\n41 passed", "stderr": ""}));
        let result = ToolResult { text: "ok\n41 passed".into(), is_error: false, detail };
        screen.append_change("c", ConversationEvent::Result { tool_use_id: "t".into(), result });
        screen
    }

    fn handle(&mut self, event: Event) {
        drop(update(&mut self.app, noon(), event));
    }

    fn slot(&mut self, news: SlotEventKind) {
        self.handle(Event::Slot(Box::new(SlotEvent {
            epoch: 1,
            session: Some(id(1)),
            at: noon(),
            kind: news,
        })));
    }

    fn append_change(&mut self, uuid: &str, change: ConversationEvent) {
        self.slot(SlotEventKind::Agent(AgentEvent::ConversationChanged { uuid: uuid.into(), change }));
    }

    fn key(&mut self, code: KeyCode) {
        self.handle(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// The screen as text at a size, drawn as often as it asks to be.
    fn at(&mut self, width: u16, height: u16) -> String {
        self.handle(Event::Resize { width, height });
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        for _ in 0..3 {
            let mut geometry = Geometry::default();
            let theme = Theme::mono();
            terminal.draw(|frame| geometry = view(&self.app, frame, &mut self.caches, &theme)).unwrap();
            self.handle(Event::FrameDrawn(geometry));
        }
        terminal.backend().to_string()
    }
}

fn block(block: MessageBlock) -> ConversationEvent {
    ConversationEvent::Block { block, model: None, usage: None }
}

fn rows() -> Vec<SessionRow> {
    let row = |number, title, hours: u64, turns, parent| {
        let mut row = row(number, title, hours * 60, parent);
        Arc::make_mut(&mut row.facts).turns = turns;
        row
    };
    let mut rows = vec![
        row(1, "Parser rewrite ⑂2", 0, 41, Some(2)),
        row(2, "Parser rewrite", 2, 38, None),
        row(3, "Speed up the parser", 3, 22, None),
        row(4, "Flaky parse test", 5, 6, None),
        row(5, "Parse CLI flags with clap and a title that is far too long for its column", 30, 3, None),
        row(6, "修复登录页面 👩‍👩‍👧 résumé", 31, 9, None),
        row(7, "Unparseable transcript", 24 * 9, 4, None),
    ];
    Arc::make_mut(&mut rows[0].facts).cost_usd = Some(3.18);
    rows[2].holder = Some(Holder { pid: 77, program: "claude".into(), status: "busy".into() });
    Arc::make_mut(&mut rows[3].facts).tag = Some("bug".into());
    Arc::make_mut(&mut rows[3].facts).branch = Some("main".into());
    Arc::make_mut(&mut rows[6].facts).health.torn = 2;
    rows
}

#[test]
fn a_conversation_at_every_size() {
    for (width, height) in [(120, 40), (80, 24), (60, 15), (40, 12)] {
        insta::assert_snapshot!(format!("talking_{width}x{height}"), TestScreen::talking().at(width, height));
    }
}

#[test]
fn the_list_lies_over_a_narrow_screen() {
    let mut screen = TestScreen::talking();
    screen.app.focus = Focus::Browser;
    insta::assert_snapshot!(screen.at(60, 15));
}

#[test]
fn the_first_frame_knows_nothing_and_says_so() {
    insta::assert_snapshot!(TestScreen::cold().at(80, 24));
}

#[test]
fn a_folder_without_sessions_says_how_to_begin() {
    let mut screen = TestScreen::cold();
    screen.handle(Event::SessionList { all: false, rows: Vec::new(), progress: None });
    insta::assert_snapshot!(screen.at(100, 16));
}

#[test]
fn a_permission_request_shows_what_will_run() {
    let mut screen = TestScreen::talking();
    screen.slot(SlotEventKind::StateChanged(SlotState::Busy { session: id(1), turn: "p".into() }));
    screen.app.focus = Focus::Composer;
    screen.slot(SlotEventKind::Agent(AgentEvent::PermissionRequested(PermissionRequest {
        description: Some("Run the parser's tests".into()),
        ..PermissionRequest::new(
            "r",
            "Bash",
            json!({"command": "cargo test parser -- --nocapture\n\u{1b}[31mrm -rf /\u{7}"}),
        )
    })));
    insta::assert_snapshot!(screen.at(120, 40));
}

#[test]
fn a_filter_lights_what_it_matched() {
    let mut screen = TestScreen::warm();
    screen.app.focus = Focus::Browser;
    screen.key(KeyCode::Char('/'));
    for character in "pars re".chars() {
        screen.key(KeyCode::Char(character));
    }
    insta::assert_snapshot!(screen.at(120, 16));
}

#[test]
fn a_dead_agent_leaves_its_last_words() {
    let mut screen = TestScreen::talking();
    screen.slot(SlotEventKind::StateChanged(SlotState::Exited(ProcessExit {
        reason: "exit 1".into(),
        expected: false,
        stderr: vec!["loading…".into(), "panic: \u{1b}]0;owned\u{7}out of luck".into()],
        restart_in: None,
    })));
    insta::assert_snapshot!("dead", screen.at(120, 24));
    screen.app.focus = Focus::Browser;
    screen.key(KeyCode::Char('W'));
    insta::assert_snapshot!("last_words", screen.at(80, 24));
}

#[test]
fn what_comes_back_is_shown_as_a_diff() {
    let mut screen = TestScreen::talking();
    let patch = serde_json::json!({"oldStart": 3, "newStart": 3, "lines": [" fn a() {", "-    \u{1b}[31mnew();", "+    old();"]});
    let files = vec![FileChange {
        path: "/work/src/\u{1b}a.rs".into(),
        patch: vec![Hunk::from_structured_patch(&patch)],
    }];
    let rewind = RewindResult { files, insertions: 1, deletions: 1 };
    screen.handle(Event::Rewind { prompt: "p".into(), dry_run: true, rewind: Ok(rewind) });
    insta::assert_snapshot!(screen.at(100, 14));
}

#[test]
fn the_help_comes_from_the_keymap() {
    let mut screen = TestScreen::warm();
    screen.key(KeyCode::Char('?'));
    insta::assert_snapshot!(screen.at(80, 24));
}

#[test]
fn the_jump_lies_over_everything() {
    let mut screen = TestScreen::talking();
    screen.handle(Event::Key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL)));
    screen.key(KeyCode::Char('f'));
    insta::assert_snapshot!(screen.at(100, 24));
}

#[test]
fn no_size_breaks_it() {
    for width in 1..64 {
        for height in 1..24 {
            TestScreen::talking().at(width, height);
        }
    }
    insta::assert_snapshot!(TestScreen::talking().at(20, 5));
}

#[test]
fn the_bar_says_why_the_model_is_asked_again_and_when() {
    let mut screen = TestScreen::talking();
    screen.slot(SlotEventKind::StateChanged(SlotState::Busy { session: id(1), turn: "p".into() }));
    let wait = std::time::Duration::from_secs(4);
    screen.slot(SlotEventKind::Agent(AgentEvent::Retrying(ModelRetry {
        attempt: 2,
        max_attempts: 10,
        delay: wait,
        reason: "Over\u{1b}loaded".into(),
    })));
    let shown = screen.at(120, 20);
    assert!(shown.contains("◐ retrying in 4 s (2 of 10): Over"), "{shown}");
    screen.slot(SlotEventKind::StateChanged(SlotState::Idle(id(1))));
    assert!(!screen.at(120, 20).contains("retrying"));
}

#[test]
fn while_another_agent_starts_the_bar_is_about_that_one_alone() {
    let mut screen = TestScreen::talking();
    let offered = |name| AgentOffer {
        name,
        switch_methods: String::new(),
        official_transcripts: false,
        ignores_project_settings: true,
        unavailable: None,
    };
    screen.app.agents = vec![offered("hotseat"), offered("codex")];
    screen.app.focus = Focus::Browser;
    types(&mut screen, "@j");
    screen.key(KeyCode::Enter);
    let shown = screen.at(120, 20);
    let bar = shown.lines().rev().nth(1).unwrap();
    assert_eq!(bar.trim_matches(['"', ' ']), "○ starting codex… 0 s");
}

#[test]
fn the_news_is_seen_over_the_list_too() {
    let mut screen = TestScreen::talking();
    screen.app.focus = Focus::Browser;
    screen.handle(Event::Failed("codex keeps this session".into()));
    for (width, height) in [(120, 20), (60, 15)] {
        assert_eq!(screen.at(width, height).matches("✕ codex keeps this session").count(), 1);
    }
}

mod known;
mod lists;

/// What a person types, one key after the other.
fn types(screen: &mut TestScreen, text: &str) {
    text.chars().for_each(|character| screen.key(KeyCode::Char(character)));
}

#[test]
fn a_filter_tells_its_mistakes_and_completes() {
    let mut screen = TestScreen::warm();
    screen.app.focus = Focus::Browser;
    types(&mut screen, "/pars since:tomorow tag:");
    insta::assert_snapshot!("filter_mistake", screen.at(120, 16));
    insta::assert_snapshot!("filter_mistake_narrow", screen.at(40, 12));
}

#[test]
fn a_row_says_by_what_else_it_was_found() {
    let mut screen = TestScreen::warm();
    screen.app.focus = Focus::Browser;
    let mut rows = rows();
    Arc::make_mut(&mut rows[4].facts).first_prompt =
        Some("Please look at how the arguments of the lexer are parsed".into());
    screen.handle(Event::SessionList { all: false, rows, progress: None });
    types(&mut screen, "/lexer");
    insta::assert_snapshot!("filter_other_field", screen.at(120, 12));
}

#[test]
fn what_was_said_is_shown_with_its_session() {
    let mut screen = TestScreen::talking();
    screen.handle(Event::Key(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL)));
    screen.key(KeyCode::Tab);
    insta::assert_snapshot!("texts_empty", screen.at(80, 24));
    types(&mut screen, "old gram");
    let hit = |number, others, text: &str, lit: &[std::ops::Range<usize>]| TextHit {
        session: id(number),
        offset: 0,
        subagent: None,
        others,
        snippet: Snippet {
            uuid: Some("p".into()),
            role: SnippetRole::Prompt,
            at: None,
            text: text.into(),
            match_positions: lit.iter().cloned().flatten().collect(),
        },
    };
    let long = "…there was never a flag for this before, and so nobody knew when the old grammar would go.";
    let hits = vec![
        hit(1, 2, "Keep the old grammar behind a flag.", &[9..12, 13..20]),
        hit(5, 0, long, &[69..72, 73..80]),
        hit(99, 0, "old \u{1b}[31mgrammar", &[0..3, 9..16]),
    ];
    let found = TextResults { hits, more: true, took: Duration::from_micros(3_200) };
    screen.handle(Event::IndexProgress(Some((812, 1204))));
    let sought = TextQuery { text: "old gram".into(), tools: false, restrict_to: None };
    screen.handle(Event::SearchResults { sought, found: Ok(found) });
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("texts_{width}x{height}"), screen.at(width, height));
    }
}
