use std::sync::Arc;

use super::*;
use crate::store::TrustRecord;

/// A program over sessions of this folder (1, 2) and of others (3 of /other, 4
/// of a folder that is gone).
fn program() -> Program {
    let mut program = Program::warm();
    let of = |number, folder: &str| {
        let mut row = row(number, &format!("Session {number}"), None);
        Arc::make_mut(&mut row.facts).cwd = Some(folder.into());
        row
    };
    let here = "/home/me/hotseat";
    program.rows(vec![of(1, here), of(2, here), of(3, "/other/🦀"), of(4, "/gone")]);
    program.does(Event::EnvironmentChanged(SessionEnvironment {
        project_sessions: Some([id(1), id(2)].into()),
        missing_folders: ["/gone".to_owned()].into(),
        ..SessionEnvironment::default()
    }));
    program
}

fn on(number: u8) -> Program {
    let mut program = program();
    program.app.browser.selected = Some(id(number));
    program
}

/// A fork that goes on in the folder hotseat was started in.
fn fork_here(number: u8) -> Effect {
    let title = Some(format!("Session {number} ⑂2"));
    let cwd = Some(PathBuf::from("/home/me/hotseat"));
    Effect::Switch { switch: Switch::Fork { source: id(number), at: None, title, cwd }, interrupt: false }
}

fn asks(program: &Program) -> Option<&Confirmation> {
    match &program.app.overlay {
        Some(Overlay::Confirm(choice)) => Some(choice),
        _ => None,
    }
}

/// Enter on the third session, whose folder is looked up.
fn entered(is_trusted: bool) -> Program {
    let mut program = on(3);
    let effects = program.keys("enter");
    assert!(effects.contains(&Effect::ResolveFolder(id(3))), "{effects:?}");
    assert_eq!(switch_in(&effects), None, "{effects:?}");
    assert_eq!(program.resolves(3, "/other/🦀", is_trusted), []);
    program
}

fn switch_in(effects: &[Effect]) -> Option<Effect> {
    effects.iter().find(|effect| matches!(effect, Effect::Switch { .. })).cloned()
}

#[test]
fn a_session_of_a_trusted_folder_says_so_and_goes_there_or_is_forked_here() {
    for (answer, effect) in
        [("enter", Some(resume(3))), ("g", Some(resume(3))), ("f", Some(fork_here(3))), ("s", None)]
    {
        let mut program = entered(true);
        assert!(asks(&program).is_some_and(|choice| choice.question(false).contains("/other/🦀")));
        assert_eq!(switch_in(&program.keys(answer)), effect, "{answer}");
    }
}

#[test]
fn in_a_folder_that_nobody_trusts_the_default_leaves_its_settings_out() {
    for answer in ["enter", "w"] {
        let mut program = entered(false);
        assert!(asks(&program).is_some_and(|choice| choice.question(false).contains("trust")));
        assert_eq!(program.keys("g"), [], "what is not offered is no answer");
        assert_eq!(switch_in(&program.keys(answer)), Some(resume(3)), "{answer}");
        program.app.agent.folder = Some("/other/🦀".into());
        assert!(program.app.is_restricted() && program.app.foreign_folder().is_some());
    }
    let mut program = entered(false);
    program.app.agent.ignores_project_settings = false;
    program.keys("esc");
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(3));
    program.keys("enter");
    program.resolves(3, "/other/🦀", false);
    assert_eq!(program.keys("w"), [], "an agent that cannot leave them out does not go there so");
    assert_eq!(switch_in(&program.keys("enter")), Some(fork_here(3)));
}

#[test]
fn trust_is_written_down_before_the_session_is_resumed() {
    let mut program = entered(false);
    let (folder, record) = (PathBuf::from("/other/🦀"), TrustRecord::Claude);
    let trust = Effect::TrustFolder { folder, record, session: Some(id(3)) };
    assert_eq!(program.keys("t"), [trust]);
    let effects = program.resolves(3, "/other/🦀", true);
    assert_eq!(switch_in(&effects), Some(resume(3)), "and nobody is asked again");
    assert!(asks(&program).is_none());
}

#[test]
fn an_answer_about_a_session_that_nobody_waits_for_is_dropped() {
    let mut program = on(3);
    program.keys("enter");
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(4));
    program.keys("enter");
    assert_eq!(program.resolves(3, "/other/🦀", true), []);
    assert!(asks(&program).is_none());
    program.resolves(4, "/gone", true);
    assert!(matches!(asks(&program), Some(Confirmation::FolderGone { .. })));
}

#[test]
fn a_session_whose_folder_is_gone_is_forked_here() {
    for (answer, effect) in [("enter", fork_here(4)), ("f", fork_here(4)), ("r", resume(4))] {
        let mut program = on(4);
        program.keys("enter");
        program.resolves(4, "/gone", false);
        assert!(matches!(asks(&program), Some(Confirmation::FolderGone { .. })));
        assert!(program.keys(answer).contains(&effect), "{answer}");
    }
    assert_eq!(on(4).keys("f"), [fork_here(4)], "f forks it where it can go on");
}

#[test]
fn the_sessions_of_a_folder_that_is_gone_move_here_in_one_step() {
    let moved = Effect::MoveHere("/gone".into());
    let mut program = on(4);
    program.keys("enter");
    program.resolves(4, "/gone", false);
    assert_eq!(program.keys("m"), std::slice::from_ref(&moved));
    assert_eq!(on(4).keys("M"), [moved]);
    assert_eq!(on(3).keys("M"), [], "its folder is there");
    // A folder that was renamed is noticed although its sessions are not listed.
    let mut program = on(1);
    let former_folder = Some(("/home/me/old".to_owned(), 2));
    let environment = SessionEnvironment { former_folder, ..program.app.environment.clone() };
    program.does(Event::EnvironmentChanged(environment));
    assert!(program.toast().contains("2 sessions of /home/me/old"), "{}", program.toast());
    assert_eq!(program.keys("M"), [Effect::MoveHere("/home/me/old".into())]);
}

#[test]
fn what_no_person_had_is_shown_when_asked_for_and_never_continued() {
    let mut program = Program::cold(AppSetup { resume_newest: true, ..setup() });
    let mut job = row(1, "A job", None);
    Arc::make_mut(&mut job.facts).origin = crate::session::SessionOrigin::Headless;
    Arc::make_mut(&mut job.facts).turns = 1;
    let mut own = row(2, "Mine", None);
    Arc::make_mut(&mut own.facts).turns = 1;
    program.ready();
    assert!(program.rows(vec![job, own]).contains(&resume(2)));
    assert_eq!(program.app.browser.rows.len(), 1);
    program.app.focus = Focus::Browser;
    program.keys("A");
    assert_eq!(program.app.browser.rows.len(), 2);
}

#[test]
fn who_went_there_is_not_asked_again() {
    let mut program = entered(true);
    program.keys("g");
    program.switched("resume", FRESH, 3);
    program.idle(3);
    program.app.focus = Focus::Browser;
    program.app.browser.selected = Some(id(1));
    assert!(program.keys("enter").contains(&resume(1)));
    program.switched("resume", 3, 1);
    program.idle(1);
    assert!(program.keys("alt-`").contains(&resume(3)));
}

#[test]
fn nobody_is_asked_about_the_folder_the_agent_works_in_already() {
    let mut program = on(3);
    program.app.agent.folder = Some("/other/🦀".into());
    program.keys("enter");
    assert_eq!(switch_in(&program.resolves(3, "/other/🦀", false)), Some(resume(3)));
}

#[test]
fn a_fork_of_another_folders_session_asks_too() {
    let mut program = on(3);
    assert_eq!(program.keys("f"), [Effect::ResolveFolder(id(3))]);
    program.resolves(3, "/other/🦀", true);
    let effects = program.keys("g");
    let Some(Effect::Switch { switch: Switch::Fork { cwd, .. }, .. }) = switch_in(&effects) else {
        panic!("{effects:?}")
    };
    assert_eq!(cwd, None, "the copy works where its source does");
}

#[test]
fn the_cursor_starts_no_process_in_another_folder() {
    for (number, is_trusted, prepares) in [(1, true, true), (1, false, false), (3, true, false)] {
        let mut program = program();
        let info = program.app.agent.info.as_mut().unwrap();
        info.capabilities.resume = crate::slot::SwitchSupport::Standby;
        if !is_trusted {
            program.app.restricted_folders.insert("/home/me/hotseat".into());
        }
        program.app.browser.selected = Some(id(2));
        let mut effects = Vec::new();
        for _ in 0..4 {
            effects.extend(program.keys("k"));
        }
        for _ in 0..4 {
            effects.extend(program.keys("j"));
        }
        let prepared = effects.contains(&Effect::Prepare(Switch::Resume(id(number))));
        assert_eq!(prepared, prepares, "{number} {is_trusted}");
    }
}

#[test]
fn a_broken_session_goes_on_in_a_repaired_copy() {
    for (answer, forks) in [("enter", true), ("r", false)] {
        let mut program = program();
        let mut broken = row(5, "Broken", None);
        Arc::make_mut(&mut broken.facts).health.torn = 1;
        program.rows(vec![broken]);
        program.app.browser.selected = Some(id(5));
        program.keys("enter");
        assert!(matches!(asks(&program), Some(Confirmation::Damaged { lines: 1, .. })));
        let effects = program.keys(answer);
        let forked =
            effects.iter().any(|effect| matches!(effect, Effect::Switch { switch: Switch::Fork { .. }, .. }));
        assert_eq!((forked, effects.contains(&resume(5))), (forks, !forks), "{answer}");
    }
}

#[test]
fn a_prompt_to_another_folders_session_waits_for_the_answer() {
    for (answer, composer) in [("g", ""), ("f", "precious"), ("esc", "precious")] {
        let mut program = on(3);
        program.keys("up down");
        program.app.shown = Some(id(3));
        program.app.composer.switch_session(id(3));
        program.app.focus = Focus::Composer;
        program.types("precious");
        program.keys("enter");
        program.resolves(3, "/other/🦀", true);
        assert!(asks(&program).is_some());
        program.keys(answer);
        program.app.composer.switch_session(id(3));
        assert_eq!(program.app.composer.text(), composer, "{answer}");
        let waits = program.app.deferred.as_ref().is_some_and(|intent| intent.prompt.is_some());
        assert_eq!(waits, answer == "g", "{answer}");
    }
}

#[test]
fn the_jump_asks_as_well_when_it_leads_to_another_folder() {
    let mut program = program();
    let mut far = row(7, "Far away", None);
    Arc::make_mut(&mut far.facts).turns = 1;
    Arc::make_mut(&mut far.facts).cwd = Some("/far".into());
    program.keys("ctrl-p");
    program.does(Event::SessionList { all: true, rows: vec![far], progress: None });
    program.types("far");
    program.keys("enter");
    program.resolves(7, "/far", true);
    assert!(
        matches!(asks(&program), Some(Confirmation::OtherFolder { folder, .. }) if folder.display() == "/far")
    );
    assert!(program.keys("enter").contains(&resume(7)));
}

#[test]
fn enter_forks_what_somebody_else_has_open() {
    let mut program = on(1);
    program.keys("enter");
    let (code, message) = (Some(crate::slot::ErrorCode::SessionInUse), "open in claude (pid 7)".to_owned());
    program.does(Event::SwitchRefused { code, message, session: Some(id(1)) });
    let effects = program.keys("enter");
    assert!(matches!(&effects[..], [Effect::Switch { switch: Switch::Fork { .. }, .. }]), "{effects:?}");
}

#[test]
fn enter_does_not_quit_while_a_turn_runs() {
    let mut program = program();
    program.busy(FRESH);
    program.keys("q enter");
    assert!(matches!(asks(&program), Some(Confirmation::QuitWhileBusy)));
}

#[test]
fn a_pin_is_kept_and_given_up_by_one_key() {
    let mut program = on(2);
    assert_eq!(program.keys("p"), [Effect::Pin { session: id(2), pin: true }]);
    program.does(Event::Pinned { session: id(2), pinned: true });
    assert!(program.toast().starts_with("pinned"));
    assert_eq!(program.keys("p"), [Effect::Pin { session: id(2), pin: false }]);
    program.does(Event::Pinned { session: id(2), pinned: false });
    assert!(program.app.environment.pinned.is_empty());
}

#[test]
fn the_details_stay_for_a_pin_and_go_for_the_rest() {
    let mut program = on(2);
    program.keys("I");
    assert!(matches!(program.app.overlay, Some(Overlay::Viewer(ViewerContent::Details(_), _))));
    assert_eq!(program.keys("p"), [Effect::Pin { session: id(2), pin: true }]);
    assert!(program.app.overlay.is_some());
    assert!(program.keys("enter").contains(&resume(2)));
    assert!(program.app.overlay.is_none());
}

#[test]
fn the_details_mean_the_same_wherever_they_were_opened() {
    for focus in [Focus::Browser, Focus::Conversation, Focus::Composer] {
        let mut program = on(2);
        program.keys("up down");
        program.app.focus = focus;
        program.app.overlay = Some(Overlay::Viewer(ViewerContent::Details(id(2)), 0));
        assert_eq!(program.keys("p"), [Effect::Pin { session: id(2), pin: true }], "{focus:?}");
        assert!(program.keys("enter").contains(&resume(2)), "{focus:?}");
    }
}

#[test]
fn a_title_and_a_tag_are_undone() {
    let mut program = on(1);
    program.keys("r");
    program.types("!");
    let titled = |title: &str| Effect::Rename { session: id(1), title: title.into(), by_agent: false };
    assert_eq!(program.keys("enter"), [titled("Session 1!")]);
    program.keys("t");
    program.types("keep");
    let tagged = |tag: &str| Effect::Tag { session: id(1), tag: tag.into() };
    assert_eq!(program.keys("enter"), [tagged("keep")]);
    assert_eq!(program.keys("u"), [tagged("")]);
    assert_eq!(program.keys("u"), [titled("Session 1")]);
    program.keys("u");
    assert_eq!(program.toast(), "there is nothing to undo");
}

#[test]
fn sessions_that_hold_nothing_are_shown_when_asked_for() {
    let mut program = program();
    let mut said = row(1, "Something", None);
    Arc::make_mut(&mut said.facts).turns = 1;
    let mut cleared = row(2, "/clear", None);
    Arc::make_mut(&mut cleared.facts).title = None;
    let mut opened = row(3, "", None);
    Arc::make_mut(&mut opened.facts).title = None;
    opened.partial = true;
    program.rows(vec![said, cleared, opened]);
    let listed =
        |program: &Program| program.app.browser.rows.iter().map(|row| row.stored.id).collect::<Vec<_>>();
    assert_eq!(listed(&program), [id(1), id(3)]);
    program.keys("A");
    assert_eq!(listed(&program), [id(1), id(2), id(3)]);
    assert_eq!(program.toast(), "1 session shown: empty, archived, or of programs, jobs and teams");
    program.keys("A");
    assert_eq!(listed(&program), [id(1), id(3)]);
}
