use super::*;

#[test]
fn the_filter_works_as_one_types_and_survives_a_switch() {
    let mut program = Program::warm();
    program.keys("/");
    program.types("flaky");
    assert_eq!(program.app.browser.matches(), 1);
    assert_eq!(program.app.shown, Some(id(2)));
    assert_eq!(program.keys("enter"), [resume(2)]);
    program.switched("resume", FRESH, 2);
    assert_eq!(program.app.browser.query(), "flaky");
    program.keys("esc");
    program.keys("/");
    program.keys("esc");
    assert_eq!(program.app.browser.query(), "");
}

#[test]
fn jump_finds_a_session_from_the_composer() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    assert_eq!(program.keys("ctrl-p"), [Effect::ListSessions { all: true }]);
    program.types("flak");
    assert_eq!(program.app.shown, Some(id(2)), "previewed behind the box");
    assert_eq!(program.keys("enter"), [resume(2)]);
    assert!(program.app.overlay.is_none());
}

#[test]
fn a_session_of_another_folder_has_a_name_here_too() {
    let mut program = Program::warm();
    assert_eq!(program.app.display_name(program.app.shown), "New session");
    program.keys("ctrl-p");
    program.does(Event::SessionList { all: true, rows: vec![row(7, "Elsewhere", None)], progress: None });
    program.types("elsew");
    assert_eq!(program.app.display_name(program.app.shown), "Elsewhere", "while the jump knows it");
    program.keys("enter");
    program.reads(7, &["what was said first", "and then"], true);
    program.switched("resume", FRESH, 7);
    assert_eq!(program.app.display_name(program.app.agent.active), "what was said first");
}

#[test]
fn leaving_a_jump_shows_what_was_shown() {
    let mut program = Program::warm();
    program.keys("ctrl-p");
    program.types("flak");
    program.keys("esc");
    assert_eq!(program.app.shown, Some(id(FRESH)));
}

#[test]
fn news_that_comes_before_the_file_was_read_is_not_lost_and_not_doubled() {
    let mut program = Program::warm();
    program.keys("down");
    program.keys("enter");
    program.switched("resume", FRESH, 1);
    program.grow(1, "new", ConversationEvent::Prompt("new".into()));
    program.reads(1, &["old", "new"], true);
    assert_eq!(program.prompts(), ["old", "new"]);
    program.grow(1, "newer", ConversationEvent::Prompt("newer".into()));
    assert_eq!(program.prompts(), ["old", "new", "newer"]);
}

#[test]
fn reaching_the_top_reads_what_is_older() {
    let mut program = Program::warm();
    program.keys("down");
    program.reads(1, &["c"], false);
    let top = || {
        Event::FrameDrawn(Geometry {
            at_top: true,
            anchor: ScrollAnchor::At { item: 0, line: 0 },
            ..Geometry::default()
        })
    };
    assert_eq!(
        program.does(top()),
        [Effect::ReadTranscript { session: id(1), bytes: INITIAL_READ_BYTES * 4 }]
    );
    assert_eq!(program.does(top()), [], "asked once");
    program.reads(1, &["a", "b", "c"], true);
    assert_eq!(program.prompts(), ["a", "b", "c"]);
    assert_eq!(
        program.app.page().unwrap().scroll.anchor,
        ScrollAnchor::At { item: 2, line: 0 },
        "nothing jumps"
    );
}

#[test]
fn a_session_that_grew_elsewhere_is_read_again() {
    let mut program = Program::warm();
    program.keys("down");
    program.reads(1, &["a"], true);
    let mut grown = row(1, "Parser rewrite", None);
    grown.stored.size += 1;
    assert_eq!(
        program.rows(vec![grown]),
        [Effect::ReadTranscript { session: id(1), bytes: INITIAL_READ_BYTES }]
    );
}

#[test]
fn a_search_selects_the_last_hit_and_steps_around() {
    let mut program = Program::warm();
    program.keys("down");
    program.reads(1, &["apple", "pear", "pineapple"], true);
    program.app.focus = Focus::Conversation;
    program.keys("/");
    program.types("APPLE");
    program.keys("enter");
    let selected = |program: &Program| program.app.page().unwrap().selected;
    assert_eq!(selected(&program), Some(2));
    program.keys("n");
    assert_eq!(selected(&program), Some(0));
    program.keys("N");
    assert_eq!(selected(&program), Some(2));
}

#[test]
fn copying_takes_the_last_reply_or_the_selected_message() {
    let mut program = Program::warm();
    program.talked(FRESH);
    program.app.focus = Focus::Conversation;
    assert_eq!(program.keys("y"), [Effect::CopyToClipboard("hi".into())]);
    program.keys("k k");
    assert_eq!(program.keys("y"), [Effect::CopyToClipboard("hello".into())]);
}

#[test]
fn a_click_selects_and_a_second_one_seats() {
    let mut program = Program::warm();
    let line = program
        .app
        .browser
        .lines
        .iter()
        .position(|line| matches!(line, super::super::super::BrowserLine::Session { row: 1, .. }));
    let geometry =
        Geometry { browser: Rect::new(0, 0, 40, 30), rows: vec![(5, line.unwrap())], ..Geometry::default() };
    program.does(Event::FrameDrawn(geometry));
    let click = || {
        Event::Mouse(crossterm::event::MouseEvent {
            kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
            column: 3,
            row: 5,
            modifiers: KeyModifiers::NONE,
        })
    };
    assert_eq!(program.does(click()), [Effect::ReadTranscript { session: id(2), bytes: INITIAL_READ_BYTES }]);
    assert_eq!(program.does(click()), [resume(2)]);
}

#[test]
fn tab_goes_round_and_a_narrow_screen_lays_the_browser_over() {
    let mut program = Program::warm();
    program.keys("tab");
    assert_eq!(program.app.focus, Focus::Composer);
    program.keys("tab");
    assert_eq!(program.app.focus, Focus::Conversation);
    program.keys("tab");
    assert_eq!(program.app.focus, Focus::Browser);
    program.does(Event::Resize { width: 60, height: 15 });
    assert!(program.app.shows_browser());
    program.keys("tab");
    assert!(!program.app.shows_browser());
}

#[test]
fn a_tick_with_nothing_to_tell_draws_no_frame() {
    let mut program = Program::warm();
    program.app.toast = None;
    program.app.needs_redraw = false;
    program.does(Event::Tick);
    assert!(!program.app.needs_redraw);
    program.busy(FRESH);
    program.app.needs_redraw = false;
    program.does(Event::Tick);
    assert!(program.app.needs_redraw, "the working time is shown");
}

#[test]
fn the_way_to_the_beginning_goes_on_as_older_parts_are_read() {
    let mut program = Program::warm();
    program.keys("down");
    program.reads(1, &["c"], false);
    program.app.focus = Focus::Conversation;
    program.keys("g");
    program.reads(1, &["b", "c"], false);
    program.reads(1, &["a", "b", "c"], true);
    assert_eq!(program.app.page().unwrap().selected, Some(0));
    assert!(!program.app.page().unwrap().seeking_top);
}

#[test]
fn a_text_is_not_scrolled_beyond_its_end() {
    let mut program = Program::warm();
    program.app.focus = Focus::Browser;
    program.keys("? G");
    program.does(Event::FrameDrawn(Geometry { max_scroll: 12, ..Geometry::default() }));
    program.keys("k");
    assert!(
        matches!(program.app.overlay, Some(Overlay::Viewer(ViewerContent::Help { .. }, 11))),
        "{:?}",
        program.app.overlay
    );
}

#[test]
fn what_is_typed_at_the_start_is_a_prompt_whatever_the_list_holds() {
    for rows in [vec![], vec![row(1, "One", None), row(2, "Two", None)]] {
        let mut program = Program::cold(setup());
        program.types("quick ");
        program.ready();
        program.rows(rows);
        program.types("question");
        assert_eq!(program.app.composer.text(), "quick question");
        assert_eq!(submitted(&program.keys("enter")), Some("quick question"));
    }
}
