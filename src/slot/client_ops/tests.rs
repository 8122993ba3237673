//! What is lent, to a process that asks for it.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::slot::driver::TerminalExit;

#[path = "../../../tests/support/alive.rs"]
mod alive;

/// The process that asks.
const WHICH: ProcessId = 1;

struct Bench {
    lending: ClientOps,
    event: Receiver<(ProcessId, ClientOpEvent)>,
    folder: tempfile::TempDir,
    /// What terminals said.
    said: String,
    op_id: u64,
}

impl Bench {
    fn new() -> Self {
        // There is no hotseat to be its guard: this does without one.
        let folder = tempfile::tempdir().unwrap();
        let (lending, event) = ClientOps::new(Some(guard(folder.path())));
        Self { lending, event, folder, said: String::new(), op_id: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// Asks, and gives back the ticket or what came of it at once.
    fn ask(&mut self, op: ClientOp) -> Result<u64, Result<ClientOpResult, String>> {
        self.op_id += 1;
        match self.lending.execute(WHICH, self.op_id, self.folder.path().join("work"), op) {
            None => Ok(self.op_id),
            Some(ClientOpEvent::Completed { op_id, outcome }) => {
                assert_eq!(op_id, self.op_id);
                Err(outcome)
            }
            Some(other) => panic!("{other:?}"),
        }
    }

    async fn answer(&mut self, requested: u64) -> Result<ClientOpResult, String> {
        loop {
            let event = timeout(Duration::from_secs(20), self.event.recv()).await.expect("an answer");
            match event.unwrap() {
                (WHICH, ClientOpEvent::TerminalOutput { text, .. }) => self.said.push_str(&text),
                (WHICH, ClientOpEvent::Completed { op_id, outcome }) if op_id == requested => return outcome,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn lend(&mut self, op: ClientOp) -> Result<ClientOpResult, String> {
        match self.ask(op) {
            Ok(op_id) => self.answer(op_id).await,
            Err(outcome) => outcome,
        }
    }

    async fn run(&mut self, script: &str, keep: usize) -> Result<ClientOpResult, String> {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let (terminal, env) = ("t".to_owned(), vec![("NAME".to_owned(), "value".to_owned())]);
        let cwd = self.path("");
        self.lend(ClientOp::CreateTerminal(CreateTerminal {
            terminal,
            command,
            env,
            cwd,
            output_limit: keep,
        }))
        .await
    }
}

/// Stands in for `hotseat guard … -- PROGRAM …`.
fn guard(folder: &Path) -> PathBuf {
    std::fs::create_dir(folder.join("work")).unwrap();
    let guard = folder.join("guard");
    let script = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n";
    // By another process: one that is open for writing here cannot be run.
    let write = "printf '%s' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let written = std::process::Command::new("sh").args(["-c", write, "sh", script]).arg(&guard).status();
    assert!(written.unwrap().success());
    guard
}

fn exit(code: u32) -> TerminalExit {
    TerminalExit { code: Some(code), signal: None }
}

#[tokio::test]
async fn files_are_read_and_written_in_order_and_only_in_the_folder() {
    let mut bench = Bench::new();
    let deep = bench.path("new/deep");
    let write =
        |path: &Path, text: &str| ClientOp::WriteFile { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(bench.lend(ClientOp::ReadFile(deep.clone())).await, Ok(ClientOpResult::FileText(None)));
    let tickets = ["1", "2", "3"].map(|text| bench.ask(write(&deep, text)).unwrap());
    let read = bench.ask(ClientOp::ReadFile(deep.clone())).unwrap();
    for op_id in tickets {
        assert_eq!(bench.answer(op_id).await, Ok(ClientOpResult::Done));
    }
    assert_eq!(bench.answer(read).await, Ok(ClientOpResult::FileText(Some("3".to_owned()))));

    let outside = bench.folder.path().join("outside");
    let why = bench.lend(write(&outside, "x")).await.unwrap_err();
    assert!(why.contains("outside the session's folder") && !outside.exists(), "{why}");
    let why = bench.lend(ClientOp::ReadFile(bench.path("new"))).await.unwrap_err();
    assert!(why.ends_with("is not a regular file"), "{why}");
    let why = bench.lend(write(&bench.path("new"), "x")).await.unwrap_err();
    assert!(why.ends_with("is not a regular file"), "{why}");
    std::fs::write(bench.path("bytes"), b"\xff\xfe").unwrap();
    let why = bench.lend(ClientOp::ReadFile(bench.path("bytes"))).await.unwrap_err();
    assert!(why.ends_with("is not UTF-8 text"), "{why}");
}

#[tokio::test]
async fn a_file_that_holds_the_text_already_is_not_touched() {
    let mut bench = Bench::new();
    let path = bench.path("same");
    std::fs::write(&path, "same").unwrap();
    let touched = || std::fs::metadata(bench.folder.path().join("work/same")).unwrap().modified().unwrap();
    let before = touched();
    bench.lending.execute(WHICH, 9, bench.path(""), ClientOp::WriteFile { path, text: "same".to_owned() });
    assert_eq!(
        bench.event.recv().await.unwrap().1,
        ClientOpEvent::Completed { op_id: 9, outcome: Ok(ClientOpResult::Done) }
    );
    assert_eq!(std::fs::metadata(bench.path("same")).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn a_program_is_heard_while_it_runs_and_after() {
    let mut bench = Bench::new();
    assert_eq!(bench.run("echo out $NAME; echo err >&2; pwd; exit 3", 1000).await, Ok(ClientOpResult::Done));
    let wait = bench.ask(ClientOp::WaitForExit("t".to_owned())).unwrap();
    assert_eq!(bench.answer(wait).await, Ok(ClientOpResult::Exited(exit(3))));
    let cwd = bench.path("").canonicalize().unwrap();
    let text = format!("out value\nerr\n{}\n", cwd.display());
    assert_eq!(bench.said, text, "all of it before its end");
    let output = ClientOpResult::TerminalOutput { text, truncated: false, ended: Some(exit(3)) };
    assert_eq!(bench.lend(ClientOp::TerminalOutput("t".to_owned())).await, Ok(output));
    assert_eq!(bench.lend(ClientOp::KillTerminal("t".to_owned())).await, Ok(ClientOpResult::Done));
    assert_eq!(bench.lend(ClientOp::ReleaseTerminal("t".to_owned())).await, Ok(ClientOpResult::Done));
    bench.lend(ClientOp::TerminalOutput("t".to_owned())).await.unwrap_err();
}

#[tokio::test]
async fn a_flood_is_bounded_and_a_kill_ends_it() {
    let mut bench = Bench::new();
    bench.run("yes", 1000).await.unwrap();
    while bench.said.is_empty() {
        bench.lend(ClientOp::TerminalOutput("t".to_owned())).await.unwrap();
    }
    let Ok(ClientOpResult::TerminalOutput { text, truncated: true, ended: None }) =
        bench.lend(ClientOp::TerminalOutput("t".to_owned())).await
    else {
        panic!("it is not cut")
    };
    assert_eq!(text.len(), 1000);
    let wait = bench.ask(ClientOp::WaitForExit("t".to_owned())).unwrap();
    let kill = bench.ask(ClientOp::KillTerminal("t".to_owned())).unwrap();
    assert_eq!(bench.answer(kill).await, Ok(ClientOpResult::Done));
    // The real guard turns the signal that it is sent into SIGKILL for all below it.
    let exited = bench.answer(wait).await;
    assert!(
        matches!(&exited, Ok(ClientOpResult::Exited(TerminalExit { code: None, signal: Some(_) }))),
        "{exited:?}"
    );
}

#[tokio::test]
async fn a_release_answers_who_waits_and_nothing_is_left() {
    let mut bench = Bench::new();
    bench.run("tail -f /dev/null & echo $!; wait", 100).await.unwrap();
    while bench.said.is_empty() {
        bench.lend(ClientOp::TerminalOutput("t".to_owned())).await.unwrap();
    }
    let pid = bench.said.trim().parse().unwrap();
    let wait = bench.ask(ClientOp::WaitForExit("t".to_owned())).unwrap();
    assert_eq!(bench.lend(ClientOp::ReleaseTerminal("t".to_owned())).await, Ok(ClientOpResult::Done));
    assert!(matches!(
        bench.answer(wait).await,
        Ok(ClientOpResult::Exited(TerminalExit { signal: Some(_), .. }))
    ));
    tokio::task::spawn_blocking(move || alive::gone(&[pid])).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_process_ends_its_terminals() {
    let mut bench = Bench::new();
    bench.run("echo $$; exec tail -f /dev/null", 100).await.unwrap();
    while bench.said.is_empty() {
        bench.lend(ClientOp::TerminalOutput("t".to_owned())).await.unwrap();
    }
    bench.lending.end_process(WHICH + 1);
    bench.lend(ClientOp::TerminalOutput("t".to_owned())).await.unwrap();
    bench.lending.end_process(WHICH);
    let pid = bench.said.trim().parse().unwrap();
    tokio::task::spawn_blocking(move || alive::gone(&[pid])).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_run_is_said() {
    let mut bench = Bench::new();
    let run = |terminal: &str, cwd: &str| {
        let command = vec!["true".to_owned()];
        ClientOp::CreateTerminal(CreateTerminal {
            terminal: terminal.to_owned(),
            command,
            env: Vec::new(),
            cwd: cwd.into(),
            output_limit: 9,
        })
    };
    assert!(bench.lend(run("t", "/")).await.unwrap_err().contains("outside the session's folder"));
    assert!(bench.lend(run("t", "missing")).await.unwrap_err().contains("could not open a terminal"));
    for count in 0..MAX_TERMINALS {
        bench.lend(run(&count.to_string(), ".")).await.unwrap();
    }
    assert!(bench.lend(run("one more", ".")).await.unwrap_err().contains("release one"));
}
