//! Turns commands into keys for the program.

use std::time::Duration;

use super::hook_reports::CAPABILITIES;
use super::{AGENT_NAME, AfterExit, TerminalEffect, TerminalMachine, TerminalSession, TypedSwitch};
use crate::agent_api::{AgentCall, AgentReply, AgentRequest, RenameSession, SetModel};
use crate::session::SessionId;
use crate::slot::handle::{Reply, SlotCommand, StartIn};
use crate::slot::terminal::pty::PtyInput;
use crate::slot::{
    AgentEvent, CompletedSwitch, ErrorCode, PromptState, SlotError, SlotEventKind, SlotState, Switch,
};

/// Pause between keys that must not be taken for one paste.
const KEY_GAP: Duration = Duration::from_millis(40);
/// How long the program takes to settle after an interrupt.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(250);
/// Ctrl-S stashes the program's input until the next command is done.
const STASH_KEY: u8 = 0x13;

impl TerminalMachine {
    pub(super) fn handle_command(&mut self, command: SlotCommand) {
        // A caller that has gone away needs no reply.
        match command {
            SlotCommand::Switch { switch, interrupt, reply } => self.switch(switch, interrupt, reply),
            SlotCommand::Submit { uuid, text } => self.submit(uuid, &text),
            SlotCommand::Interrupt { reply } => {
                if matches!(self.state, SlotState::Busy { .. }) {
                    self.send_bytes(b"\x1b".to_vec());
                }
                let _ = reply.send(Ok(()));
            }
            SlotCommand::Call { request, reply } => {
                reply.send(self.type_request(request));
            }
            // One process has every session, so there is no standby.
            SlotCommand::Prewarm(_) => {}
            SlotCommand::Cancel { reply, .. } => {
                let _ = reply.send(Ok(false));
            }
            SlotCommand::AnswerPermission { reply, .. } => refuse(reply, "it is answered in the terminal"),
            SlotCommand::ReplaceAgent { reply, .. } => {
                refuse(reply, "quit, then start hotseat with another --agent");
            }
            SlotCommand::Restart { seat, reply } => {
                let session = match seat {
                    StartIn::Same => self.active.as_ref().map(|active| active.session),
                    StartIn::New => None,
                    StartIn::Stored(session) => Some(session),
                };
                self.stop_program(AfterExit::Start(session));
                let _ = reply.send(Ok(()));
            }
            SlotCommand::Close { done } => {
                self.closers.push(done);
                self.stop_program(AfterExit::Finish);
            }
        }
    }

    /// Types a request as the program's own command, where it has one.
    fn type_request(&mut self, request: AgentRequest) -> Result<AgentReply, SlotError> {
        let (command, reply) = match request {
            AgentRequest::RenameSession(RenameSession { title, .. }) => {
                (format!("/rename {}", one_line(&title)), RenameSession::respond(()))
            }
            AgentRequest::SetModel(SetModel { model: Some(model) }) => {
                (format!("/model {}", one_line(&model)), SetModel::respond(None))
            }
            AgentRequest::SetModel(SetModel { model: None }) => {
                return Err(unsupported("choose a model with /model"));
            }
            AgentRequest::ArchiveSession(_) => {
                return Err(unsupported("delete moves its sessions to hotseat's own trash"));
            }
            request => {
                let missing = CAPABILITIES.unsupported(request.feature());
                return Err(unsupported(missing.unwrap_or("do it in the terminal")));
            }
        };
        self.require_ready()?;
        self.type_command(&command);
        Ok(reply)
    }

    fn require_ready(&self) -> Result<(), SlotError> {
        match &self.state {
            SlotState::Idle(_) | SlotState::Busy { .. } => Ok(()),
            SlotState::Starting => Err(SlotError::NotReady("starting")),
            SlotState::Switching { .. } => Err(SlotError::NotReady("switching")),
            SlotState::Exited(_) => Err(SlotError::NotReady("exited")),
        }
    }

    fn switch(&mut self, switch: Switch, interrupt: bool, reply: Reply<CompletedSwitch>) {
        let busy = matches!(self.state, SlotState::Busy { .. });
        let refused = match (&self.active, &switch, self.require_ready()) {
            (_, _, Err(error)) => Some(error),
            (_, _, Ok(())) if busy && !interrupt => Some(SlotError::Busy),
            (_, Switch::Fork { at: Some(_), .. }, _) => {
                Some(unsupported("/branch cannot fork at a message, only at the end"))
            }
            (Some(active), Switch::Fork { cwd: Some(cwd), .. }, _) if *cwd != active.cwd => {
                Some(unsupported("/branch stays in its folder"))
            }
            (
                Some(active),
                Switch::Resume(session)
                | Switch::ResumeOrCreate { session, .. }
                | Switch::Fork { source: session, .. },
                _,
            ) if *session != active.session && !self.is_in_same_folder(active, *session) => {
                Some(unsupported("/resume finds only the sessions of its folder"))
            }
            (None, _, _) => Some(SlotError::NotReady("starting")),
            _ => None,
        };
        let (Some(active), None) = (&self.active, &refused) else {
            let _ = reply.send(Err(refused.unwrap_or(SlotError::NotReady("starting"))));
            return;
        };
        let from = active.session;
        let resuming = matches!(&switch, Switch::Fork { source, .. } if *source != from);
        if busy {
            self.send_bytes(b"\x1b".to_vec());
            self.effects.push(TerminalEffect::SendKeys(PtyInput::Pause(SETTLE_TIME)));
            // The interrupted prompt may be back in the input.
            self.input_dirty = true;
        }
        let command = match &switch {
            Switch::Clear => "/clear".to_owned(),
            Switch::Fork { title, .. } if !resuming => branch_command(title.as_deref()),
            Switch::Resume(session)
            | Switch::ResumeOrCreate { session, .. }
            | Switch::Fork { source: session, .. } => format!("/resume {session}"),
        };
        self.type_command(&command);
        self.set_state(SlotState::Switching { from, switch: switch.clone() });
        self.typed_switch = Some(TypedSwitch { switch, reply, from, since: self.now, resuming });
    }

    /// Whether a session belongs to the active one's folder: `/resume` finds no
    /// others.
    fn is_in_same_folder(&self, active: &TerminalSession, session: SessionId) -> bool {
        let folder = active.transcript.parent();
        folder.is_some_and(|folder| (self.is_stored)(&folder.join(format!("{session}.jsonl"))))
    }

    /// Types one of the program's commands. Unsent input is stashed before and
    /// comes back afterwards.
    pub(super) fn type_command(&mut self, command: &str) {
        if self.input_dirty {
            self.send_bytes(vec![STASH_KEY]);
            self.effects.push(TerminalEffect::SendKeys(PtyInput::Pause(KEY_GAP)));
        }
        self.send_bytes(command.as_bytes().to_vec());
        self.effects.push(TerminalEffect::SendKeys(PtyInput::Pause(KEY_GAP)));
        self.send_bytes(b"\r".to_vec());
    }

    /// Submits a prompt as a bracketed paste.
    fn submit(&mut self, uuid: String, text: &str) {
        if self.require_ready().is_err() {
            self.emit(SlotEventKind::Agent(AgentEvent::PromptStateChanged {
                uuid,
                state: PromptState::Cancelled,
            }));
            return;
        }
        let text: String = text.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect();
        self.send_bytes(format!("\x1b[200~{text}\x1b[201~").into_bytes());
        self.effects.push(TerminalEffect::SendKeys(PtyInput::Pause(KEY_GAP)));
        self.send_bytes(b"\r".to_vec());
        self.submitted = Some((uuid, false));
    }
}

pub(super) fn branch_command(title: Option<&str>) -> String {
    title.map_or_else(|| "/branch".to_owned(), |title| format!("/branch {}", one_line(title)))
}

/// The text with control characters replaced: they would act as keys.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn refuse<T>(reply: Reply<T>, message: &str) {
    let _ = reply.send(Err(unsupported(message)));
}

fn unsupported(message: &str) -> SlotError {
    let message = format!("{AGENT_NAME} in a terminal: {message}");
    SlotError::refused_with(ErrorCode::UnsupportedRequest, message)
}
