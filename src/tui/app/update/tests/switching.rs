use super::*;
use crate::tui::app::Offered;
use crate::tui::app::agents::Keeper;

#[test]
fn enter_paints_the_session_and_seats_it_behind() {
    let mut program = Program::warm();
    let effects = program.keys("down");
    assert_eq!(effects, [Effect::Open { session: id(1), bytes: FIRST_READ }]);
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
    assert_eq!(program.toast(), "this session was not forked from another");
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
        program.busy(FRESH);
        program.app.browser.selected = Some(id(1));
        program.keys("enter");
        assert!(matches!(program.app.overlay, Some(Overlay::Choice(Choice::SwitchWhileBusy(_)))));
        assert_eq!(program.keys(answer), now, "{answer}");
        assert_eq!(program.idle(FRESH), later, "{answer}");
    }
}

#[test]
fn a_switch_asked_for_in_the_cold_happens_when_it_is_warm() {
    let mut program = Program::cold(setup());
    program.rows(vec![row(1, "One", None)]);
    program.app.browser.selected = Some(id(1));
    let effects = program.keys("enter");
    assert!(!effects.contains(&resume(1)), "{effects:?}");
    program.slot(FRESH, News::State(SlotState::Starting));
    assert_eq!(program.idle(FRESH), [resume(1)]);
}

#[test]
fn a_session_in_use_offers_a_fork() {
    let mut program = Program::warm();
    program.app.browser.selected = Some(id(1));
    program.keys("enter");
    let (code, message) = (Some("session_in_use".to_owned()), "open in claude (pid 7)".to_owned());
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
    program.grow(1, "late", Change::Prompt("late".into()));
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
    assert!(program.toast().starts_with("this session has the seat"));
}

#[test]
fn continue_seats_the_newest_as_soon_as_the_list_is_read() {
    let mut program = Program::cold(Setup { resume_newest: true, ..setup() });
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
    if let Some(agent) = &mut program.app.seat.agent {
        agent.abilities.resume = crate::slot::Ability::Standby;
    }
    let other = program.app.browser.selected;
    assert_eq!(prepares(program.keys("k")), [Effect::Prepare(Switch::Resume(id(1)))]);
    assert_ne!(program.app.browser.selected, other);
}

fn offered(name: &'static str, missing: Option<&str>) -> Offered {
    let official = matches!(name, "hotseat" | "claude");
    Offered { name, official, how: "clear in process".into(), missing: missing.map(str::to_owned) }
}

#[test]
fn enter_on_another_agents_session_seats_that_agent_in_it() {
    let program = || {
        let mut program = Program::warm();
        let mut rows = (*program.app.browser.rows).clone();
        for (row, keeper) in rows.iter_mut().zip(["codex", "gone"]) {
            std::sync::Arc::make_mut(&mut row.facts).agent = Some(keeper.to_owned());
        }
        program.app.browser.rows = rows.into();
        program.app.agents = vec![offered("hotseat", None), offered("claude", None), offered("codex", None)];
        program.app.seat.name = "hotseat".into();
        program.app.focus = Focus::Browser;
        program
    };
    let seats = |effects: Vec<Effect>| {
        effects.into_iter().find(|effect| matches!(effect, Effect::SeatAgent { .. } | Effect::Switch { .. }))
    };
    let mut codex = program();
    let of_codex = codex.app.browser.rows[0].stored.id;
    codex.app.browser.selected = Some(of_codex);
    // A fork of it is for whoever has the seat.
    let carried = Effect::CarryOver { source: of_codex, at: None, title: None, cwd: None };
    assert_eq!(codex.keys("f"), [carried]);
    let copy = SessionId::random();
    assert!(
        codex
            .does(Event::CarriedOver(copy))
            .contains(&Effect::Switch { switch: Switch::Resume(copy), interrupt: false })
    );
    codex.app.focus = Focus::Browser;
    codex.app.browser.selected = Some(of_codex);
    assert_eq!(seats(codex.keys("enter")), Some(Effect::SeatAgent { at: 2, session: Some(of_codex) }));
    assert_eq!(codex.app.seat.name, "codex");
    codex.ready();
    assert_eq!(codex.toast(), "codex has the seat, in a new process: 0.0 s");

    // Back to one of the official format: the agent that was there before.
    let shared = codex.app.browser.rows[2].stored.id;
    assert_eq!(codex.app.keeper(shared), Keeper::Offered(0));
    assert_eq!(codex.app.keeper(of_codex), Keeper::Seated);
    codex.app.focus = Focus::Browser;
    codex.app.browser.selected = Some(shared);
    assert_eq!(codex.keys("f"), []);
    assert_eq!(codex.toast(), "another agent keeps this session: Enter seats that one");

    let mut unknown = program();
    unknown.app.browser.selected = Some(unknown.app.browser.rows[1].stored.id);
    assert_eq!(seats(unknown.keys("enter")), None);
    assert_eq!(unknown.toast(), "the agent that keeps this session is none of those known here");
}

#[test]
fn an_agent_is_picked_while_nothing_runs() {
    let program = || {
        let mut program = Program::warm();
        program.app.agents =
            vec![offered("hotseat", None), offered("claude", None), offered("x", Some("no x"))];
        program.app.seat.name = "hotseat".into();
        program.app.focus = Focus::Browser;
        program
    };
    let mut picked = program();
    assert_eq!(picked.keys("@ j enter"), [Effect::SeatAgent { at: 1, session: None }]);
    assert_eq!(picked.app.seat.name, "claude");

    let mut same = program();
    assert_eq!(same.keys("@ enter"), []);
    assert_eq!(same.toast(), "hotseat has the seat already");

    let mut missing = program();
    assert_eq!(missing.keys("@ j j j enter"), []);
    assert_eq!(missing.toast(), "x cannot take the seat: no x");

    let mut busy = program();
    busy.busy(FRESH);
    assert_eq!(busy.keys("@ j enter"), []);
    assert_eq!(busy.toast(), "hotseat is at work: wait for it, or stop the turn first");
}
