//! What only the driver of ACP agents promises, tried on opencode.

use std::time::Duration;

use hotseat::protocol::PermissionMode;
use hotseat::slot::{
    AgentEvent, Feature, PermissionDecision, SlotEventKind, Switch, SwitchMethod, SwitchSupport,
};

use crate::support::agent_bench::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn every_switch_is_in_process_and_quick() {
    let Some(bench) = Bench::of("opencode", "every_switch_is_in_process_and_quick") else { return };
    let mut seated = bench.seat().await;
    let abilities = seated.abilities();
    assert_eq!((abilities.resume, abilities.fork), (SwitchSupport::InProcess, SwitchSupport::InProcess));
    assert!(abilities.unsupported(Feature::Rename).is_some());
    let told = seated.agent.session;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    let fork = || Switch::Fork { source: told, at: None, title: None, cwd: None };
    for switch in [Switch::Clear, Switch::Resume(told), fork(), Switch::Clear, Switch::Resume(told), fork()] {
        let switched = seated.switch(switch).await;
        println!("{}: {:.1} ms", switched.kind, switched.duration.as_secs_f64() * 1e3);
        assert_eq!(switched.method, SwitchMethod::InProcess);
        assert!(switched.duration < Duration::from_secs(5), "{:?}", switched.duration);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_asked_with_what_it_would_write_unless_edits_are_accepted() {
    let Some(bench) =
        Bench::of("opencode", "an_edit_is_asked_with_what_it_would_write_unless_edits_are_accepted")
    else {
        return;
    };
    let mut seated = bench.seat().await;
    let (asked, accepted) = (seated.agent.cwd.join("asked"), seated.agent.cwd.join("accepted"));
    seated.slot.submit(&uuid::Uuid::new_v4().to_string(), &format!("WRITE: {}", asked.display())).await;
    let request = seated.slot.until("a permission request", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.clone()),
        _ => None,
    });
    let request = request.await;
    assert_eq!((request.tool.as_str(), request.input["content"].as_str()), ("Write", Some("written\n")));
    assert!(!asked.exists());
    seated.slot.handle.answer_permission(request.id, PermissionDecision::AllowOnce).await.unwrap();
    seated.slot.idle().await;
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "written\n");

    seated.slot.handle.set_permission_mode(PermissionMode::AcceptEdits).await.unwrap();
    seated.slot.say(&format!("WRITE: {}", accepted.display())).await;
    assert!(accepted.exists(), "nobody had to answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_slash_commands_are_told_in_each_session() {
    let Some(bench) = Bench::of("opencode", "its_slash_commands_are_told_in_each_session") else { return };
    let mut seated = bench.seat().await;
    for _ in 0..2 {
        let told = seated.slot.until("its commands", |event| match &event.kind {
            SlotEventKind::Agent(AgentEvent::SlashCommands(commands)) => Some(commands.clone()),
            _ => None,
        });
        let told = told.await;
        assert!(told.iter().any(|(name, help)| name == "init" && !help.is_empty()), "{told:?}");
        seated.switch(Switch::Clear).await;
    }
}
