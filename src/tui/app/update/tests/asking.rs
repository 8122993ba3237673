use super::*;

#[test]
fn a_key_typed_before_the_request_could_be_seen_is_text() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    assert_eq!(program.keys("y"), []);
    assert_eq!(program.app.composer.text(), "y");
    program.sees("r1", 1000);
    assert_eq!(program.app.focus, Focus::Composer, "something is being written");
}

#[test]
fn a_key_within_the_hesitation_is_text() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    program.sees("r1", 100);
    assert_eq!(program.app.focus, Focus::Permission);
    assert_eq!(program.keys("y"), []);
    assert_eq!(program.app.composer.text(), "y");
    assert_eq!(program.app.focus, Focus::Composer);
}

#[test]
fn each_key_answers_in_its_way() {
    for (key, verdict) in [
        ("y", PermissionDecision::AllowOnce),
        ("s", PermissionDecision::AllowSession),
        ("n", PermissionDecision::Deny("The user denied it.".into())),
        ("enter", PermissionDecision::AllowOnce),
        ("1", PermissionDecision::AllowOnce),
        ("2", PermissionDecision::AllowSession),
        ("3", PermissionDecision::Deny("The user denied it.".into())),
    ] {
        let mut program = Program::warm();
        program.app.focus = Focus::Composer;
        program.asks("r1");
        program.sees("r1", 1000);
        assert_eq!(program.keys(key), [Effect::AnswerPermission { id: "r1".into(), verdict }], "{key}");
        assert_eq!(program.app.focus, Focus::Composer);
    }
}

#[test]
fn a_denial_may_have_a_reason() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    program.sees("r1", 1000);
    program.keys("r");
    program.types("use ls -l");
    let verdict = PermissionDecision::Deny("use ls -l".into());
    assert_eq!(program.keys("enter"), [Effect::AnswerPermission { id: "r1".into(), verdict }]);
}

#[test]
fn other_letters_go_on_writing() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    program.sees("r1", 1000);
    program.types("wait");
    assert_eq!(program.app.composer.text(), "wait");
    program.keys("tab");
    assert_eq!(program.app.focus, Focus::Permission);
}

#[test]
fn requests_are_answered_one_after_the_other() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    program.asks("r2");
    program.sees("r1", 1000);
    program.keys("y");
    assert_eq!(program.app.focus, Focus::Permission);
    assert_eq!(program.keys("y"), [], "the second one was not seen yet");
    program.app.composer.set("");
    program.app.focus = Focus::Composer;
    program.sees("r2", 1000);
    assert_eq!(program.keys("n").len(), 1);
}

#[test]
fn a_request_never_takes_the_focus_from_the_browser() {
    let mut program = Program::warm();
    program.asks("r1");
    program.sees("r1", 1000);
    assert_eq!(program.app.focus, Focus::Browser);
}

#[test]
fn a_dropped_request_gives_the_focus_back() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    program.sees("r1", 1000);
    program.agent(FRESH, AgentEvent::PermissionDropped("r1".into()));
    assert_eq!(program.app.focus, Focus::Composer);
    assert!(program.app.permissions.is_empty());
}

/// A frame that showed the request down to some line, which can be scrolled.
fn shows_part(program: &mut Program, scroll: usize) {
    let geometry = Geometry {
        permission: Some("r1".into()),
        permission_end: scroll == 9,
        permission_max_scroll: 9,
        permission_rows: 5,
        ..Geometry::default()
    };
    program.does(Event::FrameDrawn(geometry));
    program.now += chrono::TimeDelta::seconds(1);
}

#[test]
fn nothing_is_allowed_before_its_end_was_on_screen() {
    for key in ["y", "s", "1", "2", "enter"] {
        let mut program = Program::warm();
        program.app.focus = Focus::Composer;
        program.asks("r1");
        shows_part(&mut program, 0);
        assert_eq!(program.keys(key), [], "{key}");
        assert!(program.toast().contains("read it to the end first: PgDn or f"), "{}", program.toast());
        assert_eq!(program.app.permissions.front().map(|card| card.scroll), Some(0));
        program.keys("pagedown");
        assert_eq!(program.app.permissions.front().map(|card| card.scroll), Some(5));
        program.keys("end");
        shows_part(&mut program, 9);
        // Back at its beginning, it still was read.
        program.keys("home");
        shows_part(&mut program, 0);
        assert_eq!(program.keys(key).len(), 1, "{key}");
    }
}

#[test]
fn what_cannot_be_read_to_its_end_can_still_be_denied() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    shows_part(&mut program, 0);
    program.keys("f");
    assert!(program.app.permissions.front().is_some_and(|card| card.full_screen));
    assert_eq!(program.keys("n").len(), 1);
}

#[test]
fn an_enter_that_comes_too_early_allows_nothing() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.asks("r1");
    program.sees("r1", 100);
    assert_eq!(program.keys("enter"), []);
    assert_eq!(program.app.permissions.len(), 1);
}

#[test]
fn tab_leads_to_the_request_and_stays_on_it() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("draft");
    program.asks("r1");
    program.sees("r1", 1000);
    for _ in 0..3 {
        program.keys("tab");
        assert_eq!(program.app.focus, Focus::Permission);
    }
    program.keys("esc");
    assert_eq!(program.app.focus, Focus::Composer);
}
