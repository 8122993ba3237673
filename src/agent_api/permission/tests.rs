use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;

/// A session folder with a link out of it, and the scope that a call has there.
struct Bench {
    outer: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(outer.path().join("work/.git/hooks")).unwrap();
        symlink("../.bashrc", outer.path().join("work/notes.txt")).unwrap();
        Self { outer }
    }

    fn folder(&self) -> PathBuf {
        self.outer.path().canonicalize().unwrap().join("work")
    }

    fn request(&self, tool: &str, input: Value) -> PermissionRequest {
        let mut request = PermissionRequest::new("1", tool, input);
        request.targets = resolve_targets(&request.input, &self.folder());
        request
    }

    fn scope(&self, tool: &str, input: Value) -> Option<SessionScope> {
        SessionScope::of(&self.request(tool, input), &self.folder())
    }
}

fn edit(path: &str) -> Value {
    json!({"file_path": path, "old_string": "a", "new_string": "b"})
}

#[test]
fn an_edit_in_the_folder_stands_for_all_of_them() {
    let bench = Bench::new();
    let edits = SessionScope::EditsIn(bench.folder());
    let text = edits.to_string();
    let all = Some(edits);
    assert_eq!(bench.scope("Edit", edit("src/a.rs")), all);
    assert_eq!(bench.scope("Write", json!({"file_path": "new/b", "content": "x"})), all);
    let changes = json!({"changes": [edit("a"), edit("b")]});
    assert_eq!(bench.scope("Edit", changes), all);
    assert_eq!(text, format!("all edits in {}", bench.folder().display()));
}

#[test]
fn an_edit_that_is_more_than_that_stands_for_itself_only() {
    let bench = Bench::new();
    for (tool, input) in [
        ("Edit", edit("/etc/passwd")),
        ("Edit", edit("../elsewhere")),
        ("Write", edit("notes.txt")),
        ("Edit", edit(".git/hooks/pre-commit")),
        ("Edit", edit("sub/.GIT/config")),
        ("Edit", json!({"changes": [edit("a"), edit("/etc/passwd")]})),
        ("Edit", json!({"file_path": "a", "content": "x", "command": "rm -rf /"})),
        ("Write", json!({"content": "x"})),
    ] {
        let scope = bench.scope(tool, input.clone()).unwrap();
        assert!(matches!(scope, SessionScope::SameCall { .. }), "{tool} {input}: {scope}");
    }
}

#[test]
fn a_command_stands_for_itself_whatever_it_is_called() {
    let bench = Bench::new();
    let scope = |input| bench.scope("Bash", input).unwrap();
    let plain = scope(json!({"command": "git status", "description": "looks"}));
    assert_eq!(plain, scope(json!({"command": "git status", "description": "looks again"})));
    assert_eq!(plain.to_string(), "this exact command");
    assert_ne!(plain, scope(json!({"command": "git status; rm -rf /"})));
    assert_ne!(plain, scope(json!({"command": "git status", "dangerouslyDisableSandbox": true})));
    let mut elsewhere = bench.request("Bash", json!({"command": "git status"}));
    elsewhere.cwd = Some("/".into());
    assert_ne!(Some(plain), SessionScope::of(&elsewhere, &bench.folder()));
}

#[test]
fn a_call_stands_for_itself_with_all_its_words_and_files() {
    let bench = Bench::new();
    let issue = |text: &str| bench.scope("create_issue", json!({"title": "x", "description": text}));
    assert_eq!(issue("a"), issue("a"));
    assert_ne!(issue("a"), issue("b"), "only of a command the description runs nothing");

    let write = || bench.scope("Write", json!({"file_path": "notes.txt", "content": "x"}));
    let before = write();
    assert_eq!(before, write());
    std::fs::remove_file(bench.folder().join("notes.txt")).unwrap();
    symlink("../.profile", bench.folder().join("notes.txt")).unwrap();
    assert_ne!(before, write(), "the link leads elsewhere now");
}

#[test]
fn other_tools_have_scopes_that_can_be_named() {
    let bench = Bench::new();
    let named = |tool: &str, input: Value| bench.scope(tool, input).map(|scope| scope.to_string());
    let check = |tool: &str, input: Value, expected: Option<&str>| {
        assert_eq!(named(tool, input).as_deref(), expected, "{tool}");
    };
    check("mcp__srv__deploy", json!({"target": "staging"}), Some("every call of mcp__srv__deploy"));
    check("WebFetch", json!({"url": "https://a.example/x?y"}), Some("every fetch from a.example"));
    check("WebFetch", json!({"url": "https://a.example@evil/x"}), Some("every fetch from a.example@evil"));
    check("WebFetch", json!({"url": "a.example"}), Some("this exact call"));
    check("Read", json!({"file_path": "/etc/hosts"}), Some("this exact call"));
    check("ExitPlanMode", json!({"plan": "x"}), None);
    check("AskUserQuestion", json!({}), None);
}

#[test]
fn what_was_allowed_is_forgotten_with_the_session() {
    let (one, other) = (SessionId::random(), SessionId::random());
    let scope = SessionScope::Tool("mcp__a__b".to_owned());
    let mut grants = SessionGrants::default();
    grants.allow(one, scope.clone());
    let covers = |grants: &SessionGrants, session, mode| grants.cover(session, Some(&scope), mode);
    assert!(covers(&grants, one, PermissionMode::Default));
    assert!(!covers(&grants, one, PermissionMode::Plan));
    assert!(!covers(&grants, other, PermissionMode::Default));
    assert!(!grants.cover(one, None, PermissionMode::Default));
    grants.clear();
    assert!(!covers(&grants, one, PermissionMode::Default), "also when it is opened again");
}

#[test]
fn a_link_is_shown_as_the_file_that_it_leads_to() {
    let bench = Bench::new();
    let request = bench.request("Write", json!({"file_path": "notes.txt", "content": "x"}));
    let [target] = request.targets.as_slice() else { panic!("{request:?}") };
    assert_eq!(target.real, bench.folder().parent().unwrap().join(".bashrc"));
    assert!(!target.inside && target.protected && target.is_redirected(&bench.folder()));
    let plain = bench.request("Write", json!({"file_path": "plain.txt", "content": "x"}));
    assert!(!plain.targets[0].is_redirected(&bench.folder()));
}
