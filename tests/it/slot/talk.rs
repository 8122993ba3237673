//! An agent that behaves.

use hotseat::session::conversation::ConversationEvent;
use hotseat::slot::{
    AgentEvent, ErrorCode, MeasureContext, PermissionDecision, PromptState, SlotError, SlotEventKind,
    SlotState, Switch, SwitchMethod,
};

use crate::support::slot::Slot;

#[tokio::test]
async fn a_prompt_streams_to_its_end() {
    let (mut slot, agent) = Slot::warm().await;
    assert_eq!((agent.version.as_str(), agent.model.as_str()), ("fake", "fake"));
    assert_eq!(slot.say("hello").await, "hello ");
    slot.idle().await;
    let kinds = slot.heard.iter().filter_map(|event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::ConversationChanged { change, .. }) => Some(match change {
            ConversationEvent::Prompt(text) => format!("prompt {text}"),
            ConversationEvent::TextDelta(text) => format!("delta {text}"),
            ConversationEvent::Block { .. } => "block".to_owned(),
            ConversationEvent::TurnEnd(_) => "end".to_owned(),
            other => format!("{other:?}"),
        }),
        SlotEventKind::StateChanged(SlotState::Busy { .. }) => Some("busy".to_owned()),
        _ => None,
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["prompt hello", "busy", "delta hello ", "block", "end"]);
    slot.handle.close().await;
    assert_eq!(slot.log(), ["start", "eof"]);
}

#[tokio::test]
async fn a_turn_is_interrupted_and_the_next_prompt_runs() {
    let (mut slot, _) = Slot::warm().await;
    slot.submit("p1", "wait").await;
    slot.submit("p2", "after").await;
    slot.prompt("p1", PromptState::Started).await;
    slot.handle.interrupt().await.unwrap();
    assert_eq!(slot.reply().await, "interrupted");
    slot.prompt("p2", PromptState::Completed).await;
}

#[tokio::test]
async fn a_queued_prompt_is_taken_back() {
    let (mut slot, _) = Slot::warm().await;
    slot.submit("p1", "wait").await;
    slot.submit("p2", "never").await;
    slot.prompt("p1", PromptState::Started).await;
    assert_eq!(slot.handle.cancel("p2".to_owned()).await, Ok(true));
    slot.prompt("p2", PromptState::Cancelled).await;
    assert_eq!(slot.handle.cancel("p1".to_owned()).await, Ok(false));
}

#[tokio::test]
async fn a_permission_is_asked_and_given() {
    let (mut slot, _) = Slot::warm().await;
    slot.submit("p1", "ask").await;
    let request = slot
        .until("a permission request", |event| match &event.kind {
            SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.clone()),
            _ => None,
        })
        .await;
    assert_eq!((request.tool.as_str(), &request.input["command"]), ("Bash", &"ls".into()));
    slot.handle.answer_permission(request.id, PermissionDecision::Deny("no".to_owned())).await.unwrap();
    assert_eq!(slot.reply().await, r#"it may: "deny""#);
}

#[tokio::test]
async fn every_session_takes_the_seat_of_one_process() {
    let (mut slot, agent) = Slot::warm().await;
    slot.say("secret").await;

    let cleared = slot.handle.switch(Switch::Clear, false).await.unwrap();
    assert_eq!(
        (cleared.method, cleared.pid, cleared.from),
        (SwitchMethod::InProcess, agent.pid, agent.session)
    );
    assert_eq!(slot.say("forgotten?").await, "forgotten? ");

    let resumed = slot.handle.switch(Switch::Resume(agent.session), false).await.unwrap();
    assert_eq!((resumed.pid, resumed.to), (agent.pid, agent.session));
    assert_eq!(slot.say("known?").await, "secret known? ");

    let fork = Switch::Fork { source: agent.session, at: None, title: None, cwd: None };
    let forked = slot.handle.switch(fork, false).await.unwrap();
    assert_eq!((forked.pid, forked.forked_from), (agent.pid, Some(agent.session)));
    assert_eq!(slot.say("known here?").await, "secret known? known here? ");

    let epochs = slot.heard.iter().filter_map(|event| match &event.kind {
        SlotEventKind::Switched(switched) => Some((event.epoch, event.session == Some(switched.to))),
        _ => None,
    });
    assert_eq!(epochs.collect::<Vec<_>>(), [(2, true), (3, true), (4, true)]);
    slot.handle.close().await;
    assert_eq!(slot.log(), ["start", "eof"], "one process did it all");
}

#[tokio::test]
async fn a_refused_switch_keeps_the_former_session() {
    let (mut slot, _) = Slot::warm().await;
    slot.say("one").await;
    let unknown = Switch::Resume(hotseat::session::SessionId::random());
    match slot.handle.switch(unknown, false).await {
        Err(SlotError::Refused { code, .. }) => assert_eq!(code, Some(ErrorCode::SessionNotFound)),
        other => panic!("{other:?}"),
    }
    assert_eq!(slot.say("two").await, "one two ");
}

#[tokio::test]
async fn a_switch_during_a_turn_is_refused_or_interrupts() {
    let (mut slot, _) = Slot::warm().await;
    slot.submit("p1", "wait").await;
    slot.submit("p2", "queued").await;
    slot.prompt("p1", PromptState::Started).await;
    assert_eq!(slot.handle.switch(Switch::Clear, false).await, Err(SlotError::Busy));
    let cleared = slot.handle.switch(Switch::Clear, true).await.unwrap();
    slot.prompt("p2", PromptState::Cancelled).await;
    assert_eq!(slot.idle().await, cleared.to);
    assert_eq!(slot.say("anew").await, "anew ");
}

#[tokio::test]
async fn the_context_window_is_measured() {
    let (slot, _) = Slot::warm().await;
    let usage = slot.handle.call(MeasureContext {}).await.unwrap();
    assert_eq!((usage.tokens, usage.max, usage.percent), (1, 4, 25.0));
}
