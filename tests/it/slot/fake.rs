//! An agent that follows its prompts to the letter: this test binary, started
//! again with [`ARGUMENTS`]. (What libtest prints before it is
//! garbage to the slot, which has to bear.)

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Names the folder it works in.
pub const FOLDER: &str = "FAKE_FOLDER";
/// Words that change how it behaves: `dies`, `ignores-eof`, `ignores-term`.
pub const MANNERS: &str = "FAKE_MANNERS";

/// The arguments that make this binary the fake; the driver's come after.
pub const ARGUMENTS: [&str; 5] =
    ["--exact", "slot::fake::the_fake_agent_answers_its_handshake", "--nocapture", "--quiet", "--"];

/// Asks the fake for its handshake, in a process of its own. In that process, and
/// in those of the slots' tests, this function *is* the fake.
#[test]
fn the_fake_agent_answers_its_handshake() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        run_as_agent(folder.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let request = json!({"type": "control_request", "request_id": "1", "request": {"subtype": "initialize"}});
    writeln!(child.stdin.take().unwrap(), "{request}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let response = printed.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
    assert_eq!(response["response"]["response"]["agent_version"], "fake", "{printed}");
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "start\neof\n");
}

fn run_as_agent(folder: PathBuf) -> ! {
    let manners = std::env::var(MANNERS).unwrap_or_default();
    let fake = Fake::new(folder);
    if manners.contains("ignores-term") {
        hear_sigterm(fake.folder.clone());
    }
    if manners.contains("dies") {
        eprintln!("dying as told");
        std::process::exit(3);
    }
    fake.run();
    if manners.contains("ignores-eof") {
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    std::process::exit(0);
}

/// Takes note of SIGTERM and lives on.
fn hear_sigterm(folder: PathBuf) {
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kind = tokio::signal::unix::SignalKind::terminate();
            let mut terms = tokio::signal::unix::signal(kind).unwrap();
            ready.send(()).unwrap();
            while terms.recv().await.is_some() {
                note(&folder, "term");
            }
        });
    });
    is_ready.recv().unwrap();
}

fn note(folder: &std::path::Path, what: &str) {
    let mut log = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    writeln!(log, "{what}").unwrap();
}

struct Fake {
    folder: PathBuf,
    session: String,
    running: Option<String>,
    queue: VecDeque<(String, String)>,
}

impl Fake {
    fn new(folder: PathBuf) -> Self {
        let given =
            |flag: &str| std::env::args().find_map(|argument| argument.strip_prefix(flag).map(str::to_owned));
        let (resumed, named) = (given("--resume="), given("--session-id="));
        let how = match (&resumed, &named) {
            (Some(id), _) => format!("start resume {id}"),
            (_, Some(id)) => format!("start named {id}"),
            (None, None) => "start".to_owned(),
        };
        note(&folder, &how);
        let session = resumed.or(named).unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        Self { folder, session, running: None, queue: VecDeque::new() }
    }

    fn run(mut self) {
        for line in std::io::stdin().lock().lines() {
            self.hear(&serde_json::from_str(&line.unwrap()).unwrap());
        }
        note(&self.folder, "eof");
    }

    fn say(&self, mut frame: Value) {
        if frame["type"] != "control_response" && frame["type"] != "control_request" {
            frame["session_id"] = json!(self.session);
        }
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{frame}").unwrap();
        stdout.flush().unwrap();
    }

    fn transcript(&self, session: &str) -> PathBuf {
        self.folder.join(format!("{session}.jsonl"))
    }

    fn hear(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            "user" => {
                let words = |value: &Value| value.as_str().unwrap().to_owned();
                self.queue.push_back((words(&frame["uuid"]), words(&frame["message"]["content"])));
                self.next();
            }
            "control_request" => self.asked(frame["request_id"].as_str().unwrap(), &frame["request"]),
            "control_response" => {
                let behavior = &frame["response"]["response"]["behavior"];
                self.reply(&format!("it may: {behavior}"));
            }
            other => panic!("{other}"),
        }
    }

    fn asked(&mut self, id: &str, request: &Value) {
        let answer = match request["subtype"].as_str().unwrap() {
            "initialize" => json!({"pid": std::process::id(), "agent_version": "fake", "model": "fake",
                "session_id": self.session, "transcript_path": self.transcript(&self.session),
                "cwd": self.folder, "current_permission_mode": "default"}),
            "interrupt" => {
                self.reply("interrupted");
                json!({"still_queued": []})
            }
            "cancel_async_message" => {
                let before = self.queue.len();
                self.queue.retain(|(uuid, _)| *uuid != request["message_uuid"]);
                json!({"cancelled": self.queue.len() < before})
            }
            "clear" | "resume" | "fork" => match self.switch(request) {
                Ok(answer) => answer,
                Err(code) => {
                    let response =
                        json!({"subtype": "error", "request_id": id, "error": code, "error_code": code});
                    return self.say(json!({"type": "control_response", "response": response}));
                }
            },
            "get_context_usage" => json!({"totalTokens": 1, "maxTokens": 4, "percentage": 25.0}),
            _ => json!({}),
        };
        let response = json!({"subtype": "success", "request_id": id, "response": answer});
        self.say(json!({"type": "control_response", "response": response}));
    }

    fn switch(&mut self, request: &Value) -> Result<Value, &'static str> {
        if self.running.is_some() && request["interrupt"] != true {
            return Err("busy");
        }
        let asked = request["session_id"].as_str();
        if asked.is_some_and(|id| !self.transcript(id).exists()) {
            return Err("session_not_found");
        }
        self.reply("interrupted");
        let to = match (request["subtype"].as_str().unwrap(), asked) {
            ("resume", Some(id)) => id.to_owned(),
            (what, _) => {
                let new = uuid::Uuid::new_v4().to_string();
                if what == "fork" {
                    std::fs::copy(self.transcript(asked.unwrap()), self.transcript(&new)).unwrap();
                }
                new
            }
        };
        self.say(
            json!({"type": "conversation_reset", "new_conversation_id": to, "trigger": request["subtype"]}),
        );
        let from = std::mem::replace(&mut self.session, to.clone());
        self.say(json!({"type": "system", "subtype": "init", "model": "fake"}));
        let forked_from = (request["subtype"] == "fork").then_some(asked);
        Ok(
            json!({"session_id": to, "previous_session_id": from, "pid": std::process::id(), "cwd": self.folder,
            "transcript_path": self.transcript(&to), "forked_from": forked_from}),
        )
    }

    /// Takes up the next prompt, where no turn runs.
    fn next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some((uuid, text)) = self.queue.pop_front() else { return };
        let transcript = OpenOptions::new().create(true).append(true).open(self.transcript(&self.session));
        writeln!(transcript.unwrap(), "{text}").unwrap();
        self.say(json!({"type": "command_lifecycle", "command_uuid": uuid, "state": "started"}));
        self.running = Some(uuid);
        match text.as_str() {
            "wait" => {}
            "ask" => {
                let request =
                    json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}});
                self.say(json!({"type": "control_request", "request_id": "q1", "request": request}));
            }
            "garbage" => {
                let mut stdout = std::io::stdout().lock();
                for number in 0..50_000 {
                    writeln!(stdout, "\u{1b}[31mno frame {number} {{").unwrap();
                }
                stdout.write_all(&vec![0xff; 1 << 20]).unwrap();
                stdout.write_all(b"\n").unwrap();
                drop(stdout);
                self.reply("still here");
            }
            "shout" => {
                for number in 0..100_000 {
                    eprintln!("line {number} of a long complaint");
                }
                self.reply("still here");
            }
            "breed" => {
                let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
                self.reply(&child.id().to_string());
                std::thread::spawn(move || child.wait());
            }
            _ => {
                let memory = std::fs::read_to_string(self.transcript(&self.session)).unwrap();
                self.reply(&memory.replace('\n', " "));
            }
        }
    }

    /// Ends the running turn with these words.
    fn reply(&mut self, text: &str) {
        let Some(uuid) = self.running.take() else { return };
        let delta = json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}});
        self.say(json!({"type": "stream_event", "event": delta}));
        let message = json!({"id": "m", "content": [{"type": "text", "text": text}]});
        self.say(json!({"type": "assistant", "message": message}));
        self.say(json!({"type": "result", "subtype": "success", "total_cost_usd": 0.0, "usage": {}}));
        self.say(json!({"type": "command_lifecycle", "command_uuid": uuid, "state": "completed"}));
        self.next();
    }
}
