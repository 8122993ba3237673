//! The driver for `hotseat agent`: the stream-json control protocol with the
//! three switches in it. The only place in the slot that knows this dialect.

mod answer;
mod hear;

use std::ffi::OsString;

use serde_json::{Map, Value, json};

use super::{Ask, Origin};
use crate::protocol::{
    ControlEnvelope, ControlResponse, ForkRequest, HostFrame, HostRequest, PermissionAnswer, ResumeRequest,
    UserLine,
};
use crate::slot::{Launch, PermissionRequest, Switch, Totals, Verdict};

pub use answer::{context, model, was_cancelled};

/// What goes to the agent: one line of its stdin.
pub type Frame = HostFrame;

/// Makes the agent tell when it is idle.
pub const ENVIRONMENT: (&str, &str) = ("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1");

/// What has to be remembered to understand this agent: its dollars and its
/// tokens by model are cumulative, a turn's cost is what they grew by.
#[derive(Debug, Default)]
pub struct Hotseat {
    spent: Totals,
}

/// The agent's arguments, after the ones that the launch brings.
pub fn arguments(launch: &Launch, origin: &Origin) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "--output-format",
        "stream-json",
        "--verbose",
        "--input-format",
        "stream-json",
        "--include-partial-messages",
        "--permission-prompt-tool",
        "stdio",
        "--permission-mode",
        launch.permission_mode.wire_name(),
    ]
    .map(OsString::from)
    .into();
    if let Some(model) = &launch.model {
        arguments.extend(["--model".into(), model.into()]);
    }
    match origin {
        Origin::New => {}
        Origin::Named(session) => arguments.push(format!("--session-id={session}").into()),
        Origin::Stored(session) => arguments.push(format!("--resume={session}").into()),
    }
    if launch.ephemeral {
        arguments.push("--no-session-persistence".into());
    }
    arguments
}

/// The frame that asks.
pub fn ask(id: &str, ask: Ask) -> Frame {
    let request = match ask {
        Ask::Handshake => {
            HostRequest::Initialize { options: Map::from_iter([("hooks".into(), Value::Null)]) }
        }
        Ask::Interrupt => HostRequest::Interrupt,
        Ask::Switch { switch, interrupt } => switch_request(switch, interrupt),
        Ask::Model(model) => HostRequest::SetModel { model },
        Ask::Mode(mode) => HostRequest::SetPermissionMode { mode: mode.wire_name().to_owned() },
        Ask::Rename { title, session } => {
            HostRequest::RenameSession { title, session_id: Some(session.to_string()) }
        }
        Ask::Context => HostRequest::GetContextUsage,
        Ask::End => HostRequest::EndSession { reason: Some("hotseat closes".to_owned()) },
        Ask::Cancel(message_uuid) => HostRequest::CancelAsyncMessage { message_uuid },
    };
    Frame::ControlRequest(ControlEnvelope { request_id: id.to_owned(), request })
}

fn switch_request(switch: Switch, interrupt: bool) -> HostRequest {
    match switch {
        Switch::Clear => HostRequest::Clear { resume: None, interrupt },
        Switch::Resume(session) => HostRequest::Resume(ResumeRequest {
            session_id: session.to_string(),
            interrupt,
            ..ResumeRequest::default()
        }),
        Switch::Fork { source, at, title, cwd } => HostRequest::Fork(ForkRequest {
            session_id: Some(source.to_string()),
            resume_session_at: at,
            title,
            // A folder that is no text cannot be named in JSON: the source's then.
            cwd: cwd.and_then(|cwd| cwd.into_os_string().into_string().ok()),
            interrupt,
        }),
    }
}

/// The frame that brings a prompt.
pub fn prompt(uuid: &str, text: &str) -> Frame {
    Frame::User(UserLine {
        message: json!({"role": "user", "content": text}),
        parent_tool_use_id: None,
        session_id: String::new(),
        uuid: Some(uuid.to_owned()),
        should_query: None,
    })
}

/// The frame that answers a permission request.
pub fn verdict(request: PermissionRequest, verdict: Verdict) -> Frame {
    let answer = match verdict {
        Verdict::Once => {
            PermissionAnswer::Allow { updated_input: Some(request.input), updated_permissions: None }
        }
        Verdict::Session => PermissionAnswer::Allow {
            updated_permissions: Some(for_this_session(&request.tool, request.suggestions)),
            updated_input: Some(request.input),
        },
        Verdict::Deny(message) => PermissionAnswer::Deny { message, interrupt: false },
    };
    let response = serde_json::to_value(answer).unwrap_or_default();
    Frame::ControlResponse { response: ControlResponse::Success { request_id: request.id, response } }
}

/// The agent's suggestions, kept to this session: it may suggest to write them
/// into the project's settings, which is more than the person said. Without
/// suggestions, the tool as a whole.
fn for_this_session(tool: &str, mut suggestions: Vec<Value>) -> Vec<Value> {
    if suggestions.is_empty() {
        suggestions.push(json!({"type": "addRules", "rules": [{"toolName": tool}], "behavior": "allow"}));
    }
    for rule in suggestions.iter_mut().filter_map(Value::as_object_mut) {
        rule.insert("destination".into(), "session".into());
    }
    suggestions
}

#[cfg(test)]
mod tests;
