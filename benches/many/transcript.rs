//! One transcript as the official CLI 2.1.329 writes it, of a given size.
//!
//! A third of it is what the CLI notes for itself; of the rest most is what
//! tools printed, which stands there twice.

use std::fmt::Write;

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use super::prose::Vocabulary;
use super::support::chance::Chance;

/// A session to be written.
pub struct Session {
    /// Its id, a UUID.
    pub id: String,
    /// About its size in bytes; never under that of one turn.
    pub bytes: usize,
    /// The folder it was started in.
    pub cwd: String,
    /// When its first entry was written.
    pub started: DateTime<Utc>,
    /// A word that stands in its last reply and nowhere else.
    pub needle: String,
}

/// A transcript in the making.
pub struct Growing<'a> {
    session: &'a Session,
    words: &'a Vocabulary,
    chance: Chance,
    text: String,
    now: DateTime<Utc>,
    parent: Option<String>,
    prompt: String,
}

impl<'a> Growing<'a> {
    /// Writes the transcript; and says when its last entry was written.
    pub fn write(session: &'a Session, words: &'a Vocabulary, chance: Chance) -> (String, DateTime<Utc>) {
        let text = String::with_capacity(session.bytes + session.bytes / 8 + (64 << 10));
        let (now, parent, prompt) = (session.started, None, String::new());
        let mut growing = Self { session, words, chance, text, now, parent, prompt };
        growing.beginning();
        loop {
            growing.turn();
            if growing.text.len() >= session.bytes {
                break;
            }
        }
        growing.end();
        (growing.text, growing.now)
    }

    fn beginning(&mut self) {
        let id = &self.session.id;
        write!(
            self.text,
            "{{\"type\":\"mode\",\"mode\":\"default\",\"sessionId\":\"{id}\"}}\n\
             {{\"type\":\"file-history-snapshot\",\"messageId\":\"{id}\",\"snapshot\":{{\"trackedFileBackups\":{{}}}},\"isSnapshotUpdate\":false}}\n"
        )
        .expect("fits");
        let bytes = self.session.bytes.min(120_000) / 6;
        self.entry("attachment", |growing| {
            growing.text.push_str("\"attachment\":{\"type\":\"skill_listing\",\"content\":\"");
            growing.words.output(&mut growing.chance, bytes, &mut growing.text);
            growing.text.push_str("\"}");
        });
        self.text.push_str("{\"type\":\"api-request-blob\",\"blob\":\"");
        self.words.output(&mut self.chance, bytes / 2, &mut self.text);
        self.text.push_str("\"}\n");
    }

    /// A prompt, some calls of tools, and a reply.
    fn turn(&mut self) {
        self.prompt.clear();
        let bytes = (self.chance.log_normal(1.2) * 200.0) as usize + 20;
        self.words.prose(&mut self.chance, bytes.min(20_000), &mut self.prompt);
        self.entry("user", |growing| {
            let prompt = &growing.prompt;
            write!(growing.text, "\"message\":{{\"role\":\"user\",\"content\":\"{prompt}\"}}").expect("fits");
        });
        for _ in 0..self.chance.within(0, 9) {
            self.call();
            if self.text.len() >= self.session.bytes {
                break;
            }
        }
        let bytes = (self.chance.log_normal(0.9) * 900.0) as usize + 40;
        self.reply(bytes, |growing, bytes| {
            growing.text.push_str("{\"type\":\"text\",\"text\":\"");
            growing.words.prose(&mut growing.chance, bytes, &mut growing.text);
            growing.text.push_str("\"}");
        });
    }

    /// Some reasoning, a call and its result.
    fn call(&mut self) {
        if self.chance.percent(30) {
            self.reply(300, |growing, bytes| {
                growing.text.push_str("{\"type\":\"thinking\",\"thinking\":\"");
                growing.words.prose(&mut growing.chance, bytes, &mut growing.text);
                growing.text.push_str("\",\"signature\":\"EqQB");
                for _ in 0..20 {
                    let part = growing.chance.next();
                    write!(growing.text, "{part:016x}").expect("fits");
                }
                growing.text.push_str("\"}");
            });
        }
        let call = format!("toolu_{:024x}", self.chance.next());
        let tool = self.chance.one(&["Bash", "Read", "Edit", "Grep"]);
        let input = (self.chance.log_normal(1.0) * 180.0) as usize + 10;
        self.reply(input, |growing, bytes| {
            write!(
                growing.text,
                "{{\"type\":\"tool_use\",\"id\":\"{call}\",\"name\":\"{tool}\",\"input\":{{\"command\":\""
            )
            .expect("fits");
            growing.words.output(&mut growing.chance, bytes, &mut growing.text);
            growing.text.push_str("\",\"file_path\":\"");
            growing.words.path(&mut growing.chance, &mut growing.text);
            growing.text.push_str("\"}}");
        });
        let bytes = ((self.chance.log_normal(1.4) * 2_500.0) as usize).min(60_000);
        self.entry("user", |growing| {
            write!(growing.text, "\"message\":{{\"role\":\"user\",\"content\":[{{\"tool_use_id\":\"{call}\",\"type\":\"tool_result\",\"content\":\"")
                .expect("fits");
            let start = growing.text.len();
            growing.words.output(&mut growing.chance, bytes, &mut growing.text);
            let printed = growing.text[start..].to_owned();
            write!(growing.text, "\",\"is_error\":false}}]}},\"toolUseResult\":{{\"stdout\":\"{printed}\",\"stderr\":\"\",\"interrupted\":false}}")
                .expect("fits");
        });
    }

    /// One block of a reply.
    fn reply(&mut self, bytes: usize, block: impl FnOnce(&mut Self, usize)) {
        self.entry("assistant", |growing| {
            let (id, input) = (growing.chance.next(), growing.chance.below(90_000));
            write!(growing.text, "\"requestId\":\"req_{id:016x}\",\"message\":{{\"id\":\"msg_{id:016x}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[")
                .expect("fits");
            block(growing, bytes);
            write!(growing.text, "],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{{\"input_tokens\":4,\"cache_creation_input_tokens\":{},\"cache_read_input_tokens\":{input},\"output_tokens\":{},\"service_tier\":\"standard\"}}}}", input / 20, bytes / 4)
                .expect("fits");
        });
    }

    /// A conversation entry, hung on the one before.
    fn entry(&mut self, kind: &str, more: impl FnOnce(&mut Self)) {
        self.now += Duration::milliseconds(self.chance.within(400, 20_000) as i64);
        let uuid = self.chance.uuid();
        let parent = self.parent.replace(uuid.clone());
        let parent = parent.map_or_else(|| "null".into(), |parent| format!("\"{parent}\""));
        write!(self.text, "{{\"parentUuid\":{parent},\"isSidechain\":false,\"type\":\"{kind}\",")
            .expect("fits");
        more(self);
        let Session { id, cwd, .. } = self.session;
        let now = self.now.to_rfc3339_opts(SecondsFormat::Millis, true);
        writeln!(self.text, ",\"uuid\":\"{uuid}\",\"timestamp\":\"{now}\",\"userType\":\"external\",\"entrypoint\":\"cli\",\"cwd\":\"{cwd}\",\"sessionId\":\"{id}\",\"version\":\"2.1.329\",\"gitBranch\":\"main\"}}")
            .expect("fits");
    }

    /// The reply with the needle, and what the CLI notes at last.
    fn end(&mut self) {
        let needle = self.session.needle.clone();
        self.reply(40, |growing, _| {
            write!(growing.text, "{{\"type\":\"text\",\"text\":\"Done; the mark is {needle} here.\"}}")
                .expect("fits");
        });
        let id = &self.session.id;
        let mut title = String::new();
        for at in 0..self.chance.within(2, 7) {
            title.push_str(if at > 0 { " " } else { "" });
            title.push_str(self.words.word(&mut self.chance));
        }
        if self.chance.percent(60) {
            writeln!(self.text, "{{\"type\":\"ai-title\",\"aiTitle\":\"{title}\",\"sessionId\":\"{id}\"}}")
                .expect("fits");
        }
        if self.chance.percent(10) {
            writeln!(
                self.text,
                "{{\"type\":\"custom-title\",\"customTitle\":\"My {title}\",\"sessionId\":\"{id}\"}}"
            )
            .expect("fits");
        }
        if self.chance.percent(5) {
            writeln!(self.text, "{{\"type\":\"tag\",\"tag\":\"keep\",\"sessionId\":\"{id}\"}}")
                .expect("fits");
        }
        let cost = self.text.len() as f64 / 400_000.0;
        writeln!(self.text, "{{\"type\":\"cost-state\",\"sessionId\":\"{id}\",\"totalCostUSD\":{cost:.4},\"modelUsage\":{{}}}}")
            .expect("fits");
        let leaf = self.parent.clone().unwrap_or_default();
        // A cut may not fall into an escape.
        let cut = self.prompt.find('\\').unwrap_or(self.prompt.len()).min(200);
        let prompt = &self.prompt[..self.prompt.floor_char_boundary(cut)];
        writeln!(self.text, "{{\"type\":\"last-prompt\",\"lastPrompt\":\"{prompt}\",\"leafUuid\":\"{leaf}\",\"sessionId\":\"{id}\"}}")
            .expect("fits");
    }
}
