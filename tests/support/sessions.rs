//! Makes transcripts such as real agents leave, for tests and benches.
//!
//! Deterministic: the same sample gives the same bytes. Modelled on what CLI
//! 2.1.329 writes: one entry a content block, results that hang on their own
//! call, records nobody but the CLI understands.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// One session to be made.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Tells samples apart: the id follows from it.
    pub number: u32,
    /// Prompts, each with thinking, a tool call, its result and a reply.
    pub turns: usize,
    /// About this many bytes in all; tool results are padded to it.
    pub bytes: usize,
    /// A title given by a person.
    pub title: Option<String>,
    /// The folder it was started in, as its entries say.
    pub cwd: PathBuf,
    /// The time of the first entry; a turn takes a minute.
    pub started: DateTime<Utc>,
    /// A sub-agent's entries in the second turn.
    pub side_chain: bool,
    /// A compaction after half of the turns.
    pub compaction: bool,
    /// Records of types hotseat gives no meaning.
    pub unknown: bool,
    /// The last line is cut off in the middle.
    pub torn: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            number: 1,
            turns: 3,
            bytes: 0,
            title: None,
            cwd: "/work/sample".into(),
            started: DateTime::UNIX_EPOCH + Duration::days(20_000),
            side_chain: false,
            compaction: false,
            unknown: false,
            torn: false,
        }
    }
}

impl Sample {
    /// With everything that makes a reader stumble.
    pub fn gnarly(number: u32, turns: usize) -> Self {
        let all = Self { side_chain: true, compaction: true, unknown: true, torn: true, ..Self::default() };
        Self { number, turns, ..all }
    }

    /// The session's id.
    pub fn id(&self) -> String {
        Uuid::from_u64_pair(0x5e55_0000_0000_4000, 0x8000_0000_0000_0000 | u64::from(self.number)).to_string()
    }

    /// The transcript.
    pub fn text(&self) -> String {
        let bare = Self { bytes: 0, ..self.clone() }.lines(0);
        let missing = self.bytes.saturating_sub(bare.iter().map(|line| line.len() + 1).sum());
        let lines = if missing == 0 { bare } else { self.lines(missing / self.turns.max(1)) };
        let mut text = lines.join("\n") + "\n";
        if self.torn {
            text.push_str(r#"{"type":"assistant","uuid":"00000000-0000-4000-8000-00000000dead","mess"#);
        }
        text
    }

    /// Writes the transcript under `root` (what `CLAUDE_CONFIG_DIR` names), in the
    /// folder of [`Self::cwd`], and says where. For paths of ASCII under 200 units.
    pub fn write(&self, root: &Path) -> io::Result<PathBuf> {
        let cwd = self.cwd.to_string_lossy();
        let project: String = cwd.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = root.join("projects").join(project);
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.jsonl", self.id()));
        fs::write(&path, self.text())?;
        let ended = self.started + Duration::minutes(self.turns as i64);
        fs::File::options().append(true).open(&path)?.set_modified(ended.into())?;
        Ok(path)
    }

    fn lines(&self, padding: usize) -> Vec<String> {
        let mut lines = Growing { sample: self, lines: Vec::new(), parent: Value::Null, count: 0, turn: 0 };
        if self.unknown {
            lines.raw(&json!({"type": "mode", "mode": "default", "sessionId": self.id()}));
            lines.raw(
                &json!({"type": "api-request-shape", "shape": {"tools": [["Bash", "Read"]], "n": 1.50}}),
            );
            lines.raw(&json!({"type": "file-history-snapshot", "messageId": "m", "snapshot": {}}));
        }
        for turn in 0..self.turns {
            lines.turn = turn;
            if self.compaction && turn > 0 && turn == self.turns / 2 {
                lines.compaction();
            }
            lines.one_turn(padding);
        }
        if let Some(title) = &self.title {
            lines.raw(&json!({"type": "custom-title", "customTitle": title, "sessionId": self.id()}));
        }
        lines.lines
    }
}

/// A transcript in the making.
struct Growing<'a> {
    sample: &'a Sample,
    lines: Vec<String>,
    /// The uuid the next entry hangs on.
    parent: Value,
    count: u64,
    turn: usize,
}

impl Growing<'_> {
    fn raw(&mut self, entry: &Value) {
        self.lines.push(entry.to_string());
    }

    /// Appends a conversation entry and makes it the next one's parent.
    fn entry(&mut self, kind: &str, more: Value) -> Value {
        self.count += 1;
        let uuid =
            Uuid::from_u64_pair(0xe000_0000_0000_4000 | u64::from(self.sample.number) << 32, self.count);
        let at = self.sample.started
            + Duration::minutes(self.turn as i64)
            + Duration::milliseconds(self.count as i64 % 60_000);
        let mut entry = json!({
            "parentUuid": self.parent,
            "isSidechain": false,
            "userType": "external",
            "cwd": self.sample.cwd,
            "sessionId": self.sample.id(),
            "version": "2.1.329",
            "gitBranch": "main",
            "type": kind,
            "uuid": uuid,
            "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        if let (Value::Object(entry), Value::Object(more)) = (&mut entry, more) {
            entry.extend(more);
        }
        self.raw(&entry);
        self.parent = json!(uuid);
        self.parent.clone()
    }

    fn block(&mut self, message: &str, block: &Value) -> Value {
        let usage = json!({"input_tokens": 4, "output_tokens": 60, "cache_read_input_tokens": 9_000, "cache_creation_input_tokens": 300});
        let message = json!({"id": message, "type": "message", "role": "assistant", "model": "claude-opus-5-5",
            "content": [block], "stop_reason": null, "usage": usage});
        self.entry("assistant", json!({"message": message, "requestId": "req_1"}))
    }

    fn result(&mut self, call: &str, asked_by: &Value, text: &str) {
        let block = json!({"type": "tool_result", "tool_use_id": call, "content": text});
        let detail = json!({"stdout": text, "stderr": "", "interrupted": false});
        self.parent = asked_by.clone();
        self.entry(
            "user",
            json!({"message": {"role": "user", "content": [block]}, "toolUseResult": detail,
            "sourceToolAssistantUUID": asked_by}),
        );
    }

    fn one_turn(&mut self, padding: usize) {
        let turn = self.turn;
        let prompt = format!("Turn {turn}: why does the parser stop at “é” in line {}? 🦀", turn * 7);
        self.entry("user", json!({"message": {"role": "user", "content": prompt}, "promptId": "p"}));
        if self.sample.side_chain && turn == 1 {
            self.side_chain();
        }
        let (first, second) = (format!("msg_{turn}_1"), format!("msg_{turn}_2"));
        self.block(
            &first,
            &json!({"type": "thinking", "thinking": "The lexer splits there.", "signature": "c2ln"}),
        );
        self.block(&first, &json!({"type": "text", "text": "I'll look at `src/lexer.rs`."}));
        let call = |n: u8| format!("toolu_{turn}_{n}");
        let bash = json!({"command": "cargo test parser", "description": "Runs the tests"});
        let asked =
            self.block(&first, &json!({"type": "tool_use", "id": call(1), "name": "Bash", "input": bash}));
        // The text lies twice in the file: once for the model, once for a person.
        let output = output(padding / 2);
        if turn % 5 == 4 {
            let read =
                json!({"type": "tool_use", "id": call(2), "name": "Read", "input": {"file_path": "/x"}});
            let also_asked = self.block(&first, &read);
            self.result(&call(2), &also_asked, "fn main() {}");
        }
        self.result(&call(1), &asked, &output);
        let reply =
            format!("It stops because of **normalisation** (case {turn}).\n\n```rust\nlet e = 'é';\n```\n");
        let leaf = self.block(&second, &json!({"type": "text", "text": reply}));
        self.raw(
            &json!({"type": "last-prompt", "lastPrompt": prompt, "leafUuid": leaf, "sessionId": self.sample.id()}),
        );
        if self.sample.unknown {
            let cost = 0.25 * (turn + 1) as f64;
            self.raw(&json!({"type": "cost-state", "totalCostUSD": cost, "modelUsage": {}}));
            self.raw(&json!({"type": "queue-operation", "operation": "dequeue"}));
        }
    }

    /// A sub-agent at work: its entries hang together and lead nowhere.
    fn side_chain(&mut self) {
        let main = std::mem::replace(&mut self.parent, Value::Null);
        let side = |role: &str| json!({"isSidechain": true, "agentId": "a1", "message": {"role": role, "content": "aside"}});
        self.entry("user", side("user"));
        self.entry("assistant", side("assistant"));
        self.parent = main;
    }

    fn compaction(&mut self) {
        let before = std::mem::replace(&mut self.parent, Value::Null);
        self.entry(
            "system",
            json!({"subtype": "compact_boundary", "content": "Conversation compacted",
            "logicalParentUuid": before, "compactMetadata": {"trigger": "auto", "preTokens": 150_000}}),
        );
        let summary = "This session is being continued. The parser was being mended.";
        self.entry(
            "user",
            json!({"isCompactSummary": true, "message": {"role": "user", "content": summary}}),
        );
    }
}

/// What a tool prints, about so many bytes of JSON: lines, quotes, other scripts.
fn output(bytes: usize) -> String {
    let mut text = String::from("running 41 tests\n");
    let mut number = 0;
    while text.len() < bytes {
        number += 1;
        let took = number % 97;
        let _ = writeln!(text, "test parser::tests::case_{number:05} ... ok, took {took}µs in \"lexer\"");
    }
    text
}
