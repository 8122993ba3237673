use super::*;

#[test]
fn a_prompt_goes_to_the_session_in_the_seat() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("hello q c /");
    let effects = program.keys("enter");
    assert_eq!(submitted(&effects), Some("hello q c /"));
    assert!(effects.contains(&Effect::AppendHistory("hello q c /".into())));
    assert_eq!(program.app.composer.queued.len(), 1);
    let uuid = program.app.composer.queued[0].uuid.clone();
    program.agent(FRESH, AgentEvent::PromptStateChanged { uuid, state: PromptState::Started });
    assert!(program.app.composer.queued.is_empty());
}

#[test]
fn prompts_of_one_run_have_ids_of_their_own() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("a");
    program.keys("enter");
    program.types("b");
    program.keys("enter");
    let queued = &program.app.composer.queued;
    assert_ne!(queued[0].uuid, queued[1].uuid);
    assert!(queued.iter().all(|queued| queued.uuid.parse::<SessionId>().is_ok()));
}

#[test]
fn a_prompt_to_a_session_only_looked_at_seats_it_first() {
    let mut program = Program::warm();
    program.keys("down");
    program.app.focus = Focus::Composer;
    program.types("go on");
    let effects = program.keys("enter");
    assert!(effects.contains(&resume(1)));
    assert_eq!(submitted(&effects), None);
    assert_eq!(submitted(&program.idle(FRESH)), None, "not before it has the seat");
    program.switched("resume", FRESH, 1);
    assert_eq!(submitted(&program.idle(1)), Some("go on"));
}

#[test]
fn a_prompt_in_the_cold_is_the_slots_to_keep() {
    let mut program = Program::cold(setup());
    program.app.focus = Focus::Composer;
    program.types("early");
    assert_eq!(submitted(&program.keys("enter")), Some("early"));
}

#[test]
fn up_takes_a_queued_prompt_back() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("first");
    program.keys("enter");
    program.busy(FRESH);
    let effects = program.keys("up");
    assert!(matches!(&effects[..], [Effect::CancelPrompt(_)]));
    assert_eq!(program.app.composer.text(), "first");
}

#[test]
fn a_prompt_that_the_slot_takes_back_comes_back_to_the_composer() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("precious");
    program.keys("enter");
    let uuid = program.app.composer.queued[0].uuid.clone();
    program.agent(FRESH, AgentEvent::PromptStateChanged { uuid, state: PromptState::Cancelled });
    assert_eq!(program.app.composer.text(), "precious");
}

#[test]
fn alt_enter_breaks_the_line_and_a_paste_keeps_its_lines() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("a");
    program.keys("alt-enter");
    program.does(Event::Paste("b\r\nc".into()));
    assert_eq!(program.app.composer.text(), "a\nb\nc");
}

#[test]
fn drafts_are_kept_as_time_goes_on() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("draft");
    let kept = Effect::SaveDraft { session: id(FRESH), text: "draft".into() };
    assert!(program.does(Event::Tick).contains(&kept));
    assert!(!program.does(Event::Tick).contains(&kept), "once is enough");
}

#[test]
fn slash_commands_do_what_the_keys_do() {
    let mut program = Program::warm();
    program.talked(FRESH);
    program.app.focus = Focus::Composer;
    program.types("/clear");
    let effects = program.keys("enter");
    assert!(effects.contains(&Effect::Switch { switch: Switch::Clear, interrupt: false }), "{effects:?}");
}

#[test]
fn slash_commands_are_completed() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("/re");
    let names: Vec<_> = completions(&program.app).into_iter().map(|command| command.name).collect();
    assert_eq!(names, ["resume", "rename", "restart", "rewind"]);
    program.keys("down tab");
    assert_eq!(program.app.composer.text(), "/rename ");
    assert!(completions(&program.app).is_empty());
}

#[test]
fn a_command_of_the_agents_goes_to_the_agent() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("/compact");
    assert_eq!(submitted(&program.keys("enter")), Some("/compact"));
}

#[test]
fn commands_that_the_agent_tells_of_later_take_the_place_of_the_former() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.agent(FRESH, AgentEvent::SlashCommands(vec![("init".into(), "makes AGENTS.md".into())]));
    program.types("/");
    let offered = completions(&program.app);
    let init = offered.iter().find(|command| command.name == "init").unwrap();
    assert_eq!(init.help, "makes AGENTS.md");
    assert!(offered.iter().all(|command| command.name != "compact"));
}

#[test]
fn resume_by_name_seats_the_only_match() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("/resume flaky");
    assert!(program.keys("enter").contains(&resume(2)));
}

#[test]
fn rename_takes_the_rest_of_the_line() {
    let mut program = Program::warm();
    program.talked(FRESH);
    program.app.focus = Focus::Composer;
    program.types("/rename A new name");
    let rename = Effect::Rename { session: id(FRESH), title: "A new name".into(), by_agent: true };
    assert!(program.keys("enter").contains(&rename));
}

#[test]
fn esc_and_ctrl_c_stop_a_turn() {
    for key in ["esc", "ctrl-c"] {
        let mut program = Program::warm();
        program.app.focus = Focus::Composer;
        program.busy(FRESH);
        assert_eq!(program.keys(key), [Effect::Interrupt], "{key}");
    }
}

#[test]
fn ctrl_c_empties_the_composer_then_quits() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.types("never mind");
    assert_eq!(program.keys("ctrl-c"), []);
    assert!(program.app.composer.is_empty());
    program.keys("up");
    assert_eq!(program.app.composer.text(), "never mind");
    program.app.composer.set("");
    assert_eq!(program.keys("ctrl-c"), []);
    assert!(program.keys("ctrl-c").contains(&Effect::Close));
    assert_eq!(program.keys("ctrl-c"), [Effect::Quit], "a third one does not wait");
}

#[test]
fn quitting_while_a_turn_runs_asks() {
    let mut program = Program::warm();
    program.busy(FRESH);
    assert_eq!(program.keys("q"), []);
    let effects = program.keys("q");
    assert!(effects.contains(&Effect::Interrupt) && effects.contains(&Effect::Close));
}

#[test]
fn a_dead_agent_says_so_and_what_to_do() {
    let mut program = Program::warm();
    let exit = ProcessExit {
        reason: "exit 1".into(),
        expected: false,
        stderr: vec!["boom".into()],
        restart_in: None,
    };
    program.slot(FRESH, SlotEventKind::StateChanged(SlotState::Exited(exit)));
    assert_eq!(program.toast(), "the agent died (exit 1) - R restarts it, W shows its output");
    program.keys("W");
    assert!(matches!(program.app.overlay, Some(Overlay::Viewer(ViewerContent::ExitOutput, 0))));
    assert_eq!(program.keys("R"), [Effect::Restart]);
}

#[test]
fn the_end_of_a_turn_reads_the_list_again() {
    let mut program = Program::warm();
    let effects = program.grow(FRESH, "", ConversationEvent::TurnEnd(TurnCost::default()));
    assert_eq!(effects, [Effect::ListSessions { all: false }]);
}

#[test]
fn files_come_back_once_the_person_has_seen_what_that_changes() {
    let mut program = Program::warm();
    program.talked(FRESH);
    program.app.focus = Focus::Conversation;
    let ask = |dry_run| Effect::Rewind { prompt: "p".into(), dry_run };
    assert_eq!(program.keys("w"), [ask(true)]);

    let heard = |program: &mut Program, dry_run, rewind| {
        program.does(Event::Rewind { prompt: "p".into(), dry_run, rewind })
    };
    heard(&mut program, true, Ok(RewindResult::default()));
    assert!(program.app.overlay.is_none() && program.toast().contains("have not changed"));
    heard(&mut program, true, Err("not kept".to_owned()));
    assert_eq!(program.toast(), "files not changed: not kept");

    let files = vec![FileChange { path: "/work/a".to_owned(), patch: Vec::new() }];
    let rewind = RewindResult { files, insertions: 1, deletions: 2 };
    heard(&mut program, true, Ok(rewind.clone()));
    assert_eq!(program.keys("down"), []);
    assert_eq!(program.keys("enter"), [ask(false)]);
    assert!(program.app.overlay.is_none());
    heard(&mut program, false, Ok(rewind.clone()));
    assert_eq!(program.toast(), "1 file rewound (+1 -2 lines)");

    heard(&mut program, true, Ok(rewind));
    assert_eq!(program.keys("esc"), []);
    assert!(program.app.overlay.is_none(), "left as they are");
}

#[test]
fn an_agent_that_reports_no_interruption_may_be_at_work_or_not() {
    let mut program = Program::cold(AppSetup { terminal: true, ..setup() });
    program.ready();
    program.app.focus = Focus::Composer;
    program.keys("esc");
    assert!(!program.app.agent.interrupt_unconfirmed, "no turn runs");
    program.busy(FRESH);
    program.keys("x");
    assert!(!program.app.agent.interrupt_unconfirmed);
    assert!(matches!(program.keys("esc")[..], [Effect::TerminalInput(_)]));
    assert!(program.app.agent.interrupt_unconfirmed);
    program.idle(FRESH);
    assert!(!program.app.agent.interrupt_unconfirmed);
}

#[test]
fn resume_by_id_takes_what_is_printed_of_one_and_what_its_agent_calls_it() {
    let ids = ["3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap(), SessionId::from_external("ses_1")];
    for (typed, seats) in
        [("3f9c1a52", Some(ids[0])), ("3F9C", Some(ids[0])), ("ses_1", Some(ids[1])), ("3f9", None)]
    {
        let mut program = Program::warm();
        let mut rows = vec![row(1, "One", None), row(2, "Two", None)];
        for (row, id) in rows.iter_mut().zip(ids) {
            row.stored.id = id;
        }
        program.rows(rows);
        program.app.focus = Focus::Composer;
        program.types(&format!("/resume {typed}"));
        let effects = program.keys("enter");
        let seated = effects.into_iter().find_map(|effect| match effect {
            Effect::Switch { switch: Switch::Resume(session), .. } => Some(session),
            _ => None,
        });
        assert_eq!(seated, seats, "{typed}");
    }
}

#[test]
fn what_quits_anywhere_quits_from_every_dialog() {
    for opens in ["ctrl-p", "f1", "@", "r", "/"] {
        let mut program = Program::warm();
        program.app.agents = vec![];
        program.keys(opens);
        assert_eq!(program.keys("ctrl-q"), [Effect::Close], "{opens}");
        let mut program = Program::warm();
        program.keys(opens);
        assert_eq!(program.keys("ctrl-c"), [], "{opens}");
        assert_eq!(program.keys("ctrl-c"), [Effect::Close], "{opens}");
    }
}

#[test]
fn a_letter_that_quits_the_browser_is_text_in_a_dialog() {
    let mut program = Program::warm();
    program.keys("ctrl-p");
    program.types("q");
    assert!(!program.app.closing);
}

#[test]
fn a_letter_does_not_cost_a_draft() {
    let mut program = Program::warm();
    program.app.composer.set("half a thought");
    assert_eq!(program.keys("q"), []);
    assert!(matches!(program.choice(), Some(Confirmation::QuitWithDraft)));
    assert_eq!(program.keys("enter"), [], "no default ends anything");
    assert_eq!(program.keys("s"), []);
    assert!(!program.app.closing);
    assert!(program.keys("ctrl-q").contains(&Effect::Close), "that is no letter");
}

#[test]
fn the_mode_that_allows_everything_is_asked_about() {
    use crate::protocol::PermissionMode as Mode;
    let step = |mode| Effect::SetMode { mode, cycles: true };
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    let last = Mode::ALL.iter().position(|mode| *mode == Mode::BypassPermissions).unwrap();
    program.app.agent.mode = Mode::ALL[(last + Mode::ALL.len() - 1) % Mode::ALL.len()];
    let after = Mode::ALL[(last + 1) % Mode::ALL.len()];
    for (answer, effects) in [
        ("a", vec![step(Mode::BypassPermissions)]),
        ("n", vec![step(after)]),
        ("s", vec![]),
        ("enter", vec![]),
    ] {
        assert_eq!(program.keys("shift-tab"), []);
        assert!(matches!(program.choice(), Some(Confirmation::PermissiveMode(_))));
        assert_eq!(program.keys(answer), effects, "{answer}");
        program.app.overlay = None;
    }
}

#[test]
fn a_mode_that_the_agent_cannot_do_is_passed_over() {
    use crate::protocol::PermissionMode as Mode;
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.app.agent.mode = Mode::ALL[0];
    let [Effect::SetMode { mode, .. }] = program.keys("shift-tab")[..] else { panic!("a step") };
    let message = "not here".to_owned();
    let effects = program.does(Event::ModeRefused { mode, cycles: true, message: message.clone() });
    assert!(matches!(effects[..], [Effect::SetMode { mode: next, .. }] if next != mode), "{effects:?}");
    assert!(program.app.toast.is_none(), "that is no failure");
    program.app.agent.mode = Mode::ALL[0];
    assert_ne!(program.keys("shift-tab"), [Effect::SetMode { mode, cycles: true }]);
    program.does(Event::ModeRefused { mode, cycles: false, message });
    assert!(program.toast().contains("not here"), "who asked for it by name is told");
}

#[test]
fn the_prompt_history_is_searched_and_gives_the_draft_back() {
    let history = ["fix the parser", "run the tests", "fix the tests"].map(str::to_owned).to_vec();
    let mut program = Program::cold(AppSetup { history, ..setup() });
    program.ready();
    program.types("fix");
    program.keys("ctrl-r ctrl-r enter");
    assert_eq!(program.app.composer.text(), "fix the parser");
    program.keys("down down down");
    assert_eq!(program.app.composer.text(), "fix");
    program.keys("ctrl-r esc");
    assert_eq!(program.app.composer.text(), "fix");
    // Ctrl-E goes to the end of the line, as in a shell.
    program.keys("home ctrl-e");
    program.types("!");
    assert_eq!(program.app.composer.text(), "fix!");
    assert!(matches!(program.keys("ctrl-g")[..], [Effect::OpenEditor(_)]));
}

#[test]
fn the_filter_moves_by_the_keys_of_the_jump() {
    let mut program = Program::warm();
    program.keys("/");
    let first = program.app.browser.selected;
    for (down, up) in [("ctrl-n", "ctrl-p"), ("ctrl-j", "ctrl-k"), ("down", "up")] {
        program.keys(down);
        assert_ne!(program.app.browser.selected, first, "{down}");
        program.keys(up);
        assert_eq!(program.app.browser.selected, first, "{up}");
    }
}

#[test]
fn the_help_begins_with_the_pane_and_is_searched() {
    let mut program = Program::warm();
    program.app.focus = Focus::Composer;
    program.keys("f1");
    program.keys("/");
    program.types("editor");
    let Some(Overlay::Viewer(ViewerContent::Help { context, query, typing: true }, 0)) = &program.app.overlay
    else {
        panic!("{:?}", program.app.overlay)
    };
    assert_eq!((*context, query.as_str()), (super::super::super::keymap::KeyContext::Composer, "editor"));
    program.keys("enter esc");
    assert!(program.app.overlay.is_none());
}
