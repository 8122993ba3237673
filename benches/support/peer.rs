//! What the benches share: agents spoken to in JSON lines, ours and the official
//! one, and how figures are shown.
#![allow(dead_code, reason = "every bench takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Where no model answers.
const NOWHERE: &str = "http://127.0.0.1:9";

/// An agent spoken to in JSON lines.
pub struct Agent {
    pub child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// Our own agent's command line.
pub fn ours() -> Vec<PathBuf> {
    vec![env!("CARGO_BIN_EXE_hotseat").into(), "agent".into()]
}

/// The official CLI, in the Python SDK or on the PATH.
pub fn official() -> Option<Vec<PathBuf>> {
    let script = "import importlib.util as u; print(u.find_spec('claude_agent_sdk').submodule_search_locations[0] + '/_bundled/claude')";
    let bundled = Command::new("python3").args(["-c", script]).output().ok();
    let bundled = bundled.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("claude"));
    bundled.into_iter().chain(on_path).find(|path| path.is_file()).map(|path| vec![path])
}

impl Agent {
    /// Starts an agent in `project` below a root, up to the end of its handshake.
    pub fn start(root: &Path, program: &[PathBuf], args: &[&str]) -> Self {
        Self::start_on(NOWHERE, root, program, args)
    }

    /// The same, with a Messages API for its model.
    pub fn start_on(api: &str, root: &Path, program: &[PathBuf], args: &[&str]) -> Self {
        let mut child = Command::new(&program[0])
            .args(&program[1..])
            .args(["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"])
            .args(args)
            .current_dir(root.join("project"))
            .env("CLAUDE_CONFIG_DIR", root.join("claude"))
            .env("HOME", root.join("home"))
            // For the official CLI: no network, nothing but what is asked.
            .env("ANTHROPIC_API_KEY", "sk-ant-test")
            .env("ANTHROPIC_BASE_URL", api)
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut agent = Self { child, stdin, stdout };
        agent.ask(&json!({"subtype": "initialize", "hooks": null}));
        agent
    }

    /// The time from a start in a session to the end of the handshake.
    pub fn cold(root: &Path, program: &[PathBuf], resume: &str) -> Duration {
        let start = Instant::now();
        let agent = Self::start(root, program, &[resume]);
        let took = start.elapsed();
        drop(agent);
        took
    }

    /// The time from a request to its answer.
    pub fn ask(&mut self, request: &Value) -> Duration {
        let start = Instant::now();
        let line = json!({"type": "control_request", "request_id": "r", "request": request});
        writeln!(self.stdin, "{line}").unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "the agent ended");
            if line.contains(r#""type":"control_response""#) {
                assert!(line.contains(r#""subtype":"success""#), "{line}");
                return start.elapsed();
            }
        }
    }
}

impl Agent {
    /// The time from a prompt to the end of its turn.
    pub fn turn(&mut self, prompt: &str) -> Duration {
        let start = Instant::now();
        let message = json!({"role": "user", "content": prompt});
        writeln!(self.stdin, "{}", json!({"type": "user", "message": message})).unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "the agent ended");
            if line.contains(r#""type":"result""#) {
                assert!(line.contains(r#""is_error":false"#), "{line}");
                return start.elapsed();
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory in bytes, where the system tells.
pub fn memory(pid: u32) -> u64 {
    hotseat::sys::resident_memory::resident_memory(pid).unwrap_or(0)
}

/// Bytes, for a table.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    percentile(&mut times, 50)
}

/// The time that so many percent stay under.
pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// A time, for a table.
pub fn show(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
