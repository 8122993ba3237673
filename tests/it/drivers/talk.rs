//! Prompts, tools, and the end of a process.

use hotseat::protocol::PermissionMode;
use hotseat::session::conversation::ConversationEvent;
use hotseat::slot::{
    AgentEvent, Feature, ListMcpServers, PermissionDecision, PromptState, SlotEvent, SlotEventKind, SlotState,
};
use hotseat::store::{ImportedSessions, LocalStore, Scope, SessionStore};

use crate::support::agent_bench::{Bench, Seated};
use crate::support::alive::gone;
use crate::support::slot::kill;

pub async fn a_reply_streams(bench: Bench) {
    let mut seated = bench.seat().await;
    assert!(seated.slot.say("Remember: the word is PINEAPPLE.").await.contains("PINEAPPLE"));
    seated.slot.idle().await;
    let deltas = seated.slot.heard.iter().filter_map(|event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::ConversationChanged {
            change: ConversationEvent::TextDelta(text),
            ..
        }) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(deltas.collect::<String>(), "The word is PINEAPPLE.");
    let told = |wanted: fn(&SlotEventKind) -> bool| seated.slot.heard.iter().any(|event| wanted(&event.kind));
    assert!(told(|news| matches!(news, SlotEventKind::StateChanged(SlotState::Busy { .. }))));
    assert!(told(|news| matches!(
        news,
        SlotEventKind::Agent(AgentEvent::ConversationChanged { change: ConversationEvent::TurnEnd(_), .. })
    )));
    assert!(told(|news| matches!(
        news,
        SlotEventKind::Agent(AgentEvent::ConversationChanged { change: ConversationEvent::Prompt(_), .. })
    )));
    seated.slot.handle.close().await;
    assert!(seated.transcript(seated.agent.session).contains("The word is PINEAPPLE."));
}

/// Waits until something is asked; gives back its id.
pub async fn asked(seated: &mut Seated) -> String {
    let request = seated.slot.until("a permission request", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.clone()),
        _ => None,
    });
    let request = request.await;
    assert_eq!(request.tool, "Bash");
    request.id
}

pub async fn a_tool_runs_once_it_is_permitted(bench: Bench) {
    let mut seated = bench.seat().await;
    let work = seated.agent.cwd.clone();
    for (verdict, file, made) in [
        (PermissionDecision::AllowOnce, "allowed", true),
        (PermissionDecision::Deny("not now".to_owned()), "denied", false),
    ] {
        seated.slot.submit(&uuid::Uuid::new_v4().to_string(), &format!("COMMAND: touch {file}")).await;
        let id = asked(&mut seated).await;
        assert!(!work.join(file).exists(), "nobody has answered yet");
        seated.slot.handle.answer_permission(id, verdict).await.unwrap();
        seated.slot.idle().await;
        assert_eq!(work.join(file).exists(), made, "{file}");
    }
}

pub async fn an_interrupt_ends_the_turn(bench: Bench) {
    let mut seated = bench.seat().await;
    begin_for_ever(&mut seated).await;
    seated.slot.handle.interrupt().await.unwrap();
    seated.slot.idle().await;
    assert!(seated.slot.say("Are you there?").await.contains("no word"));
}

/// Starts a turn that ends only when it is interrupted.
pub async fn begin_for_ever(seated: &mut Seated) {
    let started = seated.agent.cwd.join(uuid::Uuid::new_v4().to_string());
    let command = format!("COMMAND: touch {} && tail -f /dev/null", started.display());
    seated.slot.submit(&uuid::Uuid::new_v4().to_string(), &command).await;
    let id = asked(seated).await;
    seated.slot.handle.answer_permission(id, PermissionDecision::AllowOnce).await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !started.exists() {
        assert!(std::time::Instant::now() < deadline, "the tool did not start");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// (Some agents answer what waited together.)
pub async fn prompts_that_wait_all_run(bench: Bench) {
    let mut seated = bench.seat().await;
    let uuids = ["1", "2", "3"].map(|number| format!("00000000-0000-4000-8000-00000000000{number}"));
    for (uuid, text) in uuids.iter().zip(["Which word?", "Remember: PINEAPPLE.", "Which word now?"]) {
        seated.slot.submit(uuid, text).await;
    }
    seated.slot.prompt(&uuids[2], PromptState::Completed).await;
    let completed = seated.slot.heard.iter().filter_map(|event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state: PromptState::Completed }) => {
            Some(uuid)
        }
        _ => None,
    });
    assert_eq!(completed.collect::<Vec<_>>(), uuids.iter().collect::<Vec<_>>());
    assert!(seated.slot.say("And now?").await.contains("PINEAPPLE"));
}

pub async fn a_crash_brings_the_session_back(bench: Bench) {
    let mut seated = bench.seat().await;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    seated.slot.idle().await;
    kill(seated.agent.pid);
    let again = seated.slot.ready().await;
    assert_eq!(again.session, seated.agent.session);
    assert_ne!(again.pid, seated.agent.pid);
    assert!(seated.slot.say("What is the word?").await.contains("PINEAPPLE"));
}

pub async fn closing_leaves_no_process(bench: Bench) {
    let mut seated = bench.seat().await;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    seated.slot.handle.close().await;
    let pid = seated.agent.pid;
    tokio::task::spawn_blocking(move || gone(&[pid])).await.unwrap();
}

pub async fn files_come_back_to_what_they_were_before_a_prompt(bench: Bench) {
    let mut seated = bench.seat().await;
    if seated.abilities().unsupported(Feature::Rewind).is_some() {
        return;
    }
    let file = seated.agent.cwd.join("made.txt");
    let prompt = uuid::Uuid::new_v4().to_string();
    let handle = seated.slot.handle.clone();
    handle.set_permission_mode(PermissionMode::AcceptEdits).await.unwrap();
    seated.slot.submit(&prompt, &format!("WRITE: {}", file.display())).await;
    seated.slot.prompt(&prompt, PromptState::Completed).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "written\n");

    let told = handle.rewind(prompt.clone(), true).await.unwrap();
    assert_eq!((told.files.len(), told.deletions), (1, 1), "{told:?}");
    assert!(told.files[0].path.ends_with("made.txt") && file.exists(), "a look changes nothing");
    handle.rewind(prompt, false).await.unwrap();
    assert!(!file.exists());
    assert!(handle.rewind(uuid::Uuid::new_v4().to_string(), true).await.is_err(), "no such prompt");
}

pub async fn its_mcp_servers_are_told(bench: Bench) {
    let mut seated = bench.with_server().seat().await;
    if seated.abilities().unsupported(Feature::Servers).is_some() {
        return;
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let adder = loop {
        let servers = seated.slot.handle.call(ListMcpServers {}).await.unwrap();
        let adder = servers.into_iter().find(|server| server.name == "adder");
        match adder {
            Some(adder) if adder.status != "pending" => break adder,
            other => assert!(std::time::Instant::now() < deadline, "{other:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((adder.status.as_str(), adder.tools), ("connected", Some(5)), "{adder:?}");
    assert_eq!(adder.scope.as_deref(), Some("user"));
    seated.slot.say("Hello").await;
    let told = seated
        .slot
        .heard
        .iter()
        .any(|event| matches!(event.kind, SlotEventKind::Agent(AgentEvent::McpServersChanged(1, _))));
    assert!(told, "with the turn it is told how many are connected");
}

/// By the files it keeps, or in its own words.
pub async fn its_session_is_listed(bench: Bench) {
    let mut seated = bench.seat().await;
    let session = seated.agent.session;
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    let home = seated.slot.folder.path();
    let mirror = ImportedSessions::new(&home.join("mirror"), &home.join("codex"));
    let store = LocalStore::new(home.join("claude")).with_imported(mirror);
    let stored = store.list(&Scope::All).unwrap();
    if stored.iter().all(|stored| stored.id != session) {
        let is_listed = |event: &SlotEvent| match &event.kind {
            SlotEventKind::Agent(AgentEvent::SessionsListed(listed)) => {
                listed.iter().any(|listed| listed.session == session).then_some(())
            }
            _ => None,
        };
        let told = seated.slot.heard.iter().any(|event| is_listed(event).is_some());
        if !told {
            seated.slot.until("the session in the agent's list", is_listed).await;
        }
    }
}

pub async fn a_title_is_kept(bench: Bench) {
    let mut seated = bench.seat().await;
    if seated.abilities().unsupported(Feature::Rename).is_some() {
        return;
    }
    seated.slot.say("Remember: the word is PINEAPPLE.").await;
    seated.slot.handle.rename(seated.agent.session, "A title of its own".to_owned()).await.unwrap();
    seated.slot.handle.close().await;
    assert!(seated.transcript(seated.agent.session).contains("A title of its own"));
}
