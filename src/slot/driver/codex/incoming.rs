//! Messages from codex: responses, notifications, and requests of its own.

use serde_json::{Value, json};

use super::{CodexDriver, CodexPending, items};
use crate::protocol::json_rpc::{self, RpcError, RpcMessage};
use crate::session::SessionId;
use crate::session::conversation::{ConversationEvent, Notice, TurnCost};
use crate::session::message::Usage;
use crate::slot::driver::{AgentEvent, AgentResponse, DriverOutput, JsonLine, SwitchResult};
use crate::slot::{AgentInfo, ErrorCode, PromptState, SlotError, SlotTotals};

impl CodexDriver {
    pub(super) fn handle_line(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        match self.connection.receive(line) {
            RpcMessage::Response { then, result } => (None, self.handle_response(then, result)),
            RpcMessage::Request { id, method, params } => {
                (thread_of(&params), vec![self.server_request(&method, &id, &params)])
            }
            RpcMessage::Notification { method, params } => {
                (thread_of(&params), self.handle_notification(&method, &params))
            }
            RpcMessage::Unexpected | RpcMessage::Invalid(_) => (None, Vec::new()),
        }
    }

    pub(super) fn handle_response(
        &mut self,
        asked: CodexPending,
        result: Result<Value, RpcError>,
    ) -> Vec<DriverOutput> {
        let result = match &result {
            Ok(result) => Ok(result),
            Err(error) => Err(refusal(&error.message)),
        };
        let failed = |id: String, error| vec![DriverOutput::Response { id, answer: Err(error) }];
        match (asked, result) {
            (CodexPending::Ignored, _) => Vec::new(),
            (CodexPending::Done(id), result) => {
                vec![DriverOutput::Response { id, answer: result.map(|_| AgentResponse::Done) }]
            }
            (CodexPending::Call(id, reply), result) => {
                vec![DriverOutput::Response { id, answer: result.map(|_| AgentResponse::Reply(reply)) }]
            }
            (CodexPending::Turns(cut), turns) => self.turns_listed(cut, turns),
            (CodexPending::LastTurn(uuid), turns) => self.last_turn_found(uuid, turns),
            (CodexPending::Revert(uuid, gone), result) => self.reverted(uuid, gone, result),
            (CodexPending::Initialize(owed), Ok(hello)) => {
                self.handshake.version = version(hello["userAgent"].as_str().unwrap_or_default());
                let account = self.send_request("account/read", &json!({}), CodexPending::Account(owed));
                vec![DriverOutput::SendLine(json_rpc::notification("initialized", &json!({}))), account]
            }
            // A failure of either is not fatal.
            (CodexPending::Account(owed), result) => {
                let nobody =
                    |account: &Value| account["account"].is_null() && account["requiresOpenaiAuth"] == true;
                self.handshake.notice = result
                    .is_ok_and(nobody)
                    .then(|| "not logged in: run `codex login` in a terminal".to_owned());
                vec![self.send_request("model/list", &json!({}), CodexPending::Models(owed))]
            }
            (CodexPending::Models(owed), result) => {
                let models = result.ok().and_then(|result| result["data"].as_array()).into_iter().flatten();
                let name = |model: &Value| model["model"].as_str().map(str::to_owned);
                self.handshake.models = models.filter_map(name).collect();
                vec![self.open_first_thread(owed)]
            }
            (CodexPending::FirstThread(owed), Ok(opened)) => {
                let answer = self.thread_opened(opened).map(|switched| self.agent_info(switched, opened));
                vec![DriverOutput::Response { id: owed, answer: answer.map_err(SlotError::InvalidReply) }]
            }
            (CodexPending::Switch { request_id, left, title }, Ok(opened)) => {
                self.turn = None;
                let answer =
                    self.thread_opened(opened).map(|switched| AgentResponse::Switched(Box::new(switched)));
                let mut events = vec![DriverOutput::Response {
                    id: request_id,
                    answer: answer.map_err(SlotError::InvalidReply),
                }];
                if let Some((thread, title)) = self.thread.zip(title).filter(|_| !self.ephemeral) {
                    let params = json!({"threadId": thread, "name": title});
                    events.push(self.send_request("thread/name/set", &params, CodexPending::Ignored));
                }
                // Unsubscribing lets codex free the memory of the thread that was left.
                if let Some(left) = left.filter(|left| Some(*left) != self.thread) {
                    let params = json!({"threadId": left});
                    events.push(self.send_request("thread/unsubscribe", &params, CodexPending::Ignored));
                }
                events
            }
            (CodexPending::Prompt(_), Ok(started)) => self.turn_started(&started["turn"]),
            (CodexPending::Prompt(uuid), Err(error)) => {
                self.turn = None;
                let said = ConversationEvent::Notice(Notice::Error, error.to_string());
                vec![
                    DriverOutput::prompt(uuid.clone(), PromptState::Started),
                    DriverOutput::changed("", said),
                    DriverOutput::prompt(uuid, PromptState::Completed),
                    DriverOutput::Idle,
                ]
            }
            (CodexPending::Initialize(owed) | CodexPending::FirstThread(owed), Err(error)) => {
                failed(owed, error)
            }
            (CodexPending::Switch { request_id, .. }, Err(error)) => failed(request_id, error),
        }
    }

    /// A thread is open and active from now on.
    fn thread_opened(&mut self, opened: &Value) -> Result<SwitchResult, String> {
        let thread = &opened["thread"];
        let id = |name: &str| thread[name].as_str().and_then(|id| id.parse::<SessionId>().ok());
        let session = id("id").ok_or("codex opened a thread without an id")?;
        self.thread = Some(session);
        self.open_items.clear();
        self.thread_cwd = opened["cwd"].as_str().map_or_else(|| self.cwd.clone(), Into::into);
        (self.usage, self.context) = (Usage::default(), (0, self.context.1));
        Ok(SwitchResult {
            session,
            forked_from: id("forkedFromId"),
            pid: None,
            turns: 0,
            cwd: self.thread_cwd.clone(),
            transcript: thread["path"].as_str().map(Into::into).unwrap_or_default(),
            repaired: None,
            totals: SlotTotals::default(),
        })
    }

    fn agent_info(&mut self, switched: SwitchResult, opened: &Value) -> AgentResponse {
        let agent = AgentInfo {
            capabilities: super::CAPABILITIES,
            name: "codex".to_owned(),
            version: std::mem::take(&mut self.handshake.version),
            // The slot looks it up.
            pid: 0,
            model: opened["model"].as_str().unwrap_or_default().to_owned(),
            notice: self.handshake.notice.take(),
            session: switched.session,
            transcript: switched.transcript,
            cwd: switched.cwd,
            permission_mode: self.mode,
            commands: [
                ("compact", "replace the conversation by a summary"),
                ("revert", "undo the last turn; files are not changed"),
            ]
            .map(|(name, what)| (name.to_owned(), what.to_owned()))
            .to_vec(),
            models: std::mem::take(&mut self.handshake.models),
            mcp_servers: (0, 0),
            repaired: None,
        };
        AgentResponse::Handshake(Box::new(agent), SlotTotals::default())
    }

    /// The turn has an id now, so it can be interrupted.
    fn turn_started(&mut self, turn: &Value) -> Vec<DriverOutput> {
        let thread = self.thread;
        let (Some(running), Some(id)) = (&mut self.turn, turn["id"].as_str()) else { return Vec::new() };
        if !running.id.is_empty() {
            return Vec::new();
        }
        id.clone_into(&mut running.id);
        let started = DriverOutput::prompt(running.prompt.clone(), PromptState::Started);
        if !std::mem::take(&mut running.interrupt_requested) {
            return vec![started];
        }
        let params = json!({"threadId": thread, "turnId": id});
        vec![started, self.send_request("turn/interrupt", &params, CodexPending::Ignored)]
    }

    fn handle_notification(&mut self, method: &str, params: &Value) -> Vec<DriverOutput> {
        let words = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
        let grew = |change| vec![DriverOutput::changed("", change)];
        match method {
            "turn/started" => self.turn_started(&params["turn"]),
            "turn/completed" => self.turn_ended(&params["turn"]),
            "item/agentMessage/delta" => grew(ConversationEvent::TextDelta(words("delta"))),
            "item/reasoning/textDelta" | "item/reasoning/summaryTextDelta" => {
                grew(ConversationEvent::ThinkingDelta(words("delta")))
            }
            "item/commandExecution/outputDelta" => {
                grew(ConversationEvent::ToolOutput { tool_use_id: words("itemId"), text: words("delta") })
            }
            "item/started" | "item/fileChange/patchUpdated" => self.item_changed(method, params),
            "item/completed" => {
                self.open_items.remove(params["item"]["id"].as_str().unwrap_or_default());
                items::item_completed(&params["item"])
            }
            "thread/tokenUsage/updated" => {
                let usage = &params["tokenUsage"];
                self.usage = tokens(&usage["total"]);
                let number = |value: &Value| value.as_u64().unwrap_or_default();
                self.context = (number(&usage["last"]["totalTokens"]), number(&usage["modelContextWindow"]));
                Vec::new()
            }
            "serverRequest/resolved" => {
                vec![DriverOutput::Event(AgentEvent::PermissionDropped(params["requestId"].to_string()))]
            }
            "error" if params["willRetry"] == true => Vec::new(),
            "error" => {
                let why = params["error"]["message"].as_str().unwrap_or("codex failed and does not say why");
                grew(ConversationEvent::Notice(Notice::Error, why.to_owned()))
            }
            "model/rerouted" => params["toModel"]
                .as_str()
                .map(|model| DriverOutput::Event(AgentEvent::ModelChanged(model.to_owned())))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Keeps an item that has started, with the changes it has by now.
    fn item_changed(&mut self, method: &str, params: &Value) -> Vec<DriverOutput> {
        if method == "item/started" {
            let item = &params["item"];
            let id = items::string_field(item, "id");
            self.open_items.insert(id, item.clone());
            return items::item_started(item);
        }
        let id = items::string_field(params, "itemId");
        if let Some(item) = self.open_items.get_mut(&id).filter(|_| params["changes"].is_array()) {
            item["changes"] = params["changes"].clone();
        }
        Vec::new()
    }

    fn turn_ended(&mut self, ended: &Value) -> Vec<DriverOutput> {
        let Some(turn) = self.turn.take_if(|turn| ended["id"] == *turn.id) else { return Vec::new() };
        self.open_items.clear();
        let mut events = Vec::new();
        if ended["status"] == "interrupted" {
            let change = ConversationEvent::Notice(Notice::Interrupted, String::new());
            events.push(DriverOutput::changed("", change));
        }
        let spent = |now: fn(&Usage) -> u64| now(&self.usage).saturating_sub(now(&turn.usage_before));
        let usage = Usage {
            input_tokens: spent(|usage| usage.input_tokens),
            output_tokens: spent(|usage| usage.output_tokens),
            cache_read_input_tokens: spent(|usage| usage.cache_read_input_tokens),
            cache_creation_input_tokens: spent(|usage| usage.cache_creation_input_tokens),
            ..Usage::default()
        };
        let duration_ms = ended["durationMs"].as_u64().unwrap_or_default();
        let totals = SlotTotals { usd: None, usage: self.usage, context_percent: None };
        events.extend([
            DriverOutput::TurnEnded {
                uuid: turn.id,
                cost: Some(TurnCost { usd: None, usage, duration_ms }),
                totals,
            },
            DriverOutput::prompt(turn.prompt, PromptState::Completed),
            DriverOutput::Idle,
        ]);
        events
    }
}

/// The thread that a notification or request is about.
fn thread_of(params: &Value) -> Option<SessionId> {
    params["threadId"].as_str()?.parse().ok()
}

/// A refusal in codex's words. codex gives no error codes for these.
fn refusal(message: &str) -> SlotError {
    let unknown = message.contains("no rollout found") || message.contains("thread not found");
    let code = match message {
        _ if unknown => Some(ErrorCode::SessionNotFound),
        _ if message.contains("active writer") => Some(ErrorCode::SessionInUse),
        _ => None,
    };
    SlotError::Refused { code, message: message.chars().take(400).collect() }
}

/// codex's token counts in our terms: codex includes cached tokens in its input
/// tokens, we do not.
fn tokens(usage: &Value) -> Usage {
    let number = |name: &str| usage[name].as_u64().unwrap_or_default();
    let (read, written) = (number("cachedInputTokens"), number("cacheWriteInputTokens"));
    Usage {
        input_tokens: number("inputTokens").saturating_sub(read + written),
        output_tokens: number("outputTokens"),
        cache_read_input_tokens: read,
        cache_creation_input_tokens: written,
        ..Usage::default()
    }
}

/// `0.169.0` of `hotseat/0.169.0 (Debian …)`.
fn version(agent: &str) -> String {
    let (_, rest) = agent.split_once('/').unwrap_or_default();
    rest.split_whitespace().next().unwrap_or_default().to_owned()
}
