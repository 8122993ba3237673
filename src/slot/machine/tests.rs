//! The machine without any process: what happens in, short words out.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot::{self, Receiver};

use super::*;
use crate::agent_api::{AgentCall, ReplySender, SetMode, SetModel};
use crate::protocol::PermissionMode;
use crate::session::conversation::ConversationEvent;
use crate::slot::handle::Reply;
use crate::slot::{
    CompletedSwitch, HOTSEAT_AGENT, PermissionDecision, SessionFinder, SlotError, StartIn, Switch,
};

mod life;
mod standby;
mod switching;
mod talking;

const A: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const B: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

type Answer<T> = Receiver<Result<T, SlotError>>;

/// A machine, its clock, and what it asked last.
struct Bench {
    machine: SlotMachine,
    now: Now,
    last_id: String,
}

impl Bench {
    /// Nothing happened yet; transcripts whose path holds `stored` can be resumed.
    fn new() -> Self {
        let launch = Launch::new(HOTSEAT_AGENT.driver, "agent", "/work");
        let now = Now { at: Instant::now(), wall: DateTime::UNIX_EPOCH };
        let size = |path: &Path| u64::from(path.to_string_lossy().contains("stored"));
        let probes = SystemProbes {
            transcript_size: size,
            find_leaf: |leader| leader + 1,
            resolve_targets: |_, _| Vec::new(),
        };
        Self { machine: SlotMachine::new(launch, probes, now), now, last_id: String::new() }
    }

    /// Through the handshake, idle on session A.
    fn warm() -> Self {
        let mut bench = Self::new();
        bench.step(SlotInput::Start);
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

    fn step(&mut self, input: SlotInput) -> Vec<String> {
        let effects = self.machine.step(input, self.now);
        for effect in &effects {
            if let SlotEffect::SendLine(_, line) = effect
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
        self.step(SlotInput::Tick)
    }

    fn frame(&mut self, frame: Value) -> Vec<String> {
        self.step(SlotInput::Line(self.machine.process, frame))
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
        let command = SlotCommand::Submit { uuid: uuid.to_owned(), text: format!("text of {uuid}") };
        self.step(SlotInput::Command(command))
    }

    fn command<T>(&mut self, command: impl FnOnce(Reply<T>) -> SlotCommand) -> (Vec<String>, Answer<T>) {
        let (reply, answer) = oneshot::channel();
        (self.step(SlotInput::Command(command(reply))), answer)
    }

    fn call<C: AgentCall>(&mut self, call: C) -> (Vec<String>, Answer<C::Reply>) {
        let (tx, answer) = oneshot::channel();
        let reply = ReplySender::new(move |reply| {
            tx.send(reply.map(|reply| C::reply(reply).expect("its kind of reply"))).ok();
        });
        (self.step(SlotInput::Command(SlotCommand::Call { request: call.request(), reply })), answer)
    }

    fn switch(&mut self, switch: Switch, interrupt: bool) -> (Vec<String>, Answer<CompletedSwitch>) {
        self.command(|reply| SlotCommand::Switch { switch, interrupt, reply })
    }

    fn die(&mut self) -> Vec<String> {
        let stderr = vec!["last words".to_owned()];
        self.step(SlotInput::ProcessEnded(
            self.machine.process,
            ExitDetails { code: Some(137), reason: "killed by SIGKILL".to_owned(), stderr },
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

fn result(session: &str) -> Value {
    json!({"session_id": session, "pid": 42, "num_turns": 3, "cwd": "/work", "total_cost_usd": 0.5,
        "transcript_path": format!("/stored/{session}.jsonl")})
}

fn got<T>(mut answer: Answer<T>) -> Result<T, SlotError> {
    answer.try_recv().expect("no answer yet")
}

/// An effect in a few words; none for what only measures.
fn words(effect: &SlotEffect) -> Option<String> {
    Some(match effect {
        SlotEffect::Spawn { origin: StartSession::New, .. } => "spawn".to_owned(),
        SlotEffect::Spawn { origin: StartSession::WithId(session), .. } => {
            format!("spawn named {}", name(*session))
        }
        SlotEffect::Spawn { origin: StartSession::Stored(session), .. } => {
            format!("spawn stored {}", name(*session))
        }
        SlotEffect::Spawn { origin: StartSession::Fork { source, .. }, .. } => {
            format!("spawn copy {}", name(*source))
        }
        SlotEffect::SendLine(_, line) => match line["type"].as_str().unwrap() {
            "user" => format!("> prompt {}", line["uuid"].as_str().unwrap()),
            "control_request" if line["request"]["subtype"] == "get_context_usage" => return None,
            "control_request" => {
                let uuid = line["request"]["message_uuid"].as_str().map(|uuid| format!(" {uuid}"));
                format!("> {}{}", line["request"]["subtype"].as_str().unwrap(), uuid.unwrap_or_default())
            }
            "control_response" => format!("> answer {}", line["response"]),
            _ => format!("> {line}"),
        },
        SlotEffect::SendKeys(_, keys) => format!("> keys {keys:?}"),
        SlotEffect::CloseStdin(_) => "end input".to_owned(),
        SlotEffect::Signal(_, signal) => format!("signal {}", signal.as_raw()),
        SlotEffect::ClientOp { op, .. } => format!("lend {op:?}"),
        SlotEffect::Finish => "finish".to_owned(),
        SlotEffect::Emit(event) => format!("{} {}", event.epoch, event_words(event)?),
    })
}

fn event_words(event: &SlotEvent) -> Option<String> {
    Some(match &event.kind {
        SlotEventKind::StateChanged(state) => match state {
            SlotState::Starting => "starting".to_owned(),
            SlotState::Idle(session) => format!("idle {}", name(*session)),
            SlotState::Busy { session, turn } => format!("busy {} {turn}", name(*session)),
            SlotState::Switching { from, switch } => format!("switching {} {}", name(*from), switch.name()),
            SlotState::Exited(exit) => format!("exited, {}, {:?}", exit.reason, exit.restart_in),
        },
        SlotEventKind::Ready(agent) => format!("ready {}", name(agent.session)),
        SlotEventKind::Switched(switched) => format!("switched {} {:?}", name(switched.to), switched.method),
        SlotEventKind::Agent(AgentEvent::ConversationChanged {
            change: ConversationEvent::Prompt(text),
            ..
        }) => {
            format!("shows {text}")
        }
        SlotEventKind::Agent(AgentEvent::ConversationChanged { change, .. }) => format!("grew {change:?}"),
        SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state }) => format!("{uuid} {state:?}"),
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => format!("asks {}", request.id),
        SlotEventKind::Agent(AgentEvent::PermissionDropped(id)) => format!("dropped {id}"),
        SlotEventKind::Agent(AgentEvent::Retrying(retry)) => format!("retry {}", retry.attempt),
        SlotEventKind::Prewarmed(None) => "unprepared".to_owned(),
        SlotEventKind::Prewarmed(Some(switch)) => format!("prepared {}", switch.name()),
        SlotEventKind::TotalsChanged(_) => return None,
        SlotEventKind::ResumeRefused(why) => format!("refused: {why}"),
        SlotEventKind::Agent(AgentEvent::HistoryReplayed { changes, .. }) => {
            format!("replay of {}", changes.len())
        }
        SlotEventKind::Agent(AgentEvent::SessionsListed(sessions)) => format!("{} sessions", sessions.len()),
        SlotEventKind::Agent(AgentEvent::McpServersChanged(connected, of)) => {
            format!("servers {connected}/{of}")
        }
        SlotEventKind::Agent(AgentEvent::SlashCommands(commands)) => format!("{} commands", commands.len()),
        SlotEventKind::Agent(AgentEvent::ModelChanged(model)) => format!("model {model}"),
        SlotEventKind::Agent(AgentEvent::ModeChanged(mode)) => format!("mode {}", mode.wire_name()),
    })
}

fn name(session: SessionId) -> &'static str {
    if session == id(A) { "A" } else { "B" }
}
