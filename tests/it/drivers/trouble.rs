//! Programs that are no good agents, in the place of `claude`.

use std::time::{Duration, Instant};

use hotseat::slot::{AGENTS, AgentEvent, Launch, SlotEventKind, SlotState};

use crate::support::script;
use crate::support::slot::Slot;

/// Reads requests and answers them as `claude` does that knows no switches.
const GREETS: &str = r#"
answers() {
  while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"request_id":"\([^"]*\)".*/\1/p')
    case $line in
      *'"initialize"'*) body='{"subtype":"success","request_id":"'$id'","response":{"pid":1}}' ;;
      *'"control_request"'*) body='{"subtype":"error","request_id":"'$id'","error":"no","error_code":"unsupported_request"}' ;;
      *) continue ;;
    esac
    printf '{"type":"control_response","response":%s}\n' "$body"
  done
}
"#;

/// A slot with this shell script in it.
fn scripted(script: &str) -> Slot {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claude");
    script::write(&program, &format!("#!/bin/sh\n{GREETS}\n{script}\n"));
    let claude = AGENTS.iter().find(|known| known.name == "claude").unwrap();
    let launch = Launch {
        guard: Some(env!("CARGO_BIN_EXE_hotseat").into()),
        ..Launch::new(claude.driver, program, folder.path())
    };
    Slot::launch(folder, launch)
}

#[tokio::test]
async fn one_that_dies_in_the_handshake_is_quoted() {
    let mut slot = scripted("echo \"error: unknown option '--verbose'\" >&2; exit 1");
    let exit = slot.exited().await;
    assert_eq!((exit.reason.as_str(), exit.expected), ("exit 1", false));
    assert_eq!(exit.stderr, ["error: unknown option '--verbose'"]);
}

#[tokio::test]
async fn what_nobody_knows_is_passed_over() {
    let mut slot = scripted(
        "echo 'no frame {'; echo '[1]'; echo '{\"type\":\"brand_new\"}'; echo '{\"type\":7}'
         echo '{\"type\":\"control_response\",\"response\":{\"request_id\":\"never\"}}'; answers",
    );
    slot.ready().await;
    slot.idle().await;
    slot.handle.close().await;
}

#[tokio::test]
async fn a_permission_of_one_that_vanished_is_dropped() {
    let request = "{\"type\":\"control_request\",\"request_id\":\"q\",\"request\":{\"subtype\":\"can_use_tool\",\
                   \"tool_name\":\"Bash\",\"input\":{\"command\":\"ls\"}}}";
    let mut slot = scripted(&format!("exec 3<&0; answers <&3 & sleep 1; echo '{request}'; exit 3"));
    slot.ready().await;
    slot.until("a permission request", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.id.clone()),
        _ => None,
    })
    .await;
    slot.until("the request dropped", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionDropped(id)) => Some(id.clone()),
        _ => None,
    })
    .await;
    assert_eq!(slot.exited().await.reason, "exit 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_does_not_keep_it_from_closing() {
    let mut slot = scripted("exec 3<&0; answers <&3 & yes '{\"type\":\"keep_alive\"}'");
    slot.until("warmth", |event| match &event.kind {
        SlotEventKind::StateChanged(SlotState::Idle(_)) => Some(()),
        _ => None,
    })
    .await;
    let start = Instant::now();
    slot.handle.close().await;
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
