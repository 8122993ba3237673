//! Speaks JSON lines to a real `hotseat agent`, as a host would.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The program under test.
pub const HOTSEAT: &str = env!("CARGO_BIN_EXE_hotseat");
/// Longer than anything here may take, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// A scratch home with a folder to work in.
pub struct Home {
    temp: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("work")).unwrap();
        Self { temp }
    }

    /// What `CLAUDE_CONFIG_DIR` names.
    pub fn config(&self) -> PathBuf {
        self.temp.path().join("claude")
    }

    /// Where agents are started, as the system spells it.
    pub fn work(&self) -> PathBuf {
        self.temp.path().join("work").canonicalize().unwrap()
    }

    /// A program of this home, without a network, a delay or a user's settings.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for name in ["CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SDK_READS_SESSION_STATE", "HOTSEAT_LOG"] {
            command.env_remove(name);
        }
        // Nothing here may ask a real model.
        for provider in ["ANTHROPIC", "OPENAI"] {
            for name in ["API_KEY", "AUTH_TOKEN", "BASE_URL", "MODEL"] {
                command.env_remove(format!("{provider}_{name}"));
            }
        }
        command
            .current_dir(self.work())
            .env("HOME", self.temp.path())
            .env("CLAUDE_CONFIG_DIR", self.config());
        command.env("HOTSEAT_OFFLINE_DELAY_MS", "0").env("XDG_STATE_HOME", self.temp.path().join("state"));
        command
    }

    /// Starts `hotseat agent` with these flags; the test answers what needs permission.
    pub fn agent(&self, flags: &[&str]) -> Agent {
        self.agent_with(flags, &[])
    }

    /// The same, with some of the environment set.
    pub fn agent_with(&self, flags: &[&str], env: &[(&str, &str)]) -> Agent {
        let mut command = self.command(HOTSEAT);
        command.arg("agent").args(flags).envs(env.iter().copied());
        if !flags.contains(&"--permission-prompt-tool") {
            command.args(["--permission-prompt-tool", "stdio"]);
        }
        Agent::spawn(command)
    }

    /// The text of a session's transcript, wherever it lies.
    pub fn transcript(&self, id: &str) -> String {
        std::fs::read_to_string(self.transcript_path(id)).unwrap()
    }

    /// Where a session's transcript lies.
    pub fn transcript_path(&self, id: &str) -> PathBuf {
        let folders = self.config().join("projects").read_dir().unwrap();
        let mut paths = folders.map(|folder| folder.unwrap().path().join(format!("{id}.jsonl")));
        paths.find(|path| path.exists()).unwrap_or_else(|| panic!("no transcript of {id}"))
    }

    /// All transcripts.
    pub fn transcripts(&self) -> Vec<PathBuf> {
        let Ok(folders) = self.config().join("projects").read_dir() else { return Vec::new() };
        let files = folders.flat_map(|folder| folder.unwrap().path().read_dir().unwrap());
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
            .collect()
    }
}

/// A running agent.
pub struct Agent {
    pub child: Child,
    stdin: Option<ChildStdin>,
    frames: Receiver<Value>,
    requests: usize,
}

impl Agent {
    pub fn spawn(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, frames) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { return };
                let frame = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if sender.send(frame).is_err() {
                    return;
                }
            }
        });
        Self { stdin: child.stdin.take(), child, frames, requests: 0 }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line as it is.
    pub fn line(&mut self, line: &str) {
        // An agent that has ended is noticed by whoever waits for its frames.
        let _written_or_ended = writeln!(self.stdin.as_mut().expect("stdin is open"), "{line}");
    }

    pub fn send(&mut self, frame: &Value) {
        self.line(&frame.to_string());
    }

    /// Sends a prompt; gives its uuid.
    pub fn prompt(&mut self, text: &str) -> String {
        let uuid = uuid::Uuid::new_v4().to_string();
        self.send(&json!({"type": "user", "message": {"role": "user", "content": text}, "uuid": uuid}));
        uuid
    }

    /// The next frame; none at the end of the stream.
    pub fn next(&mut self) -> Option<Value> {
        match self.frames.recv_timeout(DEADLINE) {
            Ok(frame) => Some(frame),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no frame for {DEADLINE:?}"),
        }
    }

    /// All frames up to the first that fits.
    pub fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let Some(frame) = self.next() else {
                panic!("the agent ended after {frames:#?}\n{}", self.stderr())
            };
            let done = fits(&frame);
            frames.push(frame);
            if done {
                return frames;
            }
        }
    }

    /// The next frame of this type.
    pub fn until_type(&mut self, kind: &str) -> Value {
        self.until(|frame| frame["type"] == kind).pop().unwrap()
    }

    /// The end of the running turn.
    pub fn result(&mut self) -> Value {
        self.until_type("result")
    }

    /// A whole turn: its result's text.
    pub fn turn(&mut self, text: &str) -> String {
        let uuid = self.prompt(text);
        let result = self.result();
        self.until(|frame| frame["command_uuid"] == uuid.as_str() && frame["state"] == "completed");
        result["result"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends a request; gives the frames up to its answer, which is the last.
    pub fn request(&mut self, request: &Value) -> Vec<Value> {
        self.requests += 1;
        let id = format!("req_{}", self.requests);
        self.send(&json!({"type": "control_request", "request_id": id, "request": request}));
        self.until(|frame| {
            frame["type"] == "control_response" && frame["response"]["request_id"] == id.as_str()
        })
    }

    /// Sends a request that must be granted; gives the answer.
    pub fn ask(&mut self, request: &Value) -> Value {
        let answer = self.request(request).pop().unwrap();
        assert_eq!(answer["response"]["subtype"], "success", "{request}: {answer}");
        answer["response"]["response"].clone()
    }

    /// Sends a request that must be refused; gives code and reason.
    pub fn refused(&mut self, request: &Value) -> (String, String) {
        let answer = self.request(request).pop().unwrap();
        let response = &answer["response"];
        assert_eq!(response["subtype"], "error", "{request}: {answer}");
        let text = |key: &str| response[key].as_str().unwrap_or_default().to_owned();
        (text("error_code"), text("error"))
    }

    /// Answers a `can_use_tool` request.
    pub fn answer(&mut self, request: &Value, answer: &Value) {
        let response = json!({"subtype": "success", "request_id": request["request_id"], "response": answer});
        self.send(&json!({"type": "control_response", "response": response}));
    }

    /// The active session.
    pub fn session(&mut self) -> String {
        self.ask(&json!({"subtype": "initialize"}))["session_id"].as_str().unwrap().to_owned()
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Closes stdin and waits for the end.
    pub fn close(mut self) -> ExitStatus {
        self.stdin = None;
        self.ended().0
    }

    /// Closes stdin; what is still written can be read on.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for the end; gives the status and how long it took.
    pub fn ended(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < DEADLINE, "the agent does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it said on stderr, once it has ended.
    pub fn stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _read_or_closed = stderr.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _killed_or_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The types (and subtypes, and states) of frames, for comparing their order.
pub fn kinds(frames: &[Value]) -> Vec<String> {
    let part =
        |frame: &Value, key: &str| frame[key].as_str().map(|text| format!("/{text}")).unwrap_or_default();
    frames
        .iter()
        .map(|frame| {
            format!("{}{}{}", frame["type"].as_str().unwrap(), part(frame, "subtype"), part(frame, "state"))
        })
        .collect()
}

/// Waits until this holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "{what}: still not after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs: a zombie does not.
pub fn lives(pid: &str) -> bool {
    let ps = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    let state = String::from_utf8(ps.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}
