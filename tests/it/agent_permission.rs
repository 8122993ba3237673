//! `hotseat agent` asks before a tool runs, and keeps to the answer.

use serde_json::{Value, json};

use crate::support::agent;
use crate::support::agent::Home;

/// Runs a prompt that needs a permission up to the request for it.
fn asked(agent: &mut agent::Agent, prompt: &str) -> Value {
    agent.prompt(prompt);
    agent.until_type("control_request")
}

#[test]
fn a_tool_runs_once_it_is_permitted() {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-prompt-tool", "stdio"]);
    let request = asked(&mut agent, "run: echo one > made");
    assert_eq!(request["request"]["subtype"], "can_use_tool");
    assert_eq!(request["request"]["input"]["command"], "echo one > made");
    assert!(!home.work().join("made").exists());
    agent.answer(
        &request,
        &json!({"behavior": "allow", "updatedInput": {"command": "echo two > made; echo said"}}),
    );
    let result = agent.until_type("user");
    assert_eq!(result["tool_use_result"]["stdout"], "said\n");
    assert!(agent.result()["permission_denials"].as_array().unwrap().is_empty());
    assert_eq!(std::fs::read_to_string(home.work().join("made")).unwrap(), "two\n");
}

#[test]
fn a_refusal_is_told_to_the_model_recorded_and_listed() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "write: a.txt: hello");
    agent.answer(&request, &json!({"behavior": "deny", "message": "not in this folder"}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames[0]["message"]["content"][0]["content"], "not in this folder");
    let result = frames.last().unwrap();
    assert_eq!(result["permission_denials"][0]["tool_name"], "Write");
    assert!(result["result"].as_str().unwrap().contains("not in this folder"));
    assert!(home.transcript(result["session_id"].as_str().unwrap()).contains("not in this folder"));
    assert!(!home.work().join("a.txt").exists());

    let request = asked(&mut agent, "write: a.txt: hello");
    agent.answer(&request, &json!({"behavior": "deny", "message": "stop", "interrupt": true}));
    assert_eq!(agent.result()["subtype"], "error_during_execution");
    let request = asked(&mut agent, "write: a.txt: hello");
    agent.answer(&request, &json!({"behavior": "perhaps"}));
    assert!(agent.result()["result"].as_str().unwrap().contains("made no sense"));
}

#[test]
fn what_is_granted_for_the_session_is_not_asked_again_until_a_switch() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "run: touch a; touch b");
    let granted = request["request"]["permission_suggestions"].clone();
    agent.answer(&request, &json!({"behavior": "allow", "updatedInput": {"command": "touch a; touch b"}, "updatedPermissions": granted}));
    agent.result();
    agent.prompt("run: touch a; touch b");
    let again = agent.until(|frame| frame["type"] == "result");
    assert!(again.iter().all(|frame| frame["type"] != "control_request"));
    let other = asked(&mut agent, "run: touch a; touch c");
    agent.answer(&other, &json!({"behavior": "deny", "message": "no"}));
    agent.result();
    agent.ask(&json!({"subtype": "clear"}));
    asked(&mut agent, "run: touch a; touch b");
}

#[test]
fn an_interrupt_takes_the_permission_request_back() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let request = asked(&mut agent, "run: touch a");
    agent.ask(&json!({"subtype": "interrupt"}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames[0]["type"], "control_cancel_request");
    assert_eq!(frames[0]["request_id"], request["request_id"]);
    agent.answer(&request, &json!({"behavior": "allow"}));
    assert!(agent.turn("hello").contains("Noted"), "a late answer is dropped");
}

#[test]
fn tools_run_without_asking_where_nothing_needs_it() {
    let home = Home::new();
    std::fs::write(home.work().join("a.txt"), "alpha\n").unwrap();
    let mut agent = home.agent(&["--permission-mode", "acceptEdits"]);
    assert!(agent.turn("read: a.txt").contains("alpha"));
    assert!(agent.turn("write: b.txt: beta").contains("created"));
    assert_eq!(std::fs::read_to_string(home.work().join("b.txt")).unwrap(), "beta\n");
    let far = asked(&mut agent, "read: /etc/hostname");
    assert_eq!(far["request"]["blocked_path"], "/etc/hostname");
    assert_eq!(far["request"]["decision_reason_type"], "workingDir");
    assert_eq!(far["request"]["decision_reason"], "/etc/hostname lies outside of the working folders");
    agent.answer(&far, &json!({"behavior": "deny", "message": "no"}));
    agent.result();
    let protected = asked(&mut agent, "write: .git/hooks/pre-commit: x");
    assert_eq!(protected["request"]["decision_reason_type"], "safetyCheck");
}

/// 200 writes through a folder that takes turns with a link to the outside, in one
/// step each, all the while. Each is asked about, and allowed if it is said to lie
/// inside.
#[cfg(target_os = "linux")]
#[test]
fn of_200_raced_writes_none_leaves_the_folder() {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let home = Home::new();
    let mut agent = home.agent(&["--permission-prompt-tool", "stdio"]);
    let (work, outside) = (home.work(), home.work().with_file_name("outside"));
    std::fs::create_dir_all(work.join("sub")).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, work.join("lure")).unwrap();
    let stop = AtomicBool::new(false);
    let (mut inside, mut refused) = (0, 0);
    let swaps = std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let mut swaps = 0u64;
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, work.join("sub"), CWD, work.join("lure"), RenameFlags::EXCHANGE).unwrap();
                swaps += 1;
                std::thread::yield_now();
            }
            swaps
        });
        let folder = work.canonicalize().unwrap();
        for number in 0..200 {
            agent.prompt(&format!("write: sub/{number}.txt: mine"));
            let frames =
                agent.until(|frame| matches!(frame["type"].as_str(), Some("result" | "control_request")));
            let last = frames.last().unwrap();
            if last["type"] == "control_request" {
                let named = last["request"]["blocked_path"].as_str();
                if named.is_none_or(|path| std::path::Path::new(path).starts_with(&folder)) {
                    inside += 1;
                    agent.answer(
                        last,
                        &json!({"behavior": "allow", "updatedInput": last["request"]["input"]}),
                    );
                } else {
                    refused += 1;
                    agent.answer(last, &json!({"behavior": "deny", "message": "no"}));
                }
                agent.result();
            }
        }
        stop.store(true, Ordering::Relaxed);
        swapper.join().unwrap()
    });
    let left: Vec<_> = outside.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{} of 200 writes left the folder over {swaps} swaps", left.len());
    assert!(inside > 20 && refused > 20, "it was no race: {inside} inside, {refused} outside, {swaps} swaps");
}

#[test]
fn a_link_that_is_swapped_while_the_question_is_open_redirects_nothing() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let (work, outside) = (home.work(), home.work().with_file_name("outside"));
    std::fs::create_dir_all(work.join("sub")).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("theirs"), "theirs").unwrap();

    // The file becomes a link.
    let request = asked(&mut agent, "write: notes.txt: mine");
    std::os::unix::fs::symlink(outside.join("theirs"), work.join("notes.txt")).unwrap();
    agent.answer(&request, &json!({"behavior": "allow", "updatedInput": request["request"]["input"]}));
    agent.result();
    assert_eq!(std::fs::read_to_string(outside.join("theirs")).unwrap(), "theirs");

    // The folder becomes a link.
    let request = asked(&mut agent, "write: sub/notes.txt: mine");
    std::fs::rename(work.join("sub"), work.join("moved")).unwrap();
    std::os::unix::fs::symlink(&outside, work.join("sub")).unwrap();
    agent.answer(&request, &json!({"behavior": "allow", "updatedInput": request["request"]["input"]}));
    agent.result();
    assert!(!outside.join("notes.txt").exists());
    assert_eq!(std::fs::read_to_string(work.join("moved/notes.txt")).unwrap(), "mine\n");
}

#[test]
fn a_question_names_the_file_that_a_link_leads_to() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    let rc = home.work().with_file_name(".bashrc");
    std::os::unix::fs::symlink(&rc, home.work().join("notes.txt")).unwrap();
    let request = asked(&mut agent, "write: notes.txt: mine");
    let named = request["request"]["blocked_path"].as_str().unwrap();
    assert_eq!(std::path::Path::new(named), rc.parent().unwrap().canonicalize().unwrap().join(".bashrc"));
}

#[test]
fn a_hook_may_answer_in_a_person_s_place() {
    let home = Home::new();
    let answer = |behavior: &str| json!({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": {"behavior": behavior, "message": "not now"}}});
    for (behavior, runs) in [("allow", true), ("deny", false)] {
        let command = format!("echo '{}'", answer(behavior));
        let hooks = json!({"hooks": {"PermissionRequest": [{"matcher": "Bash", "hooks": [{"type": "command", "command": command}]}]}});
        let mut agent = home.agent(&["--settings", &hooks.to_string()]);
        agent.prompt(&format!("run: touch {behavior}"));
        let frames = agent.until(|frame| frame["type"] == "result");
        assert!(frames.iter().all(|frame| frame["request"]["subtype"] != "can_use_tool"), "{frames:#?}");
        assert_eq!(home.work().join(behavior).exists(), runs, "{behavior}");
    }
}

#[test]
fn being_driven_by_an_sdk_is_not_trust() {
    let home = Home::new();
    let claude = home.work().join(".claude");
    std::fs::create_dir_all(&claude).unwrap();
    let hook = json!([{"hooks": [{"type": "command", "command": "touch hooked"}]}]);
    let settings = json!({
        "permissions": {"allow": ["Bash"], "deny": ["Write"], "additionalDirectories": ["/"], "defaultMode": "acceptEdits"},
        "hooks": {"SessionStart": hook, "UserPromptSubmit": hook}, "enableAllProjectMcpServers": true,
    });
    std::fs::write(claude.join("settings.json"), settings.to_string()).unwrap();
    let server = json!({"mcpServers": {"evil": {"command": "touch", "args": ["served"]}}});
    std::fs::write(home.work().join(".mcp.json"), server.to_string()).unwrap();
    for flags in [&[][..], &["--setting-sources", "user,project,local"]] {
        let flags = [&["--permission-prompt-tool", "stdio"], flags].concat();
        let mut agent =
            home.agent_with(&flags, &[("CLAUDE_CODE_ENTRYPOINT", "sdk-py"), ("HOTSEAT_PROVIDER", "offline")]);
        agent.prompt("run: touch made");
        let frames = agent.until(|frame| frame["request"]["subtype"] == "can_use_tool");
        assert!(frames.iter().all(|frame| frame["type"] != "result"), "{frames:#?}");
        for name in ["hooked", "served", "made"] {
            assert!(!home.work().join(name).exists(), "{name}");
        }
    }
}
