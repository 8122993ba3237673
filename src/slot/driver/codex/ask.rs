//! What the slot asks, as codex's methods.

use std::path::Path;

use serde_json::{Value, json};

use super::turns::Cut;
use super::{Asked, Codex, mode};
use crate::session::SessionId;
use crate::slot::driver::{Answer, Ask, Heard, Origin};
use crate::slot::{ContextUsage, SlotError, Switch};

/// How we call ourselves.
const CLIENT: &str = "hotseat";

impl Codex {
    pub(super) fn asked_for(&mut self, id: &str, ask: Ask) -> Vec<Heard> {
        let done = |answer| vec![Heard::Answer { id: id.to_owned(), answer: Ok(answer) }];
        match ask {
            Ask::Handshake => {
                let client = json!({"name": CLIENT, "title": CLIENT, "version": env!("CARGO_PKG_VERSION")});
                let params = json!({"clientInfo": client, "capabilities": {}});
                let step = format!("{id}/initialize");
                vec![self.request(&step, Asked::Initialize(id.to_owned()), "initialize", &params)]
            }
            Ask::Interrupt => match self.interrupt(id, Asked::Plain) {
                Some(heard) => vec![heard],
                None => done(Answer::Done),
            },
            Ask::Switch { switch, interrupt } => self.switch(id, switch, interrupt),
            Ask::Model(model) => {
                self.model.clone_from(&model);
                done(Answer::Model(model))
            }
            Ask::Mode(mode) => {
                self.mode = mode;
                done(Answer::Done)
            }
            Ask::Rename { title, session } => {
                let params = json!({"threadId": session, "name": title});
                vec![self.request(id, Asked::Plain, "thread/name/set", &params)]
            }
            Ask::Archive { session, back } => vec![self.archive(id, session, back)],
            Ask::Context => {
                let (tokens, max) = self.context;
                let percent = if max == 0 { 0.0 } else { tokens as f64 * 100.0 / max as f64 };
                done(Answer::Context(ContextUsage { tokens, max, percent, categories: Vec::new() }))
            }
            // It is never given a prompt that has to wait.
            Ask::Cancel(_) => done(Answer::Cancelled(false)),
            // Its input ends, and so does it.
            Ask::End => Vec::new(),
            Ask::Servers | Ask::Rewind { .. } => vec![refused(id, "codex does not know that")],
        }
    }

    /// Stops the turn that runs, now or as soon as its id is known; none where
    /// none runs.
    fn interrupt(&mut self, id: &str, asked: Asked) -> Option<Heard> {
        let turn = self.turn.as_mut()?;
        if turn.id.is_empty() {
            turn.stop = true;
            return None;
        }
        let params = json!({"threadId": self.thread, "turnId": turn.id});
        Some(self.request(id, asked, "turn/interrupt", &params))
    }

    fn switch(&mut self, id: &str, switch: Switch, interrupt: bool) -> Vec<Heard> {
        if matches!(switch, Switch::Begin { .. }) {
            return vec![refused(id, "codex gives its sessions their ids itself")];
        }
        let mut heard = Vec::new();
        if interrupt {
            heard.extend(self.interrupt(&format!("{id}/interrupt"), Asked::Nothing));
        }
        let (method, params, title) = match switch {
            Switch::Clear | Switch::Begin { .. } => {
                let mut params = self.thread_params(Some(&self.cwd));
                params["sessionStartSource"] = json!("clear");
                params["ephemeral"] = json!(self.ephemeral);
                ("thread/start", params, None)
            }
            Switch::Resume(session) => ("thread/resume", self.stored(session, None), None),
            Switch::Fork { source, at: Some(at), title, cwd } => {
                heard.push(self.fork_at(Cut { ask: id.to_owned(), source, at, title, cwd }));
                return heard;
            }
            Switch::Fork { source, at: None, title, cwd } => {
                ("thread/fork", self.fork(source, cwd.as_deref()), title)
            }
        };
        heard.push(self.request(id, Asked::Switch(self.thread, title), method, &params));
        heard
    }

    /// The request that brings the first session.
    pub(super) fn first(&mut self, id: String) -> Heard {
        let (method, params) = match self.origin.take() {
            // It gives ids itself: a session without an entry begins anew.
            None | Some(Origin::New | Origin::Named(_)) => {
                let mut params = self.thread_params(Some(&self.cwd));
                params["ephemeral"] = json!(self.ephemeral);
                ("thread/start", params)
            }
            Some(Origin::Stored(session)) => ("thread/resume", self.stored(session, None)),
            Some(Origin::Copy { source, .. }) => ("thread/fork", self.fork(source, None)),
        };
        let step = format!("{id}/thread");
        self.request(&step, Asked::First(id), method, &params)
    }

    fn stored(&self, session: SessionId, cwd: Option<&Path>) -> Value {
        let mut params = self.thread_params(cwd);
        params["threadId"] = json!(session);
        params["excludeTurns"] = json!(true);
        params
    }

    pub(super) fn fork(&self, source: SessionId, cwd: Option<&Path>) -> Value {
        let mut params = self.stored(source, cwd);
        params["ephemeral"] = json!(self.ephemeral);
        params
    }

    /// What any thread is opened with; what nobody chose is codex's to choose.
    fn thread_params(&self, cwd: Option<&Path>) -> Value {
        let mut params =
            json!({"approvalPolicy": mode::approval(self.mode), "sandbox": mode::sandbox(self.mode).0});
        if let Some(cwd) = cwd {
            params["cwd"] = json!(cwd);
        }
        if let Some(model) = &self.model {
            params["model"] = json!(model);
        }
        params
    }
}

fn refused(id: &str, message: &str) -> Heard {
    let error = SlotError::Refused { code: String::new(), message: message.to_owned() };
    Heard::Answer { id: id.to_owned(), answer: Err(error) }
}
