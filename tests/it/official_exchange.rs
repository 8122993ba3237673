//! Sessions that move between `hotseat agent` and the official `claude`.
//!
//! Needs the program itself: from the PATH, or the one in the Python SDK's
//! package. Without it every test here says so and passes. No network: it talks
//! to a stub of the API on loopback.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use hotseat::store::{ForkSpec, LocalStore, SessionStore};
use serde_json::{Value, json};

use crate::support::agent::{Agent, Home, eventually};
use crate::support::claude;
use crate::support::claude::claude;
use crate::support::skip::skip;
use crate::support::stub_api::StubApi;

/// A home, the official program and its API.
struct Exchange {
    home: Home,
    api: StubApi,
    claude: PathBuf,
}

impl Exchange {
    /// None where the official program is missing.
    fn new(test: &str) -> Option<Self> {
        let Some(claude) = claude() else {
            skip(test, "there is no official claude", claude::REMEDY);
            return None;
        };
        Some(Self { home: Home::new(), api: StubApi::start(), claude })
    }

    /// One headless turn of the official program; gives its result.
    fn official(&self, prompt: &str, flags: &[&str]) -> Value {
        self.official_in(&self.home.work(), prompt, flags)
    }

    /// The same in another folder.
    fn official_in(&self, folder: &Path, prompt: &str, flags: &[&str]) -> Value {
        let mut command = self.home.command(&self.claude);
        command.current_dir(folder);
        command.args(["-p", prompt, "--output-format", "json", "--allowedTools", "Bash(echo:*)"]).args(flags);
        command.envs(claude::environment(&self.api.url));
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let result: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}\n{stderr}"));
        assert_eq!(result["is_error"], false, "{result}\n{stderr}");
        result
    }

    fn ours(&self, session: &str) -> Agent {
        self.home.agent(&["--resume", session, "--permission-mode", "bypassPermissions"])
    }

    /// What the API was given last, as text; every call in it has its result.
    fn sent(&self) -> String {
        let messages = self.api.last_messages();
        check_calls(&messages);
        messages.to_string()
    }
}

/// As the real API would: each call is answered by the very next message.
fn check_calls(messages: &Value) {
    let ids = |message: &Value, kind: &str, key: &str| -> HashSet<String> {
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let blocks = blocks.into_iter().filter(|block| block["type"] == kind);
        blocks.map(|block| block[key].as_str().unwrap().to_owned()).collect()
    };
    let messages = messages.as_array().unwrap();
    for (at, message) in messages.iter().enumerate() {
        let calls = ids(message, "tool_use", "id");
        let results =
            messages.get(at + 1).map(|next| ids(next, "tool_result", "tool_use_id")).unwrap_or_default();
        assert_eq!(calls, results, "message {at} of {messages:#?}");
    }
}

#[test]
fn the_official_program_goes_on_with_a_session_of_ours() {
    let Some(exchange) = Exchange::new("the_official_program_goes_on_with_a_session_of_ours") else { return };
    let mut agent = exchange.home.agent(&["--permission-mode", "bypassPermissions"]);
    agent.turn("Remember the secret is PINEAPPLE.");
    agent.turn("run: echo our-tool-output");
    agent.turn("write: a.txt: hello\nread: a.txt");
    agent.turn(r#"call: Edit {"file_path": "a.txt", "old_string": "hello", "new_string": "our-edit"}"#);
    agent.turn(r#"call: Grep {"pattern": "our-e", "output_mode": "content"}"#);
    agent.turn(r#"call: Glob {"pattern": "*.txt"}"#);
    agent.turn(
        r#"call: TodoWrite {"todos": [{"content": "Rest", "status": "pending", "activeForm": "Resting"}]}"#,
    );
    agent.turn("run: seq 1 20000");
    let session = agent.session();
    assert!(agent.close().success());

    let result = exchange.official("And what now?", &["--resume", &session]);
    assert_eq!(result["session_id"], session.as_str());
    let sent = exchange.sent();
    let results = ["a.txt:1:our-edit", "Todos have been modified", "<persisted-output>"];
    for part in
        ["PINEAPPLE", "our-tool-output", "I will remember", "And what now?"].into_iter().chain(results)
    {
        assert!(sent.contains(part), "{part} in {sent}");
    }

    let mut agent = exchange.ours(&session);
    let listed = agent.turn("List my prompts");
    assert!(listed.contains("PINEAPPLE") && listed.contains("And what now?"), "{listed}");
    assert!(agent.turn("What did the stub read?").contains("The stub read"));
}

#[test]
fn we_go_on_with_a_session_of_the_official_program() {
    let Some(exchange) = Exchange::new("we_go_on_with_a_session_of_the_official_program") else { return };
    let first = exchange.official("Remember the secret is MANGO.", &[]);
    let session = first["session_id"].as_str().unwrap().to_owned();
    exchange.official("TOOL, please", &["--resume", &session]);

    let mut agent = exchange.ours(&session);
    assert!(agent.turn("What is the secret?").contains("MANGO"));
    assert!(agent.turn("run: echo our-tool-output").contains("our-tool-output"));
    let path = exchange.home.transcript_path(&session);
    assert!(agent.close().success());
    assert_eq!(exchange.home.transcripts(), [path], "one file, whoever writes");

    let result = exchange.official("And what now?", &["--resume", &session]);
    assert_eq!(result["session_id"], session.as_str());
    let sent = exchange.sent();
    for part in ["MANGO", "stub-tool-output", "our-tool-output", "stub-signature", "And what now?"] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
}

#[test]
fn each_forks_what_the_other_began() {
    let Some(exchange) = Exchange::new("each_forks_what_the_other_began") else { return };
    let theirs =
        exchange.official("Remember the secret is MANGO.", &[])["session_id"].as_str().unwrap().to_owned();
    let before = exchange.home.transcript(&theirs);
    let mut agent = exchange.home.agent(&[]);
    let fork = agent.ask(&json!({"subtype": "fork", "session_id": theirs}));
    assert!(agent.turn("What is the secret?").contains("MANGO"));
    assert!(agent.close().success());
    assert_eq!(exchange.home.transcript(&theirs), before);

    let ours = fork["session_id"].as_str().unwrap();
    let before = exchange.home.transcript(ours);
    let result = exchange.official("Go your own way", &["--resume", ours, "--fork-session"]);
    assert_ne!(result["session_id"], ours);
    assert!(exchange.sent().contains("MANGO"));
    assert_eq!(exchange.home.transcript(ours), before);
}

#[test]
fn a_turn_that_was_stopped_is_no_hindrance_to_the_official_program() {
    let Some(exchange) = Exchange::new("a_turn_that_was_stopped_is_no_hindrance_to_the_official_program")
    else {
        return;
    };
    let mut agent = exchange.home.agent(&["--permission-mode", "bypassPermissions"]);
    agent.prompt("run: touch begun; sleep 60\nrun: echo never");
    eventually("the command runs", || exchange.home.work().join("begun").exists());
    agent.ask(&json!({"subtype": "interrupt"}));
    agent.result();
    let session = agent.session();
    // The last result was an error. Not compared with the official program after an interrupt.
    assert_eq!(agent.close().code(), Some(1));
    exchange.official("And what now?", &["--resume", &session]);
    let sent = exchange.sent();
    assert!(sent.contains("[Request interrupted by user for tool use]"), "{sent}");
    assert!(sent.contains("run: touch begun"), "{sent}");
}

#[test]
fn the_official_program_goes_on_where_a_session_was_moved_and_in_a_repaired_copy() {
    let test = "the_official_program_goes_on_where_a_session_was_moved_and_in_a_repaired_copy";
    let Some(exchange) = Exchange::new(test) else { return };
    let mut agent = exchange.home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    agent.turn("Hello.");
    let session = agent.session();
    assert!(agent.close().success());

    let other = exchange.home.work().join("🦀 other é");
    std::fs::create_dir(&other).unwrap();
    let store = LocalStore::new(exchange.home.config());
    let id = session.parse().unwrap();
    store.move_to(id, &other).unwrap().unwrap();
    let result = exchange.official_in(&other, "And here?", &["--resume", &session]);
    assert_eq!(result["session_id"], session.as_str());
    assert!(exchange.sent().contains("PINEAPPLE"));

    let path = store.find(id).unwrap().path;
    let whole = std::fs::read_to_string(&path).unwrap();
    let torn = whole.replacen(r#""content":"Hello.""#, "\n", 1);
    assert_ne!(torn, whole);
    std::fs::write(&path, torn).unwrap();
    let copy = store.fork(id, &ForkSpec { repair: true, ..ForkSpec::default() }).unwrap();
    assert_eq!(copy.repairs.bridged_gaps, 1);
    exchange.official_in(&other, "And now?", &["--resume", &copy.id.to_string()]);
    let sent = exchange.sent();
    assert!(sent.contains("PINEAPPLE") && sent.contains("And here?") && !sent.contains("Hello."), "{sent}");
}
