//! The official Python SDK drives `hotseat`, given as its `cli_path`.
//!
//! Needs `python3` with `claude_agent_sdk`; without it the test says so and passes.

use serde_json::{Value, json};

use crate::support::agent::{HOTSEAT, Home};
use crate::support::claude::has_sdk;

/// Runs a script of `tests/support` on the official SDK; what it told, or none
/// where the SDK is not installed.
fn told(test: &str, script: &str) -> Option<Value> {
    if !has_sdk(test) {
        return None;
    }
    let home = Home::new();
    let script = format!("{}/tests/support/{script}", env!("CARGO_MANIFEST_DIR"));
    let output =
        home.command("python3").env("HOTSEAT_PROVIDER", "offline").args([&script, HOTSEAT]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(!stderr.contains("Warning"), "{stderr}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_official_sdk_drives_our_agent() {
    let Some(told) = told("the_official_sdk_drives_our_agent", "sdk_client.py") else { return };
    let text =
        |step: &str| told[step]["text"].as_str().unwrap_or_else(|| panic!("{step}: {told:#}")).to_owned();
    let session = |step: &str| told[step]["session"].as_str().unwrap().to_owned();
    assert!(told["secret"]["pieces"].as_u64().unwrap() > 10);
    assert!(text("permitted").contains("yes-it-ran") && text("again").contains("yes-it-ran"));
    assert!(text("refused").contains("not this one"));
    assert!(text("forgotten").contains("does not tell"));
    assert!(text("remembered").contains("PINEAPPLE"));
    assert!(text("one_shot").contains("PINEAPPLE"));
    assert_ne!(session("cleared"), session("secret"));
    assert_ne!(session("forked"), session("secret"));
    for step in ["resumed", "remembered", "one_shot"] {
        assert_eq!(session(step), session("secret"), "{step}");
    }
    assert_eq!(told["interrupted"]["subtype"], "error_during_execution");
    assert!(text("added").contains("42") && text("added_later").contains('7'));
    let server = &told["mcp"]["mcpServers"][0];
    assert_eq!((&server["name"], &server["status"]), (&json!("calc"), &json!("connected")));
    assert_eq!(server["tools"][0]["name"], "add");
    assert_eq!((&told["context"]["model"], &told["info"]["model"]), (&json!("other"), &json!("offline")));
}

#[test]
fn the_options_of_one_shot_queries_do_what_they_say() {
    let Some(told) = told("the_options_of_one_shot_queries_do_what_they_say", "sdk_options.py") else {
        return;
    };
    let check = |step: &str, part: &str| {
        let text = told[step]["text"].as_str().unwrap_or_default();
        assert!(text.contains(part), "{step} lacks {part}: {told:#}");
    };
    for step in ["resume", "continue", "fork", "named_copy"] {
        check(step, "PINEAPPLE");
    }
    for step in ["from_store", "last_of_store"] {
        check(step, "MANGO");
    }
    check("earlier", "1 thing before");
    check("more_folders", "root:");
    assert_eq!(told["structured"], serde_json::json!({"sum": 42}));
    check("accepted", "Noted");
    let session = |step: &str| &told[step]["session"];
    for step in ["resume", "continue", "earlier"] {
        assert_eq!(session(step), session("first"), "{step}");
    }
    assert_ne!(session("fork"), session("first"));
    assert_eq!((session("named"), session("named_copy")), (&told["id"], &told["copy_id"]));
    assert_eq!(told["one_request"]["subtype"], "error_max_turns");
    assert_eq!(told["logged"], json!([]));
}
