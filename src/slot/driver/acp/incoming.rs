//! Handles messages from the agent: responses, requests and session updates.

use agent_client_protocol_schema::v1::{
    AvailableCommandsUpdate, CLIENT_METHOD_NAMES, Error, PromptResponse, RequestPermissionRequest,
    SessionNotification, SessionUpdate, StopReason, UsageUpdate,
};
use serde_json::Value;
use uuid::Uuid;

use super::connection::{AcpPending, respond_error};
use super::handshake::error_reason;
use super::permissions::cancelled_response;
use super::{AcpDriver, AcpTurn, reply_to, respond_to};
use crate::agent_api::{SetMode, SetModel};
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::{RequestId, RpcMessage, method_not_found};
use crate::session::SessionId;
use crate::session::conversation::{ConversationEvent, Notice, TurnCost};
use crate::session::message::Usage;
use crate::slot::driver::{AgentEvent, DriverOutput, JsonLine};
use crate::slot::{ContextUsage, PermissionDecision, PermissionRequest, PromptState, SlotTotals};

/// Maximum number of slash commands.
const MAX_COMMANDS: usize = 1000;

impl AcpDriver {
    pub(super) fn handle_line(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        match self.connection.receive(line) {
            RpcMessage::Response { then, result } => self.handle_response(then, result),
            RpcMessage::Notification { method, params } if method == CLIENT_METHOD_NAMES.session_update => {
                self.handle_update(params)
            }
            RpcMessage::Request { id, method, params }
                if method == CLIENT_METHOD_NAMES.session_request_permission =>
            {
                (None, self.handle_permission_request(id, params))
            }
            RpcMessage::Request { id, method, params } => {
                let known = self.handle_client_request(&method, &id, params);
                (None, known.unwrap_or_else(|| vec![respond_error(&id, &method_not_found(&method))]))
            }
            RpcMessage::Notification { .. } | RpcMessage::Unexpected | RpcMessage::Invalid(_) => {
                (None, Vec::new())
            }
        }
    }

    pub(super) fn handle_response(
        &mut self,
        step: AcpPending,
        result: Result<Value, Error>,
    ) -> (Option<SessionId>, Vec<DriverOutput>) {
        let events = match step {
            AcpPending::Hello(id) => self.initialized(id, result),
            AcpPending::FindSession(opening, folder) => self.sessions_listed(opening, folder, result),
            AcpPending::ListSessions(listed) => self.sessions_page(listed, result),
            AcpPending::OpenSession(opening, id) => self.session_opened(&opening, id, result),
            AcpPending::Prompt => return self.turn_ended(result),
            AcpPending::SetModel { ask: id, requested, value } => match result {
                Ok(reported) => {
                    // Not every response contains the new value.
                    self.options.set_current_model(&value);
                    self.options.update_from(&reported);
                    self.model = requested;
                    let model = self.options.model().map(str::to_owned);
                    vec![reply_to::<SetModel>(&id, Ok(model))]
                }
                Err(error) => vec![respond_to(&id, Err(error_reason(&error)))],
            },
            AcpPending::SetMode { ask: id, mode, value } => match result {
                Ok(reported) => {
                    self.options.set_current_mode(&value);
                    self.options.update_from(&reported);
                    self.permissions.mode = mode;
                    vec![reply_to::<SetMode>(&id, Ok(()))]
                }
                Err(error) => vec![respond_to(&id, Err(error_reason(&error)))],
            },
            AcpPending::CloseSession(session) => self.session_closed(session),
            AcpPending::Ignored => {
                if let Err(error) = result {
                    tracing::info!(code = i32::from(error.code), "the agent refused an optional request");
                }
                Vec::new()
            }
        };
        (None, events)
    }

    /// A session update. One for a session that is not active is part of a replayed
    /// history, or late.
    fn handle_update(&mut self, params: Value) -> (Option<SessionId>, Vec<DriverOutput>) {
        let is_options = params["update"]["sessionUpdate"] == "config_option_update";
        let options = if is_options { params["update"].clone() } else { Value::Null };
        let Ok(reported) = serde_json::from_value::<SessionNotification>(params) else {
            return (None, Vec::new());
        };
        let session = SessionId::from_external(&reported.session_id.0);
        if self.active.as_ref().is_none_or(|active| active.session != session) {
            // Some agents send the commands before the session is reported open.
            if let SessionUpdate::AvailableCommandsUpdate(reported) = reported.update {
                self.early_commands = Some((session, slash_commands(reported)));
            } else if let Some(history) = &mut self.replay {
                history.push(session, reported.update);
            }
            return (None, Vec::new());
        }
        let events = match reported.update {
            SessionUpdate::AgentMessageChunk(chunk) => self.assembler.push_reply(chunk),
            SessionUpdate::AgentThoughtChunk(chunk) => self.assembler.push_thought(chunk),
            SessionUpdate::ToolCall(call) => self.assembler.start_call(call),
            SessionUpdate::ToolCallUpdate(update) => self.assembler.update_call(update),
            SessionUpdate::Plan(plan) => self.assembler.push_plan(plan),
            SessionUpdate::AvailableCommandsUpdate(reported) => {
                vec![DriverOutput::Event(AgentEvent::SlashCommands(slash_commands(reported)))]
            }
            SessionUpdate::UsageUpdate(usage) => {
                self.note_usage(&usage);
                Vec::new()
            }
            SessionUpdate::CurrentModeUpdate(mode) => {
                self.options.set_current_mode(&mode.current_mode_id.0);
                self.follow_mode()
            }
            SessionUpdate::ConfigOptionUpdate(_) => {
                self.options.update_from(&options);
                let mut events = self.follow_mode();
                events.extend(
                    self.options
                        .model()
                        .map(|model| DriverOutput::Event(AgentEvent::ModelChanged(model.to_owned()))),
                );
                events
            }
            _ => Vec::new(),
        };
        (Some(session), events)
    }

    /// The agent entered its plan mode, or left it.
    fn follow_mode(&mut self) -> Vec<DriverOutput> {
        let mode = match (self.options.is_planning(), self.permissions.mode) {
            (true, _) => PermissionMode::Plan,
            (false, PermissionMode::Plan) => PermissionMode::Default,
            (false, mode) => mode,
        };
        self.permissions.mode = mode;
        vec![DriverOutput::Event(AgentEvent::ModeChanged(mode))]
    }

    fn note_usage(&mut self, usage: &UsageUpdate) {
        let percent = if usage.size == 0 { 0.0 } else { usage.used as f64 / usage.size as f64 * 100.0 };
        let context =
            ContextUsage { tokens: usage.used, max: usage.size, percent, ..ContextUsage::default() };
        self.context = Some(context);
        if let Some(cost) = usage.cost.as_ref().filter(|cost| cost.currency == "USD" && cost.amount > 0.0) {
            self.spent.usd = Some(cost.amount);
        }
    }

    /// The agent asks for a permission. One for another session than the active
    /// one has nobody to answer it.
    fn handle_permission_request(&mut self, id: RequestId, params: Value) -> Vec<DriverOutput> {
        let request = serde_json::from_value::<RequestPermissionRequest>(params);
        let Some(request) = request.ok().filter(|_| !self.permissions.is_full()) else {
            return vec![cancelled_response(&id)];
        };
        let session = SessionId::from_external(&request.session_id.0);
        let Some(active) = self.active.as_ref().filter(|active| active.session == session) else {
            return vec![cancelled_response(&id)];
        };
        let cwd = active.remote.cwd.clone();
        let (mut events, call) = self.assembler.call_for_permission(request.tool_call);
        let (tool, input) = call.official_tool();
        let by_mode = self.permissions.decide_by_mode(&call, &cwd);
        let description = Some(call.title.clone());
        let name = self.permissions.push(id, request.options, call);
        match by_mode {
            Some(decision) => {
                let allow = decision == PermissionDecision::AllowOnce;
                events.extend(self.answer_agent(&name, allow));
            }
            None => events.push(DriverOutput::Event(AgentEvent::PermissionRequested(PermissionRequest {
                description,
                ..PermissionRequest::new(name, tool, input)
            }))),
        }
        events
    }

    /// Answers the agent's own permission request; `None` if none has this id.
    pub(super) fn answer_agent(&mut self, name: &str, allow: bool) -> Option<DriverOutput> {
        let (answer, call) = self.permissions.answer(name, allow)?;
        if allow {
            let folder = self.session_folder();
            self.client_ops.grants.grant_call(&call, &folder);
        }
        Some(answer)
    }

    fn turn_ended(&mut self, result: Result<Value, Error>) -> (Option<SessionId>, Vec<DriverOutput>) {
        let Some(AcpTurn { uuid, session, since, totals_before: before }) = self.turn.take() else {
            return (None, Vec::new());
        };
        let mut events = self.assembler.flush();
        events.extend(self.permissions.cancel_all());
        events.extend(self.cancel_questions());
        self.client_ops.grants.clear();
        let mut usage = Usage::default();
        let notice = match result.map(serde_json::from_value::<PromptResponse>) {
            Ok(Ok(response)) => {
                usage = response.usage.map(|usage| token_usage(&usage)).unwrap_or_default();
                stop_notice(response.stop_reason)
            }
            Ok(Err(error)) => {
                Some((Notice::Error, format!("the agent's report of the turn is invalid: {error}")))
            }
            Err(error) => Some((Notice::Error, self.explain_error(&error).to_string())),
        };
        let report = Uuid::new_v4().to_string();
        events.extend(notice.map(|(notice, text)| {
            DriverOutput::changed(report.clone(), ConversationEvent::Notice(notice, text))
        }));
        self.spent.usage += usage;
        let usd = self.spent.usd.map(|usd| usd - before.usd.unwrap_or_default()).filter(|usd| *usd > 0.0);
        let cost = TurnCost { usd, usage, duration_ms: since.elapsed().as_millis() as u64 };
        let totals = SlotTotals { context_percent: None, ..self.spent };
        events.push(DriverOutput::TurnEnded { uuid: report, cost: Some(cost), totals });
        events.push(DriverOutput::prompt(uuid, PromptState::Completed));
        events.push(DriverOutput::Idle);
        if self.queued_switch.is_none() {
            // The session may have a title now.
            events.extend(self.request_sessions());
        }
        // Last, because from here on another session is active.
        if let Some(opening) = self.queued_switch.take() {
            events.extend(self.open_session(opening));
        }
        (Some(session), events)
    }
}

/// Slash commands: name and description. Names that cannot be typed are dropped.
fn slash_commands(reported: AvailableCommandsUpdate) -> Vec<(String, String)> {
    let typed = |name: &str| {
        let name = name.trim_start_matches('/');
        let odd = |letter: char| letter.is_whitespace() || letter.is_control();
        (!name.is_empty() && !name.contains(odd)).then(|| name.to_owned())
    };
    let reported = reported.available_commands.into_iter().take(MAX_COMMANDS);
    reported.filter_map(|command| Some((typed(&command.name)?, command.description))).collect()
}

fn stop_notice(reason: StopReason) -> Option<(Notice, String)> {
    match reason {
        StopReason::EndTurn => None,
        StopReason::Cancelled => Some((Notice::Interrupted, String::new())),
        StopReason::MaxTokens => Some((Notice::Error, "the reply was cut off at the token limit".to_owned())),
        StopReason::MaxTurnRequests => Some((Notice::Error, "the turn limit was reached".to_owned())),
        _ => Some((Notice::Error, "the model refused".to_owned())),
    }
}

fn token_usage(usage: &agent_client_protocol_schema::v1::Usage) -> Usage {
    Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens + usage.thought_tokens.unwrap_or_default(),
        cache_creation_input_tokens: usage.cached_write_tokens.unwrap_or_default(),
        cache_read_input_tokens: usage.cached_read_tokens.unwrap_or_default(),
        ..Usage::default()
    }
}
