//! The frames to the host, each built in one place.
//!
//! Owns the fields of frames. Must not decide when one is sent.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::outbox::Outbox;
use super::provider::ProviderError;
use super::reply::ReplyBuilder;
use super::retry::RetryAttempt;
use super::runtime::AgentRuntime;
use super::transcript_entry::{new_uuid, now};
use super::turn::{RequestedCall, RunningTurn, UserPrompt};
use super::turn_outcome::TurnOutcome;
use crate::protocol::{
    AgentFrame, CLAUDE_CODE_VERSION, ControlResponse, ConversationReset, ErrorCode, MessageFrame,
    StreamEvent, SystemFrame, ToolProgress, TurnResult,
};
use crate::session::SessionId;

/// The switches that this agent supports, so that a host need not probe.
pub const CAPABILITIES: [&str; 3] = ["clear", "resume", "fork"];

impl AgentRuntime {
    /// A `system` frame of the active session.
    pub(super) fn send_system(&self, subtype: &str, rest: Value) {
        let mut rest = match rest {
            Value::Object(rest) => rest,
            _ => Map::new(),
        };
        rest.insert("uuid".into(), json!(new_uuid()));
        let session_id = self.session.id.to_string();
        self.out.send(&AgentFrame::System(SystemFrame { subtype: subtype.to_owned(), session_id, rest }));
    }

    /// `system/init`, at every turn and after each switch.
    pub(super) fn send_init(&self) {
        self.send_system(
            "init",
            json!({
                "cwd": self.session.cwd,
                "model": self.settings.model,
                "tools": self.tool_names(),
                "mcp_servers": self.mcp.brief_status(),
                "permissionMode": self.permissions.mode.wire_name(),
                "slash_commands": self.command_list().iter().map(|command| &command["name"]).collect::<Vec<_>>(),
                "apiKeySource": self.provider.key_source(),
                "claude_code_version": CLAUDE_CODE_VERSION,
                "agent_version": env!("CARGO_PKG_VERSION"),
                "output_style": "default",
                "agents": [],
                "skills": [],
                "plugins": [],
                "capabilities": CAPABILITIES,
                "transcript_path": self.session.path(),
                "notice": self.provider.notice(),
            }),
        );
    }

    /// Sends a warning for a person, outside any reply.
    pub(super) fn send_warning(&self, what: &str) {
        tracing::warn!("{what}");
        self.send_system("informational", json!({"content": what, "level": "warning"}));
    }

    /// A stream event, with `--include-partial-messages`.
    pub(super) fn send_stream(&self, event: Value) {
        if self.settings.streams_partials {
            self.out.send(&AgentFrame::StreamEvent(StreamEvent {
                event,
                session_id: self.session.id.to_string(),
                parent_tool_use_id: None,
                uuid: new_uuid(),
            }));
        }
    }

    /// Output of a running tool, with `--include-partial-messages`.
    pub(super) fn send_progress(&self, call: &RequestedCall, began: Instant, output: String) {
        if self.settings.streams_partials {
            self.out.send(&AgentFrame::ToolProgress(ToolProgress {
                tool_use_id: call.id.clone(),
                tool_name: call.tool.clone(),
                parent_tool_use_id: None,
                elapsed_time_seconds: began.elapsed().as_secs_f64(),
                output,
                session_id: self.session.id.to_string(),
                uuid: new_uuid(),
            }));
        }
    }

    /// A complete block of a reply, or the error in place of one.
    pub(super) fn send_assistant(&self, message: Value, uuid: &str, error: Option<&str>) {
        let mut frame = self.message_frame(message, uuid);
        if let Some(error) = error {
            frame.rest.insert("error".into(), json!(error));
        }
        self.out.send(&AgentFrame::Assistant(frame));
    }

    /// A retry. `dropped` is our addition: the uuids of blocks that were sent and are not part of the
    /// conversation.
    pub(super) fn send_retry(&self, again: &RetryAttempt, error: &ProviderError, reply: &ReplyBuilder) {
        let dropped: Vec<_> = reply.blocks.iter().map(|finished| &finished.uuid).collect();
        self.send_system(
            "api_retry",
            json!({
                "attempt": again.attempt,
                "max_retries": again.max_retries,
                "retry_delay_ms": u64::try_from(again.wait.as_millis()).unwrap_or(u64::MAX),
                "error_status": error.status,
                "error": error.kind.wire_name(),
                "message": error.message,
                "dropped": dropped,
            }),
        );
    }

    /// A tool's result, or the mark of an interruption.
    pub(super) fn send_user(&self, message: Value, uuid: &str, tool_use_result: Option<Value>) {
        self.out
            .send(&AgentFrame::User(MessageFrame { tool_use_result, ..self.message_frame(message, uuid) }));
    }

    /// A prompt that is taken up, with `--replay-user-messages`.
    pub(super) fn send_replay(&self, prompt: &UserPrompt) {
        if self.settings.replays_prompts {
            let mut frame =
                self.message_frame(json!({"role": "user", "content": prompt.content}), &prompt.uuid);
            frame.rest.insert("isReplay".into(), json!(true));
            self.out.send(&AgentFrame::User(frame));
        }
    }

    /// A user message that no person wrote, such as a request to continue.
    pub(super) fn send_synthetic_user(&self, message: Value, uuid: &str) {
        let mut frame = self.message_frame(message, uuid);
        frame.rest.insert("isSynthetic".into(), json!(true));
        self.out.send(&AgentFrame::User(frame));
    }

    fn message_frame(&self, message: Value, uuid: &str) -> MessageFrame {
        let mut rest = Map::new();
        rest.insert("timestamp".into(), json!(now()));
        MessageFrame {
            message,
            parent_tool_use_id: None,
            session_id: self.session.id.to_string(),
            uuid: uuid.to_owned(),
            tool_use_result: None,
            rest,
        }
    }

    /// The end of a turn.
    pub(super) fn send_result(&self, turn: &RunningTurn, ending: TurnOutcome) {
        let mut rest = Map::new();
        rest.insert("stop_reason".into(), json!(turn.stop_reason));
        rest.insert("user_message_uuid".into(), json!(turn.prompt.uuid));
        if let Some(origin) = &turn.prompt.origin {
            rest.insert("origin".into(), origin.clone());
        }
        rest.insert("terminal_reason".into(), json!(ending.terminal_reason));
        rest.insert("api_error_status".into(), json!(ending.api_error_status));
        if !ending.errors.is_empty() {
            rest.insert("errors".into(), json!(ending.errors));
        }
        if let Some(answer) = &turn.structured_output {
            rest.insert("structured_output".into(), answer.clone());
        }
        if let Some(name) = ending.local_command {
            rest.insert("local_command".into(), json!(name));
        }
        self.out.send(&AgentFrame::Result(TurnResult {
            subtype: ending.subtype.to_owned(),
            is_error: ending.is_error,
            result: ending.text,
            num_turns: turn.api_requests,
            duration_ms: u64::try_from(turn.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            duration_api_ms: u64::try_from(turn.api_time.as_millis()).unwrap_or(u64::MAX),
            session_id: self.session.id.to_string(),
            total_cost_usd: self.session.totals.cost_usd(),
            usage: json!(turn.usage),
            model_usage: self.session.totals.by_model(|model| self.context_window_of(model)),
            permission_denials: turn.denials.clone(),
            uuid: new_uuid(),
            rest,
        }));
    }

    /// The lifecycle of a prompt, if the host gave it a uuid.
    pub(super) fn send_lifecycle(&self, stamp: Option<&str>, state: &str) {
        if let Some(stamp) = stamp {
            self.out.send(&AgentFrame::CommandLifecycle {
                command_uuid: stamp.to_owned(),
                state: state.to_owned(),
                session_id: self.session.id.to_string(),
            });
        }
    }

    /// A switch. Sent after it, in the name of the former session.
    pub(super) fn send_reset(&self, former: SessionId, trigger: &str) {
        self.out.send(&AgentFrame::ConversationReset(ConversationReset {
            new_conversation_id: self.session.id.to_string(),
            trigger: trigger.to_owned(),
            session_id: former.to_string(),
            uuid: new_uuid(),
            timestamp: now(),
        }));
    }

    /// A transcript entry, with `--session-mirror`.
    pub(super) fn send_mirror(&self, entry: Value) {
        if self.settings.mirrors_transcript {
            let file_path = self.mirror_path();
            self.out.send(&AgentFrame::TranscriptMirror { file_path, entries: vec![entry] });
        }
    }

    /// The answer to a request of the host's.
    pub(super) fn send_answer(&self, request_id: String, answer: Result<Value, RequestError>) {
        send_answer_to(&self.out, request_id, answer);
    }
}

/// The answer to a request of the host's, also from a task of its own.
pub(super) fn send_answer_to(out: &Outbox, request_id: String, answer: Result<Value, RequestError>) {
    let response = match answer {
        Ok(response) => ControlResponse::Success { request_id, response },
        Err(RequestError { code, error }) => {
            ControlResponse::Error { request_id, error, error_code: Some(code) }
        }
    };
    out.send(&AgentFrame::ControlResponse { response });
}

/// Why a control request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// For a program.
    pub code: ErrorCode,
    /// For a person.
    pub error: String,
}

impl RequestError {
    /// Refuses with these words.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { code, error: error.into() }
    }
}
