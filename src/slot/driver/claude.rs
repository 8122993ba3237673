//! The driver for the official `claude`, headless: the stream-json dialect
//! without the three switches (facts from 2.1.329).
//!
//! Clear is its own `/clear`, sent as a prompt, in process. Resume and fork need
//! another process (`--resume`, `--fork-session`). It is asked once whether it
//! knows the requests by now, and then they are used.

mod clear;
mod greeting;

use std::path::PathBuf;

use uuid::Uuid;

use self::clear::Clear;
use self::greeting::Greeting;
use super::stream_json::{StreamJson, arguments};
use super::{Ask, Driver, Heard, Known, Line, Origin, Start};
use crate::session::SessionId;
use crate::slot::{Abilities, Ability, Launch, PermissionRequest, Switch, Verdict};

/// The official program, as it lies on the PATH.
pub const CLAUDE: Known = Known {
    name: "claude",
    program: Some("claude"),
    install: "npm install -g @anthropic-ai/claude-code",
    arguments: &[],
    official: true,
    driver: || Box::<Claude>::default(),
};

/// One process of it.
#[derive(Debug, Default)]
struct Claude {
    dialect: StreamJson,
    /// The active session; none before it is started. It does not say which that
    /// is before the first turn, so it is told which it is to be.
    session: Option<SessionId>,
    /// Where its transcript lies, where somebody knows.
    transcript: PathBuf,
    cwd: PathBuf,
    /// The model it was started with.
    model: Option<String>,
    greeting: Greeting,
    /// A `/clear` on its way.
    clear: Option<Clear>,
    /// It does not know the request `clear`.
    clears_by_prompt: bool,
    /// A conversation ended, and the next frame of a new session says which is next.
    reset: Option<&'static str>,
}

impl Driver for Claude {
    fn abilities(&self) -> Abilities {
        let by = |native| if native { Ability::InProcess } else { Ability::Standby };
        Abilities {
            clear: Ability::InProcess,
            resume: by(self.greeting.resumes),
            fork: by(self.greeting.forks),
            lacks: &[],
        }
    }

    fn start(&mut self, launch: &Launch, origin: &Origin) -> Start {
        let new = SessionId::random();
        let (origin, session) = match origin {
            Origin::New => (Origin::Named(new), new),
            Origin::Named(session) | Origin::Stored(session) => (origin.clone(), *session),
            Origin::Copy { .. } => (origin.clone(), new),
        };
        let mut start = arguments(launch, &origin);
        if let Origin::Copy { .. } = origin {
            start.arguments.push(format!("--session-id={session}").into());
        }
        if let Origin::Named(_) = origin {
            self.dialect.begin_anew();
        }
        self.session = Some(session);
        self.transcript = launch.finder.find(session).map(|found| found.transcript).unwrap_or_default();
        self.cwd.clone_from(&launch.cwd);
        self.model.clone_from(&launch.model);
        start
    }

    fn ask(&mut self, id: &str, ask: Ask) -> Vec<Heard> {
        match ask {
            Ask::Handshake => {
                let hello = self.dialect.ask(id, ask);
                self.greeting.begin(id, hello, &mut self.dialect)
            }
            Ask::Switch { switch: Switch::Clear, interrupt } => {
                self.clear = Some(Clear::new(id, interrupt));
                if self.clears_by_prompt { self.clear_by_prompt() } else { vec![self.dialect.ask(id, ask)] }
            }
            // `end_session` is not known to it, and its input ends anyway.
            Ask::End => vec![self.dialect.ask(id, Ask::Interrupt)],
            other => vec![self.dialect.ask(id, other)],
        }
    }

    fn prompt(&mut self, uuid: &str, text: &str) -> Vec<Heard> {
        vec![StreamJson::prompt(uuid, text)]
    }

    fn verdict(&mut self, request: PermissionRequest, verdict: Verdict) -> Vec<Heard> {
        vec![StreamJson::verdict(request, verdict)]
    }

    fn hear(&mut self, line: Line) -> (Option<SessionId>, Vec<Heard>) {
        match line["type"].as_str() {
            Some("control_response") => (None, self.answered(line)),
            Some("conversation_reset") => {
                self.dialect.begin_anew();
                let known = ["clear", "resume", "fork"];
                let trigger = known.into_iter().find(|known| line["trigger"] == *known);
                self.reset = Some(trigger.unwrap_or("clear"));
                (None, Vec::new())
            }
            Some("command_lifecycle") if self.is_of_clear(&line) => (None, self.clear_moved(&line)),
            // What it says of the clear is said by the switch.
            Some("result") if self.clear.is_some() && !line["local_command"].is_null() => (None, Vec::new()),
            Some("system") if line["subtype"] == "init" => self.begun(line),
            _ => self.dialect.hear(line),
        }
    }
}

impl Claude {
    fn answered(&mut self, line: Line) -> Vec<Heard> {
        let id = line["response"]["request_id"].as_str().unwrap_or_default().to_owned();
        if self.greeting.expects(&id) {
            let greeted = self.greeting.take(&id, &line["response"]);
            return greeted.map(|(id, hello)| self.greet(id, &hello)).into_iter().collect();
        }
        let unknown = line["response"]["error_code"] == "unsupported_request";
        if unknown && self.clear.as_ref().is_some_and(|clear| clear.id == id) {
            self.clears_by_prompt = true;
            return self.clear_by_prompt();
        }
        let (_, heard) = self.dialect.hear(line);
        if let [Heard::Answer { id, .. }] = heard.as_slice()
            && self.clear.as_ref().is_some_and(|clear| clear.id == *id)
        {
            self.clear = None;
        }
        heard
    }

    /// A turn begins, and says in which session.
    fn begun(&mut self, line: Line) -> (Option<SessionId>, Vec<Heard>) {
        let session = line["session_id"].as_str().and_then(|id| id.parse::<SessionId>().ok());
        let (of, mut heard) = self.dialect.hear(line);
        let (Some(what), Some(to)) = (self.reset, session.filter(|_| session != self.session)) else {
            return (of, heard);
        };
        self.reset = None;
        self.session = Some(to);
        if self.clear.is_some() {
            return (None, Vec::new());
        }
        heard.insert(0, Heard::Reset { to, what });
        (None, heard)
    }
}

/// An id for a prompt of the driver's own.
fn prompt_id() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests;
