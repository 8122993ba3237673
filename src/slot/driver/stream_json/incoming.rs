//! Handles frames that the agent sends on its own.

use std::time::Duration;

use serde_json::Value;

use super::{StreamJson, responses, send_frame};
use crate::protocol::{
    AgentControlRequest, AgentFrame, ControlEnvelope, ControlResponse, ErrorCode, HostFrame, MessageFrame,
    StreamEvent, SystemFrame, ToolProgress, TurnResult,
};
use crate::session::SessionId;
use crate::session::conversation::{
    ConversationEvent, Notice, TurnCost, events_from_assistant, events_from_entry, events_from_user,
};
use crate::session::message::{ApiMessage, Usage};
use crate::slot::driver::{AgentEvent, AgentResponse, DriverOutput, JsonLine};
use crate::slot::{ModelRetry, PermissionRequest, PromptState, SlotError, SlotTotals};
use crate::transcript::RawEntry;

impl StreamJson {
    /// Interprets a line: the session it belongs to, if it names one, and the
    /// resulting events.
    pub fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        match serde_json::from_value(line) {
            Ok(frame) => self.handle_frame(frame),
            Err(error) => {
                tracing::debug!(%error, "dropped an invalid frame");
                (None, Vec::new())
            }
        }
    }

    fn handle_frame(&mut self, frame: AgentFrame) -> (Option<SessionId>, Vec<DriverOutput>) {
        match frame {
            AgentFrame::System(frame) => (parse_session_id(&frame.session_id), handle_system(&frame)),
            AgentFrame::StreamEvent(event) => (
                parse_session_id(&event.session_id),
                stream_delta(&event).map(|change| DriverOutput::changed("", change)).into_iter().collect(),
            ),
            AgentFrame::ToolProgress(progress) => {
                let ToolProgress { tool_use_id, output: text, session_id, .. } = progress;
                let grew = (!text.is_empty())
                    .then(|| DriverOutput::changed("", ConversationEvent::ToolOutput { tool_use_id, text }));
                (parse_session_id(&session_id), grew.into_iter().collect())
            }
            AgentFrame::Assistant(frame) => {
                (parse_session_id(&frame.session_id), message_events(frame, changes_of_assistant_frame))
            }
            AgentFrame::User(frame) => {
                (parse_session_id(&frame.session_id), message_events(frame, changes_of_user_frame))
            }
            AgentFrame::Result(result) => (parse_session_id(&result.session_id), self.turn_ended(result)),
            AgentFrame::ControlRequest(request) => (None, vec![handle_control_request(request)]),
            AgentFrame::ControlResponse { response } => (None, vec![self.handle_response(response)]),
            AgentFrame::ControlCancelRequest { request_id } => {
                (None, vec![DriverOutput::Event(AgentEvent::PermissionDropped(request_id))])
            }
            AgentFrame::ConversationReset(reset) => {
                let what = match reset.trigger.as_str() {
                    "resume" => "resume",
                    "fork" => "fork",
                    _ => "clear",
                };
                self.reset_totals();
                let to = parse_session_id(&reset.new_conversation_id);
                (
                    parse_session_id(&reset.session_id),
                    to.map(|to| DriverOutput::SessionReset { to, what, details: None }).into_iter().collect(),
                )
            }
            AgentFrame::CommandLifecycle { command_uuid, state, session_id } => {
                let state = match state.as_str() {
                    "queued" => PromptState::Queued,
                    "started" => PromptState::Started,
                    "cancelled" => PromptState::Cancelled,
                    _ => PromptState::Completed,
                };
                (parse_session_id(&session_id), vec![DriverOutput::prompt(command_uuid, state)])
            }
            AgentFrame::TranscriptMirror { .. } | AgentFrame::KeepAlive | AgentFrame::Unknown(_) => {
                (None, Vec::new())
            }
        }
    }

    /// The slot's response to a request.
    pub fn handle_response(&mut self, response: ControlResponse) -> DriverOutput {
        match response {
            ControlResponse::Success { request_id: id, response } => {
                let answer = match self.expected.remove(&id) {
                    Some(parse) => parse(self, response),
                    None => Ok(AgentResponse::Done),
                };
                DriverOutput::Response { id, answer }
            }
            ControlResponse::Error { request_id: id, error, error_code } => {
                self.expected.remove(&id);
                let error = match error_code {
                    Some(ErrorCode::Busy) => SlotError::Busy,
                    code => SlotError::Refused { code, message: error },
                };
                DriverOutput::Response { id, answer: Err(error) }
            }
        }
    }

    fn turn_ended(&mut self, result: TurnResult) -> Vec<DriverOutput> {
        let mut events = Vec::new();
        let local = result.rest.contains_key("local_command");
        if let Some((notice, text)) = turn_end_notice(&result, local) {
            events.push(DriverOutput::changed(&result.uuid, ConversationEvent::Notice(notice, text)));
        }
        let before = self.spent;
        let of_turn: Usage = serde_json::from_value(result.usage).unwrap_or_default();
        let spent = SlotTotals {
            usd: Some(result.total_cost_usd),
            usage: sum_models(&result.model_usage).unwrap_or_else(|| {
                let mut usage = before.unwrap_or_default().usage;
                usage += of_turn;
                usage
            }),
            context_percent: None,
        };
        self.spent = Some(spent);
        let paid = before.map(|before| result.total_cost_usd - before.usd.unwrap_or_default());
        let cost = TurnCost {
            // The wire requires a number; 0 means unknown or free.
            usd: paid.filter(|usd| *usd > 0.0),
            usage: before.map_or(of_turn, |before| usage_since(before.usage, spent.usage)),
            duration_ms: result.duration_ms,
        };
        events.push(DriverOutput::TurnEnded {
            uuid: result.uuid,
            cost: (!local).then_some(cost),
            totals: spent,
        });
        events
    }
}

/// The notice for a turn whose outcome is not visible in its replies.
fn turn_end_notice(result: &TurnResult, local: bool) -> Option<(Notice, String)> {
    let said = || result.result.clone().filter(|text| !text.is_empty());
    let errors = || {
        let texts = result.rest.get("errors")?.as_array()?.iter().filter_map(Value::as_str);
        Some(texts.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
    };
    match result.subtype.as_str() {
        "success" if local => said().map(|text| (Notice::Info, text)),
        "error_max_turns" => Some((Notice::Error, "the turn limit was reached".to_owned())),
        "error_max_budget_usd" => Some((Notice::Error, "the budget is used up".to_owned())),
        // Such as that it is not logged in.
        "success" if result.is_error => said().map(|text| (Notice::Error, text)),
        "success" => None,
        // An interrupted turn ends here too; a message has already reported it.
        _ => errors().or_else(said).map(|text| (Notice::Error, text)),
    }
}

/// The tokens of all models together; `None` if the agent does not report them.
fn sum_models(models: &Value) -> Option<Usage> {
    let mut all = Usage::default();
    for model in models.as_object().filter(|models| !models.is_empty())?.values() {
        let tokens = |key: &str| model[key].as_u64().unwrap_or(0);
        all += Usage {
            input_tokens: tokens("inputTokens"),
            output_tokens: tokens("outputTokens"),
            cache_creation_input_tokens: tokens("cacheCreationInputTokens"),
            cache_read_input_tokens: tokens("cacheReadInputTokens"),
            ..Usage::default()
        };
    }
    Some(all)
}

fn usage_since(before: Usage, now: Usage) -> Usage {
    Usage {
        input_tokens: now.input_tokens.saturating_sub(before.input_tokens),
        output_tokens: now.output_tokens.saturating_sub(before.output_tokens),
        cache_creation_input_tokens: now
            .cache_creation_input_tokens
            .saturating_sub(before.cache_creation_input_tokens),
        cache_read_input_tokens: now.cache_read_input_tokens.saturating_sub(before.cache_read_input_tokens),
        ..Usage::default()
    }
}

fn handle_system(frame: &SystemFrame) -> Vec<DriverOutput> {
    let words = |key: &str| frame.rest.get(key).and_then(Value::as_str);
    let mode = || {
        words("permissionMode")
            .and_then(|mode| mode.parse().ok())
            .map(|mode| DriverOutput::Event(AgentEvent::ModeChanged(mode)))
    };
    match frame.subtype.as_str() {
        "init" => {
            let model =
                words("model").map(|model| DriverOutput::Event(AgentEvent::ModelChanged(model.to_owned())));
            let servers = frame.rest.get("mcp_servers").and_then(Value::as_array).map(|servers| {
                let (connected, of) = responses::count_connected(servers);
                DriverOutput::Event(AgentEvent::McpServersChanged(connected, of))
            });
            model.into_iter().chain(mode()).chain(servers).collect()
        }
        "status" => mode().into_iter().collect(),
        "session_state_changed" if words("state") == Some("idle") => vec![DriverOutput::Idle],
        "informational" => words("content")
            .map(|text| DriverOutput::changed("", ConversationEvent::Notice(Notice::Info, text.to_owned())))
            .into_iter()
            .collect(),
        "entries_added" => added_entries(frame),
        "api_retry" => handle_retry(frame),
        "compact_boundary" => {
            vec![DriverOutput::changed("", ConversationEvent::Notice(Notice::Compacted, String::new()))]
        }
        _ => Vec::new(),
    }
}

/// What another program wrote into the session is part of the conversation now (hotseat's own agent).
fn added_entries(frame: &SystemFrame) -> Vec<DriverOutput> {
    let entries = frame.rest.get("entries").and_then(Value::as_array).into_iter().flatten();
    let mut events = Vec::new();
    for entry in entries {
        let line = entry.to_string();
        let Some(entry) = RawEntry::parse(&line) else { continue };
        let uuid = entry.uuid().unwrap_or_default();
        let changes = events_from_entry(&entry).into_iter();
        events.extend(changes.map(|change| DriverOutput::changed(&*uuid, change)));
    }
    events
}

/// The current reply is void and will be requested again.
fn handle_retry(frame: &SystemFrame) -> Vec<DriverOutput> {
    let number = |key: &str| frame.rest.get(key).and_then(Value::as_u64).unwrap_or(0);
    let words = |key: &str| frame.rest.get(key).and_then(Value::as_str).map(str::to_owned);
    let dropped = frame.rest.get("dropped").and_then(Value::as_array).into_iter().flatten();
    let dropped = dropped.filter_map(|uuid| uuid.as_str().map(str::to_owned)).collect();
    let retry = ModelRetry {
        attempt: number("attempt"),
        max_attempts: number("max_retries"),
        delay: Duration::from_millis(number("retry_delay_ms")),
        reason: words("message").or_else(|| words("error")).unwrap_or_default(),
    };
    vec![
        DriverOutput::changed("", ConversationEvent::Retracted(dropped)),
        DriverOutput::Event(AgentEvent::Retrying(retry)),
    ]
}

/// The changes of a message. A sub-agent's frames belong to its tool call, not
/// to the conversation.
fn message_events(
    frame: MessageFrame,
    changes: fn(MessageFrame) -> Vec<ConversationEvent>,
) -> Vec<DriverOutput> {
    if frame.parent_tool_use_id.is_some() {
        return Vec::new();
    }
    let uuid = frame.uuid.clone();
    changes(frame).into_iter().map(|change| DriverOutput::changed(&uuid, change)).collect()
}

fn changes_of_assistant_frame(frame: MessageFrame) -> Vec<ConversationEvent> {
    // The end of the turn reports the error again.
    if frame.rest.get("error").is_some_and(Value::is_string) {
        return Vec::new();
    }
    ApiMessage::from_value(frame.message).map(events_from_assistant).unwrap_or_default()
}

/// Prompts are left out: the slot has them, and only a replaying agent repeats
/// them.
fn changes_of_user_frame(frame: MessageFrame) -> Vec<ConversationEvent> {
    let Some(message) = ApiMessage::from_value(frame.message) else { return Vec::new() };
    let mut changes = events_from_user(message, frame.tool_use_result);
    changes.retain(|change| !matches!(change, ConversationEvent::Prompt(_)));
    changes
}

fn stream_delta(event: &StreamEvent) -> Option<ConversationEvent> {
    if event.parent_tool_use_id.is_some() || event.event["type"] != "content_block_delta" {
        return None;
    }
    let delta = &event.event["delta"];
    let words = |key: &str| delta[key].as_str().map(str::to_owned);
    match delta["type"].as_str()? {
        "text_delta" => words("text").map(ConversationEvent::TextDelta),
        "thinking_delta" => words("thinking").map(ConversationEvent::ThinkingDelta),
        _ => None,
    }
}

/// What `claude` says of a command that nothing but the mode asks about (2.1.332).
const GENERAL_REASON: &str = "This command requires approval";

fn handle_control_request(request: ControlEnvelope<AgentControlRequest>) -> DriverOutput {
    let id = request.request_id;
    match request.request {
        AgentControlRequest::CanUseTool(asked) => {
            DriverOutput::Event(AgentEvent::PermissionRequested(PermissionRequest {
                description: asked.description,
                blocked_path: asked.blocked_path,
                reason: asked.decision_reason.filter(|reason| reason != GENERAL_REASON),
                ..PermissionRequest::new(id, asked.tool_name, asked.input)
            }))
        }
        // The slot declares no hooks and serves no MCP servers.
        AgentControlRequest::HookCallback { .. } => refuse_request(id, "hook_callback"),
        AgentControlRequest::McpMessage { .. } => refuse_request(id, "mcp_message"),
        AgentControlRequest::SessionStoreLoad { .. } => refuse_request(id, "session_store_load"),
        AgentControlRequest::Unknown(request) => {
            refuse_request(id, request["subtype"].as_str().unwrap_or("without a subtype"))
        }
    }
}

fn refuse_request(request_id: String, subtype: &str) -> DriverOutput {
    let error = format!("unsupported request: {subtype}");
    let error_code = Some(ErrorCode::UnsupportedRequest);
    send_frame(&HostFrame::ControlResponse {
        response: ControlResponse::Error { request_id, error, error_code },
    })
}

fn parse_session_id(text: &str) -> Option<SessionId> {
    text.parse().ok()
}
