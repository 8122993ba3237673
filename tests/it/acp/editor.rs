//! An editor: speaks the Agent Client Protocol to the real `hotseat acp`, and
//! holds every message against the types of the protocol's own crate.

use std::path::PathBuf;
use std::process::Command;

use agent_client_protocol_schema::v1::{
    CloseSessionResponse, DeleteSessionResponse, Error, ForkSessionResponse, InitializeResponse,
    ListSessionsResponse, LoadSessionResponse, NewSessionResponse, PromptResponse, RequestPermissionRequest,
    ResumeSessionResponse, SessionNotification, SetSessionModeResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::agent::{Agent, HOTSEAT, Home, lives};

/// The editor, and its agent.
pub struct Editor {
    pub home: Home,
    pub line: Agent,
    requests: u64,
    /// What was told since the last request began.
    pub told: Vec<Value>,
    /// How permission requests are answered.
    pub option: &'static str,
}

impl Editor {
    /// Through the handshake.
    pub fn start() -> Self {
        let home = Home::new();
        let mut command = home.command(HOTSEAT);
        command.arg("acp").env("XDG_CACHE_HOME", home.work().join("../cache"));
        command.env("XDG_CONFIG_HOME", home.work().join("../config"));
        let line = Agent::spawn(command);
        let mut editor = Self { home, line, requests: 0, told: Vec::new(), option: "once" };
        let hello = editor.ask("initialize", &json!({"protocolVersion": 1, "clientCapabilities": {}}));
        assert_eq!(hello["protocolVersion"], 1);
        assert_eq!(hello["agentCapabilities"]["loadSession"], true);
        editor
    }

    pub fn work(&self) -> PathBuf {
        self.home.work()
    }

    /// What opens a session in the folder.
    pub fn opening(&self, session: Option<&str>) -> Value {
        let mut params = json!({"cwd": self.work(), "mcpServers": []});
        if let Some(session) = session {
            params["sessionId"] = json!(session);
        }
        params
    }

    pub fn new_session(&mut self) -> String {
        let opened = self.ask("session/new", &self.opening(None));
        opened["sessionId"].as_str().unwrap().to_owned()
    }

    /// Sends a request; gives its id.
    pub fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.requests += 1;
        let id = self.requests;
        self.line.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub fn notify(&mut self, method: &str, params: &Value) {
        self.line.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// The next message, held against the protocol; permission requests are
    /// answered.
    pub fn next(&mut self) -> Value {
        let message = self.line.next().expect("it ended");
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        match message["method"].as_str() {
            Some("session/update") => {
                fits::<SessionNotification>(&message["params"]);
                self.told.push(message["params"].clone());
            }
            Some("session/request_permission") => {
                fits::<RequestPermissionRequest>(&message["params"]);
                if !self.option.is_empty() {
                    let outcome = json!({"outcome": {"outcome": "selected", "optionId": self.option}});
                    self.line.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": outcome}));
                }
            }
            Some(other) => panic!("{other} is no method of an editor"),
            None => {}
        }
        message
    }

    /// Waits for an answer.
    pub fn answer(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            let message = self.next();
            if message["method"].is_null() && message["id"] == id {
                let Some(error) = message.get("error") else { return Ok(message["result"].clone()) };
                fits::<Error>(error);
                return Err(error.clone());
            }
        }
    }

    /// Asks; the answer must be a yes, and fit the method.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.told.clear();
        let id = self.send(method, params);
        let answer = self.answer(id).unwrap_or_else(|error| panic!("{method}: {error}"));
        match method {
            "initialize" => fits::<InitializeResponse>(&answer),
            "session/new" => fits::<NewSessionResponse>(&answer),
            "session/load" => fits::<LoadSessionResponse>(&answer),
            "session/resume" => fits::<ResumeSessionResponse>(&answer),
            "session/fork" => fits::<ForkSessionResponse>(&answer),
            "session/list" => fits::<ListSessionsResponse>(&answer),
            "session/close" => fits::<CloseSessionResponse>(&answer),
            "session/delete" => fits::<DeleteSessionResponse>(&answer),
            "session/set_mode" => fits::<SetSessionModeResponse>(&answer),
            "session/prompt" => fits::<PromptResponse>(&answer),
            other => panic!("{other} is not asked here"),
        }
        answer
    }

    /// The code of an answer that must be a no.
    pub fn refused(&mut self, method: &str, params: &Value) -> i64 {
        let id = self.send(method, params);
        self.answer(id).expect_err(method)["code"].as_i64().unwrap()
    }

    /// A whole turn; gives what was said.
    pub fn say(&mut self, session: &str, text: &str) -> String {
        let ended = self.ask("session/prompt", &prompt(session, text));
        assert_eq!(ended["stopReason"], "end_turn");
        self.said(session, "agent_message_chunk")
    }

    /// The text of these chunks, as far as they are of this session.
    pub fn said(&self, session: &str, kind: &str) -> String {
        let updates = self.updates(kind).into_iter().filter(|told| told["sessionId"] == session);
        updates.map(|told| told["update"]["content"]["text"].as_str().unwrap().to_owned()).collect()
    }

    /// What was told of this kind.
    pub fn updates(&self, kind: &str) -> Vec<Value> {
        let of_kind = self.told.iter().filter(|told| told["update"]["sessionUpdate"] == kind);
        of_kind.cloned().collect()
    }

    /// The one process of our agent.
    pub fn pid(&self) -> u32 {
        let ps = Command::new("ps").args(["-eo", "pid=,ppid=,args="]).output().unwrap();
        let table = String::from_utf8_lossy(&ps.stdout).into_owned();
        let rows: Vec<(u32, u32, &str)> = table.lines().filter_map(row).collect();
        let below = |parent: u32| rows.iter().filter(move |(_, of, _)| *of == parent);
        let guards = below(self.line.pid()).map(|(pid, _, _)| *pid);
        let agents: Vec<u32> = guards
            .flat_map(below)
            .filter(|(pid, _, args)| args.contains(" agent ") && lives(&pid.to_string()))
            .map(|(pid, _, _)| *pid)
            .collect();
        assert_eq!(agents.len(), 1, "{table}");
        agents[0]
    }
}

/// A prompt as an editor sends it.
pub fn prompt(session: &str, text: &str) -> Value {
    json!({"sessionId": session, "prompt": [{"type": "text", "text": text}]})
}

/// What the protocol's type reads and writes again is what was sent: nothing is
/// missing, misspelt, or unknown to it.
fn fits<T: DeserializeOwned + Serialize>(value: &Value) {
    let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"));
    assert_eq!(serde_json::to_value(read).unwrap(), *value);
}

fn row(line: &str) -> Option<(u32, u32, &str)> {
    let (pid, rest) = line.trim().split_once(char::is_whitespace)?;
    let (parent, args) = rest.trim().split_once(char::is_whitespace)?;
    Some((pid.parse().ok()?, parent.parse().ok()?, args))
}
