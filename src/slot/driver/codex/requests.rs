//! The slot's requests as codex methods.

use std::path::Path;

use serde_json::{Value, json};

use super::turns::ForkPoint;
use super::{CodexDriver, CodexPending, mode};
use crate::session::SessionId;
use crate::slot::driver::{AgentEvent, AgentResponse, SlotRequest, StartSession};
use crate::slot::{ContextUsage, SlotError, Switch};

/// The client name that codex is given.
const CLIENT: &str = "hotseat";

impl CodexDriver {
    pub(super) fn handle_request(&mut self, id: &str, ask: SlotRequest) -> Vec<AgentEvent> {
        let done = |answer| vec![AgentEvent::Response { id: id.to_owned(), answer: Ok(answer) }];
        match ask {
            SlotRequest::Handshake => {
                let client = json!({"name": CLIENT, "title": CLIENT, "version": env!("CARGO_PKG_VERSION")});
                let params = json!({"clientInfo": client, "capabilities": {}});
                vec![self.send_request("initialize", &params, CodexPending::Initialize(id.to_owned()))]
            }
            SlotRequest::Interrupt => match self.interrupt(CodexPending::Plain(id.to_owned())) {
                Some(events) => vec![events],
                None => done(AgentResponse::Done),
            },
            SlotRequest::Switch { switch, interrupt } => self.switch(id, switch, interrupt),
            SlotRequest::SetModel(model) => {
                self.model.clone_from(&model);
                done(AgentResponse::Model(model))
            }
            SlotRequest::SetMode(mode) => {
                self.mode = mode;
                done(AgentResponse::Done)
            }
            SlotRequest::Rename { title, session } => {
                let params = json!({"threadId": session, "name": title});
                vec![self.send_request("thread/name/set", &params, CodexPending::Plain(id.to_owned()))]
            }
            SlotRequest::Archive { session, back } => vec![self.archive(id, session, back)],
            SlotRequest::ContextUsage => {
                let (tokens, max) = self.context;
                let percent = if max == 0 { 0.0 } else { tokens as f64 * 100.0 / max as f64 };
                done(AgentResponse::ContextUsage(ContextUsage {
                    tokens,
                    max,
                    percent,
                    categories: Vec::new(),
                }))
            }
            // The slot never sends it a prompt that would wait.
            SlotRequest::CancelPrompt(_) => done(AgentResponse::Cancelled(false)),
            // It exits when its stdin is closed.
            SlotRequest::EndSession => Vec::new(),
            SlotRequest::McpServers | SlotRequest::Rewind { .. } => {
                vec![refuse(id, "codex does not support this")]
            }
        }
    }

    /// Interrupts the running turn, now or as soon as its id is known; `None` if
    /// there is nothing to send yet.
    fn interrupt(&mut self, then: CodexPending) -> Option<AgentEvent> {
        let turn = self.turn.as_mut()?;
        if turn.id.is_empty() {
            turn.interrupt_requested = true;
            return None;
        }
        let params = json!({"threadId": self.thread, "turnId": turn.id});
        Some(self.send_request("turn/interrupt", &params, then))
    }

    fn switch(&mut self, id: &str, switch: Switch, interrupt: bool) -> Vec<AgentEvent> {
        if matches!(switch, Switch::ResumeOrCreate { .. }) {
            return vec![refuse(id, "codex assigns session ids itself")];
        }
        let mut events = Vec::new();
        if interrupt {
            events.extend(self.interrupt(CodexPending::Ignored));
        }
        let (method, params, title) = match switch {
            Switch::Clear | Switch::ResumeOrCreate { .. } => {
                let mut params = self.thread_params(Some(&self.cwd));
                params["sessionStartSource"] = json!("clear");
                params["ephemeral"] = json!(self.ephemeral);
                ("thread/start", params, None)
            }
            Switch::Resume(session) => ("thread/resume", self.resume_params(session, None), None),
            Switch::Fork { source, at: Some(at), title, cwd } => {
                events.push(self.fork_at(ForkPoint { request_id: id.to_owned(), source, at, title, cwd }));
                return events;
            }
            Switch::Fork { source, at: None, title, cwd } => {
                ("thread/fork", self.fork_params(source, cwd.as_deref()), title)
            }
        };
        let then = CodexPending::Switch { request_id: id.to_owned(), left: self.thread, title };
        events.push(self.send_request(method, &params, then));
        events
    }

    /// The request that opens the first session.
    pub(super) fn open_first_thread(&mut self, id: String) -> AgentEvent {
        let (method, params) = match self.start_session.take() {
            // codex assigns ids itself, so a session without entries gets a new one.
            None | Some(StartSession::New | StartSession::WithId(_)) => {
                let mut params = self.thread_params(Some(&self.cwd));
                params["ephemeral"] = json!(self.ephemeral);
                ("thread/start", params)
            }
            Some(StartSession::Stored(session)) => ("thread/resume", self.resume_params(session, None)),
            Some(StartSession::Fork { source, .. }) => ("thread/fork", self.fork_params(source, None)),
        };
        self.send_request(method, &params, CodexPending::FirstThread(id))
    }

    fn resume_params(&self, session: SessionId, cwd: Option<&Path>) -> Value {
        let mut params = self.thread_params(cwd);
        params["threadId"] = json!(session);
        params["excludeTurns"] = json!(true);
        params
    }

    pub(super) fn fork_params(&self, source: SessionId, cwd: Option<&Path>) -> Value {
        let mut params = self.resume_params(source, cwd);
        params["ephemeral"] = json!(self.ephemeral);
        params
    }

    /// Common parameters of all threads. What is not chosen here codex decides.
    fn thread_params(&self, cwd: Option<&Path>) -> Value {
        let mut params =
            json!({"approvalPolicy": mode::approval(self.mode), "sandbox": mode::THREAD_SANDBOX});
        if let Some(cwd) = cwd {
            params["cwd"] = json!(cwd);
        }
        if let Some(model) = &self.model {
            params["model"] = json!(model);
        }
        params
    }
}

fn refuse(id: &str, message: &str) -> AgentEvent {
    AgentEvent::Response { id: id.to_owned(), answer: Err(SlotError::refused(message)) }
}
