//! What codex says: answers, notifications, and requests of its own.

use serde_json::{Value, json};

use super::{Asked, Codex, items};
use crate::session::SessionId;
use crate::session::conversation::{Change, Notice, TurnCost};
use crate::session::message::Usage;
use crate::slot::driver::{Answer, Heard, Line, Seated};
use crate::slot::{Agent, PermissionRequest, PromptState, SlotError, Totals};

impl Codex {
    pub(super) fn heard(&mut self, line: &Line) -> (Option<SessionId>, Vec<Heard>) {
        let (params, id) = (&line["params"], &line["id"]);
        match (line["method"].as_str(), id.is_null()) {
            (None, false) => (None, self.answered(line)),
            (Some(method), false) => (thread(params), vec![request(method, id, params)]),
            (Some(method), true) => (thread(params), self.notified(method, params)),
            (None, true) => (None, Vec::new()),
        }
    }

    fn answered(&mut self, line: &Line) -> Vec<Heard> {
        let id = line["id"].as_str().unwrap_or_default();
        let Some(asked) = self.asked.remove(id) else { return Vec::new() };
        let result = match line["error"]["message"].as_str() {
            Some(error) => Err(refused(error)),
            None => Ok(&line["result"]),
        };
        let failed = |id: String, error| vec![Heard::Answer { id, answer: Err(error) }];
        match (asked, result) {
            (Asked::Nothing, _) => Vec::new(),
            (Asked::Plain, result) => {
                vec![Heard::Answer { id: id.to_owned(), answer: result.map(|_| Answer::Done) }]
            }
            (Asked::Turns(cut), turns) => self.looked(cut, turns),
            (Asked::LastTurn(uuid), turns) => self.revert_to(uuid, turns),
            (Asked::Reverted(uuid, gone), result) => self.reverted(uuid, gone, result),
            (Asked::Initialize(owed), Ok(hello)) => {
                self.hello.version = version(hello["userAgent"].as_str().unwrap_or_default());
                let step = format!("{owed}/account");
                let account = self.request(&step, Asked::Account(owed), "account/read", &json!({}));
                vec![Heard::Send(json!({"method": "initialized"})), account]
            }
            // Neither is needed to go on.
            (Asked::Account(owed), result) => {
                let nobody =
                    |account: &Value| account["account"].is_null() && account["requiresOpenaiAuth"] == true;
                self.hello.notice = result
                    .is_ok_and(nobody)
                    .then(|| "not logged in - run `codex login` in a terminal".to_owned());
                let step = format!("{owed}/models");
                vec![self.request(&step, Asked::Models(owed), "model/list", &json!({}))]
            }
            (Asked::Models(owed), result) => {
                let models = result.ok().and_then(|result| result["data"].as_array()).into_iter().flatten();
                let name = |model: &Value| model["model"].as_str().map(str::to_owned);
                self.hello.models = models.filter_map(name).collect();
                vec![self.first(owed)]
            }
            (Asked::First(owed), Ok(opened)) => {
                let answer = self.opened(opened).map(|seated| self.agent(seated, opened));
                vec![Heard::Answer { id: owed, answer: answer.map_err(SlotError::Nonsense) }]
            }
            (Asked::Switch(left, title), Ok(opened)) => {
                self.turn = None;
                let answer = self.opened(opened).map(|seated| Answer::Seated(Box::new(seated)));
                let mut heard =
                    vec![Heard::Answer { id: id.to_owned(), answer: answer.map_err(SlotError::Nonsense) }];
                if let Some((thread, title)) = self.thread.zip(title).filter(|_| !self.ephemeral) {
                    let step = format!("{id}/title");
                    let params = json!({"threadId": thread, "name": title});
                    heard.push(self.request(&step, Asked::Nothing, "thread/name/set", &params));
                }
                // What is not heard of any more need not be kept in memory either.
                if let Some(left) = left.filter(|left| Some(*left) != self.thread) {
                    let step = format!("{id}/left");
                    let params = json!({"threadId": left});
                    heard.push(self.request(&step, Asked::Nothing, "thread/unsubscribe", &params));
                }
                heard
            }
            (Asked::Prompt(_), Ok(started)) => self.begun(&started["turn"]),
            (Asked::Prompt(uuid), Err(error)) => {
                self.turn = None;
                let said = Change::Notice(Notice::Error, error.to_string());
                vec![
                    Heard::Prompt { uuid: uuid.clone(), state: PromptState::Started },
                    Heard::Grew { uuid: String::new(), change: said },
                    Heard::Prompt { uuid, state: PromptState::Completed },
                    Heard::Quiet,
                ]
            }
            (Asked::Initialize(owed) | Asked::First(owed), Err(error)) => failed(owed, error),
            (Asked::Switch(..), Err(error)) => failed(id.to_owned(), error),
        }
    }

    /// A thread is open, and the active one from now on.
    fn opened(&mut self, opened: &Value) -> Result<Seated, String> {
        let thread = &opened["thread"];
        let id = |name: &str| thread[name].as_str().and_then(|id| id.parse::<SessionId>().ok());
        let session = id("id").ok_or("it opened a thread without an id")?;
        self.thread = Some(session);
        (self.usage, self.context) = (Usage::default(), (0, self.context.1));
        Ok(Seated {
            session,
            forked_from: id("forkedFromId"),
            pid: None,
            turns: 0,
            cwd: opened["cwd"].as_str().map_or_else(|| self.cwd.clone(), Into::into),
            transcript: thread["path"].as_str().map(Into::into).unwrap_or_default(),
            repaired: None,
            totals: Totals::default(),
        })
    }

    fn agent(&mut self, seated: Seated, opened: &Value) -> Answer {
        let agent = Agent {
            abilities: super::ABILITIES,
            name: "codex".to_owned(),
            version: std::mem::take(&mut self.hello.version),
            // Whoever started it knows.
            pid: 0,
            model: opened["model"].as_str().unwrap_or_default().to_owned(),
            notice: self.hello.notice.take(),
            session: seated.session,
            transcript: seated.transcript,
            cwd: seated.cwd,
            permission_mode: self.mode,
            commands: [
                ("compact", "put a summary in the place of what was said"),
                ("revert", "take the last turn back; files stay as they are"),
            ]
            .map(|(name, what)| (name.to_owned(), what.to_owned()))
            .to_vec(),
            models: std::mem::take(&mut self.hello.models),
            mcp: (0, 0),
            repaired: None,
        };
        Answer::Agent(Box::new(agent), Totals::default())
    }

    /// The turn has an id now, by which it can be stopped.
    fn begun(&mut self, turn: &Value) -> Vec<Heard> {
        let thread = self.thread;
        let (Some(running), Some(id)) = (&mut self.turn, turn["id"].as_str()) else { return Vec::new() };
        if !running.id.is_empty() {
            return Vec::new();
        }
        id.clone_into(&mut running.id);
        let started = Heard::Prompt { uuid: running.prompt.clone(), state: PromptState::Started };
        if !std::mem::take(&mut running.stop) {
            return vec![started];
        }
        let params = json!({"threadId": thread, "turnId": id});
        vec![started, self.request(&format!("stop-{id}"), Asked::Nothing, "turn/interrupt", &params)]
    }

    fn notified(&mut self, method: &str, params: &Value) -> Vec<Heard> {
        let words = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
        let grew = |change| vec![Heard::Grew { uuid: String::new(), change }];
        match method {
            "turn/started" => self.begun(&params["turn"]),
            "turn/completed" => self.ended(&params["turn"]),
            "item/agentMessage/delta" => grew(Change::TextDelta(words("delta"))),
            "item/reasoning/textDelta" | "item/reasoning/summaryTextDelta" => {
                grew(Change::ThinkingDelta(words("delta")))
            }
            "item/commandExecution/outputDelta" => {
                grew(Change::ToolOutput { tool_use_id: words("itemId"), text: words("delta") })
            }
            "item/started" => items::started(&params["item"]),
            "item/completed" => items::completed(&params["item"]),
            "thread/tokenUsage/updated" => {
                let usage = &params["tokenUsage"];
                self.usage = tokens(&usage["total"]);
                let number = |value: &Value| value.as_u64().unwrap_or_default();
                self.context = (number(&usage["last"]["totalTokens"]), number(&usage["modelContextWindow"]));
                Vec::new()
            }
            "serverRequest/resolved" => vec![Heard::PermissionDropped(params["requestId"].to_string())],
            "error" if params["willRetry"] == true => Vec::new(),
            "error" => {
                let why = params["error"]["message"].as_str().unwrap_or("codex failed and does not say why");
                grew(Change::Notice(Notice::Error, why.to_owned()))
            }
            "model/rerouted" => {
                params["toModel"].as_str().map(|model| Heard::Model(model.to_owned())).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn ended(&mut self, ended: &Value) -> Vec<Heard> {
        let Some(turn) = self.turn.take_if(|turn| ended["id"] == *turn.id) else { return Vec::new() };
        let mut heard = Vec::new();
        if ended["status"] == "interrupted" {
            let change = Change::Notice(Notice::Interrupted, String::new());
            heard.push(Heard::Grew { uuid: String::new(), change });
        }
        let spent = |now: fn(&Usage) -> u64| now(&self.usage).saturating_sub(now(&turn.before));
        let usage = Usage {
            input_tokens: spent(|usage| usage.input_tokens),
            output_tokens: spent(|usage| usage.output_tokens),
            cache_read_input_tokens: spent(|usage| usage.cache_read_input_tokens),
            cache_creation_input_tokens: spent(|usage| usage.cache_creation_input_tokens),
            ..Usage::default()
        };
        let duration_ms = ended["durationMs"].as_u64().unwrap_or_default();
        let totals = Totals { usd: None, usage: self.usage, context_percent: None };
        heard.extend([
            Heard::Ended { uuid: turn.id, cost: Some(TurnCost { usd: None, usage, duration_ms }), totals },
            Heard::Prompt { uuid: turn.prompt, state: PromptState::Completed },
            Heard::Quiet,
        ]);
        heard
    }
}

/// The thread that a notification or a request is about.
fn thread(params: &Value) -> Option<SessionId> {
    params["threadId"].as_str()?.parse().ok()
}

/// Codex wants to know something.
fn request(method: &str, id: &Value, params: &Value) -> Heard {
    let reason = params["reason"].as_str().map(str::to_owned);
    let asks = |tool: &str, input| {
        let tool = tool.to_owned();
        let suggestions = Vec::new();
        Heard::Permission(PermissionRequest {
            id: id.to_string(),
            tool,
            input,
            description: reason,
            suggestions,
        })
    };
    match method {
        "item/commandExecution/requestApproval" => asks("Bash", json!({"command": items::command(params)})),
        "item/fileChange/requestApproval" => asks(
            "Edit",
            json!({"file_path": params["grantRoot"].as_str().unwrap_or("the files shown above")}),
        ),
        // Whoever asks for what nobody can be asked here gets an answer, too.
        other => Heard::Send(json!({"id": id, "error": {
            "code": -32601, "message": format!("{other} is not served here"),
        }})),
    }
}

/// A refusal, in codex's words.
fn refused(message: &str) -> SlotError {
    let unknown = message.contains("no rollout found") || message.contains("thread not found");
    let code = match message {
        _ if unknown => "session_not_found",
        _ if message.contains("active writer") => "session_in_use",
        _ => "",
    };
    SlotError::Refused { code: code.to_owned(), message: message.chars().take(400).collect() }
}

/// Its tokens, as ours: what came from the cache is no input of its own.
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
