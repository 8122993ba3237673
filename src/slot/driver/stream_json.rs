//! The stream-json control protocol, which our own agent and the official
//! `claude` share. What differs between them belongs to their drivers.

mod incoming;
pub mod responses;

use std::collections::HashMap;
use std::ffi::OsString;

use serde_json::{Map, Value, json};

use self::responses::string_field;
use super::{AgentResponse, DriverOutput, SlotRequest, SpawnArgs, StartSession};
use crate::agent_api::{
    AgentCall, AgentRequest, ListMcpServers, MeasureContext, ReconnectMcpServer, RenameSession, RewindFiles,
    SetMode, SetModel,
};
use crate::protocol::{
    ControlEnvelope, ControlResponse, ErrorCode, ForkRequest, HostControlRequest, HostFrame,
    PermissionResponse, ResumeRequest, UserLine,
};
use crate::slot::{Launch, PermissionRequest, SlotError, SlotTotals, Switch};

/// Makes the agent report when it is idle, and checkpoint files before changes.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1"),
    ("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING", "true"),
    // A person is there. Without it, and with `cli`, the entries say `sdk-cli`, as for
    // `claude -p`, and the official picker leaves the session out (Claude Code 2.1.332).
    ("CLAUDE_CODE_ENTRYPOINT", "hotseat"),
];

/// Protocol state of one process.
#[derive(Debug, Default)]
pub struct StreamJson {
    /// The last totals. Dollars and tokens on the wire are cumulative, so a turn
    /// costs the difference. `None` while earlier spending is unknown.
    spent: Option<SlotTotals>,
    /// What parses the response, for each open request id.
    expected: HashMap<String, ResponseParser>,
}

/// Parses the body of a response.
type ResponseParser = fn(&mut StreamJson, Value) -> Result<AgentResponse, SlotError>;

/// Arguments and environment to start such an agent in a session.
pub fn spawn_args(launch: &Launch, origin: &StartSession) -> SpawnArgs {
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
        StartSession::New => {}
        StartSession::WithId(session) => arguments.push(format!("--session-id={session}").into()),
        StartSession::Stored(session) => arguments.push(format!("--resume={session}").into()),
        StartSession::Fork { source, at } => {
            arguments.extend([format!("--resume={source}").into(), "--fork-session".into()]);
            arguments.extend(at.as_ref().map(|at| format!("--resume-session-at={at}").into()));
        }
    }
    if !launch.project_settings {
        // Leaves out the project's settings, hooks, environment and `.mcp.json`;
        // the user's own stay (seen with Claude Code 2.1.332).
        arguments.push("--setting-sources=user".into());
    }
    if launch.ephemeral {
        arguments.push("--no-session-persistence".into());
    }
    let environment = ENVIRONMENT.map(|(name, value)| (name.into(), value.into())).into();
    SpawnArgs { args: arguments, env: environment }
}

impl StreamJson {
    /// A new session begins, with nothing spent.
    pub fn reset_totals(&mut self) {
        self.spent = Some(SlotTotals::default());
    }

    /// The line of a request; the response carries this id.
    pub fn request(&mut self, id: &str, ask: SlotRequest) -> DriverOutput {
        let Some((request, parser)) = encode(ask) else {
            let message = "this agent has no archive; hotseat's own trash holds its deleted sessions";
            let error = SlotError::refused_with(ErrorCode::UnsupportedRequest, message);
            return DriverOutput::Response { id: id.to_owned(), answer: Err(error) };
        };
        self.expected.insert(id.to_owned(), parser);
        send_frame(&HostFrame::ControlRequest(ControlEnvelope { request_id: id.to_owned(), request }))
    }

    /// The line of a prompt.
    pub fn prompt_line(uuid: &str, text: &str) -> DriverOutput {
        Self::prompt_line_with(uuid, text, None)
    }

    /// The same, of a prompt that waits for the end of a running turn instead of joining it.
    pub fn queued_prompt_line(uuid: &str, text: &str) -> DriverOutput {
        Self::prompt_line_with(uuid, text, Some("later".to_owned()))
    }

    fn prompt_line_with(uuid: &str, text: &str, priority: Option<String>) -> DriverOutput {
        send_frame(&HostFrame::User(UserLine {
            message: json!({"role": "user", "content": text}),
            parent_tool_use_id: None,
            session_id: String::new(),
            uuid: Some(uuid.to_owned()),
            should_query: None,
            priority,
            origin: None,
        }))
    }

    /// The line that answers a permission request. It never carries
    /// `updatedPermissions`: `claude` applies them to its whole process, so that
    /// they would hold in every later session (seen at 2.1.332).
    pub fn permission_line(request: PermissionRequest, denied: Option<String>) -> DriverOutput {
        let answer = match denied {
            None => {
                PermissionResponse::Allow { updated_input: Some(request.input), updated_permissions: None }
            }
            Some(message) => PermissionResponse::Deny { message, interrupt: false },
        };
        let response = serde_json::to_value(answer).unwrap_or_default();
        let response = ControlResponse::Success { request_id: request.id, response };
        send_frame(&HostFrame::ControlResponse { response })
    }
}

/// A frame as a line. Frames consist of text, numbers and JSON, so serialising
/// cannot fail.
fn send_frame(frame: &HostFrame) -> DriverOutput {
    DriverOutput::SendLine(serde_json::to_value(frame).unwrap_or_default())
}

/// The request on the wire, and what parses its response; `None` for what is never
/// sent: archiving is done by hotseat's own store.
fn encode(ask: SlotRequest) -> Option<(HostControlRequest, ResponseParser)> {
    let done: ResponseParser = |_, _| Ok(AgentResponse::Done);
    Some(match ask {
        SlotRequest::Handshake => {
            let options = Map::from_iter([("hooks".into(), Value::Null)]);
            (HostControlRequest::Initialize { options }, StreamJson::parse_handshake)
        }
        SlotRequest::Interrupt => (HostControlRequest::Interrupt, done),
        SlotRequest::Switch { switch, interrupt } => {
            (switch_request(switch, interrupt), StreamJson::parse_switch)
        }
        SlotRequest::EndSession => {
            (HostControlRequest::EndSession { reason: Some("hotseat closes".to_owned()) }, done)
        }
        SlotRequest::CancelPrompt(message_uuid) => {
            (HostControlRequest::CancelAsyncMessage { message_uuid }, |_, answer| {
                Ok(AgentResponse::Cancelled(answer["cancelled"].as_bool().unwrap_or(false)))
            })
        }
        SlotRequest::Call(request) => return encode_call(request),
    })
}

/// The same for the requests of callers.
fn encode_call(request: AgentRequest) -> Option<(HostControlRequest, ResponseParser)> {
    Some(match request {
        AgentRequest::ArchiveSession(_) => return None,
        AgentRequest::SetModel(SetModel { model }) => {
            (HostControlRequest::SetModel { model }, |_, answer| {
                Ok(reply::<SetModel>(string_field(&answer, "model")))
            })
        }
        AgentRequest::SetMode(SetMode { mode }) => {
            let mode = mode.wire_name().to_owned();
            (HostControlRequest::SetPermissionMode { mode }, |_, _| Ok(reply::<SetMode>(())))
        }
        AgentRequest::RenameSession(RenameSession { session, title }) => {
            let request = HostControlRequest::RenameSession { title, session_id: Some(session.to_string()) };
            (request, |_, _| Ok(reply::<RenameSession>(())))
        }
        AgentRequest::MeasureContext(_) => (HostControlRequest::GetContextUsage, |_, answer| {
            Ok(reply::<MeasureContext>(responses::parse_context(answer)))
        }),
        AgentRequest::ListMcpServers(_) => (HostControlRequest::McpStatus, |_, answer| {
            Ok(reply::<ListMcpServers>(responses::parse_servers(&answer)))
        }),
        AgentRequest::ReconnectMcpServer(ReconnectMcpServer { name: server_name }) => {
            (HostControlRequest::McpReconnect { server_name }, |_, _| Ok(reply::<ReconnectMcpServer>(())))
        }
        AgentRequest::RewindFiles(RewindFiles { prompt: user_message_id, dry_run }) => {
            (HostControlRequest::RewindFiles { user_message_id, dry_run }, |_, answer| {
                responses::parse_rewind(answer).map(reply::<RewindFiles>)
            })
        }
    })
}

fn reply<C: AgentCall>(reply: C::Reply) -> AgentResponse {
    AgentResponse::Reply(C::respond(reply))
}

fn switch_request(switch: Switch, interrupt: bool) -> HostControlRequest {
    match switch {
        Switch::Clear => HostControlRequest::Clear { resume: None, interrupt },
        Switch::Resume(session) => HostControlRequest::Resume(ResumeRequest {
            session_id: session.to_string(),
            interrupt,
            ..ResumeRequest::default()
        }),
        Switch::ResumeOrCreate { session, cwd } => HostControlRequest::Resume(ResumeRequest {
            session_id: session.to_string(),
            cwd: cwd.into_os_string().into_string().ok(),
            create: true,
            interrupt,
            ..ResumeRequest::default()
        }),
        Switch::Fork { source, at, title, cwd } => HostControlRequest::Fork(ForkRequest {
            session_id: Some(source.to_string()),
            resume_session_at: at,
            title,
            // A folder that is not UTF-8 cannot be sent in JSON; the source's is used.
            cwd: cwd.and_then(|cwd| cwd.into_os_string().into_string().ok()),
            interrupt,
        }),
    }
}

#[cfg(test)]
mod tests;
