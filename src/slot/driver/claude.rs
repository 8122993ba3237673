//! The driver for the official `claude`, headless: the stream-json dialect
//! without the three switches (facts from 2.1.329).
//!
//! Clear is its own `/clear`, sent as a prompt, in process. Resume and fork need
//! another process (`--resume`, `--fork-session`). It is asked once whether it
//! knows the requests by now, and then they are used.

mod clear;
mod handshake;

use std::path::PathBuf;

use uuid::Uuid;

use self::clear::PendingClear;
use self::handshake::ClaudeHandshake;
use super::stream_json::{StreamJson, spawn_args};
use super::{AgentEvent, AgentSpec, Driver, JsonLine, SlotRequest, SpawnArgs, StartSession};
use crate::session::SessionId;
use crate::slot::{Capabilities, Launch, PermissionDecision, PermissionRequest, Switch, SwitchSupport};

/// The official program, as it lies on the PATH.
pub const CLAUDE: AgentSpec = AgentSpec {
    name: "claude",
    program: Some("claude"),
    install: "npm install -g @anthropic-ai/claude-code",
    args: &[],
    official_format: true,
    driver: || Box::<ClaudeDriver>::default(),
};

/// One process of it.
#[derive(Debug, Default)]
struct ClaudeDriver {
    dialect: StreamJson,
    /// The active session; none before it is started. It does not say which that
    /// is before the first turn, so it is told which it is to be.
    session: Option<SessionId>,
    /// Where its transcript lies, where somebody knows.
    transcript: PathBuf,
    cwd: PathBuf,
    /// The model it was started with.
    model: Option<String>,
    handshake: ClaudeHandshake,
    /// A `/clear` on its way.
    clear: Option<PendingClear>,
    /// It does not know the request `clear`.
    clear_unsupported: bool,
    /// A conversation ended, and the next frame of a new session says which is next.
    pending_reset: Option<&'static str>,
}

impl Driver for ClaudeDriver {
    fn capabilities(&self) -> Capabilities {
        let by = |native| if native { SwitchSupport::InProcess } else { SwitchSupport::Standby };
        Capabilities {
            clear: SwitchSupport::InProcess,
            resume: by(self.handshake.supports_resume),
            fork: by(self.handshake.supports_fork),
            unsupported_features: &[],
        }
    }

    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs {
        let new = SessionId::random();
        let (origin, session) = match origin {
            StartSession::New => (StartSession::WithId(new), new),
            StartSession::WithId(session) | StartSession::Stored(session) => (origin.clone(), *session),
            StartSession::Fork { .. } => (origin.clone(), new),
        };
        let mut start = spawn_args(launch, &origin);
        if let StartSession::Fork { .. } = origin {
            start.args.push(format!("--session-id={session}").into());
        }
        if let StartSession::WithId(_) = origin {
            self.dialect.reset_totals();
        }
        self.session = Some(session);
        self.transcript = launch.finder.find(session).map(|found| found.transcript).unwrap_or_default();
        self.cwd.clone_from(&launch.cwd);
        self.model.clone_from(&launch.model);
        start
    }

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<AgentEvent> {
        match ask {
            SlotRequest::Handshake => {
                let hello = self.dialect.request(id, ask);
                self.handshake.begin(id, hello, &mut self.dialect)
            }
            SlotRequest::Switch { switch: Switch::Clear, interrupt } => {
                self.clear = Some(PendingClear::new(id, interrupt));
                if self.clear_unsupported {
                    self.send_clear_prompt()
                } else {
                    vec![self.dialect.request(id, ask)]
                }
            }
            // `end_session` is not known to it, and its input ends anyway.
            SlotRequest::EndSession => vec![self.dialect.request(id, SlotRequest::Interrupt)],
            other => vec![self.dialect.request(id, other)],
        }
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<AgentEvent> {
        vec![StreamJson::prompt_line(uuid, text)]
    }

    fn answer_permission(
        &mut self,
        request: PermissionRequest,
        verdict: PermissionDecision,
    ) -> Vec<AgentEvent> {
        vec![StreamJson::permission_line(request, verdict)]
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<AgentEvent>) {
        match line["type"].as_str() {
            Some("control_response") => (None, self.handle_response(line)),
            Some("conversation_reset") => {
                self.dialect.reset_totals();
                let known = ["clear", "resume", "fork"];
                let trigger = known.into_iter().find(|known| line["trigger"] == *known);
                self.pending_reset = Some(trigger.unwrap_or("clear"));
                (None, Vec::new())
            }
            Some("command_lifecycle") if self.is_about_clear(&line) => {
                (None, self.handle_clear_lifecycle(&line))
            }
            // What it says of the clear is said by the switch.
            Some("result") if self.clear.is_some() && !line["local_command"].is_null() => (None, Vec::new()),
            Some("system") if line["subtype"] == "init" => self.handle_init(line),
            _ => self.dialect.handle_message(line),
        }
    }
}

impl ClaudeDriver {
    fn handle_response(&mut self, line: JsonLine) -> Vec<AgentEvent> {
        let id = line["response"]["request_id"].as_str().unwrap_or_default().to_owned();
        if self.handshake.expects(&id) {
            let greeted = self.handshake.handle_response(&id, &line["response"]);
            return greeted.map(|(id, hello)| self.finish_handshake(id, &hello)).into_iter().collect();
        }
        let unknown = line["response"]["error_code"] == "unsupported_request";
        if unknown && self.clear.as_ref().is_some_and(|clear| clear.id == id) {
            self.clear_unsupported = true;
            return self.send_clear_prompt();
        }
        let (_, heard) = self.dialect.handle_message(line);
        if let [AgentEvent::Response { id, .. }] = heard.as_slice()
            && self.clear.as_ref().is_some_and(|clear| clear.id == *id)
        {
            self.clear = None;
        }
        heard
    }

    /// A turn begins, and says in which session.
    fn handle_init(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<AgentEvent>) {
        let session = line["session_id"].as_str().and_then(|id| id.parse::<SessionId>().ok());
        let (of, mut heard) = self.dialect.handle_message(line);
        let (Some(what), Some(to)) = (self.pending_reset, session.filter(|_| session != self.session)) else {
            return (of, heard);
        };
        self.pending_reset = None;
        self.session = Some(to);
        if self.clear.is_some() {
            return (None, Vec::new());
        }
        heard.insert(0, AgentEvent::SessionReset { to, what });
        (None, heard)
    }
}

/// An id for a prompt of the driver's own.
fn new_prompt_id() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests;
