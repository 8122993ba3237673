//! `sessions list --json` and `show --json` beside the official functions of
//! the Python SDK, over the same trees.
//!
//! Needs `python3` with `claude_agent_sdk`, and for one test the official
//! program (that package holds it); without them a test says so and passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::support::claude;
use crate::support::claude::claude;
use crate::support::claude::has_sdk;
use crate::support::sessions::Sample;
use crate::support::skip::skip;
use crate::support::stub_api::StubApi;

/// What both report.
const FIELDS: [&str; 10] = [
    "session_id",
    "summary",
    "last_modified",
    "file_size",
    "custom_title",
    "first_prompt",
    "git_branch",
    "cwd",
    "tag",
    "created_at",
];

/// A tree of transcripts and the two programs that read it.
struct Tree {
    temp: tempfile::TempDir,
    made: u32,
}

impl Tree {
    /// None where the SDK is missing.
    fn new(test: &str) -> Option<Self> {
        if !has_sdk(test) {
            return None;
        }
        Some(Self { temp: tempfile::tempdir().unwrap(), made: 0 })
    }

    fn claude(&self) -> PathBuf {
        self.temp.path().join("claude")
    }

    fn with_home(&self, mut command: Command) -> Command {
        let home = self.temp.path();
        command.current_dir(home).env("HOME", home).env("CLAUDE_CONFIG_DIR", self.claude());
        command.env_remove("CODEX_HOME");
        for (name, folder) in [("XDG_CACHE_HOME", "cache"), ("XDG_STATE_HOME", "state")] {
            command.env(name, home.join(folder));
        }
        command
    }

    /// Writes a transcript of these bytes in a project's folder.
    fn put(&mut self, project: &str, bytes: impl AsRef<[u8]>) -> String {
        self.made += 1;
        let id = format!("{:08x}-0b7e-4c11-9d3e-5a7f20c4b9a1", self.made);
        let folder = self.claude().join("projects").join(project);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{id}.jsonl")), bytes).unwrap();
        id
    }

    fn official(&self, arguments: &[&str]) -> Value {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/official_list.py");
        let mut python = self.with_home(Command::new("python3"));
        let output = python.arg(script).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn ours(&self, arguments: &[&str]) -> Value {
        let mut hotseat = self.with_home(Command::new(env!("CARGO_BIN_EXE_hotseat")));
        let output = hotseat.arg("sessions").args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Both lists and all messages are the same; says in how many fields the
    /// official list differs for what lies in the middle of a file.
    fn check(&self, ours: &[&str], official: &[&str]) -> usize {
        let official = self.official(official);
        let ours = self.ours(&[&["list", "--json", "--sort", "modified"], ours].concat());
        let (ours, whole, list) = (by_id(&ours), by_id(&official["whole"]), by_id(&official["list"]));
        assert_eq!(ours.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        let mut missed = 0;
        for (id, whole) in &whole {
            for field in FIELDS {
                assert_eq!(ours[id][field], whole[field], "{field} of {id}: {:#}", ours[id]);
                missed += usize::from(list.get(id).is_none_or(|list| list[field] != whole[field]));
            }
            let (ours, official) = (self.ours(&["show", "--json", id]), &official["messages"][id]);
            assert!(ours == *official, "messages of {id}: {ours:.400} and not {official:.400}");
        }
        missed
    }
}

/// The sessions of a list by id, in an order that is the same for both.
fn by_id(list: &Value) -> Map<String, Value> {
    let list = list.as_array().unwrap();
    let mut list: Vec<_> =
        list.iter().map(|one| (one["session_id"].as_str().unwrap().to_owned(), one.clone())).collect();
    list.sort_by(|one, other| one.0.cmp(&other.0));
    list.into_iter().collect()
}

fn user(text: &str) -> String {
    json!({"parentUuid": null, "isSidechain": false, "cwd": "/home/me/修复", "gitBranch": "main", "type": "user",
        "message": {"role": "user", "content": text}, "uuid": "u", "timestamp": "2026-11-20T10:00:00.123Z"})
    .to_string()
}

fn lines(lines: &[&str]) -> String {
    lines.join("\n") + "\n"
}

#[test]
fn edge_cases_are_listed_as_the_official_functions_list_them() {
    let Some(mut tree) = Tree::new("edge_cases_are_listed_as_the_official_functions_list_them") else {
        return;
    };
    let prompt = user("Why does\nthe parser stop at “é”?");
    let title = |title: &str| json!({"type": "custom-title", "customTitle": title}).to_string();
    let tag = |tag: &str| json!({"type": "tag", "tag": tag}).to_string();
    let ai = json!({"type": "ai-title", "aiTitle": "By a model"}).to_string();
    let last = json!({"type": "last-prompt", "lastPrompt": "  last\tprompt "}).to_string();
    let summary = json!({"type": "summary", "summary": "A \"summary\"\nof 日本語"}).to_string();
    let snapshot = r#"{"type":"file-history-snapshot","snapshot":{"timestamp":"2026-11-19T10:00:00Z"}}"#;
    let aside = r#"{"type":"user","isSidechain":true,"message":{"content":"aside"},"uuid":"s"}"#;
    let torn =
        r#"{"type":"assistant","uuid":"t","timestamp":"2026-11-21T00:00:00Z","gitBranch":"torn","mess"#;
    let result = r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"x"},{"type":"text","text":"no prompt"}]},"uuid":"r"}"#;
    let long = user(&"長い ".repeat(200));
    for texts in [
        vec![prompt.as_str()],
        vec![&prompt, &title("Mine"), &ai, &last],
        vec![&title(&"x".repeat(300)), &prompt],
        vec![&title("Mine"), &prompt, &ai, &title("")],
        vec![&prompt, &title(" spaced \u{1f980} ⑂2\\\"/ ")],
        vec![&prompt, &last, &summary],
        vec![&summary],
        vec![&prompt, &tag("keep"), &tag("")],
        vec![&prompt, &tag("a"), r#"{"type": "tag", "tag": "spaced"}"#],
        vec![
            &prompt,
            r#"{"type":"assistant","uuid":"g","parentUuid":"u","message":{"content":[{"type":"tool_use","id":"t","input":{"tag":"v1","cwd":"/else"}}]}}"#,
        ],
        vec![aside, &prompt],
        vec![&prompt, aside],
        vec![snapshot, &prompt],
        vec![torn, &prompt],
        vec![&prompt, r#"{"foreign":1,"gitBranch":"foreign"}"#, torn],
        vec!["not JSON at all", "", "[1,2]", &prompt],
        vec![&long],
        vec![result, &prompt],
        vec![&user("<command-name>/clear</command-name>")],
        vec![&user("<command-name>/clear</command-name>"), &user("[Request interrupted by user]"), &prompt],
        vec![&user("<ide_selection>x</ide_selection>"), &user("<ide_selection>x</ide_selection> and this")],
        vec![&user(""), &user("   "), snapshot],
        vec![r#"{"type":"user","isMeta":true,"message":{"content":"meta"},"uuid":"m"}"#],
        vec![
            r#"{"type":"user","uuid":"n","timestamp":"not a time","cwd":"","gitBranch":"","message":{"content":"x"}}"#,
        ],
    ] {
        tree.put("-home-me---", lines(&texts));
    }
    tree.put("-home-me-------", prompt.clone());
    tree.put("-home-me---", "");
    assert_eq!(tree.check(&["--all"], &[]), 0);
}

#[test]
fn whole_conversations_and_what_lies_in_the_middle_of_large_ones() {
    let Some(mut tree) = Tree::new("whole_conversations_and_what_lies_in_the_middle_of_large_ones") else {
        return;
    };
    for turns in [1, 2, 5, 12] {
        let sample = Sample { number: 100 + turns as u32, ..Sample::gnarly(0, turns) };
        sample.write(&tree.claude()).unwrap();
    }
    for (number, bytes) in [(200, 300_000), (201, 9 << 20)] {
        Sample { number, bytes, turns: 20, ..Sample::default() }.write(&tree.claude()).unwrap();
    }
    assert_eq!(tree.check(&["--all"], &[]), 0);
    let padding = user(&"x".repeat(100_000));
    let title = json!({"type": "custom-title", "customTitle": "In the middle"}).to_string();
    let tag = json!({"type": "tag", "tag": "middle"}).to_string();
    tree.put("-w", lines(&[&user("hi"), &padding, &title, &tag, &padding]));
    // The title, the summary with it, and the tag.
    assert_eq!(tree.check(&["--all"], &[]), 3);
}

#[test]
fn a_folder_and_its_worktrees_list_the_same() {
    let test = "a_folder_and_its_worktrees_list_the_same";
    let Some(mut tree) = Tree::new(test) else { return };
    let root = tree.temp.path().canonicalize().unwrap();
    let git = |folder: &Path, words: &str| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(words.split(' ')).current_dir(folder);
        git.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let main = root.join("main tree");
    fs::create_dir(&main).unwrap();
    if !git(&main, "init -q") {
        return skip(test, "there is no git", "apt install git");
    }
    assert!(git(&main, "commit -q --allow-empty -m x") && git(&main, "worktree add -q ../other"));
    let project = |folder: &Path| {
        let name = folder.to_string_lossy();
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>()
    };
    for folder in [&main, &root.join("other"), &root.join("main tree-else")] {
        tree.put(&project(folder), lines(&[&user("hi")]));
    }
    let here = main.to_str().unwrap();
    let official = tree.official(&[here]);
    let mut hotseat = tree.with_home(Command::new(env!("CARGO_BIN_EXE_hotseat")));
    let output = hotseat.args(["sessions", "list", "--json"]).current_dir(&main).output().unwrap();
    let ours: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = |list: &Value| by_id(list).keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&ours), ids(&official["list"]));
    assert_eq!(ids(&ours).len(), 2);
}

#[test]
fn real_sessions_are_told_alike() {
    let test = "real_sessions_are_told_alike";
    let Some(tree) = Tree::new(test) else { return };
    let Some(claude) = claude() else {
        return skip(test, "there is no official claude", "python3 -m pip install claude-agent-sdk");
    };
    let api = StubApi::start();
    let work = tree.temp.path().join("work 🦀");
    fs::create_dir(&work).unwrap();
    let turn = |prompt: &str, flags: &[&str]| {
        let mut command = tree.with_home(Command::new(&claude));
        command.args(["-p", prompt, "--output-format", "json"]).args(flags).current_dir(&work);
        command.envs(claude::environment(&api.url));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        result["session_id"].as_str().unwrap().to_owned()
    };
    let first = turn("修复登录页面, please", &[]);
    turn("and now?", &["--resume", &first]);
    turn("another way", &["--resume", &first, "--fork-session"]);
    turn("alone", &[]);
    tree.ours(&["rename", "--json", &first, "By hand"]);
    tree.ours(&["tag", "--json", &first, "keep"]);
    tree.check(&["--all"], &[]);
    assert_eq!(by_id(&tree.ours(&["list", "--json", "--all"])).len(), 3);
}
