use super::*;

#[test]
fn enter_paints_the_session_and_seats_it_behind() {
    let mut program = Program::warm();
    let effects = program.keys("down");
    assert_eq!(effects, [Effect::ReadTranscript { session: id(1), bytes: INITIAL_READ_BYTES }]);
    program.reads(1, &["old prompt"], true);
    assert_eq!(program.prompts(), ["old prompt"]);
    assert_eq!(program.keys("enter"), [resume(1)]);
    assert_eq!(program.app.focus, Focus::Composer);
    program.switched("resume", FRESH, 1);
    assert!(program.app.shows_active());
    assert_eq!(program.prompts(), ["old prompt"]);
}

#[test]
fn enter_on_the_session_in_the_seat_only_goes_to_the_composer() {
    let mut program = Program::warm();
    program.app.browser.selected = None;
    assert_eq!(program.keys("enter"), []);
    assert_eq!(program.app.focus, Focus::Composer);
}

#[test]
fn a_clear_is_undone_by_going_back() {
    let mut program = Program::warm();
    program.talked(FRESH);
    assert_eq!(program.keys("c"), [Effect::Switch { switch: Switch::Clear, interrupt: false }]);
    program.switched("clear", FRESH, 91);
    program.idle(91);
    assert!(program.prompts().is_empty());
    program.app.focus = Focus::Browser;
    assert_eq!(program.keys("u"), [resume(FRESH)]);
    assert_eq!(program.prompts(), ["p"]);
}

#[test]
fn an_empty_session_is_not_cleared() {
    let mut program = Program::warm();
    assert_eq!(program.keys("c"), []);
    assert_eq!(program.toast(), "this session is still empty");
}

#[test]
fn a_fork_bears_the_next_number() {
    let mut program = Program::warm();
    program.rows(vec![row(1, "Plan", None), row(2, "Plan ⑂2", Some(1))]);
    program.app.browser.selected = Some(id(1));
    let switch = Switch::Fork { source: id(1), at: None, title: Some("Plan ⑂3".into()), cwd: None };
    assert_eq!(program.keys("f"), [Effect::Switch { switch, interrupt: false }]);
}

#[test]
fn a_fork_in_the_conversation_begins_at_the_selected_message() {
    let mut program = Program::warm();
    program.talked(FRESH);
    program.app.focus = Focus::Conversation;
    program.keys("k k");
    let switch = Switch::Fork { source: id(FRESH), at: Some("p".into()), title: None, cwd: None };
    assert_eq!(program.keys("f"), [Effect::Switch { switch, interrupt: false }]);
}

#[test]
fn b_goes_to_the_parent_and_says_when_there_is_none() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(3));
    assert!(program.keys("b").contains(&resume(1)));
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(2));
    assert_eq!(program.keys("b"), []);
    assert_eq!(program.toast(), "this session is not a fork");
}

#[test]
fn flipping_goes_between_the_last_two() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(1));
    program.keys("enter");
    program.switched("resume", FRESH, 1);
    program.idle(1);
    assert!(program.keys("alt-`").contains(&resume(FRESH)));
    program.switched("resume", 1, FRESH);
    program.idle(FRESH);
    assert!(program.keys("alt-`").contains(&resume(1)));
}

#[test]
fn numbers_go_straight_to_recent_sessions() {
    let mut program = Program::warm();
    assert!(program.keys("2").contains(&resume(2)));
    assert!(program.keys("alt-1").contains(&resume(1)));
    assert_eq!(program.keys("alt-9"), []);
}

#[test]
fn a_switch_while_a_turn_runs_asks_first() {
    for (answer, now, later) in [
        ("w", vec![], vec![resume(1)]),
        ("i", vec![Effect::Switch { switch: Switch::Resume(id(1)), interrupt: true }], vec![]),
        ("s", vec![], vec![]),
    ] {
        let mut program = Program::warm();
        program.asks_when();
        assert_eq!(program.keys(answer), now, "{answer}");
        assert_eq!(program.idle(FRESH), later, "{answer}");
    }
}

#[test]
fn the_question_when_says_that_the_turn_is_over_and_every_key_keeps_its_meaning() {
    for (answer, now) in
        [("w", vec![resume(1)]), ("i", vec![resume(1)]), ("enter", vec![resume(1)]), ("s", vec![])]
    {
        let mut program = Program::warm();
        program.asks_when();
        assert_eq!(program.idle(FRESH), [], "nothing happens by itself");
        let asks = program.choice().unwrap();
        assert_eq!(asks.question(program.app.is_busy()), "The turn has ended. Resume now?");
        assert_eq!(asks.answer_label('i', program.app.is_busy()), None, "there is nothing to interrupt");
        let effects = program.keys(answer);
        let switches = effects.into_iter().filter(|effect| matches!(effect, Effect::Switch { .. }));
        assert_eq!(switches.collect::<Vec<_>>(), now, "{answer}");
        assert!(program.app.overlay.is_none());
    }
}

#[test]
fn a_key_that_comes_too_late_does_not_interrupt_the_next_turn() {
    let mut program = Program::warm();
    program.asks_when();
    program.idle(FRESH);
    program.busy(FRESH);
    assert_eq!(program.keys("i"), []);
    assert!(program.choice().is_some(), "it is still asked");
    program.now += Duration::from_secs(1);
    let interrupts = Effect::Switch { switch: Switch::Resume(id(1)), interrupt: true };
    assert_eq!(program.keys("i"), [interrupts]);
}

#[test]
fn what_was_to_be_sent_there_waits_with_the_switch() {
    let mut program = Program::warm();
    program.busy(FRESH);
    program.app.browser.selected = Some(id(1));
    program.app.shown = Some(id(1));
    program.app.focus = Focus::Composer;
    program.types("precious");
    program.keys("enter");
    assert_eq!(program.keys("w"), []);
    assert_eq!(program.idle(FRESH), [resume(1)]);
    program.switched("resume", FRESH, 1);
    assert_eq!(submitted(&program.idle(1)), Some("precious"));
}

#[test]
fn going_back_to_the_session_in_the_seat_takes_a_waiting_switch_back() {
    let mut program = Program::warm();
    program.rows(vec![row(FRESH, "Fresh", None), row(1, "One", None)]);
    program.asks_when();
    program.keys("w");
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(FRESH));
    program.keys("enter");
    assert_eq!(program.toast(), "switch cancelled");
    assert_eq!(program.idle(FRESH), []);
}

#[test]
fn a_switch_asked_for_in_the_cold_happens_when_it_is_warm() {
    let mut program = Program::cold(setup());
    program.app.focus = Focus::Browser;
    program.rows(vec![row(1, "One", None)]);
    program.app.browser.selected = Some(id(1));
    let effects = program.keys("enter");
    assert!(!effects.contains(&resume(1)), "{effects:?}");
    program.slot(FRESH, SlotEventKind::StateChanged(SlotState::Starting));
    assert_eq!(program.idle(FRESH), [resume(1)]);
}

#[test]
fn a_session_in_use_offers_a_fork() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(1));
    program.keys("enter");
    let (code, message) = (Some(crate::slot::ErrorCode::SessionInUse), "open in claude (pid 7)".to_owned());
    program.does(Event::SwitchRefused { code, message, session: Some(id(1)) });
    let effects = program.keys("f");
    assert!(
        matches!(&effects[..], [Effect::Switch { switch: Switch::Fork { source, .. }, .. }] if *source == id(1))
    );
}

#[test]
fn a_refused_switch_gives_the_prompt_back() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(1));
    program.keys("down up tab");
    program.app.focus = Focus::Composer;
    program.app.shown = Some(id(1));
    program.types("precious");
    assert!(program.keys("enter").contains(&resume(1)));
    assert!(program.app.composer.is_empty());
    program.does(Event::SwitchRefused { code: None, message: "no".into(), session: Some(id(1)) });
    assert_eq!(program.app.composer.text(), "precious");
    assert_eq!(program.toast(), "no");
}

#[test]
fn news_of_an_older_epoch_is_dropped() {
    let mut program = Program::warm();
    program.switched("resume", FRESH, 1);
    program.epoch -= 1;
    program.grow(1, "late", ConversationEvent::Prompt("late".into()));
    assert!(program.prompts().is_empty());
}

#[test]
fn a_deleted_session_comes_back() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(2));
    assert_eq!(program.keys("d"), [Effect::Delete { session: id(2), by_agent: false }]);
    program.does(Event::Deleted { session: id(2), by_agent: false });
    assert!(program.app.browser.row(id(2)).is_none());
    assert_ne!(program.app.browser.selected, Some(id(2)));
    assert_eq!(program.keys("u"), [Effect::Restore { session: id(2), by_agent: false }]);
}

#[test]
fn the_session_in_the_seat_is_not_deleted() {
    let mut program = Program::warm();
    program.switched("resume", FRESH, 1);
    program.app.browser.selected = Some(id(1));
    assert_eq!(program.keys("d"), []);
    assert!(program.toast().starts_with("this session is active"));
}

#[test]
fn continue_seats_the_newest_as_soon_as_the_list_is_read() {
    let mut program = Program::cold(AppSetup { resume_newest: true, ..setup() });
    program.ready();
    assert!(program.rows(vec![row(1, "Newest", None), row(2, "Older", None)]).contains(&resume(1)));
}

#[test]
fn the_cursor_follows_a_fork_to_its_row() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(1));
    program.keys("f");
    program.switched("fork", FRESH, 4);
    program.rows(vec![row(4, "Parser rewrite ⑂2", Some(1)), row(1, "Parser rewrite", None)]);
    assert_eq!(program.app.browser.selected, Some(id(4)));
}

#[test]
fn a_highlighted_row_is_prepared_where_that_takes_a_process() {
    let mut program = Program::warm();
    program.rows(vec![row(1, "Plan", None), row(2, "Other", None)]);
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(1));
    let prepares = |effects: Vec<Effect>| {
        effects.into_iter().filter(|effect| matches!(effect, Effect::Prepare(_))).collect::<Vec<_>>()
    };
    assert_eq!(prepares(program.keys("j")), [], "this agent switches in its process");
    if let Some(agent) = &mut program.app.agent.info {
        agent.capabilities.resume = crate::slot::SwitchSupport::Standby;
    }
    let other = program.app.browser.selected;
    assert_eq!(prepares(program.keys("k")), [Effect::Prepare(Switch::Resume(id(1)))]);
    assert_ne!(program.app.browser.selected, other);
}
