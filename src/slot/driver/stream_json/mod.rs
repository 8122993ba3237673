//! The stream-json control protocol, as our own agent and the official `claude`
//! speak it. Owns the frames; the drivers that share it own what differs.

pub mod answer;
mod hear;

use std::collections::HashMap;
use std::ffi::OsString;

use serde_json::{Map, Value, json};

use super::{Ask, Heard, Origin, Start};
use crate::protocol::{
    ControlEnvelope, ControlResponse, ForkRequest, HostFrame, HostRequest, PermissionAnswer, ResumeRequest,
    UserLine,
};
use crate::slot::{Launch, PermissionRequest, SlotError, Switch, Totals, Verdict};

/// Makes the agent tell when it is idle, and keep files before it changes them.
const ENVIRONMENT: [(&str, &str); 2] =
    [("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1"), ("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING", "true")];

/// What has to be remembered to understand such an agent.
#[derive(Debug, Default)]
pub struct StreamJson {
    /// Its dollars and its tokens by model are cumulative: a turn's cost is what
    /// they grew by. None while nobody knows what was spent before.
    spent: Option<Totals>,
    /// What kind of answer is expected under an id.
    expected: HashMap<String, Expected>,
}

/// A kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Nothing,
    Agent,
    Seated,
    Model,
    Context,
    Servers,
    Rewind,
    Cancelled,
}

/// How such an agent is started in a session.
pub fn arguments(launch: &Launch, origin: &Origin) -> Start {
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
        Origin::Copy { source, at } => {
            arguments.extend([format!("--resume={source}").into(), "--fork-session".into()]);
            arguments.extend(at.as_ref().map(|at| format!("--resume-session-at={at}").into()));
        }
    }
    if launch.ephemeral {
        arguments.push("--no-session-persistence".into());
    }
    let environment = ENVIRONMENT.map(|(name, value)| (name.into(), value.into())).into();
    Start { arguments, environment }
}

impl StreamJson {
    /// A session begins that has spent nothing.
    pub fn begin_anew(&mut self) {
        self.spent = Some(Totals::default());
    }

    /// The line that asks; its answer will be heard under this id.
    pub fn ask(&mut self, id: &str, ask: Ask) -> Heard {
        let expected = match &ask {
            Ask::Handshake => Expected::Agent,
            Ask::Switch { .. } => Expected::Seated,
            Ask::Model(_) => Expected::Model,
            Ask::Context => Expected::Context,
            Ask::Servers => Expected::Servers,
            Ask::Rewind { .. } => Expected::Rewind,
            Ask::Cancel(_) => Expected::Cancelled,
            Ask::Interrupt | Ask::Mode(_) | Ask::Rename { .. } | Ask::Archive { .. } | Ask::End => {
                Expected::Nothing
            }
        };
        let Some(request) = request(ask) else {
            let message = "its sessions are kept by hotseat too, which has a trash of its own".to_owned();
            let error = SlotError::Refused { code: "unsupported_request".to_owned(), message };
            return Heard::Answer { id: id.to_owned(), answer: Err(error) };
        };
        self.expected.insert(id.to_owned(), expected);
        send(&HostFrame::ControlRequest(ControlEnvelope { request_id: id.to_owned(), request }))
    }

    /// The line that brings a prompt.
    pub fn prompt(uuid: &str, text: &str) -> Heard {
        send(&HostFrame::User(UserLine {
            message: json!({"role": "user", "content": text}),
            parent_tool_use_id: None,
            session_id: String::new(),
            uuid: Some(uuid.to_owned()),
            should_query: None,
        }))
    }

    /// The line that answers a permission request.
    pub fn verdict(request: PermissionRequest, verdict: Verdict) -> Heard {
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
        let response = ControlResponse::Success { request_id: request.id, response };
        send(&HostFrame::ControlResponse { response })
    }
}

/// A frame as a line. Frames hold text, numbers and JSON, which cannot fail to
/// become JSON.
fn send(frame: &HostFrame) -> Heard {
    Heard::Send(serde_json::to_value(frame).unwrap_or_default())
}

/// None for what such an agent is never asked: others change its sessions too.
fn request(ask: Ask) -> Option<HostRequest> {
    Some(match ask {
        Ask::Archive { .. } => return None,
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
        Ask::Servers => HostRequest::McpStatus,
        Ask::Rewind { prompt, dry_run } => HostRequest::RewindFiles { user_message_id: prompt, dry_run },
        Ask::End => HostRequest::EndSession { reason: Some("hotseat closes".to_owned()) },
        Ask::Cancel(message_uuid) => HostRequest::CancelAsyncMessage { message_uuid },
    })
}

fn switch_request(switch: Switch, interrupt: bool) -> HostRequest {
    match switch {
        Switch::Clear => HostRequest::Clear { resume: None, interrupt },
        Switch::Resume(session) => HostRequest::Resume(ResumeRequest {
            session_id: session.to_string(),
            interrupt,
            ..ResumeRequest::default()
        }),
        Switch::Begin { session, cwd } => HostRequest::Resume(ResumeRequest {
            session_id: session.to_string(),
            cwd: cwd.into_os_string().into_string().ok(),
            create: true,
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
