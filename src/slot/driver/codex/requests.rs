//! The slot's requests as codex methods.

use std::path::Path;

use serde_json::{Value, json};

use super::turns::ForkPoint;
use super::{CodexDriver, CodexPending, mode};
use crate::agent_api::{AgentCall, ArchiveSession, MeasureContext, RenameSession, SetMode, SetModel};
use crate::session::SessionId;
use crate::slot::driver::{AgentRequest, AgentResponse, DriverOutput, SlotRequest, StartSession};
use crate::slot::{ContextUsage, SlotError, Switch};

/// The client name that codex is given.
const CLIENT: &str = "hotseat";

impl CodexDriver {
    pub(super) fn handle_request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
        let done = |answer| vec![DriverOutput::Response { id: id.to_owned(), answer: Ok(answer) }];
        match ask {
            SlotRequest::Handshake => {
                let client = json!({"name": CLIENT, "title": CLIENT, "version": env!("CARGO_PKG_VERSION")});
                let params = json!({"clientInfo": client, "capabilities": {}});
                vec![self.send_request("initialize", &params, CodexPending::Initialize(id.to_owned()))]
            }
            SlotRequest::Interrupt => match self.interrupt(CodexPending::Done(id.to_owned())) {
                Some(events) => vec![events],
                None => done(AgentResponse::Done),
            },
            SlotRequest::Switch { switch, interrupt } => self.switch(id, switch, interrupt),
            SlotRequest::Call(request) => self.handle_call(id, request),
            // The slot never sends it a prompt that would wait.
            SlotRequest::CancelPrompt(_) => done(AgentResponse::Cancelled(false)),
            // It exits when its stdin is closed.
            SlotRequest::EndSession => Vec::new(),
        }
    }

    fn handle_call(&mut self, id: &str, request: AgentRequest) -> Vec<DriverOutput> {
        let done = |reply| {
            vec![DriverOutput::Response { id: id.to_owned(), answer: Ok(AgentResponse::Reply(reply)) }]
        };
        match request {
            AgentRequest::SetModel(SetModel { model }) => {
                self.model.clone_from(&model);
                done(SetModel::respond(model))
            }
            AgentRequest::SetMode(SetMode { mode }) => {
                self.mode = mode;
                done(SetMode::respond(()))
            }
            AgentRequest::RenameSession(RenameSession { session, title }) => {
                let params = json!({"threadId": session, "name": title});
                let then = CodexPending::Call(id.to_owned(), RenameSession::respond(()));
                vec![self.send_request("thread/name/set", &params, then)]
            }
            AgentRequest::ArchiveSession(ArchiveSession { session, back }) => {
                let method = if back { "thread/unarchive" } else { "thread/archive" };
                let then = CodexPending::Call(id.to_owned(), ArchiveSession::respond(()));
                vec![self.send_request(method, &json!({"threadId": session}), then)]
            }
            AgentRequest::MeasureContext(_) => {
                let (tokens, max) = self.context;
                let percent = if max == 0 { 0.0 } else { tokens as f64 * 100.0 / max as f64 };
                done(MeasureContext::respond(ContextUsage { tokens, max, percent, categories: Vec::new() }))
            }
            AgentRequest::ListMcpServers(_)
            | AgentRequest::ReconnectMcpServer(_)
            | AgentRequest::RewindFiles(_) => vec![refuse(id, "codex does not support this")],
        }
    }

    /// Interrupts the running turn, now or as soon as its id is known; `None` if
    /// there is nothing to send yet.
    fn interrupt(&mut self, then: CodexPending) -> Option<DriverOutput> {
        let turn = self.turn.as_mut()?;
        if turn.id.is_empty() {
            turn.interrupt_requested = true;
            return None;
        }
        let params = json!({"threadId": self.thread, "turnId": turn.id});
        Some(self.send_request("turn/interrupt", &params, then))
    }

    fn switch(&mut self, id: &str, switch: Switch, interrupt: bool) -> Vec<DriverOutput> {
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
    pub(super) fn open_first_thread(&mut self, id: String) -> DriverOutput {
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

fn refuse(id: &str, message: &str) -> DriverOutput {
    DriverOutput::Response { id: id.to_owned(), answer: Err(SlotError::refused(message)) }
}
