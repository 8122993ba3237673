//! Understands what the agent says: answers, questions, and news of a session.

use agent_client_protocol_schema::v1::{
    AvailableCommandsUpdate, CLIENT_METHOD_NAMES, Error, PromptResponse, RequestPermissionRequest,
    SessionNotification, SessionUpdate, StopReason, UsageUpdate,
};
use serde_json::Value;
use uuid::Uuid;

use super::connection::{Step, refuse};
use super::greeting::reason;
use super::permit::cancelled;
use super::{Acp, Turn, answer};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::{Change, Notice, TurnCost};
use crate::session::message::Usage;
use crate::slot::driver::{Answer, Heard, Line};
use crate::slot::{ContextUsage, PermissionRequest, PromptState, Totals, Verdict};

/// Slash commands of an agent that are taken at most.
const COMMANDS: usize = 1000;

impl Acp {
    pub(super) fn take(&mut self, mut line: Line) -> (Option<SessionId>, Vec<Heard>) {
        let Some(method) = line["method"].as_str().map(str::to_owned) else {
            return match self.connection.answered(&mut line) {
                Some((step, result)) => self.answered(step, result),
                None => (None, Vec::new()),
            };
        };
        let (id, params) = (line["id"].take(), line["params"].take());
        if method == CLIENT_METHOD_NAMES.session_update {
            self.told(params)
        } else if method == CLIENT_METHOD_NAMES.session_request_permission {
            (None, self.asked(id, params))
        } else if id.is_null() {
            (None, Vec::new())
        } else {
            (None, self.lend(&method, &id, params).unwrap_or_else(|| vec![refuse(&id, &method)]))
        }
    }

    fn answered(&mut self, step: Step, result: Result<Value, Error>) -> (Option<SessionId>, Vec<Heard>) {
        let heard = match step {
            Step::Hello(id) => self.greeted(id, result),
            Step::Listed(opening, folder) => self.listed(opening, folder, result),
            Step::Sessions(listed) => self.told_sessions(listed, result),
            Step::Opened(opening, id) => self.opened(&opening, id, result),
            Step::Prompted => return self.turn_over(result),
            Step::Model { ask: id, wanted, value } => match result {
                Ok(told) => {
                    // Not every answer says it.
                    self.options.note_model(&value);
                    self.options.read(&told);
                    self.model = wanted;
                    let model = self.options.model().map(str::to_owned);
                    vec![answer(&id, Ok(Answer::Model(model)))]
                }
                Err(error) => vec![answer(&id, Err(reason(&error)))],
            },
            Step::Mode { ask: id, mode, value } => match result {
                Ok(told) => {
                    self.options.note_mode(&value);
                    self.options.read(&told);
                    self.permits.mode = mode;
                    vec![answer(&id, Ok(Answer::Done))]
                }
                Err(error) => vec![answer(&id, Err(reason(&error)))],
            },
            Step::Closed(session) => self.closed(session),
            Step::Note => {
                if let Err(error) = result {
                    tracing::info!(
                        code = i32::from(error.code),
                        "the agent refused what was asked along the way"
                    );
                }
                Vec::new()
            }
        };
        (None, heard)
    }

    /// News of a session. Those of another than the active one are a history
    /// that is replayed, or late.
    fn told(&mut self, params: Value) -> (Option<SessionId>, Vec<Heard>) {
        let is_options = params["update"]["sessionUpdate"] == "config_option_update";
        let options = if is_options { params["update"].clone() } else { Value::Null };
        let Ok(told) = serde_json::from_value::<SessionNotification>(params) else {
            return (None, Vec::new());
        };
        let session = SessionId::named(&told.session_id.0);
        if self.active.as_ref().is_none_or(|active| active.session != session) {
            // Some say so before they say that the session is open.
            if let SessionUpdate::AvailableCommandsUpdate(told) = told.update {
                self.early = Some((session, commands(told)));
            } else if let Some(history) = &mut self.history {
                history.take(session, told.update);
            }
            return (None, Vec::new());
        }
        let heard = match told.update {
            SessionUpdate::AgentMessageChunk(chunk) => self.said.reply(chunk),
            SessionUpdate::AgentThoughtChunk(chunk) => self.said.think(chunk),
            SessionUpdate::ToolCall(call) => self.said.call(call),
            SessionUpdate::ToolCallUpdate(update) => self.said.call_moved(update),
            SessionUpdate::Plan(plan) => self.said.plan(plan),
            SessionUpdate::AvailableCommandsUpdate(told) => vec![Heard::Commands(commands(told))],
            SessionUpdate::UsageUpdate(usage) => {
                self.count(&usage);
                Vec::new()
            }
            SessionUpdate::CurrentModeUpdate(mode) => {
                self.options.note_mode(&mode.current_mode_id.0);
                self.follow_mode()
            }
            SessionUpdate::ConfigOptionUpdate(_) => {
                self.options.read(&options);
                let mut heard = self.follow_mode();
                heard.extend(self.options.model().map(|model| Heard::Model(model.to_owned())));
                heard
            }
            _ => Vec::new(),
        };
        (Some(session), heard)
    }

    /// The agent went into its plan mode, or left it.
    fn follow_mode(&mut self) -> Vec<Heard> {
        let mode = match (self.options.plans(), self.permits.mode) {
            (true, _) => PermissionMode::Plan,
            (false, PermissionMode::Plan) => PermissionMode::Default,
            (false, mode) => mode,
        };
        self.permits.mode = mode;
        vec![Heard::Mode(mode)]
    }

    fn count(&mut self, usage: &UsageUpdate) {
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
    fn asked(&mut self, id: Value, params: Value) -> Vec<Heard> {
        let request = serde_json::from_value::<RequestPermissionRequest>(params);
        let Some(request) = request.ok().filter(|_| !self.permits.are_too_many()) else {
            return vec![cancelled(&id)];
        };
        let session = SessionId::named(&request.session_id.0);
        let Some(active) = self.active.as_ref().filter(|active| active.session == session) else {
            return vec![cancelled(&id)];
        };
        let cwd = active.place.cwd.clone();
        let (mut heard, call) = self.said.asked(request.tool_call);
        let (tool, input) = call.official();
        let by_mode = self.permits.by_mode(call.kind, call.lies_in(&cwd));
        let description = Some(call.title.clone());
        let name = self.permits.take(id, request.options, call);
        match by_mode {
            Some(verdict) => heard.extend(self.permit(&name, &verdict)),
            None => heard.push(Heard::Permission(PermissionRequest {
                id: name,
                tool,
                input,
                description,
                suggestions: Vec::new(),
            })),
        }
        heard
    }

    /// Answers the agent's question; none where nothing waits under this name.
    pub(super) fn permit(&mut self, name: &str, verdict: &Verdict) -> Option<Heard> {
        let (answer, call) = self.permits.answer(name, verdict)?;
        if let (Verdict::Once | Verdict::Session, Some(active)) = (verdict, &self.active) {
            self.lending.grants.allow(active.session, &call, *verdict == Verdict::Session);
        }
        Some(answer)
    }

    fn turn_over(&mut self, result: Result<Value, Error>) -> (Option<SessionId>, Vec<Heard>) {
        let Some(Turn { uuid, session, since, before }) = self.turn.take() else { return (None, Vec::new()) };
        let mut heard = self.said.complete();
        heard.extend(self.permits.drop_all());
        heard.extend(self.drop_questions());
        self.lending.grants.end_turn();
        let mut usage = Usage::default();
        let notice = match result.map(serde_json::from_value::<PromptResponse>) {
            Ok(Ok(response)) => {
                usage = response.usage.map(|usage| tokens(&usage)).unwrap_or_default();
                notice(response.stop_reason)
            }
            Ok(Err(error)) => Some((Notice::Error, format!("the end of the turn makes no sense: {error}"))),
            Err(error) => Some((Notice::Error, self.why(&error).to_string())),
        };
        let report = Uuid::new_v4().to_string();
        heard.extend(notice.map(|(notice, text)| Heard::Grew {
            uuid: report.clone(),
            change: Change::Notice(notice, text),
        }));
        self.spent.usage += usage;
        let usd = self.spent.usd.map(|usd| usd - before.usd.unwrap_or_default()).filter(|usd| *usd > 0.0);
        let cost = TurnCost { usd, usage, duration_ms: since.elapsed().as_millis() as u64 };
        let totals = Totals { context_percent: None, ..self.spent };
        heard.push(Heard::Ended { uuid: report, cost: Some(cost), totals });
        heard.push(Heard::Prompt { uuid, state: PromptState::Completed });
        heard.push(Heard::Quiet);
        if self.waits.is_none() {
            // It may bear a title now.
            heard.extend(self.ask_sessions());
        }
        // Last, for from here on another session speaks.
        if let Some(opening) = self.waits.take() {
            heard.extend(self.open(opening));
        }
        (Some(session), heard)
    }
}

/// Slash commands by name, and what they do. One that cannot be typed is none.
fn commands(told: AvailableCommandsUpdate) -> Vec<(String, String)> {
    let typed = |name: &str| {
        let name = name.trim_start_matches('/');
        let odd = |letter: char| letter.is_whitespace() || letter.is_control();
        (!name.is_empty() && !name.contains(odd)).then(|| name.to_owned())
    };
    let told = told.available_commands.into_iter().take(COMMANDS);
    told.filter_map(|command| Some((typed(&command.name)?, command.description))).collect()
}

fn notice(reason: StopReason) -> Option<(Notice, String)> {
    match reason {
        StopReason::EndTurn => None,
        StopReason::Cancelled => Some((Notice::Interrupted, String::new())),
        StopReason::MaxTokens => {
            Some((Notice::Error, "the reply is cut off: it reached its limit".to_owned()))
        }
        StopReason::MaxTurnRequests => Some((Notice::Error, "the turn limit is reached".to_owned())),
        _ => Some((Notice::Error, "the model refused".to_owned())),
    }
}

fn tokens(usage: &agent_client_protocol_schema::v1::Usage) -> Usage {
    Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens + usage.thought_tokens.unwrap_or_default(),
        cache_creation_input_tokens: usage.cached_write_tokens.unwrap_or_default(),
        cache_read_input_tokens: usage.cached_read_tokens.unwrap_or_default(),
        ..Usage::default()
    }
}
