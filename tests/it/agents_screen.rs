//! Agents that keep their sessions themselves, at a real screen: what was said
//! with them is in the browser whoever has the seat, and Enter seats them in it.
//!
//! Without the programs the tests say so and pass.

use std::path::Path;

use crate::support::codex;
use crate::support::model;
use crate::support::npm;
use crate::support::opencode;
use crate::support::pty::{Pty, hotseat};
use crate::support::script;
use crate::support::skip::skip;
use crate::support::stub_api::StubApi;
use portable_pty::CommandBuilder;

fn command(root: &Path, api: &StubApi, arguments: &[&str]) -> CommandBuilder {
    let mut command = hotseat(root, arguments);
    command.env("CODEX_HOME", root.join("codex"));
    command.env("STUB_KEY", "a key");
    // hotseat's own folders go where opencode's are.
    for (name, value) in opencode::environment(root, &api.url) {
        command.env(name, value);
    }
    command
}

fn its_sessions_are_in_the_browser(agent: &str, remedy: &str, test: &str) {
    if npm::program(agent).is_none() {
        return skip(test, &format!("there is no {agent}"), remedy);
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let api = model::start();
    codex::configure(&root.join("codex"), &api.url);
    comes_back(&root, &api, agent, if agent == "opencode" { "OpenCode" } else { agent });
}

/// Tells an agent something, leaves, and comes back with hotseat's own in the seat.
fn comes_back(root: &Path, api: &StubApi, agent: &str, name: &str) {
    let mut first = Pty::start(command(root, api, &["--agent", agent]), 150, 34);
    first.wait_for("● warm");
    first.keys("Remember: the word is PINEAPPLE.");
    first.wait_for("❯ Remember: the word is PINEAPPLE.");
    first.keys("\r");
    first.wait_for("The word is PINEAPPLE.");
    // The row says whose it is, and that a turn is over.
    let is_over = |screen: &str| screen.contains("● warm") && screen.contains(" tok");
    first.wait_until("its row", |screen| is_over(screen) && screen.lines().any(|line| is_row(line, agent)));
    first.keys("\u{11}");
    assert_eq!(first.wait_for_end(), 0);

    let mut second = Pty::start(command(root, api, &[]), 150, 34);
    second.wait_for("● warm │ hotseat ·");
    second.wait_until("its row", |screen| screen.lines().any(|line| is_row(line, agent)));
    // It is read without its agent …
    second.browse();
    second.keys("j");
    second.wait_for("❯ Remember: the word is PINEAPPLE.");
    second.wait_for("Preview. Enter resumes it");
    // … found by what was said …
    second.keys("//PINEAPPLE");
    second.wait_for("1 of ");
    second.keys("\u{1b}");
    second.wait_for("Esc clear filter");
    second.keys("\u{1b}");
    second.wait_for("u undo");
    // … and goes on with it.
    second.keys("\r");
    second.wait_for(&format!("● warm │ {name} "));
    second.keys("What is the word?");
    second.wait_for("❯ What is the word?");
    second.keys("\r");
    second.wait_until("the second answer", |screen| {
        is_over(screen) && screen.matches("The word is PINEAPPLE.").count() >= 2
    });
    second.keys("\u{11}");
    assert_eq!(second.wait_for_end(), 0);
}

/// A row of the browser that names the agent.
fn is_row(line: &str, agent: &str) -> bool {
    let row = line.split('│').next().unwrap_or_default();
    row.contains(&format!(" {agent} ")) && row.contains("now")
}

#[test]
fn sessions_of_codex() {
    its_sessions_are_in_the_browser("codex", codex::REMEDY, "sessions_of_codex");
}

#[test]
fn sessions_of_opencode() {
    its_sessions_are_in_the_browser("opencode", opencode::REMEDY, "sessions_of_opencode");
}

/// An agent of the Agent Client Protocol that has one session, which it lists once
/// something was said in it, and knows one word.
const SCRIPT: &str = r#"#!/bin/sh
[ "$1" = --acp ] || exit 2
say() { printf '%s\n' "$1"; }
answer() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
tell() { say "{\"method\":\"session/update\",\"params\":{\"sessionId\":\"only\",\"update\":$1}}"; }
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case $line in
    *'"initialize"'*) answer '{"protocolVersion":1,"agentInfo":{"name":"Mine","version":"1"},"agentCapabilities":{"loadSession":true,"sessionCapabilities":{"list":{},"resume":{}}}}' ;;
    *'"session/new"'*) answer '{"sessionId":"only"}' ;;
    *'"session/list"'*) [ -e "$0.said" ] && answer "{\"sessions\":[{\"sessionId\":\"only\",\"cwd\":\"$PWD\"}]}" || answer '{"sessions":[]}' ;;
    *'"session/prompt"'*)
      : > "$0.said"
      tell '{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"The word is PINEAPPLE."}}'
      answer '{"stopReason":"end_turn","usage":{"totalTokens":110,"inputTokens":100,"outputTokens":10}}' ;;
    *) answer '{}' ;;
  esac
done
"#;

#[test]
fn sessions_of_an_agent_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    script::write(&root.join("mine-agent"), SCRIPT);
    let configuration = root.join("opencode/config/hotseat");
    std::fs::create_dir_all(&configuration).unwrap();
    let named = format!("[agents]\nmine = \"{} --acp\"\n", root.join("mine-agent").display());
    std::fs::write(configuration.join("config.toml"), named).unwrap();
    comes_back(&root, &model::start(), "mine", "Mine");
}
