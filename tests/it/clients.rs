//! `clients/` on a real process: clear, resume and fork on the official SDKs'
//! own clients.
//!
//! Need `python3` with `claude_agent_sdk`, and `node` with the npm package in
//! the folder that `HOTSEAT_NODE_MODULES` names; without them a test says so
//! and passes.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::agent::{HOTSEAT, Home};
use crate::support::claude::has_sdk;
use crate::support::skip::skip;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");
const SUPPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support");

fn told(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn check(told: &Value, key: &str, part: &str) {
    assert!(told[key].as_str().is_some_and(|text| text.contains(part)), "{key} lacks {part}: {told:#}");
}

#[test]
fn the_python_client_serves_many_sessions_on_one_process() {
    let test = "the_python_client_serves_many_sessions_on_one_process";
    if !has_sdk(test) {
        return;
    }
    let home = Home::new();
    let script = format!("{SUPPORT}/python_client.py");
    let mut command = home.command("python3");
    command.env("HOTSEAT_PROVIDER", "offline");
    let told = told(
        &command
            .args([&script, HOTSEAT])
            .env("PYTHONPATH", format!("{CLIENTS}/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap(),
    );
    for (key, secret) in [("a", "APPLE"), ("b", "BANANA"), ("c", "CHERRY")] {
        check(&told, key, secret);
        for other in ["APPLE", "BANANA", "CHERRY"].iter().filter(|other| **other != secret) {
            assert!(!told[key].as_str().unwrap().contains(other), "{told:#}");
        }
    }
    assert_eq!((&told["listed"], &told["titled"]), (&json!(true), &json!("Copy")));
    check(&told, "empty", "does not tell");
    check(&told, "lost", "no session");
    assert_eq!((&told["turns"], &told["still"], &told["pids"]), (&json!(1), &json!(1), &json!(1)));
    for key in ["forked_from", "named", "first_pid"] {
        assert_eq!(told[key], true, "{key}: {told:#}");
    }
    assert_eq!((&told["model"], &told["mcp"]), (&json!("opus-of-mine"), &json!(["connected"])));
}

#[test]
fn the_typescript_client_changes_sessions_on_one_process() {
    let test = "the_typescript_client_changes_sessions_on_one_process";
    let modules = std::env::var_os("HOTSEAT_NODE_MODULES").map(std::path::PathBuf::from);
    let Some(modules) = modules.filter(|modules| modules.join("@anthropic-ai/claude-agent-sdk").is_dir())
    else {
        let remedy = "npm install --prefix DIR --omit=optional @anthropic-ai/claude-agent-sdk, \
                      and HOTSEAT_NODE_MODULES=DIR/node_modules";
        return skip(test, "there is no npm package @anthropic-ai/claude-agent-sdk", remedy);
    };
    let home = Home::new();
    // Node looks for packages beside the file that imports them.
    let place = home.work().join("client");
    std::fs::create_dir(&place).unwrap();
    std::os::unix::fs::symlink(modules.canonicalize().unwrap(), place.join("node_modules")).unwrap();
    let copy = |from: &str, to: &str| std::fs::copy(from, place.join(to)).unwrap();
    copy(&format!("{CLIENTS}/typescript/index.js"), "index.js");
    copy(&format!("{CLIENTS}/typescript/package.json"), "package.json");
    copy(&format!("{SUPPORT}/typescript_client.mjs"), "main.mjs");
    let told = told(
        &home
            .command("node")
            .env("HOTSEAT_PROVIDER", "offline")
            .args([Path::new("client/main.mjs"), Path::new(HOTSEAT)])
            .output()
            .unwrap(),
    );
    check(&told, "forgotten", "does not tell");
    check(&told, "remembered", "PINEAPPLE");
    check(&told, "lost", "no session");
    assert_eq!((&told["pids"], &told["forked"], &told["named"]), (&json!(1), &json!(true), &json!(true)));
    assert_eq!(told["listed"], true);
}
