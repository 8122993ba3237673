//! `hotseat acp`: our own agent for editors, driven as an editor does.

mod editor;
mod trouble;

use std::time::{Duration, Instant};

use editor::{Editor, prompt};
use serde_json::json;

const TELL: &str = "Remember: the word is PINEAPPLE.";
const ASK: &str = "What is the word?";

#[test]
fn every_session_takes_the_seat_of_one_process() {
    let mut editor = Editor::start();
    let told = editor.new_session();
    assert!(!editor.say(&told, TELL).is_empty());
    let pid = editor.pid();

    let empty = editor.new_session();
    assert!(!editor.say(&empty, ASK).contains("PINEAPPLE"));
    assert!(editor.say(&told, ASK).contains("PINEAPPLE"), "a prompt to another session switches");

    let before = editor.home.transcript(&told);
    let forked = editor.ask("session/fork", &editor.opening(Some(&told)));
    let fork = forked["sessionId"].as_str().unwrap().to_owned();
    assert_ne!(fork, told);
    assert!(editor.say(&fork, ASK).contains("PINEAPPLE"));
    assert_eq!(editor.home.transcript(&told), before);

    editor.ask("session/close", &json!({"sessionId": told}));
    assert_eq!(editor.refused("session/prompt", &prompt(&told, ASK)), -32002);
    editor.ask("session/resume", &editor.opening(Some(&told)));
    assert!(editor.updates("user_message_chunk").is_empty(), "a resume replays nothing");
    assert!(editor.say(&told, ASK).contains("PINEAPPLE"));
    assert_eq!(editor.pid(), pid);
}

#[test]
fn a_session_is_loaded_with_its_history() {
    let mut editor = Editor::start();
    let told = editor.new_session();
    let said = editor.say(&told, TELL);
    editor.say(&told, "write: a.txt: hello");
    editor.new_session();
    editor.ask("session/load", &editor.opening(Some(&told)));
    assert_eq!(editor.said(&told, "user_message_chunk"), format!("{TELL}write: a.txt: hello"));
    assert!(editor.said(&told, "agent_message_chunk").starts_with(&said));
    assert_eq!(editor.updates("tool_call").len(), 1);
    assert_eq!(editor.updates("tool_call_update")[0]["update"]["status"], "completed");
    assert!(editor.say(&told, ASK).contains("PINEAPPLE"));
}

#[test]
fn sessions_are_listed_and_deleted() {
    let mut editor = Editor::start();
    let told = editor.new_session();
    editor.say(&told, TELL);
    editor.new_session();
    let listed = editor.ask("session/list", &json!({"cwd": editor.work()}));
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "one that holds nothing is none");
    let session = &listed["sessions"][0];
    assert_eq!((&session["sessionId"], &session["cwd"]), (&json!(told), &json!(editor.work())));
    assert!(session["title"].as_str().unwrap().contains("PINEAPPLE"));
    assert!(session["updatedAt"].is_string());
    editor.say(&told, ASK);
    editor.ask("session/delete", &json!({"sessionId": told}));
    let listed = editor.ask("session/list", &json!({}));
    assert_eq!(listed["sessions"], json!([]));
    assert_eq!(editor.refused("session/load", &editor.opening(Some(&told))), -32002);
}

#[test]
fn what_a_tool_would_change_is_asked_with_a_diff() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    editor.option = "deny";
    editor.say(&session, "write: a.txt: hello");
    let call = &editor.updates("tool_call")[0]["update"];
    let path = editor.work().join("a.txt");
    assert_eq!(call["kind"], "edit");
    assert_eq!(call["content"], json!([{"type": "diff", "path": path, "newText": "hello\n"}]));
    assert_eq!(editor.updates("tool_call_update")[0]["update"]["status"], "failed");
    assert!(!path.exists());

    editor.option = "once";
    editor.say(&session, "write: a.txt: hello");
    assert_eq!(editor.updates("tool_call_update")[0]["update"]["status"], "completed");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "hello\n");
}

#[test]
fn a_mode_is_the_sessions_own() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    editor.ask("session/set_mode", &json!({"sessionId": session, "modeId": "bypassPermissions"}));
    editor.option = "deny";
    editor.say(&session, "write: a.txt: hello");
    assert!(editor.work().join("a.txt").exists(), "nobody was asked");
    let other = editor.new_session();
    editor.say(&other, "write: b.txt: hello");
    assert!(!editor.work().join("b.txt").exists());
    let mode = json!({"sessionId": session, "modeId": "everything"});
    assert_eq!(editor.refused("session/set_mode", &mode), -32602);
}

#[test]
fn a_list_of_things_to_do_is_a_plan() {
    let mut editor = Editor::start();
    let session = editor.new_session();
    let todos = json!({"todos": [{"content": "one", "status": "pending", "activeForm": "doing one"}]});
    editor.say(&session, &format!("call: TodoWrite {todos}"));
    assert_eq!(editor.updates("plan")[0]["update"]["entries"][0]["content"], "one");
    assert!(editor.updates("tool_call").is_empty());
}

#[test]
fn a_switch_takes_milliseconds() {
    let mut editor = Editor::start();
    let told = editor.new_session();
    editor.say(&told, TELL);
    let mut measure = |method: &str, session: Option<&str>| {
        let params = editor.opening(session);
        let began = Instant::now();
        editor.ask(method, &params);
        let took = began.elapsed();
        println!("{method}: {:.1} ms", took.as_secs_f64() * 1e3);
        assert!(took < Duration::from_secs(1), "{method}: {took:?}");
    };
    measure("session/new", None);
    measure("session/resume", Some(&told));
    measure("session/fork", Some(&told));
    measure("session/load", Some(&told));
}
