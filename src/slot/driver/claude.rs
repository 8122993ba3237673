//! The driver for the official `claude`, headless: the stream-json protocol
//! without the three switches (facts from 2.1.329).
//!
//! Clear is `claude`'s own `/clear`, sent as a prompt, in process. Resume and
//! fork need another process (`--resume`, `--fork-session`). The handshake
//! probes whether this version supports the requests; if so, they are used.

mod clear;
mod handshake;

use std::path::PathBuf;

use uuid::Uuid;

use self::clear::PendingClear;
use self::handshake::ClaudeHandshake;
use super::stream_json::{StreamJson, spawn_args};
use super::{AgentSpec, Driver, DriverOutput, JsonLine, SlotRequest, SpawnArgs, StartSession};
use crate::protocol::{AgentFrame, ControlResponse, ErrorCode};
use crate::session::SessionId;
use crate::slot::{Capabilities, Launch, PermissionRequest, Switch, SwitchSupport};

/// The official program on `PATH`.
pub const CLAUDE: AgentSpec = AgentSpec {
    name: "claude",
    program: Some("claude"),
    install: "npm install -g @anthropic-ai/claude-code",
    args: &[],
    official_format: true,
    ignores_project_settings: true,
    driver: || Box::<ClaudeDriver>::default(),
};

/// One process of the agent.
#[derive(Debug, Default)]
struct ClaudeDriver {
    dialect: StreamJson,
    /// The active session; `None` before the start. `claude` reports it only with
    /// the first turn, so the driver chooses the id and passes it as an argument.
    session: Option<SessionId>,
    /// The session's transcript, if known.
    transcript: PathBuf,
    cwd: PathBuf,
    /// The model it was started with.
    model: Option<String>,
    handshake: ClaudeHandshake,
    /// A `/clear` that is not finished.
    clear: Option<PendingClear>,
    /// This version does not support the request `clear`.
    clear_unsupported: bool,
    /// A `conversation_reset` was received (its trigger); the next `init` frame
    /// names the new session.
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

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
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
            // It does not support `end_session`, and its stdin is closed anyway.
            SlotRequest::EndSession => vec![self.dialect.request(id, SlotRequest::Interrupt)],
            other => vec![self.dialect.request(id, other)],
        }
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput> {
        vec![StreamJson::prompt_line(uuid, text)]
    }

    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<DriverOutput> {
        vec![StreamJson::permission_line(request, denied)]
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        match line["type"].as_str() {
            Some("control_response") => (None, self.handle_response(line)),
            Some("conversation_reset") => {
                self.dialect.reset_totals();
                let spec = ["clear", "resume", "fork"];
                let trigger = spec.into_iter().find(|spec| line["trigger"] == *spec);
                self.pending_reset = Some(trigger.unwrap_or("clear"));
                (None, Vec::new())
            }
            Some("command_lifecycle") if self.is_about_clear(&line) => {
                (None, self.handle_clear_lifecycle(&line))
            }
            // The response to the switch reports the clear.
            Some("result") if self.clear.is_some() && !line["local_command"].is_null() => (None, Vec::new()),
            Some("system") if line["subtype"] == "init" => self.handle_init(line),
            _ => self.dialect.handle_message(line),
        }
    }
}

impl ClaudeDriver {
    fn handle_response(&mut self, line: JsonLine) -> Vec<DriverOutput> {
        let Ok(AgentFrame::ControlResponse { response }) = serde_json::from_value(line) else {
            return Vec::new();
        };
        if self.handshake.expects(response.request_id()) {
            let handshake_done = self.handshake.handle_response(response);
            return handshake_done.map(|(id, hello)| self.finish_handshake(id, &hello)).into_iter().collect();
        }
        let is_clear = self.clear.as_ref().is_some_and(|clear| clear.id == response.request_id());
        if is_clear && is_unsupported(&response) {
            self.clear_unsupported = true;
            return self.send_clear_prompt();
        }
        if is_clear {
            self.clear = None;
        }
        vec![self.dialect.handle_response(response)]
    }

    /// A turn begins and names its session.
    fn handle_init(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        let session = line["session_id"].as_str().and_then(|id| id.parse::<SessionId>().ok());
        let (of, mut events) = self.dialect.handle_message(line);
        let (Some(what), Some(to)) = (self.pending_reset, session.filter(|_| session != self.session)) else {
            return (of, events);
        };
        self.pending_reset = None;
        self.session = Some(to);
        if self.clear.is_some() {
            return (None, Vec::new());
        }
        events.insert(0, DriverOutput::SessionReset { to, what, details: None });
        (None, events)
    }
}

fn is_unsupported(response: &ControlResponse) -> bool {
    matches!(response, ControlResponse::Error { error_code: Some(ErrorCode::UnsupportedRequest), .. })
}

/// An id for a prompt that the driver itself sends.
fn new_prompt_id() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests;
