//! The official Python SDK asks, forbids, listens and goes back: `can_use_tool`,
//! hooks and file checkpoints of `hotseat` as its `cli_path`.
//!
//! Needs `python3` with `claude_agent_sdk`; without it the test says so and passes.

use serde_json::{Value, json};

use crate::support::agent::{HOTSEAT, Home};
use crate::support::claude::has_sdk;

#[test]
fn the_official_sdk_has_its_say_in_what_tools_do() {
    if !has_sdk("the_official_sdk_has_its_say_in_what_tools_do") {
        return;
    }
    let home = Home::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/sdk_tools.py");
    let output =
        home.command("python3").env("HOTSEAT_PROVIDER", "offline").args([script, HOTSEAT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();

    // The second touch is permitted by what the first answer wrote down.
    let asked = json!([["Bash", "touch one"], ["Write", "refused.txt"], ["Edit", "a.txt"]]);
    assert_eq!(told["asked"], asked, "{told:#}");
    assert_eq!(told["settings"]["permissions"]["allow"], json!(["Bash(touch:*)"]));
    assert!(told["never"].as_str().unwrap().contains("a hook says no"), "{told:#}");
    assert!(told["refused"].as_str().unwrap().contains("not this one"), "{told:#}");
    let hooks = told["hooks"].as_array().unwrap();
    for heard in
        [["PreToolUse", "Bash"], ["PostToolUse", "Bash"], ["PreToolUse", "Write"], ["PostToolUse", "Read"]]
    {
        assert!(hooks.contains(&json!(heard)), "{heard:?} in {told:#}");
    }
    assert!(!hooks.contains(&json!(["PreToolUse", "Read"])), "{told:#}");
    assert_eq!((&told["edited"], &told["rewound"]), (&json!(["after\n", false]), &json!("before\n")));
    let kinds = told["kinds"].as_array().unwrap();
    assert!(kinds.contains(&json!("file-history-delta")) && kinds.contains(&json!("attachment")), "{told:#}");
}
