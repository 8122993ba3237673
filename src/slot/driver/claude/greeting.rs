//! The handshake: who it is, and which of the switches it knows by now.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Claude;
use crate::session::SessionId;
use crate::slot::driver::stream_json::{StreamJson, answer};
use crate::slot::driver::{Answer, Ask, Heard};
use crate::slot::{Agent, Driver, SlotError, Switch, Totals};

/// What it is asked at the start, and what it answered.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    /// Questions on their way, by id.
    asked: BTreeMap<String, Question>,
    /// Under which the handshake is to be answered.
    id: String,
    hello: Option<Result<Value, SlotError>>,
    /// It knows the request `resume`.
    pub resumes: bool,
    /// It knows the request `fork`.
    pub forks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Hello,
    Resume,
    Fork,
}

impl Greeting {
    /// The lines of the handshake: the one that asks who it is, and switches to
    /// a session that does not exist, which only tell whether it knows them.
    pub(super) fn begin(&mut self, id: &str, hello: Heard, dialect: &mut StreamJson) -> Vec<Heard> {
        id.clone_into(&mut self.id);
        self.asked.insert(id.to_owned(), Question::Hello);
        let mut heard = vec![hello];
        let nowhere = SessionId::random();
        let fork = Switch::Fork { source: nowhere, at: None, title: None, cwd: None };
        for (question, switch) in [(Question::Resume, Switch::Resume(nowhere)), (Question::Fork, fork)] {
            let id = format!("{id}-{}", switch.name());
            heard.push(dialect.ask(&id, Ask::Switch { switch, interrupt: false }));
            self.asked.insert(id, question);
        }
        heard
    }

    pub(super) fn expects(&self, id: &str) -> bool {
        self.asked.contains_key(id)
    }

    /// Takes an answer; gives back the handshake's once all are there.
    pub(super) fn take(&mut self, id: &str, response: &Value) -> Option<(String, Result<Value, SlotError>)> {
        let knows = response["error_code"] == "session_not_found";
        match self.asked.remove(id)? {
            Question::Resume => self.resumes = knows,
            Question::Fork => self.forks = knows,
            Question::Hello if response["subtype"] == "success" => {
                self.hello = Some(Ok(response["response"].clone()));
            }
            Question::Hello => {
                let message = response["error"].as_str().unwrap_or("it refused the handshake").to_owned();
                self.hello = Some(Err(SlotError::Refused { code: String::new(), message }));
            }
        }
        if !self.asked.is_empty() {
            return None;
        }
        Some((std::mem::take(&mut self.id), self.hello.take()?))
    }
}

impl Claude {
    /// The answer to the handshake.
    pub(super) fn greet(&self, id: String, hello: &Result<Value, SlotError>) -> Heard {
        let answer = match (hello, self.session) {
            (Ok(hello), Some(session)) => {
                Ok(Answer::Agent(Box::new(self.agent(hello, session)), Totals::default()))
            }
            (Err(error), _) => Err(error.clone()),
            (Ok(_), None) => Err(SlotError::Nonsense("it answers before it is started".to_owned())),
        };
        Heard::Answer { id, answer }
    }

    fn agent(&self, hello: &Value, session: SessionId) -> Agent {
        let list = |key: &str| hello[key].as_array().cloned().unwrap_or_default();
        let models = list("models");
        let default = models.iter().find(|model| model["value"] == "default");
        let resolved = default.and_then(|model| model["resolvedModel"].as_str()).unwrap_or_default();
        Agent {
            name: "claude".to_owned(),
            version: hello["claude_code_version"].as_str().unwrap_or_default().to_owned(),
            pid: hello["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default(),
            model: self.model.clone().unwrap_or_else(|| resolved.to_owned()),
            notice: login_notice(&hello["account"]),
            session,
            transcript: self.transcript.clone(),
            cwd: self.cwd.clone(),
            permission_mode: hello["current_permission_mode"]
                .as_str()
                .and_then(|mode| mode.parse().ok())
                .unwrap_or_default(),
            commands: list("commands").iter().filter_map(answer::command).collect(),
            models: models.iter().filter_map(|model| answer::words(model, "value")).collect(),
            mcp: (0, 0),
            repaired: None,
            abilities: self.abilities(),
        }
    }
}

/// Said at once, and not only after the first prompt.
fn login_notice(account: &Value) -> Option<String> {
    let nobody = account["tokenSource"] == "none" && account["apiKeySource"].is_null();
    (nobody && account["apiProvider"] == "firstParty")
        .then(|| "not logged in - run `claude` in a terminal and give /login".to_owned())
}
