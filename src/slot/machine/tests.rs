//! The machine without any process: what happens in, short words out.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot::{self, Receiver};

use super::*;
use crate::protocol::PermissionMode;
use crate::session::conversation::Change;
use crate::slot::handle::Reply;
use crate::slot::{Finder, OURS, Seat, SlotError, Switch, Switched, Verdict};

mod life;
mod standby;
mod switching;
mod talking;

const A: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const B: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

type Answer<T> = Receiver<Result<T, SlotError>>;

/// A machine, its clock, and what it asked last.
struct Bench {
    machine: Machine,
    now: Now,
    last_id: String,
}

impl Bench {
    /// Nothing happened yet; transcripts whose path holds `stored` can be resumed.
    fn new() -> Self {
        let launch = Launch::new(OURS.driver, "agent", "/work");
        let now = Now { at: Instant::now(), wall: DateTime::UNIX_EPOCH };
        let size = |path: &Path| u64::from(path.to_string_lossy().contains("stored"));
        Self { machine: Machine::new(launch, size, |leader| leader + 1, now), now, last_id: String::new() }
    }

    /// Through the handshake, idle on session A.
    fn warm() -> Self {
        let mut bench = Self::new();
        bench.step(Input::Begin);
        bench.answer(&handshake(A));
        bench
    }

    /// A turn runs on the prompt `p1`.
    fn busy() -> Self {
        let mut bench = Self::warm();
        bench.submit("p1");
        bench.lifecycle("p1", "started", A);
        bench
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let effects = self.machine.step(input, self.now);
        for effect in &effects {
            if let Effect::Send(_, line) = effect
                && line["type"] == "control_request"
                && line["request"]["subtype"] != "get_context_usage"
            {
                self.last_id = line["request_id"].as_str().unwrap().to_owned();
            }
        }
        effects.iter().filter_map(words).collect()
    }

    /// Time passes until the next deadline, and the machine takes its step.
    fn tick(&mut self) -> Vec<String> {
        self.now.at = self.machine.deadline().expect("something is due");
        self.step(Input::Tick)
    }

    fn frame(&mut self, frame: Value) -> Vec<String> {
        self.step(Input::Line(self.machine.process, frame))
    }

    /// The agent grants what was asked last.
    fn answer(&mut self, response: &Value) -> Vec<String> {
        let id = &self.last_id;
        let response = json!({"subtype": "success", "request_id": id, "response": response});
        self.frame(json!({"type": "control_response", "response": response}))
    }

    /// The agent refuses what was asked last.
    fn refuse(&mut self, code: &str) -> Vec<String> {
        let id = &self.last_id;
        let response = json!({"subtype": "error", "request_id": id, "error": "no", "error_code": code});
        self.frame(json!({"type": "control_response", "response": response}))
    }

    fn lifecycle(&mut self, uuid: &str, state: &str, session: &str) -> Vec<String> {
        let frame =
            json!({"type": "command_lifecycle", "command_uuid": uuid, "state": state, "session_id": session});
        self.frame(frame)
    }

    fn submit(&mut self, uuid: &str) -> Vec<String> {
        let command = Command::Submit { uuid: uuid.to_owned(), text: format!("text of {uuid}") };
        self.step(Input::Command(command))
    }

    fn command<T>(&mut self, command: impl FnOnce(Reply<T>) -> Command) -> (Vec<String>, Answer<T>) {
        let (reply, answer) = oneshot::channel();
        (self.step(Input::Command(command(reply))), answer)
    }

    fn switch(&mut self, switch: Switch, interrupt: bool) -> (Vec<String>, Answer<Switched>) {
        self.command(|reply| Command::Switch { switch, interrupt, reply })
    }

    fn die(&mut self) -> Vec<String> {
        let stderr = vec!["last words".to_owned()];
        self.step(Input::Ended(
            self.machine.process,
            Ended { code: Some(137), reason: "killed by SIGKILL".to_owned(), stderr },
        ))
    }
}

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

fn handshake(session: &str) -> Value {
    json!({"pid": 42, "agent_version": "1.0", "session_id": session, "model": "m", "cwd": "/work",
        "transcript_path": format!("/stored/{session}.jsonl"), "current_permission_mode": "default"})
}

fn seated(session: &str) -> Value {
    json!({"session_id": session, "pid": 42, "num_turns": 3, "cwd": "/work", "total_cost_usd": 0.5,
        "transcript_path": format!("/stored/{session}.jsonl")})
}

fn got<T>(mut answer: Answer<T>) -> Result<T, SlotError> {
    answer.try_recv().expect("no answer yet")
}

/// An effect in a few words; none for what only measures.
fn words(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Spawn { origin: Origin::New, .. } => "spawn".to_owned(),
        Effect::Spawn { origin: Origin::Named(session), .. } => format!("spawn named {}", name(*session)),
        Effect::Spawn { origin: Origin::Stored(session), .. } => format!("spawn stored {}", name(*session)),
        Effect::Spawn { origin: Origin::Copy { source, .. }, .. } => format!("spawn copy {}", name(*source)),
        Effect::Send(_, line) => match line["type"].as_str().unwrap() {
            "user" => format!("> prompt {}", line["uuid"].as_str().unwrap()),
            "control_request" if line["request"]["subtype"] == "get_context_usage" => return None,
            "control_request" => {
                let uuid = line["request"]["message_uuid"].as_str().map(|uuid| format!(" {uuid}"));
                format!("> {}{}", line["request"]["subtype"].as_str().unwrap(), uuid.unwrap_or_default())
            }
            "control_response" => format!("> answer {}", line["response"]),
            _ => format!("> {line}"),
        },
        Effect::EndInput(_) => "end input".to_owned(),
        Effect::Signal(_, signal) => format!("signal {}", signal.as_raw()),
        Effect::Lend { loan, .. } => format!("lend {loan:?}"),
        Effect::Finish => "finish".to_owned(),
        Effect::Tell(event) => format!("{} {}", event.epoch, news(event)?),
    })
}

fn news(event: &SlotEvent) -> Option<String> {
    Some(match &event.news {
        News::State(state) => match state {
            SlotState::Starting => "starting".to_owned(),
            SlotState::Idle(session) => format!("idle {}", name(*session)),
            SlotState::Busy { session, turn } => format!("busy {} {turn}", name(*session)),
            SlotState::Switching { from, switch } => format!("switching {} {}", name(*from), switch.name()),
            SlotState::Exited(exit) => format!("exited, {}, {:?}", exit.reason, exit.restart_in),
        },
        News::Ready(agent) => format!("ready {}", name(agent.session)),
        News::Switched(switched) => format!("switched {} {:?}", name(switched.to), switched.how),
        News::Conversation { change: Change::Prompt(text), .. } => format!("shows {text}"),
        News::Conversation { change, .. } => format!("grew {change:?}"),
        News::Prompt { uuid, state } => format!("{uuid} {state:?}"),
        News::Permission(request) => format!("asks {}", request.id),
        News::PermissionDropped { id } => format!("dropped {id}"),
        News::Retry(retry) => format!("retry {}", retry.attempt),
        News::Prepared(None) => "unprepared".to_owned(),
        News::Prepared(Some(switch)) => format!("prepared {}", switch.name()),
        News::Totals(_) => return None,
        News::Refused(why) => format!("refused: {why}"),
        News::Replay { changes, .. } => format!("replay of {}", changes.len()),
        News::Sessions(sessions) => format!("{} sessions", sessions.len()),
        News::Servers(connected, of) => format!("servers {connected}/{of}"),
        News::Commands(commands) => format!("{} commands", commands.len()),
        News::Model(model) => format!("model {model}"),
        News::Mode(mode) => format!("mode {}", mode.wire_name()),
    })
}

fn name(session: SessionId) -> &'static str {
    if session == id(A) { "A" } else { "B" }
}
