//! Settings files: what they permit and forbid, and what is written to them.

use std::fs;

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home};

fn settings(home: &Home, name: &str, content: &Value) {
    let folder = home.work().join(".claude");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), content.to_string()).unwrap();
}

/// An agent that trusts the folder it works in.
fn trusting(home: &Home, flags: &[&str]) -> Agent {
    home.agent(&[&["--setting-sources", "user,project,local"], flags].concat())
}

/// The type of the first frame that says what became of a call: asked, or run.
fn asked(agent: &mut Agent, prompt: &str) -> Option<Value> {
    agent.prompt(prompt);
    let frames = agent.until(|frame| {
        let subtype = &frame["request"]["subtype"];
        frame["type"] == "user" || subtype == "can_use_tool"
    });
    frames.into_iter().find(|frame| frame["type"] == "control_request")
}

#[test]
fn rules_of_all_sources_hold_together() {
    let home = Home::new();
    fs::create_dir_all(home.config()).unwrap();
    let user = json!({"permissions": {"allow": ["Bash(echo:*)"]}});
    fs::write(home.config().join("settings.json"), user.to_string()).unwrap();
    settings(&home, "settings.json", &json!({"permissions": {"deny": ["Bash(echo never:*)"]}}));
    settings(&home, "settings.local.json", &json!({"permissions": {"ask": ["Bash(echo maybe)"]}}));
    let more = r#"{"permissions": {"allow": ["Write(./new/**)"], "defaultMode": "acceptEdits"}}"#;
    let mut agent = trusting(&home, &["--settings", more]);
    assert!(agent.turn("run: echo yes").contains("yes"));
    assert!(agent.turn("run: echo never").contains("the rule Bash(echo never:*) forbids it"));
    assert!(agent.turn("write: a.txt: hello").contains("created"));
    assert!(asked(&mut agent, "run: echo maybe").is_some());
}

#[test]
fn a_folder_that_nobody_trusts_permits_nothing() {
    let home = Home::new();
    settings(&home, "settings.json", &json!({"permissions": {"allow": ["Bash"], "deny": ["Write"]}}));
    let mut agent = home.agent(&[]);
    agent.prompt("run: touch a");
    let frames = agent.until(|frame| frame["type"] == "control_request");
    let told = frames.iter().find(|frame| frame["subtype"] == "informational").unwrap();
    assert!(told["content"].as_str().unwrap().contains("not trusted"), "{told}");
    agent.answer(frames.last().unwrap(), &json!({"behavior": "deny", "message": "no"}));
    agent.result();
    let init = frames.iter().find(|frame| frame["subtype"] == "init").unwrap();
    let tools = init["tools"].as_array().unwrap();
    assert!(tools.contains(&json!("Bash")) && !tools.contains(&json!("Write")), "{init}");
}

#[test]
fn what_is_no_rule_is_told() {
    let home = Home::new();
    settings(&home, "settings.json", &json!({"permissions": {"deny": ["Bash(rm"]}}));
    let mut agent = trusting(&home, &["--allowedTools", "Read no/name"]);
    agent.prompt("hello");
    let told = agent.until(|frame| frame["type"] == "result");
    let told: Vec<_> = told.iter().filter_map(|frame| frame["content"].as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("“no/name”") && told[1].contains("“Bash(rm”"), "{told:?}");
}

#[test]
fn a_permission_that_shall_last_is_written_down() {
    let home = Home::new();
    settings(&home, "settings.local.json", &json!({"novel": [1], "permissions": {"deny": ["Read(.env)"]}}));
    let mut agent = trusting(&home, &[]);
    let request = asked(&mut agent, "run: awk 'BEGIN{print 1}'").unwrap();
    let rules = json!([{"toolName": "Bash", "ruleContent": "awk:*"}]);
    let update =
        json!({"type": "addRules", "rules": rules, "behavior": "allow", "destination": "localSettings"});
    agent.answer(&request, &json!({"behavior": "allow", "updatedPermissions": [update]}));
    agent.result();
    let written = fs::read_to_string(home.work().join(".claude/settings.local.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        written,
        json!({"novel": [1], "permissions": {"deny": ["Read(.env)"], "allow": ["Bash(awk:*)"]}})
    );
    agent.ask(&json!({"subtype": "clear"}));
    assert!(agent.turn("run: awk 'BEGIN{print \"still\"}'").contains("still"), "it outlives the session");
    assert!(agent.close().success());
    assert!(
        trusting(&home, &[]).turn("run: awk 'BEGIN{print \"again\"}'").contains("again"),
        "and the process"
    );
}

#[test]
fn an_input_that_the_host_changed_is_held_to_the_rules() {
    let home = Home::new();
    let mut agent = home.agent(&["--disallowedTools", "Bash(touch:*)"]);
    let request = asked(&mut agent, "run: mkdir a").unwrap();
    agent.answer(&request, &json!({"behavior": "allow", "updatedInput": {"command": "touch made"}}));
    let result = agent.result();
    assert!(result["result"].as_str().unwrap().contains("forbids it"), "{result}");
    assert_eq!(result["permission_denials"][0]["tool_input"]["command"], "touch made");
    assert!(!home.work().join("made").exists());
}

#[test]
fn a_mode_that_the_host_grants_is_told() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "write: a.txt: hello").unwrap();
    let update = json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"});
    agent.answer(&request, &json!({"behavior": "allow", "updatedPermissions": [update]}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert!(frames.iter().any(|frame| frame["permissionMode"] == "acceptEdits"), "{frames:#?}");
    assert!(agent.turn("write: b.txt: hello").contains("created"));
}

/// A script that nobody watches, in a folder with settings of its own.
#[test]
fn without_anybody_to_ask_an_untrusted_folder_s_settings_are_refused_by_name() {
    let home = Home::new();
    let mark = home.work().with_file_name("mark");
    let hook = json!([{"hooks": [{"type": "command", "command": format!("touch '{}'", mark.display())}]}]);
    settings(&home, "settings.json", &json!({"hooks": {"SessionStart": hook}}));
    let run = |flags: &[&str], entrypoint: Option<&str>| {
        let mut command = home.command(env!("CARGO_BIN_EXE_hotseat"));
        command.args(["agent", "--provider", "offline"]).args(flags);
        command.envs(entrypoint.map(|name| ("CLAUDE_CODE_ENTRYPOINT", name)));
        let prompt = home.work().with_file_name("prompt");
        let frame = json!({"type": "user", "message": {"role": "user", "content": "hello"}});
        fs::write(&prompt, format!("{frame}\n")).unwrap();
        command.stdin(fs::File::open(&prompt).unwrap()).output().unwrap()
    };
    let refused = run(&["-p"], None);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    for part in
        ["is not trusted", "settings.json", "--setting-sources user ", "--setting-sources user,project,local"]
    {
        assert!(error.contains(part), "“{part}” is not in: {error}");
    }
    let result: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((&result["type"], &result["is_error"]), (&json!("result"), &json!(true)));
    assert!(!mark.exists());

    // SDKs go on without them, and so does whoever leaves them out.
    assert!(run(&["-p"], Some("sdk-py")).status.success());
    assert!(run(&["-p", "--setting-sources", "user"], None).status.success());
    assert!(run(&["-p", "--setting-sources", "user,project,local"], Some("sdk-ts")).status.success());
    assert!(!mark.exists());
    assert!(run(&["-p", "--setting-sources", "user,project,local"], None).status.success());
    assert!(mark.exists(), "the hook could have run");

    // Settings that only forbid, and a folder without any, need no trust.
    settings(&home, "settings.json", &json!({"permissions": {"deny": ["Write"]}}));
    assert!(run(&["-p"], None).status.success());
    fs::write(home.work().join(".mcp.json"), "{}").unwrap();
    assert!(!run(&["-p"], None).status.success());
}
