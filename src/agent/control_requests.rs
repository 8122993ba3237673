//! The host's control requests, each answered once and at once, also while a turn
//! runs.
//!
//! Owns what each request does. Must never wait: an answer that takes time would
//! hold up the turn.

use std::time::Instant;

use serde_json::{Value, json};

use super::frames::{CAPABILITIES, RequestError, send_answer_to};
use super::provider::Thinking;
use super::runtime::AgentRuntime;
use super::switch::SwitchRequest;
use crate::protocol::{
    CLAUDE_CODE_VERSION, ErrorCode, HostControlRequest, InitializeResponse, PermissionMode,
};

/// Known subtypes: a request of one of these that did not parse lacks a field.
const KNOWN_REQUESTS: [&str; 14] = [
    "rewind_files",
    "set_permission_mode",
    "set_model",
    "rename_session",
    "cancel_async_message",
    "end_session",
    "clear",
    "resume",
    "load_session",
    "fork",
    "set_max_thinking_tokens",
    "mcp_reconnect",
    "mcp_toggle",
    "mcp_set_servers",
];

impl AgentRuntime {
    /// Answers one request.
    pub(super) fn handle_request(&mut self, request_id: String, request: HostControlRequest) {
        let began = Instant::now();
        match request {
            HostControlRequest::Interrupt => {
                // Answer first: ending the turn may send many frames.
                let queued: Vec<_> = self.queue.iter().map(|prompt| prompt.uuid.clone()).collect();
                self.send_answer(request_id, Ok(json!({"still_queued": queued})));
                self.interrupt();
            }
            HostControlRequest::McpReconnect { server_name } => {
                let done = self.mcp.reconnect(&server_name);
                self.answer_later(request_id, async { empty_response(done.await) });
            }
            HostControlRequest::McpToggle { server_name, enabled } => {
                let done = self.mcp.enable(&server_name, enabled);
                self.answer_later(request_id, async { empty_response(done.await) });
            }
            HostControlRequest::McpSetServers { servers } => {
                let changed = self.mcp.replace_set(&servers);
                self.answer_later(request_id, async { Ok(changed.await) });
            }
            HostControlRequest::Clear { resume: Some(id), interrupt } => {
                self.request_switch(request_id, SwitchRequest::from_clear(Some(&id)), interrupt, began);
            }
            HostControlRequest::Resume(request) => {
                let interrupts = request.interrupt;
                self.request_switch(request_id, SwitchRequest::from_resume(request), interrupts, began);
            }
            HostControlRequest::Fork(request) => {
                let interrupts = request.interrupt;
                self.request_switch(request_id, SwitchRequest::from_fork(request), interrupts, began);
            }
            request => {
                let answer = self.respond(request, began);
                self.send_answer(request_id, answer);
            }
        }
    }

    /// Switches at once, or once the host's store has given the session.
    fn request_switch(
        &mut self,
        request_id: String,
        switch: Result<SwitchRequest, RequestError>,
        interrupts: bool,
        began: Instant,
    ) {
        if let Some((request_id, switch)) = self.load_from_host(request_id, switch, interrupts, began) {
            let answer = self.handle_switch(switch, interrupts, began);
            self.send_answer(request_id, answer);
        }
    }

    /// Answers once the future resolves, while everything else goes on.
    fn answer_later(
        &self,
        request_id: String,
        answer: impl Future<Output = Result<Value, RequestError>> + Send + 'static,
    ) {
        let out = self.out.clone();
        tokio::spawn(async move { send_answer_to(&out, request_id, answer.await) });
    }

    fn respond(&mut self, request: HostControlRequest, began: Instant) -> Result<Value, RequestError> {
        match request {
            HostControlRequest::Initialize { options } => {
                let served = options.get("sdkMcpServers").and_then(Value::as_array).into_iter().flatten();
                self.mcp.host_initialized(served.filter_map(|name| name.as_str().map(str::to_owned)));
                self.apply_initialize_options(&options)?;
                if let Some(hooks) = options.get("hooks") {
                    let problems = self.hooks.set_host_hooks(hooks);
                    self.permissions.problems.extend(problems);
                }
                self.host_sessions.is_offered |= options.get("session_store") == Some(&Value::Bool(true));
                if std::mem::take(&mut self.mirrors_fork) {
                    self.mirror_fork();
                }
                self.run_first_start_hooks();
                Ok(self.initialize_response())
            }
            HostControlRequest::SetPermissionMode { mode } => {
                let mode = mode
                    .parse()
                    .map_err(|error: String| RequestError::new(ErrorCode::InvalidRequest, error))?;
                if mode == PermissionMode::BypassPermissions && !self.settings.allows_bypass {
                    let error = "Cannot set permission mode to bypassPermissions because the session was not launched \
                                 with --allow-dangerously-skip-permissions";
                    return Err(RequestError::new(ErrorCode::InvalidRequest, error));
                }
                self.permissions.mode = mode;
                self.settings.mode_before_plan = None;
                Ok(json!({"mode": mode.wire_name()}))
            }
            HostControlRequest::SetModel { model } => {
                self.set_model(model);
                Ok(json!({"model": self.settings.model}))
            }
            HostControlRequest::McpStatus => Ok(json!({"mcpServers": self.mcp.status()})),
            HostControlRequest::GetContextUsage => Ok(self.context_usage()),
            HostControlRequest::GetSessionCost => Ok(json!({"text": self.cost_text()})),
            HostControlRequest::ListModels => Ok(json!({"models": self.models()})),
            HostControlRequest::GetSettings => {
                let mode = self.permissions.mode.wire_name();
                let effective = json!({"model": self.settings.model, "permissions": {"defaultMode": mode}});
                Ok(json!({"effective": effective, "sources": []}))
            }
            HostControlRequest::SetMaxThinkingTokens { max_thinking_tokens } => {
                self.settings.thinking = match max_thinking_tokens {
                    None => Thinking::Default,
                    Some(0) => Thinking::Off,
                    Some(tokens) => Thinking::Budget(tokens),
                };
                Ok(json!({}))
            }
            // Answered in `handle_request`.
            HostControlRequest::Interrupt
            | HostControlRequest::McpReconnect { .. }
            | HostControlRequest::McpToggle { .. }
            | HostControlRequest::McpSetServers { .. }
            | HostControlRequest::Resume(_)
            | HostControlRequest::Fork(_) => Ok(json!({})),
            HostControlRequest::RewindFiles { user_message_id, dry_run } => {
                self.rewind_files(&user_message_id, dry_run)
            }
            HostControlRequest::RenameSession { title, session_id } => {
                self.rename(&title, session_id.as_deref())
            }
            HostControlRequest::CancelAsyncMessage { message_uuid } => {
                Ok(json!({"cancelled": self.cancel_prompt(&message_uuid)}))
            }
            HostControlRequest::EndSession { reason } => {
                tracing::info!("the host ends the session: {:?}", reason.unwrap_or_default());
                self.end_requested = true;
                Ok(json!({}))
            }
            HostControlRequest::Clear { resume, interrupt } => {
                self.handle_switch(SwitchRequest::from_clear(resume.as_deref()), interrupt, began)
            }
            HostControlRequest::Unknown(request) => Err(unsupported(&request)),
        }
    }

    /// The answer to `initialize`: what this process is and has.
    fn initialize_response(&self) -> Value {
        let commands = self.command_list();
        // Fields that the SDKs read and that have no meaning here.
        let rest = json!({
            "agents": [], "output_style": "default", "available_output_styles": ["default"],
            "account": {"apiKeySource": self.provider.key_source()}, "provider": self.provider.name(),
            "hook_on_failure_supported": true, "hooks_applied": true,
        });
        json!(InitializeResponse {
            commands,
            models: self.models(),
            pid: std::process::id(),
            claude_code_version: CLAUDE_CODE_VERSION.to_owned(),
            current_permission_mode: self.permissions.mode.wire_name().to_owned(),
            session_state: self.state.wire_name().to_owned(),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            mcp_servers: self.mcp.brief_status(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            session_id: self.session.id.to_string(),
            transcript_path: self.session.path().display().to_string(),
            cwd: self.session.cwd.display().to_string(),
            model: self.settings.model.clone(),
            notice: self.provider.notice().map(str::to_owned),
            total_cost_usd: self.session.totals.cost_usd(),
            usage: json!(self.session.totals.usage()),
            repaired: self.session.note_text(),
            rest: rest.as_object().cloned().unwrap_or_default(),
        })
    }

    fn models(&self) -> Vec<Value> {
        let models = self.provider.models();
        let models = models.iter().map(|model| {
            json!({"value": model.name, "displayName": model.title, "description": model.description})
        });
        models.collect()
    }

    /// Another model from the next request on; none for the default.
    pub(super) fn set_model(&mut self, model: Option<String>) {
        let default =
            || self.provider.models().into_iter().next().map(|model| model.name).unwrap_or_default();
        let model = model.filter(|model| !model.is_empty() && model != "default").unwrap_or_else(default);
        // `anthropic/claude-…`: the provider's own name is no part of the model's.
        let own = model.strip_prefix(self.provider.name()).and_then(|rest| rest.strip_prefix('/'));
        self.settings.model = self.provider.full_name(own.unwrap_or(&model));
    }

    /// What the context holds. The total is the provider's own count if there is one; the parts are
    /// estimates, and named so.
    fn context_usage(&self) -> Value {
        let (used, window) = (self.tokens_in_context(), self.context_window());
        let request = self.completion_request();
        let roughly = |text: &str| text.len() as u64 / 4;
        let system = request.system_prompt.as_deref().map_or(0, roughly);
        let tools = request.tools.iter();
        let tools: u64 =
            tools.map(|tool| roughly(&tool.description) + roughly(&tool.input_schema.to_string())).sum();
        let facts = request.facts.as_deref().map_or(0, roughly);
        let messages = used.saturating_sub(system + tools + facts);
        let memory_files = self.session.facts.as_ref().map_or_else(Vec::new, |facts| {
            facts.memory.files().map(|(path, text)| json!({"path": path, "tokens": roughly(text)})).collect()
        });
        json!({
            "categories": [
                {"name": "System prompt (estimate)", "tokens": system, "color": "promptBorder"},
                {"name": "Tools (estimate)", "tokens": tools, "color": "inactive"},
                {"name": "Memory files and environment (estimate)", "tokens": facts, "color": "claude"},
                {"name": "Messages (estimate)", "tokens": messages, "color": "claude"},
                {"name": "Free space", "tokens": window.saturating_sub(used), "color": "inactive"},
            ],
            "totalTokens": used,
            "maxTokens": window,
            "rawMaxTokens": window,
            "percentage": self.context_percent(),
            "model": self.settings.model,
            "isAutoCompactEnabled": window > 0,
            "gridRows": [], "memoryFiles": memory_files, "mcpTools": [], "agents": [],
        })
    }

    /// Share of the context window in use.
    pub(super) fn context_percent(&self) -> f64 {
        match self.context_window() {
            0 => 0.0,
            window => self.tokens_in_context() as f64 * 100.0 / window as f64,
        }
    }

    /// What the session used, in a sentence.
    pub(super) fn cost_text(&self) -> String {
        let totals = &self.session.totals;
        let usage = totals.usage();
        let cost = match totals.cost() {
            Some(cost) => format!("about ${cost:.4}"),
            None => "cost unknown (no price for this model)".to_owned(),
        };
        format!(
            "This session: {cost}, {} tokens read, {} tokens written.",
            usage.context(),
            usage.output_tokens
        )
    }

    /// Gives the active session a title.
    pub(super) fn rename(&mut self, title: &str, session_id: Option<&str>) -> Result<Value, RequestError> {
        let invalid = |error: String| Err(RequestError::new(ErrorCode::InvalidRequest, error));
        if let Some(other) = session_id.filter(|id| *id != self.session.id.to_string()) {
            return invalid(format!("{other} is not the active session, {}", self.session.id));
        }
        let title: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let title: String = title.chars().filter(|char| !char.is_control()).collect();
        if title.is_empty() {
            return invalid("a title needs at least one letter".to_owned());
        }
        match self.session.rename(&title) {
            Ok(()) => Ok(json!({"title": title, "session_id": self.session.id})),
            Err(error) => {
                let error = format!("cannot write the title to {}: {error}", self.session.path().display());
                Err(RequestError::new(ErrorCode::SessionUnreadable, error))
            }
        }
    }

    /// Removes a queued prompt; false if it is not (or no longer) queued.
    fn cancel_prompt(&mut self, uuid: &str) -> bool {
        let place = self.queue.iter().position(|prompt| prompt.host_uuid.as_deref() == Some(uuid));
        let prompt = place.and_then(|place| self.queue.remove(place));
        if let Some(prompt) = &prompt {
            self.send_lifecycle(prompt.host_uuid.as_deref(), "cancelled");
        }
        prompt.is_some()
    }
}

fn empty_response(outcome: Result<(), String>) -> Result<Value, RequestError> {
    outcome.map(|()| json!({})).map_err(|error| RequestError::new(ErrorCode::InvalidRequest, error))
}

fn unsupported(request: &Value) -> RequestError {
    let subtype = request["subtype"].as_str().unwrap_or_default();
    if KNOWN_REQUESTS.contains(&subtype) {
        let error = format!("the request “{subtype}” lacks a field, or one has the wrong type");
        return RequestError::new(ErrorCode::InvalidRequest, error);
    }
    let name: String = subtype.chars().take(80).collect();
    RequestError::new(ErrorCode::UnsupportedRequest, format!("this agent does not know the request “{name}”"))
}
