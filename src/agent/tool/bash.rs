//! The tool `Bash`: runs a command in a shell, under the guard.
//!
//! Everything that the command started is killed when the call is dropped, when
//! its time is up, and when this process dies. Its stdin is empty. The beginning
//! of its output is kept, and the rest is counted.

use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;

use super::process_group::{ToolProcessGroup, guarded_shell};
use super::result_dir::SpillFile;
use super::{Access, LiveOutput, Tool, ToolContext, ToolFuture, ToolOutcome, string_argument};

/// Bytes kept of each stream (the official CLI's limit, in characters).
const MAX_STREAM_BYTES: usize = 30_000;
/// The time limit of a call that names none, and the longest it can name.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(2);
const MAX_TIMEOUT: Duration = Duration::from_mins(10);
/// The result of a command without output (the official words).
const NO_OUTPUT: &str = "(Bash completed with no output)";
/// How long output is still read after the command ended.
const OUTPUT_DRAIN_GRACE: Duration = Duration::from_secs(2);

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

    fn is_read_only(&self, input: &Value) -> bool {
        string_argument(input, "command").is_some_and(only_reads)
    }

    fn access(&self, input: &Value, _: &ToolContext) -> Access {
        string_argument(input, "command")
            .map_or(Access::Nothing, |command| Access::Command(command.to_owned()))
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        Box::pin(async move {
            let Some(command) = string_argument(&input, "command") else {
                return ToolOutcome::error("Bash needs a command");
            };
            if input["run_in_background"] == true {
                return ToolOutcome::usage_error(
                    "nothing runs in the background here; run it without run_in_background",
                );
            }
            let asked = input["timeout"].as_u64().filter(|&millis| millis > 0).map(Duration::from_millis);
            let timeout = asked.unwrap_or(DEFAULT_TIMEOUT).min(MAX_TIMEOUT);
            run(command, timeout, &place).await
        })
    }
}

async fn run(command: &str, timeout: Duration, place: &ToolContext) -> ToolOutcome {
    let mut child = match spawn(command, place) {
        Ok(child) => child,
        Err(error) => {
            return ToolOutcome::error(format!("cannot start a shell in {}: {error}", place.cwd.display()));
        }
    };
    let mut group = ToolProcessGroup::from_leader(&child);
    let (mut stdout, mut stderr) = (OutputHead::default(), OutputHead::default());
    let whole = Mutex::new(place.result_dir.spill_after(MAX_STREAM_BYTES));
    let ended = tokio::time::timeout(timeout, async {
        let streams = (child.stdout.take(), child.stderr.take());
        let reading = async {
            tokio::join!(
                stdout.read(streams.0, &whole, &place.live_output),
                stderr.read(streams.1, &whole, &place.live_output)
            )
        };
        tokio::pin!(reading);
        tokio::select! {
            _ended = &mut reading => child.wait().await,
            status = child.wait() => {
                // What left the group may hold the streams open for ever.
                let _ = tokio::time::timeout(OUTPUT_DRAIN_GRACE, reading).await;
                status
            }
        }
    })
    .await;
    match ended {
        Ok(Ok(status)) => {
            group.disarm();
            outcome(&stdout, &stderr, &into_spill_file(whole), status)
        }
        Ok(Err(error)) => ToolOutcome::error(format!("lost sight of the command: {error}")),
        Err(_late) => {
            drop(group);
            let so_far = combined_output(&stdout, &stderr);
            let said = if so_far.is_empty() { "it printed nothing" } else { "its output so far:\n" };
            ToolOutcome::error(format!(
                "the command was stopped after {} s; {said}{so_far}",
                timeout.as_secs_f32()
            ))
        }
    }
}

fn spawn(command: &str, place: &ToolContext) -> std::io::Result<Child> {
    guarded_shell(command, place).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

fn outcome(stdout: &OutputHead, stderr: &OutputHead, whole: &SpillFile, status: ExitStatus) -> ToolOutcome {
    let head = match status.code() {
        Some(0) => String::new(),
        Some(code) => format!("Exit code {code}"),
        None => "Ended by a signal".to_owned(),
    };
    let mut detail = json!({
        "stdout": stdout.text(MAX_STREAM_BYTES), "stderr": stderr.text(MAX_STREAM_BYTES), "interrupted": false, "isImage": false,
        "noOutputExpected": false,
    });
    if let Some(path) = whole.path() {
        detail["persistedOutputPath"] = json!(path);
        detail["persistedOutputSize"] = json!(whole.size());
    }
    let said = match whole.model_note() {
        Some(note) if status.success() => note,
        Some(_) => whole.head_and_tail(),
        None => combined_output(stdout, stderr),
    };
    let text = join_non_empty(&[head, said]);
    if status.success() {
        let text = if text.is_empty() { NO_OUTPUT.to_owned() } else { text };
        ToolOutcome::success(text, detail)
    } else {
        ToolOutcome { is_error: true, ..ToolOutcome::success(text, detail) }
    }
}

/// Both streams for the model, together as long as one of them may be. At least
/// half of that is left for stderr.
fn combined_output(stdout: &OutputHead, stderr: &OutputHead) -> String {
    let for_errors = MAX_STREAM_BYTES - stdout.bytes.len().min(MAX_STREAM_BYTES / 2);
    let for_output = MAX_STREAM_BYTES - stderr.bytes.len().min(for_errors);
    join_non_empty(&[stdout.text(for_output), stderr.text(for_errors)])
}

/// The parts that are not empty, each on a new line.
fn join_non_empty(parts: &[String; 2]) -> String {
    let parts = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n")
}

/// The spill file, once no stream writes to it.
fn into_spill_file(whole: Mutex<SpillFile>) -> SpillFile {
    whole.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The beginning of a stream.
#[derive(Default)]
struct OutputHead {
    bytes: Vec<u8>,
    dropped_bytes: usize,
}

impl OutputHead {
    /// Reads the stream to its end, so that the command never blocks on us.
    async fn read(
        &mut self,
        stream: Option<impl AsyncRead + Unpin>,
        whole: &Mutex<SpillFile>,
        so_far: &LiveOutput,
    ) {
        let Some(mut stream) = stream else { return };
        let mut buffer = vec![0; 8192];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            so_far.push(&buffer[..count]);
            whole.lock().unwrap_or_else(PoisonError::into_inner).push(&buffer[..count]);
            let room = MAX_STREAM_BYTES.saturating_sub(self.bytes.len()).min(count);
            self.bytes.extend_from_slice(&buffer[..room]);
            self.dropped_bytes += count - room;
        }
    }

    /// The first `most` bytes, cut between characters, with a note of how many
    /// were dropped.
    fn text(&self, most: usize) -> String {
        let mut end = self.bytes.len().min(most);
        let is_inside = |at: usize| self.bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
        while end < self.bytes.len() && end > 0 && is_inside(end) {
            end -= 1;
        }
        let text = String::from_utf8_lossy(&self.bytes[..end]);
        match self.bytes.len() - end + self.dropped_bytes {
            0 => text.into_owned(),
            cut => format!("{text}\n[… {cut} more bytes were cut off]"),
        }
    }
}
/// Programs that only read, whatever their arguments are.
const READERS: [&str; 30] = [
    "basename", "cat", "cmp", "column", "cut", "date", "df", "diff", "dirname", "du", "echo", "env", "file",
    "grep", "head", "hostname", "id", "ls", "nl", "printf", "pwd", "rg", "sleep", "stat", "tail", "test",
    "uname", "wc", "which", "whoami",
];

/// Whether a command plainly changes nothing. It decides what runs at once, not what may run: what is not
/// sure is taken to change something.
fn only_reads(command: &str) -> bool {
    let is_plain = !command.contains(['>', '<', '`', '$', '(', '{', '\\']);
    let mut parts = command.split([';', '|', '&', '\n']).map(str::trim).filter(|part| !part.is_empty());
    is_plain && parts.all(|part| part.split_whitespace().next().is_some_and(|word| READERS.contains(&word)))
}
