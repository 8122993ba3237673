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
    program.keys("tab tab tab");
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
    program.slot(FRESH, SlotEventKind::PermissionDropped { id: "r1".into() });
    assert_eq!(program.app.focus, Focus::Composer);
    assert!(program.app.permissions.is_empty());
}
