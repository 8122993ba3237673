//! The tool Bash on the real guard: what comes back, and that nothing is left.

use std::path::Path;
use std::time::{Duration, Instant};

use hotseat::agent::tool::{Bash, ResultDir, Tool, ToolContext, ToolOutcome};
use serde_json::{Value, json};

fn place(cwd: &Path) -> ToolContext {
    ToolContext::new(cwd.to_owned(), env!("CARGO_BIN_EXE_hotseat").into())
}

async fn run(cwd: &Path, input: Value) -> ToolOutcome {
    Bash.run(input, place(cwd)).await
}

/// Runs a command and compares what the model is told.
async fn check(command: &str, is_error: bool, text: &str) -> ToolOutcome {
    let temp = tempfile::tempdir().unwrap();
    let outcome = run(temp.path(), json!({"command": command})).await;
    assert_eq!((outcome.is_error, outcome.text.as_str()), (is_error, text), "{command}");
    outcome
}

/// Waits for a condition, and fails after five seconds without it.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds() {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process whose id a command wrote down, once it did.
async fn written(path: &Path) -> String {
    let read = || std::fs::read_to_string(path).unwrap_or_default();
    until("a process id is written", || read().ends_with('\n')).await;
    read().trim().to_owned()
}

/// Whether a process runs; a dead one that nobody has asked about does not.
fn runs(pid: &str) -> bool {
    let state = if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        status.rsplit(')').next().unwrap_or_default().trim().to_owned()
    } else {
        let ps = std::process::Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
        String::from_utf8_lossy(&ps.stdout).into_owned()
    };
    !state.is_empty() && !state.starts_with('Z')
}

/// A shell that waits for ever with a child that does, both deaf to SIGTERM.
const STUBBORN: &str = "trap '' TERM HUP INT; (echo $BASHPID > child.new; mv child.new child; while :; do sleep 1; done) & \
     echo $$ > shell.new; mv shell.new shell; echo begun; while :; do sleep 1; done";

#[tokio::test]
async fn what_a_command_says_comes_back() {
    let outcome = check("echo out; echo err >&2", false, "out\nerr").await;
    assert_eq!((&outcome.detail["stdout"], &outcome.detail["stderr"]), (&json!("out\n"), &json!("err\n")));
    check("true", false, "(Bash completed with no output)").await;
    check("exit 3", true, "Exit code 3").await;
    check("echo why >&2; false", true, "Exit code 1\nwhy").await;
    check("kill -9 $$", true, "Exit code 137").await;
    check("cat; echo \"no stdin\"", false, "no stdin").await;
    check(r"printf 'a\377b'", false, "a\u{fffd}b").await;
    check("echo '$(rm -rf x)' \"it's\"", false, "$(rm -rf x) it's").await;
    check("echo 'a\nb'", false, "a\nb").await;
}

#[tokio::test]
async fn a_call_that_makes_no_sense_says_why() {
    let temp = tempfile::tempdir().unwrap();
    for (input, says) in [
        (json!({}), "needs a command"),
        (json!({"command": ""}), "needs a command"),
        (json!({"command": ["ls"]}), "needs a command"),
        (json!({"command": "echo a\0b"}), "cannot start"),
    ] {
        let outcome = run(temp.path(), input.clone()).await;
        assert!(outcome.is_error && outcome.text.contains(says), "{input}: {}", outcome.text);
    }
    let outcome = run(&temp.path().join("gone"), json!({"command": "ls"})).await;
    assert!(outcome.is_error && outcome.text.contains("cannot start"), "{}", outcome.text);
}

#[tokio::test]
async fn it_works_in_the_sessions_folder() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("here"), "").unwrap();
    assert_eq!(run(temp.path(), json!({"command": "ls"})).await.text, "here");
}

#[tokio::test]
async fn of_much_output_the_beginning_and_the_errors_stay() {
    let temp = tempfile::tempdir().unwrap();
    let command = "head -c 1000000 /dev/zero | tr '\\0' x; echo the reason >&2; false";
    let outcome = run(temp.path(), json!({"command": command})).await;
    assert!(outcome.text.starts_with("Exit code 1\nxxx"), "{:.80}", outcome.text);
    assert!(outcome.text.ends_with("more bytes were cut off]\nthe reason"));
    assert!(outcome.text.len() < 30_200, "{}", outcome.text.len());
    let stdout = outcome.detail["stdout"].as_str().unwrap();
    assert!(stdout.ends_with("x\n[… 970000 more bytes were cut off]"));
}

#[tokio::test]
async fn a_long_output_is_kept_whole_beside_the_session() {
    let temp = tempfile::tempdir().unwrap();
    let beside = ToolContext {
        result_dir: ResultDir::for_transcript(&temp.path().join("session.jsonl")),
        ..place(temp.path())
    };
    let run = async |command: &str| Bash.run(json!({"command": command}), beside.clone()).await;
    let outcome = run("seq 1 20000").await;
    assert!(outcome.text.starts_with("<persisted-output>\nOutput too large (106.3KB)"), "{}", outcome.text);
    assert_eq!(outcome.detail["persistedOutputSize"], 108_894);
    let whole = std::fs::read_to_string(outcome.detail["persistedOutputPath"].as_str().unwrap()).unwrap();
    assert!(whole.starts_with("1\n2\n") && whole.ends_with("\n20000\n"));
    let failed = run("seq 1 20000; echo why >&2; exit 1").await;
    assert!(
        failed.text.starts_with("Exit code 1\n1\n2\n") && failed.text.ends_with("why"),
        "{}",
        failed.text
    );
    assert!(failed.text.len() < 11_000);
}

#[tokio::test]
async fn when_its_time_is_up_the_whole_group_ends() {
    let temp = tempfile::tempdir().unwrap();
    let outcome = run(temp.path(), json!({"command": STUBBORN, "timeout": 1000})).await;
    assert!(outcome.is_error);
    assert_eq!(outcome.text, "the command was stopped after 1 s; its output so far:\nbegun");
    for file in ["shell", "child"] {
        let pid = written(&temp.path().join(file)).await;
        until("the process ended", || !runs(&pid)).await;
    }
}

#[tokio::test]
async fn dropping_the_call_ends_the_whole_group() {
    let temp = tempfile::tempdir().unwrap();
    let call = tokio::spawn(Bash.run(json!({"command": STUBBORN}), place(temp.path())));
    let pids = [written(&temp.path().join("shell")).await, written(&temp.path().join("child")).await];
    assert!(pids.iter().all(|pid| runs(pid)));
    call.abort();
    until("both ended", || !pids.iter().any(|pid| runs(pid))).await;
}

#[tokio::test]
async fn what_a_command_leaves_behind_ends_with_it() {
    let temp = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let outcome = run(temp.path(), json!({"command": "sleep 600 & echo $!"})).await;
    until("what was left behind ended", || !runs(&outcome.text)).await;
    assert!(begun.elapsed() < Duration::from_mins(1));
}
