//! Understands what the agent says on its own.

use std::time::Duration;

use serde_json::Value;

use super::{Expected, StreamJson, answer, send};
use crate::protocol::{
    AgentFrame, AgentRequest, ControlEnvelope, ControlResponse, ErrorCode, HostFrame, MessageFrame,
    StreamEvent, SystemFrame, ToolProgress, TurnResult,
};
use crate::session::SessionId;
use crate::session::conversation::{Change, Notice, TurnCost, changes_of_assistant, changes_of_user};
use crate::session::message::{Message, Usage};
use crate::slot::driver::{Heard, Line};
use crate::slot::{PermissionRequest, PromptState, Retry, SlotError, Totals};

impl StreamJson {
    /// What a line means, and the session it belongs to where it says so.
    pub fn hear(&mut self, line: Line) -> (Option<SessionId>, Vec<Heard>) {
        match serde_json::from_value(line) {
            Ok(frame) => self.hear_frame(frame),
            Err(error) => {
                tracing::debug!(%error, "a frame that makes no sense");
                (None, Vec::new())
            }
        }
    }

    fn hear_frame(&mut self, frame: AgentFrame) -> (Option<SessionId>, Vec<Heard>) {
        match frame {
            AgentFrame::System(frame) => (id(&frame.session_id), system(&frame)),
            AgentFrame::StreamEvent(event) => {
                (id(&event.session_id), delta(&event).map(|change| grew("", change)).into_iter().collect())
            }
            AgentFrame::ToolProgress(progress) => {
                let ToolProgress { tool_use_id, output: text, session_id, .. } = progress;
                let grew = (!text.is_empty()).then(|| grew("", Change::ToolOutput { tool_use_id, text }));
                (id(&session_id), grew.into_iter().collect())
            }
            AgentFrame::Assistant(frame) => {
                (id(&frame.session_id), message(frame, changes_of_assistant_frame))
            }
            AgentFrame::User(frame) => (id(&frame.session_id), message(frame, changes_of_user_frame)),
            AgentFrame::Result(result) => (id(&result.session_id), self.ended(result)),
            AgentFrame::ControlRequest(request) => (None, vec![requested(request)]),
            AgentFrame::ControlResponse { response } => (None, vec![self.answered(response)]),
            AgentFrame::ControlCancelRequest { request_id } => {
                (None, vec![Heard::PermissionDropped(request_id)])
            }
            AgentFrame::ConversationReset(reset) => {
                let what = match reset.trigger.as_str() {
                    "resume" => "resume",
                    "fork" => "fork",
                    _ => "clear",
                };
                self.begin_anew();
                let to = id(&reset.new_conversation_id);
                (id(&reset.session_id), to.map(|to| Heard::Reset { to, what }).into_iter().collect())
            }
            AgentFrame::CommandLifecycle { command_uuid, state, session_id } => {
                let state = match state.as_str() {
                    "queued" => PromptState::Queued,
                    "started" => PromptState::Started,
                    "cancelled" => PromptState::Cancelled,
                    _ => PromptState::Completed,
                };
                (id(&session_id), vec![Heard::Prompt { uuid: command_uuid, state }])
            }
            AgentFrame::TranscriptMirror { .. } | AgentFrame::KeepAlive | AgentFrame::Unknown(_) => {
                (None, Vec::new())
            }
        }
    }

    fn answered(&mut self, response: ControlResponse) -> Heard {
        match response {
            ControlResponse::Success { request_id: id, response } => {
                let expected = self.expected.remove(&id).unwrap_or(Expected::Nothing);
                let answer = self.answer(expected, response);
                Heard::Answer { id, answer }
            }
            ControlResponse::Error { request_id: id, error, error_code } => {
                self.expected.remove(&id);
                let code = error_code.unwrap_or_default();
                let error = if code == ErrorCode::Busy.wire_name() {
                    SlotError::Busy
                } else {
                    SlotError::Refused { code, message: error }
                };
                Heard::Answer { id, answer: Err(error) }
            }
        }
    }

    fn ended(&mut self, result: TurnResult) -> Vec<Heard> {
        let mut heard = Vec::new();
        let local = result.rest.contains_key("local_command");
        if let Some((notice, text)) = notice(&result, local) {
            heard.push(grew(&result.uuid, Change::Notice(notice, text)));
        }
        let before = self.spent;
        let of_turn: Usage = serde_json::from_value(result.usage).unwrap_or_default();
        let spent = Totals {
            usd: Some(result.total_cost_usd),
            usage: of_all_models(&result.model_usage).unwrap_or_else(|| {
                let mut usage = before.unwrap_or_default().usage;
                usage += of_turn;
                usage
            }),
            context_percent: None,
        };
        self.spent = Some(spent);
        let paid = before.map(|before| result.total_cost_usd - before.usd.unwrap_or_default());
        let cost = TurnCost {
            // The wire wants a number: 0 is what nobody knows, or nothing.
            usd: paid.filter(|usd| *usd > 0.0),
            usage: before.map_or(of_turn, |before| grown(before.usage, spent.usage)),
            duration_ms: result.duration_ms,
        };
        heard.push(Heard::Ended { uuid: result.uuid, cost: (!local).then_some(cost), totals: spent });
        heard
    }
}

/// What a person is told of the end of a turn that said nothing in its replies.
fn notice(result: &TurnResult, local: bool) -> Option<(Notice, String)> {
    let said = || result.result.clone().filter(|text| !text.is_empty());
    let errors = || {
        let texts = result.rest.get("errors")?.as_array()?.iter().filter_map(Value::as_str);
        Some(texts.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
    };
    match result.subtype.as_str() {
        "success" if local => said().map(|text| (Notice::Info, text)),
        "error_max_turns" => Some((Notice::Error, "the turn limit is reached".to_owned())),
        "error_max_budget_usd" => Some((Notice::Error, "the budget is spent".to_owned())),
        // Such as that it is not logged in.
        "success" if result.is_error => said().map(|text| (Notice::Error, text)),
        "success" => None,
        // An interruption ends so too, and has said so in a message.
        _ => errors().or_else(said).map(|text| (Notice::Error, text)),
    }
}

/// The tokens of all models together; none where the agent does not count so.
fn of_all_models(models: &Value) -> Option<Usage> {
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

fn grown(before: Usage, now: Usage) -> Usage {
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

fn system(frame: &SystemFrame) -> Vec<Heard> {
    let words = |key: &str| frame.rest.get(key).and_then(Value::as_str);
    let mode = || words("permissionMode").and_then(|mode| mode.parse().ok()).map(Heard::Mode);
    match frame.subtype.as_str() {
        "init" => {
            let model = words("model").map(|model| Heard::Model(model.to_owned()));
            let servers = frame.rest.get("mcp_servers").and_then(Value::as_array).map(|servers| {
                let (connected, of) = answer::connected(servers);
                Heard::Servers(connected, of)
            });
            model.into_iter().chain(mode()).chain(servers).collect()
        }
        "status" => mode().into_iter().collect(),
        "session_state_changed" if words("state") == Some("idle") => vec![Heard::Quiet],
        "informational" => words("content")
            .map(|text| grew("", Change::Notice(Notice::Info, text.to_owned())))
            .into_iter()
            .collect(),
        "api_retry" => retried(frame),
        "compact_boundary" => vec![grew("", Change::Notice(Notice::Compacted, String::new()))],
        _ => Vec::new(),
    }
}

/// The reply that was under way is void, and another will be asked for.
fn retried(frame: &SystemFrame) -> Vec<Heard> {
    let number = |key: &str| frame.rest.get(key).and_then(Value::as_u64).unwrap_or(0);
    let words = |key: &str| frame.rest.get(key).and_then(Value::as_str).map(str::to_owned);
    let dropped = frame.rest.get("dropped").and_then(Value::as_array).into_iter().flatten();
    let dropped = dropped.filter_map(|uuid| uuid.as_str().map(str::to_owned)).collect();
    let retry = Retry {
        attempt: number("attempt"),
        most: number("max_retries"),
        wait: Duration::from_millis(number("retry_delay_ms")),
        reason: words("message").or_else(|| words("error")).unwrap_or_default(),
    };
    vec![grew("", Change::Dropped(dropped)), Heard::Retry(retry)]
}

/// A sub-agent's frames are part of a tool call, not of the conversation.
fn message(frame: MessageFrame, changes: fn(MessageFrame) -> Vec<Change>) -> Vec<Heard> {
    if frame.parent_tool_use_id.is_some() {
        return Vec::new();
    }
    let uuid = frame.uuid.clone();
    changes(frame).into_iter().map(|change| grew(&uuid, change)).collect()
}

fn changes_of_assistant_frame(frame: MessageFrame) -> Vec<Change> {
    // Why no reply came is told once more, with the end of the turn.
    if frame.rest.get("error").is_some_and(Value::is_string) {
        return Vec::new();
    }
    Message::of_value(frame.message).map(changes_of_assistant).unwrap_or_default()
}

/// Prompts are left out: the slot knows them, and no agent but a replaying one
/// says them again.
fn changes_of_user_frame(frame: MessageFrame) -> Vec<Change> {
    let Some(message) = Message::of_value(frame.message) else { return Vec::new() };
    let mut changes = changes_of_user(message, frame.tool_use_result);
    changes.retain(|change| !matches!(change, Change::Prompt(_)));
    changes
}

fn delta(event: &StreamEvent) -> Option<Change> {
    if event.parent_tool_use_id.is_some() || event.event["type"] != "content_block_delta" {
        return None;
    }
    let delta = &event.event["delta"];
    let words = |key: &str| delta[key].as_str().map(str::to_owned);
    match delta["type"].as_str()? {
        "text_delta" => words("text").map(Change::TextDelta),
        "thinking_delta" => words("thinking").map(Change::ThinkingDelta),
        _ => None,
    }
}

fn requested(request: ControlEnvelope<AgentRequest>) -> Heard {
    let id = request.request_id;
    match request.request {
        AgentRequest::CanUseTool(asked) => Heard::Permission(PermissionRequest {
            id,
            tool: asked.tool_name,
            input: asked.input,
            description: asked.description,
            suggestions: asked.permission_suggestions.unwrap_or_default(),
        }),
        // The slot declares no hooks and serves no MCP servers.
        AgentRequest::HookCallback { .. } => refused(id, "hook_callback"),
        AgentRequest::McpMessage { .. } => refused(id, "mcp_message"),
        AgentRequest::Unknown(request) => {
            refused(id, request["subtype"].as_str().unwrap_or("without a subtype"))
        }
    }
}

fn refused(request_id: String, subtype: &str) -> Heard {
    let error = format!("unsupported request: {subtype}");
    let error_code = Some(ErrorCode::UnsupportedRequest.wire_name().to_owned());
    send(&HostFrame::ControlResponse { response: ControlResponse::Error { request_id, error, error_code } })
}

fn grew(uuid: &str, change: Change) -> Heard {
    Heard::Grew { uuid: uuid.to_owned(), change }
}

fn id(text: &str) -> Option<SessionId> {
    text.parse().ok()
}
