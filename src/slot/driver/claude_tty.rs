//! The driver for the official `claude` in a pseudo-terminal (`claude-tty`):
//! requests are typed as the program's own commands, and count as done only when
//! its hooks say so. The screen is never parsed.
//!
//! A line from this agent is the report of a hook, or the program's version.

mod hook_report;
mod reports;
mod typed_command;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use self::typed_command::{branch_command, command_for};
use super::{AgentResponse, Driver, DriverOutput, JsonLine, SlotRequest, SpawnArgs, StartSession};
use crate::agent_api::PtyInput;
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{
    Capabilities, ErrorCode, Feature, Launch, PermissionRequest, PromptState, SlotError, Switch,
};

/// The agent's name.
const AGENT_NAME: &str = "claude";
/// How long to wait for a hook to confirm what was typed.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(8);
/// Pause between keys that must not be taken for one paste.
const KEY_GAP: Duration = Duration::from_millis(40);
/// How long the program takes to settle after an interrupt, or after a switch.
const SETTLE_TIME: Duration = Duration::from_millis(250);
/// Ctrl-S stashes the program's input until the next command is done.
const STASH_KEY: u8 = 0x13;

/// What the terminal itself offers is not offered from outside.
const CAPABILITIES: Capabilities = Capabilities {
    unsupported_features: &[
        (Feature::ForkAt, "/branch cannot fork at a message, only at the end"),
        (Feature::Mode, "Shift-Tab changes it in the terminal"),
        (Feature::Context, "/context shows it in the terminal"),
        (Feature::Servers, "/mcp shows them in the terminal"),
        (Feature::Rewind, "/rewind does it in the terminal"),
        (Feature::Ephemeral, "the official program always writes its sessions to disk"),
    ],
    ..Capabilities::FULL
};

/// Makes the driver of one process.
pub(crate) fn claude_tty() -> Box<dyn Driver> {
    Box::<ClaudeTtyDriver>::default()
}

/// The active session.
#[derive(Debug, Clone)]
struct TerminalSession {
    session: SessionId,
    transcript: PathBuf,
    cwd: PathBuf,
}

/// A switch that was typed and is not confirmed.
#[derive(Debug)]
struct TypedSwitch {
    /// The id of the slot's request.
    request_id: String,
    switch: Switch,
    since: Instant,
    /// For a fork of another session, which must be resumed first.
    resuming: bool,
}

/// One process of the program.
#[derive(Debug)]
struct ClaudeTtyDriver {
    /// Whether a transcript has entries.
    is_stored: fn(&Path) -> bool,
    version: String,
    model: String,
    mode: PermissionMode,
    /// The id of the slot's handshake request, until the program is up.
    handshake: Option<String>,
    active: Option<TerminalSession>,
    typed_switch: Option<TypedSwitch>,
    /// When the program left a session on its own.
    left_at: Option<Instant>,
    /// The program's input line may contain unsent text.
    input_dirty: bool,
    /// The slot's prompt that was typed and whose turn has not begun.
    submitted: Option<(String, Instant)>,
    /// The prompts of the running turn.
    turn: Vec<String>,
}

impl Default for ClaudeTtyDriver {
    fn default() -> Self {
        Self {
            is_stored: |transcript| std::fs::metadata(transcript).is_ok_and(|file| file.len() > 0),
            version: String::new(),
            model: String::new(),
            mode: PermissionMode::Default,
            handshake: None,
            active: None,
            typed_switch: None,
            left_at: None,
            input_dirty: false,
            submitted: None,
            turn: Vec::new(),
        }
    }
}

impl Driver for ClaudeTtyDriver {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn queues_prompts(&self) -> bool {
        false
    }

    /// A person may have to log in first, or to answer the program's questions.
    fn has_own_timeouts(&self) -> bool {
        true
    }

    /// A person ends the program, too.
    fn restarts(&self) -> bool {
        false
    }

    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs {
        self.mode = launch.permission_mode;
        self.model = launch.model.clone().unwrap_or_default();
        let mut args = vec!["--permission-mode".into(), launch.permission_mode.wire_name().into()];
        if let Some(model) = &launch.model {
            args.extend(["--model".into(), model.into()]);
        }
        match origin {
            StartSession::New => {}
            StartSession::WithId(session) => args.push(format!("--session-id={session}").into()),
            StartSession::Stored(session) => args.push(format!("--resume={session}").into()),
            StartSession::Fork { source, .. } => {
                args.extend([format!("--resume={source}").into(), "--fork-session".into()]);
            }
        }
        SpawnArgs { args, env: Vec::new() }
    }

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
        let answer = match ask {
            SlotRequest::Handshake => {
                self.handshake = Some(id.to_owned());
                return Vec::new();
            }
            SlotRequest::Switch { switch, .. } => match self.switch(id, switch) {
                Ok(typed) => return typed,
                Err(error) => Err(error),
            },
            SlotRequest::Interrupt => return vec![bytes("\x1b"), respond(id, Ok(AgentResponse::Done))],
            SlotRequest::CancelPrompt(_) => Ok(AgentResponse::Cancelled(false)),
            // It ends when its terminal is closed.
            SlotRequest::EndSession => return Vec::new(),
            SlotRequest::Call(request) => match command_for(request) {
                Ok((command, reply)) => {
                    let mut outputs = self.type_command(&command);
                    outputs.push(respond(id, Ok(AgentResponse::Reply(reply))));
                    return outputs;
                }
                Err(error) => Err(error),
            },
        };
        vec![respond(id, answer)]
    }

    /// A bracketed paste.
    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput> {
        let text: String = text.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect();
        self.submitted = Some((uuid.to_owned(), Instant::now()));
        vec![bytes(&format!("\x1b[200~{text}\x1b[201~")), pause(KEY_GAP), bytes("\r")]
    }

    /// Permission is asked for, and given, in the terminal.
    fn answer_permission(
        &mut self,
        _request: PermissionRequest,
        _denied: Option<String>,
    ) -> Vec<DriverOutput> {
        Vec::new()
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        if let Some(version) = line["version"].as_str() {
            version.clone_into(&mut self.version);
            return (None, Vec::new());
        }
        match serde_json::from_value(line) {
            Ok(report) => (None, self.handle_report(report)),
            Err(error) => {
                tracing::warn!(%error, "dropped an invalid hook report");
                (None, Vec::new())
            }
        }
    }

    fn handle_keys(&mut self, keys: Vec<u8>) -> Vec<DriverOutput> {
        self.input_dirty = true;
        vec![DriverOutput::SendKeys(PtyInput::Bytes(keys))]
    }

    fn deadline(&self) -> Option<Instant> {
        let switch = self.typed_switch.as_ref().map(|typed| typed.since);
        let prompt = self.submitted.as_ref().map(|(_, since)| *since);
        switch.into_iter().chain(prompt).min().map(|since| since + CONFIRM_TIMEOUT)
    }

    fn expire(&mut self, now: Instant) -> Vec<DriverOutput> {
        let mut outputs = Vec::new();
        let overdue = |since: Instant| since + CONFIRM_TIMEOUT <= now;
        if let Some(typed) = self.typed_switch.take_if(|typed| overdue(typed.since)) {
            let error = refusal("the switch was not confirmed; look at its terminal for the reason");
            outputs.push(respond(&typed.request_id, Err(error)));
        }
        // Such as a command of the program's own, which begins no turn.
        if let Some((uuid, _)) = self.submitted.take_if(|(_, since)| overdue(*since)) {
            outputs.push(DriverOutput::prompt(uuid, PromptState::Completed));
            if self.turn.is_empty() {
                outputs.push(DriverOutput::Idle);
            }
        }
        outputs
    }
}

impl ClaudeTtyDriver {
    /// Types a switch, unless the program cannot do it.
    fn switch(&mut self, id: &str, switch: Switch) -> Result<Vec<DriverOutput>, SlotError> {
        let Some(active) = &self.active else { return Err(SlotError::NotReady("starting")) };
        if matches!(&switch, Switch::Fork { cwd: Some(cwd), .. } if *cwd != active.cwd) {
            return Err(unsupported("/branch stays in its folder"));
        }
        let source = switch.source().filter(|source| *source != active.session);
        if source.is_some_and(|source| !self.is_in_same_folder(active, source)) {
            return Err(unsupported("/resume finds only the sessions of its folder"));
        }
        let resuming = source.is_some() && matches!(switch, Switch::Fork { .. });
        let command = match &switch {
            Switch::Clear => "/clear".to_owned(),
            Switch::Fork { title, .. } if !resuming => branch_command(title.as_deref()),
            Switch::Resume(session)
            | Switch::ResumeOrCreate { session, .. }
            | Switch::Fork { source: session, .. } => format!("/resume {session}"),
        };
        let mut outputs = Vec::new();
        if !self.turn.is_empty() {
            outputs.extend([bytes("\x1b"), pause(SETTLE_TIME)]);
            // The interrupted prompt may be back in the input.
            self.input_dirty = true;
        }
        outputs.extend(self.type_command(&command));
        let request_id = id.to_owned();
        self.typed_switch = Some(TypedSwitch { request_id, switch, since: Instant::now(), resuming });
        Ok(outputs)
    }

    /// Whether a session belongs to the active one's folder: `/resume` finds no
    /// others.
    fn is_in_same_folder(&self, active: &TerminalSession, session: SessionId) -> bool {
        let folder = active.transcript.parent();
        folder.is_some_and(|folder| (self.is_stored)(&folder.join(format!("{session}.jsonl"))))
    }

    /// Types one of the program's commands. Unsent input is stashed before and
    /// comes back afterwards.
    fn type_command(&self, command: &str) -> Vec<DriverOutput> {
        let stash = [DriverOutput::SendKeys(PtyInput::Bytes(vec![STASH_KEY])), pause(KEY_GAP)];
        let stash = stash.into_iter().filter(|_| self.input_dirty);
        stash.chain([bytes(command), pause(KEY_GAP), bytes("\r")]).collect()
    }
}

fn bytes(keys: &str) -> DriverOutput {
    DriverOutput::SendKeys(PtyInput::Bytes(keys.as_bytes().to_vec()))
}

fn pause(pause: Duration) -> DriverOutput {
    DriverOutput::SendKeys(PtyInput::Pause(pause))
}

fn respond(id: &str, answer: Result<AgentResponse, SlotError>) -> DriverOutput {
    DriverOutput::Response { id: id.to_owned(), answer }
}

fn refusal(message: &str) -> SlotError {
    SlotError::refused(format!("{AGENT_NAME} in a terminal: {message}"))
}

fn unsupported(message: &str) -> SlotError {
    SlotError::refused_with(ErrorCode::UnsupportedRequest, format!("{AGENT_NAME} in a terminal: {message}"))
}

#[cfg(test)]
mod tests;
