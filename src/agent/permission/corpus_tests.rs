//! The corpus of permission cases, `tests/permission/permission_cases.toml`.
//!
//! `PERMISSION_CASES=file cargo test corpus` tries the cases of another file.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::json;

use super::{AccessDecision, Permissions};
use crate::agent::tool::Access;
use crate::protocol::PermissionMode;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/permission/permission_cases.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    group: Vec<Group>,
}

/// Cases that share rules and mode.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    about: String,
    #[serde(default)]
    mode: PermissionMode,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// `allow`, `ask` or `deny`.
    expect: String,
    run: Option<String>,
    read: Option<String>,
    write: Option<String>,
    fetch: Option<String>,
    /// `[server, tool]`.
    mcp: Option<[String; 2]>,
    /// What the official program answers, if that is something else.
    official: Option<String>,
    /// Why it is something else.
    why: Option<String>,
}

/// A project with the files that the cases name, in a home of its own.
fn project() -> (tempfile::TempDir, std::path::PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let project = temp.path().canonicalize().unwrap().join("home/proj");
    for (name, content) in [
        ("b", "x\n"),
        ("a.txt", "a\n"),
        (".env", "SECRET=1\n"),
        ("src/a.rs", "fn a() {}\n"),
        ("src/.env", "SECRET=2\n"),
        ("secrets/key", "1\n"),
        (".git/config", ""),
        (".git/hooks/x", ""),
        ("../outside", "x\n"),
    ] {
        let path = project.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    for (link, target) in
        [("envlink", ".env"), ("up", ".."), ("hooks", ".git/hooks"), ("far", "/etc"), ("rc", "../.bashrc")]
    {
        std::os::unix::fs::symlink(target, project.join(link)).unwrap();
    }
    std::os::unix::fs::symlink("/bin/rm", project.join("innocent")).unwrap();
    (temp, project)
}

fn access(case: &Case, project: &Path) -> (String, Access, String) {
    let expand = |text: &str| text.replace("@PROJECT@", project.to_str().unwrap());
    match case {
        Case { run: Some(line), .. } => ("Bash".into(), Access::Command(expand(line)), line.clone()),
        Case { read: Some(path), .. } => {
            ("Read".into(), Access::Read(project.join(expand(path)).into()), format!("read {path}"))
        }
        Case { write: Some(path), .. } => {
            ("Write".into(), Access::Edit(project.join(expand(path)).into()), format!("write {path}"))
        }
        Case { fetch: Some(host), .. } => {
            ("WebFetch".into(), Access::Fetch(host.clone()), format!("fetch {host}"))
        }
        Case { mcp: Some([server, tool]), .. } => {
            let name = format!("mcp__{server}__{tool}");
            (name, Access::McpServer(server.clone()), format!("{tool} of {server}"))
        }
        _ => panic!("a case has to run, read, write, fetch or call something"),
    }
}

#[test]
fn each_case_is_answered_as_expected() {
    let (_temp, project) = project();
    let other = std::env::var("PERMISSION_CASES").ok();
    let text = std::fs::read_to_string(other.as_deref().unwrap_or(CORPUS)).unwrap();
    let corpus: Corpus = toml::from_str(&text).unwrap();
    let (mut wrong, mut count, mut seen) = (Vec::new(), 0, HashSet::new());
    for group in &corpus.group {
        let mut permissions = Permissions::new(group.mode, &[], &[], &[]);
        let rules = json!({"permissions": {"allow": group.allow, "ask": group.ask, "deny": group.deny}});
        permissions.add_settings("the corpus", &rules);
        assert!(permissions.problems.is_empty(), "{}: {:?}", group.about, permissions.problems);
        for case in &group.cases {
            let (tool, access, shown) = access(case, &project);
            assert!(
                seen.insert((group.about.clone(), shown.clone())),
                "{}: {shown} is there twice",
                group.about
            );
            assert_eq!(case.official.is_some(), case.why.is_some(), "{shown}: a difference has a reason");
            count += 1;
            let found = match permissions.decide(&tool, &access, &project) {
                AccessDecision::Allow => "allow",
                AccessDecision::Ask { .. } => "ask",
                AccessDecision::Deny(_) => "deny",
            };
            if found != case.expect {
                wrong.push(format!("{}: {shown}: expected {}, got {found}", group.about, case.expect));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(other.is_some() || count >= 300, "the corpus has only {count} cases");
}
