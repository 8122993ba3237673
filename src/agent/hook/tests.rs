use serde_json::json;

use super::*;
use crate::agent::outbox::Outbox;

fn occasion(event: HookEvent, subject: &str) -> HookInvocation {
    HookInvocation {
        event,
        subject: Some(subject.to_owned()),
        tool_use_id: None,
        fields: json!({"tool_name": subject}),
        common: json!({"session_id": "s"}),
    }
}

fn surroundings(temp: &tempfile::TempDir) -> HookEnvironment {
    // A guard that runs what stands behind `--`.
    let guard = temp.path().join("guard");
    if !guard.exists() {
        // Written by a process of its own: were it open for writing here, a child that another test
        // starts meanwhile would hold it open, and it could not be run (ETXTBSY).
        let script = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"\n";
        let written = std::process::Command::new("sh")
            .args(["-c", "printf '%s' \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", script])
            .arg(&guard)
            .status();
        assert!(written.unwrap().success());
    }
    let place = ToolContext::new(temp.path().to_owned(), guard);
    HookEnvironment { host: None, context: place, project: temp.path().to_owned() }
}

fn hooks(event: &str, matcher: &str, commands: &[&str]) -> Hooks {
    let commands: Vec<_> =
        commands.iter().map(|command| json!({"type": "command", "command": command, "timeout": 5})).collect();
    let mut hooks = Hooks::default();
    let problems = hooks
        .add_settings("settings.json", &json!({"hooks": {event: [{"matcher": matcher, "hooks": commands}]}}));
    assert_eq!(problems, Vec::<String>::new());
    hooks
}

#[tokio::test]
async fn commands_speak_by_exit_code_and_output() {
    let temp = tempfile::tempdir().unwrap();
    let check = async |event, command: &str| {
        let hooks = hooks(event, "", &[command]);
        let event = *HookEvent::ALL.iter().find(|known| known.name() == event).unwrap();
        hooks.fire(occasion(event, "Bash"), surroundings(&temp)).unwrap().await
    };
    let none = HookOutcome::default();
    assert_eq!(check("PreToolUse", "echo words").await, none);
    assert_eq!(check("UserPromptSubmit", "echo words").await.additional_context[0].text, "words");
    let blocked = check("PreToolUse", "echo no >&2; exit 2").await;
    assert_eq!(
        (blocked.blocked.as_deref(), blocked.decision),
        (Some("[echo no >&2; exit 2]: no\n"), Some(HookDecision::Deny))
    );
    let failed = check("PreToolUse", "echo oh >&2; exit 3").await;
    assert!(failed.blocked.is_none() && failed.messages[0].contains("exit code 3: oh"), "{failed:?}");
    let told = check("Stop", "read input; echo \"$input\" >&2; exit 2").await.blocked.unwrap();
    assert!(told.contains(r#"{"session_id":"s","hook_event_name":"Stop","tool_name":"Bash"}"#), "{told}");
    let json = r#"echo '{"hookSpecificOutput": {"permissionDecision": "allow", "updatedInput": {"a": 1}, "additionalContext": "c"}, "systemMessage": "m", "continue": false, "stopReason": "r"}'"#;
    let said = check("PreToolUse", json).await;
    assert_eq!(said.decision, Some(HookDecision::Allow));
    assert_eq!(
        (said.updated_input, said.additional_context[0].text.clone()),
        (Some(json!({"a": 1})), "c".to_owned())
    );
    assert_eq!((said.messages.concat(), said.stopped.as_deref()), ("m".to_owned(), Some("r")));
}

#[tokio::test]
async fn the_strictest_of_several_counts_and_they_run_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let allow = r#"echo '{"decision": "approve"}'"#;
    // Each waits for the other.
    let hooks = hooks(
        "PreToolUse",
        "Bash|Edit",
        &[allow, "touch a; until [ -e b ]; do :; done; exit 2", "touch b; until [ -e a ]; do :; done"],
    );
    let verdict = hooks.fire(occasion(HookEvent::PreToolUse, "Bash"), surroundings(&temp)).unwrap().await;
    assert_eq!(verdict.decision, Some(HookDecision::Deny));
    assert!(hooks.fire(occasion(HookEvent::PreToolUse, "Read"), surroundings(&temp)).is_none());
    assert!(hooks.fire(occasion(HookEvent::PostToolUse, "Bash"), surroundings(&temp)).is_none());
}

#[tokio::test]
async fn a_hook_that_never_ends_is_given_up() {
    let temp = tempfile::tempdir().unwrap();
    let mut hooks = Hooks::default();
    let never = json!({"type": "command", "command": "sleep 600", "timeout": 0.05});
    hooks.add_settings("s", &json!({"hooks": {"Stop": [{"hooks": [never]}]}}));
    let verdict = hooks.fire(occasion(HookEvent::Stop, ""), surroundings(&temp)).unwrap().await;
    assert!(verdict.messages[0].contains("did not answer"), "{verdict:?}");
}

#[tokio::test]
async fn a_gate_that_does_not_answer_in_time_blocks() {
    let temp = tempfile::tempdir().unwrap();
    for (event, blocks) in [
        (HookEvent::PreToolUse, true),
        (HookEvent::PermissionRequest, true),
        (HookEvent::UserPromptSubmit, true),
        (HookEvent::PostToolUse, false),
        (HookEvent::SessionStart, false),
    ] {
        let mut hooks = Hooks::default();
        let slow = json!({"type": "command", "command": "sleep 600", "timeout": 0.05});
        hooks.add_settings("s", &json!({"hooks": {event.name(): [{"hooks": [slow]}]}}));
        let outcome = hooks.fire(occasion(event, "Bash"), surroundings(&temp)).unwrap().await;
        assert_eq!(outcome.blocked.is_some(), blocks, "{event:?}: {outcome:?}");
        assert_eq!(outcome.decision == Some(HookDecision::Deny), blocks, "{event:?}: {outcome:?}");
    }
}

#[test]
fn a_permission_request_is_answered_in_its_own_form() {
    let answer = json!({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": {"behavior": "deny", "message": "no"}}});
    let outcome = HookOutcome::from_json(&answer, "PermissionRequest:Bash");
    assert_eq!((outcome.decision, outcome.blocked.as_deref()), (Some(HookDecision::Deny), Some("no")));
    let answer =
        json!({"hookSpecificOutput": {"decision": {"behavior": "allow", "updatedInput": {"command": "ls"}}}});
    let outcome = HookOutcome::from_json(&answer, "PermissionRequest:Bash");
    assert_eq!(
        (outcome.decision, outcome.updated_input),
        (Some(HookDecision::Allow), Some(json!({"command": "ls"})))
    );
}

#[tokio::test]
async fn a_guard_that_cannot_be_asked_blocks() {
    let temp = tempfile::tempdir().unwrap();
    let mut hooks = Hooks::default();
    let guard = json!({"hookCallbackIds": ["hook_0"], "timeout": 0.05, "onFailure": "block"});
    hooks.set_host_hooks(&json!({"PreToolUse": [guard]}));
    let (output, _input) = crate::agent::outbox::tests::pipe();
    let host = Some(HostClient::new(Outbox::open(output)));
    let asked =
        hooks.fire(occasion(HookEvent::PreToolUse, "Bash"), HookEnvironment { host, ..surroundings(&temp) });
    assert_eq!(asked.unwrap().await.decision, Some(HookDecision::Deny));
}

#[tokio::test]
async fn a_host_that_has_gone_is_not_asked() {
    let temp = tempfile::tempdir().unwrap();
    let mut hooks = Hooks::default();
    let declared = json!({"Stop": [{"matcher": null, "hookCallbackIds": ["hook_0"], "timeout": 5}]});
    assert_eq!(hooks.set_host_hooks(&declared), Vec::<String>::new());
    assert!(hooks.fire(occasion(HookEvent::Stop, ""), surroundings(&temp)).is_none());
    let (output, _input) = crate::agent::outbox::tests::pipe();
    let host = Some(HostClient::new(Outbox::open(output)));
    assert!(
        hooks.fire(occasion(HookEvent::Stop, ""), HookEnvironment { host, ..surroundings(&temp) }).is_some()
    );
}

#[test]
fn matchers_are_names_or_patterns() {
    for (matcher, subject, expected) in [
        ("", "Bash", true),
        ("*", "Bash", true),
        ("Bash", "Bash", true),
        ("Bash", "BashOutput", false),
        ("Edit|Write", "Write", true),
        ("Edit, Write", "Write", true),
        ("mcp__.*", "mcp__a__b", true),
        ("^Notebook", "Read", false),
    ] {
        let matcher = HookMatcher::parse(matcher).unwrap();
        assert_eq!(matcher.matches(Some(subject)), expected, "{matcher:?} on {subject}");
    }
    assert!(HookMatcher::parse("(").is_none());
    let mut hooks = Hooks::default();
    let problems = hooks.add_settings("s", &json!({"hooks": {"Stop": [{"matcher": "(", "hooks": []}]}}));
    assert!(problems[0].contains("is no matcher"), "{problems:?}");
}
