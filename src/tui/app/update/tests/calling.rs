use super::*;
use crate::slot::StartIn;
use crate::tui::app::AgentOffer;
use crate::tui::app::agents::SessionOwner;

fn offered(name: &'static str, missing: Option<&str>) -> AgentOffer {
    let official = matches!(name, "hotseat" | "claude");
    AgentOffer {
        name,
        official_transcripts: official,
        switch_methods: "clear in process".into(),
        ignores_project_settings: true,
        unavailable: missing.map(str::to_owned),
    }
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
        program.app.agent.name = "hotseat".into();
        program.app.focus = Focus::Browser;
        program
    };
    let seats = |effects: Vec<Effect>| {
        effects.into_iter().find(|effect| matches!(effect, Effect::StartAgent { .. } | Effect::Switch { .. }))
    };
    let mut codex = program();
    let of_codex = codex.app.browser.rows[0].stored.id;
    codex.app.browser.selected = Some(of_codex);
    // A fork of it is for whoever has the start_in.
    let carried = Effect::ForkExternal { source: of_codex, at: None, title: None, cwd: None };
    assert_eq!(codex.keys("f"), [carried]);
    let copy = SessionId::random();
    assert!(
        codex
            .does(Event::ForkedExternal(copy))
            .contains(&Effect::Switch { switch: Switch::Resume(copy), interrupt: false })
    );
    codex.app.focus = Focus::Browser;
    codex.app.browser.selected = Some(of_codex);
    assert_eq!(
        seats(codex.keys("enter")),
        Some(Effect::StartAgent { at: 2, start_in: StartIn::Stored(of_codex) })
    );
    assert_eq!(codex.app.agent.name, "codex");
    codex.ready();
    assert_eq!(codex.toast(), "codex is ready in a new process after 0.0 s");

    // Back to one of the official format: the agent that was there before.
    let shared = codex.app.browser.rows[2].stored.id;
    assert_eq!(codex.app.session_owner(shared), SessionOwner::Offered(0));
    assert_eq!(codex.app.session_owner(of_codex), SessionOwner::Active);
    codex.app.focus = Focus::Browser;
    codex.app.browser.selected = Some(shared);
    assert_eq!(codex.keys("f"), []);
    assert_eq!(codex.toast(), "this session belongs to another agent: Enter switches to it");

    let mut unknown = program();
    unknown.app.browser.selected = Some(unknown.app.browser.rows[1].stored.id);
    assert_eq!(seats(unknown.keys("enter")), None);
    assert_eq!(unknown.toast(), "this session belongs to an agent that is not configured here");
}

#[test]
fn an_agent_is_picked_while_nothing_runs() {
    let program = || {
        let mut program = Program::warm();
        program.app.agents =
            vec![offered("hotseat", None), offered("claude", None), offered("x", Some("no x"))];
        program.app.agent.name = "hotseat".into();
        program.app.focus = Focus::Browser;
        program
    };
    let mut picked = program();
    assert_eq!(picked.keys("@ j enter"), [Effect::StartAgent { at: 1, start_in: StartIn::Same }]);
    assert_eq!(picked.app.agent.name, "claude");

    let mut same = program();
    assert_eq!(same.keys("@ enter"), []);
    assert_eq!(same.toast(), "hotseat is already active");

    let mut missing = program();
    assert_eq!(missing.keys("@ j j j enter"), []);
    assert_eq!(missing.toast(), "cannot start x: no x");
}

#[test]
fn another_agent_while_a_turn_runs_is_asked_about_first() {
    let seats = Effect::StartAgent { at: 1, start_in: StartIn::Same };
    for (answer, now, later) in
        [("w", vec![], vec![seats.clone()]), ("i", vec![seats.clone()], vec![]), ("s", vec![], vec![])]
    {
        let mut program = Program::warm();
        program.app.agents = vec![offered("hotseat", None), offered("claude", None)];
        program.app.focus = Focus::Browser;
        program.busy(FRESH);
        program.now += Duration::from_secs(1);
        assert_eq!(program.keys("@ j enter"), []);
        let asks = program.choice().unwrap();
        assert_eq!(asks.question(program.app.is_busy()), "A turn is running. Switch to claude when?");
        let seated = |effects: Vec<Effect>| {
            let seats = effects.into_iter().filter(|effect| matches!(effect, Effect::StartAgent { .. }));
            seats.collect::<Vec<_>>()
        };
        assert_eq!(seated(program.keys(answer)), now, "{answer}");
        assert_eq!(seated(program.idle(FRESH)), later, "{answer}");
    }
}

#[test]
fn what_was_written_for_another_agents_session_waits_for_that_agent() {
    let mut program = Program::warm();
    let mut rows = (*program.app.browser.rows).clone();
    std::sync::Arc::make_mut(&mut rows[0].facts).agent = Some("codex".to_owned());
    program.app.browser.rows = rows.into();
    program.app.agents = vec![offered("hotseat", None), offered("codex", None)];
    program.busy(FRESH);
    program.app.shown = Some(id(1));
    program.app.focus = Focus::Composer;
    program.types("precious");
    program.keys("enter");
    assert_eq!(program.keys("w"), []);
    assert_eq!(program.idle(FRESH), [Effect::StartAgent { at: 1, start_in: StartIn::Stored(id(1)) }]);
    // Enter once more while it starts asks the former agent for nothing.
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(1));
    let effects = program.keys("enter");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Switch { .. })), "{effects:?}");
    program.slot(1, SlotEventKind::StateChanged(SlotState::Starting));
    program.slot(1, SlotEventKind::Ready(sample::agent(id(1))));
    assert_eq!(submitted(&program.idle(1)), Some("precious"));
}

#[test]
fn who_is_called_from_a_session_is_followed_to_its_own() {
    let mut program = Program::warm();
    program.app.agents = vec![offered("hotseat", None), offered("codex", None)];
    program.talked(FRESH);
    program.app.focus = Focus::Browser;
    let effects = program.keys("@ j enter");
    assert_eq!(effects, [Effect::StartAgent { at: 1, start_in: StartIn::New }]);
    program.slot(FRESH, SlotEventKind::StateChanged(SlotState::Starting));
    program.epoch += 1;
    program.slot(91, SlotEventKind::Ready(sample::agent(id(91))));
    program.idle(91);
    assert!(program.app.shows_active() && program.prompts().is_empty());
    // Back to one of the official transcripts: what codex keeps is none for it.
    program.app.focus = Focus::Browser;
    assert_eq!(program.keys("@ k enter"), [Effect::StartAgent { at: 0, start_in: StartIn::New }]);
}

#[test]
fn from_an_agent_that_does_not_start_enter_leads_back() {
    let mut program = Program::warm();
    program.rows(vec![row(FRESH, "Fresh", None), row(1, "One", None)]);
    program.app.agents = vec![offered("hotseat", None), offered("codex", None)];
    program.app.focus = Focus::Browser;
    program.keys("@ j enter");
    let exit = ProcessExit { reason: "exit 1".into(), expected: false, stderr: Vec::new(), restart_in: None };
    program.slot(FRESH, SlotEventKind::StateChanged(SlotState::Exited(exit)));
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(FRESH));
    let back = Effect::StartAgent { at: 0, start_in: StartIn::Stored(id(FRESH)) };
    assert!(program.keys("enter").contains(&back));
    program.slot(FRESH, SlotEventKind::StateChanged(SlotState::Starting));
    program.ready();
    assert!(program.app.shows_active());
}
