//! Runs a command in a shell, in a process group of its own.
//!
//! The group is killed whole when the call is dropped, when its time is up, and
//! (by the guard) when this process dies. Its stdin is empty; of its output the
//! beginning is kept and the rest counted.

use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;

use super::group::{Group, shell};
use super::side::Spill;
use super::{Need, Outcome, Place, Running, SoFar, Tool, argument};

/// Bytes kept of each stream (the official CLI's limit, in characters).
const KEPT: usize = 30_000;
/// Where the call does not say, and the most it can say.
const TIMEOUT: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_mins(10);
/// What the model is told of a command that said nothing (the official words).
const NO_OUTPUT: &str = "(Bash completed with no output)";
/// From the command's end to the end of reading what it said.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// The tool `Bash`: `{command, timeout?, description?}`, the timeout in milliseconds.
pub struct Bash;

impl Tool for Bash {
    fn name(&self) -> &'static str {
        "Bash"
    }

    fn description(&self) -> &'static str {
        "Runs a command in a shell, in the session's folder, and gives back its output and exit code. Each \
         command has a shell of its own: a change of folder or a variable does not last. Nothing can be \
         typed into it. Use the file tools to read and write files."
    }

    fn input_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command to run"},
                "timeout": {"type": "number", "description": "Milliseconds until it is stopped; 120000 by default, 600000 at most"},
                "description": {"type": "string", "description": "What it does, in five to ten words"},
            },
            "required": ["command"],
            "additionalProperties": false,
        })
    }

    fn need(&self, input: &Value, _: &Place) -> Need {
        argument(input, "command").map_or(Need::Nothing, |command| Need::Command(command.to_owned()))
    }

    fn run(&self, input: Value, place: Place) -> Running {
        Box::pin(async move {
            let Some(command) = argument(&input, "command") else {
                return Outcome::failed("Bash needs a command");
            };
            if input["run_in_background"] == true {
                return Outcome::misused(
                    "nothing runs in the background here; run it without run_in_background",
                );
            }
            let asked = input["timeout"].as_u64().filter(|&millis| millis > 0).map(Duration::from_millis);
            let timeout = asked.unwrap_or(TIMEOUT).min(LONGEST);
            run(command, timeout, &place).await
        })
    }
}

async fn run(command: &str, timeout: Duration, place: &Place) -> Outcome {
    let mut child = match spawn(command, place) {
        Ok(child) => child,
        Err(error) => {
            return Outcome::failed(format!("cannot start a shell in {}: {error}", place.cwd.display()));
        }
    };
    let mut group = Group::of(&child);
    let (mut stdout, mut stderr) = (Kept::default(), Kept::default());
    let whole = Mutex::new(place.side.spill(KEPT));
    let ended = tokio::time::timeout(timeout, async {
        let streams = (child.stdout.take(), child.stderr.take());
        let reading = async {
            tokio::join!(
                stdout.read(streams.0, &whole, &place.so_far),
                stderr.read(streams.1, &whole, &place.so_far)
            )
        };
        tokio::pin!(reading);
        tokio::select! {
            _ended = &mut reading => child.wait().await,
            status = child.wait() => {
                // What left the group may hold the streams open for ever.
                let _read_or_late = tokio::time::timeout(LAST_OUTPUT, reading).await;
                status
            }
        }
    })
    .await;
    match ended {
        Ok(Ok(status)) => {
            group.has_ended();
            outcome(&stdout, &stderr, &taken(whole), status)
        }
        Ok(Err(error)) => Outcome::failed(format!("lost sight of the command: {error}")),
        Err(_late) => {
            drop(group);
            let so_far = both(&stdout, &stderr);
            let said = if so_far.is_empty() { "it had said nothing" } else { "it had said:\n" };
            Outcome::failed(format!(
                "the command was stopped after {} s; {said}{so_far}",
                timeout.as_secs_f32()
            ))
        }
    }
}

fn spawn(command: &str, place: &Place) -> std::io::Result<Child> {
    shell(command, place).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

fn outcome(stdout: &Kept, stderr: &Kept, whole: &Spill, status: ExitStatus) -> Outcome {
    let head = match status.code() {
        Some(0) => String::new(),
        Some(code) => format!("Exit code {code}"),
        None => "Ended by a signal".to_owned(),
    };
    let mut detail = json!({
        "stdout": stdout.text(KEPT), "stderr": stderr.text(KEPT), "interrupted": false, "isImage": false,
        "noOutputExpected": false,
    });
    if let Some(path) = whole.path() {
        detail["persistedOutputPath"] = json!(path);
        detail["persistedOutputSize"] = json!(whole.size());
    }
    let said = match whole.note() {
        Some(note) if status.success() => note,
        Some(_) => whole.ends(),
        None => both(stdout, stderr),
    };
    let text = joined(&[head, said]);
    if status.success() {
        let text = if text.is_empty() { NO_OUTPUT.to_owned() } else { text };
        Outcome::done(text, detail)
    } else {
        Outcome { text, is_error: true, detail }
    }
}

/// What the model is told of both streams: as much of them as is kept of one,
/// at least half of it for the errors.
fn both(stdout: &Kept, stderr: &Kept) -> String {
    let for_errors = KEPT - stdout.bytes.len().min(KEPT / 2);
    let for_output = KEPT - stderr.bytes.len().min(for_errors);
    joined(&[stdout.text(for_output), stderr.text(for_errors)])
}

/// The parts that say something, each from a new line.
fn joined(parts: &[String; 2]) -> String {
    let parts = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n")
}

/// All that was said, once nobody adds to it.
fn taken(whole: Mutex<Spill>) -> Spill {
    whole.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The beginning of a stream.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: usize,
}

impl Kept {
    /// Reads to the end, so that the command never waits for us.
    async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>, whole: &Mutex<Spill>, so_far: &SoFar) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 8192];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            so_far.add(&buffer[..count]);
            whole.lock().unwrap_or_else(PoisonError::into_inner).take(&buffer[..count]);
            let room = KEPT.saturating_sub(self.bytes.len()).min(count);
            self.bytes.extend_from_slice(&buffer[..room]);
            self.cut += count - room;
        }
    }

    /// The first `most` bytes, cut between two characters, and how many more
    /// there were.
    fn text(&self, most: usize) -> String {
        let mut end = self.bytes.len().min(most);
        let is_inside = |at: usize| self.bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
        while end < self.bytes.len() && end > 0 && is_inside(end) {
            end -= 1;
        }
        let text = String::from_utf8_lossy(&self.bytes[..end]);
        match self.bytes.len() - end + self.cut {
            0 => text.into_owned(),
            cut => format!("{text}\n[… {cut} more bytes were cut off]"),
        }
    }
}
