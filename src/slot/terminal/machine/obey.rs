//! What is asked of the program, as the keys that ask for it.

use std::time::Duration;

use super::{Active, Asked, Effect, Ending, Machine, refused};
use crate::session::SessionId;
use crate::slot::handle::{Command, Reply, Seat};
use crate::slot::terminal::pty::Keys;
use crate::slot::{News, PromptState, SlotError, SlotState, Switch, Switched};

/// Between keys that must not be taken for one paste.
const APART: Duration = Duration::from_millis(40);
/// What the program does after an interrupt takes that long.
pub(super) const SETTLING: Duration = Duration::from_millis(250);
/// Ctrl-S: puts what is in the program's input aside, until the next command is done.
const STASH: u8 = 0x13;

impl Machine {
    pub(super) fn obey(&mut self, command: Command) {
        // Whoever does not wait for an answer any more needs none.
        match command {
            Command::Switch { switch, interrupt, reply } => self.switch(switch, interrupt, reply),
            Command::Submit { uuid, text } => self.submit(uuid, &text),
            Command::Interrupt { reply } => {
                if matches!(self.state, SlotState::Busy { .. }) {
                    self.send(b"\x1b".to_vec());
                }
                let _ = reply.send(Ok(()));
            }
            Command::Rename { title, reply, .. } => {
                let outcome = self.ready().map(|()| self.type_command(&format!("/rename {}", line(&title))));
                let _ = reply.send(outcome);
            }
            Command::SetModel { model: Some(model), reply } => {
                let outcome = self.ready().map(|()| self.type_command(&format!("/model {}", line(&model))));
                let _ = reply.send(outcome);
            }
            Command::SetModel { model: None, reply } => refuse(reply, "choose a model with /model"),
            // One process has every session: there is nothing to make ready.
            Command::Prepare(_) => {}
            Command::Cancel { reply, .. } => {
                let _ = reply.send(Ok(false));
            }
            Command::Answer { reply, .. } => refuse(reply, "it is answered in the terminal"),
            Command::SetPermissionMode { reply, .. } => refuse(reply, "Shift-Tab changes it in the terminal"),
            Command::Archive { reply, .. } => refuse(reply, "its sessions go to hotseat's own trash"),
            Command::Replace { reply, .. } => refuse(reply, "leave, and start with another --agent"),
            Command::ContextUsage { reply } => refuse(reply, "/context shows it in the terminal"),
            Command::Servers { reply } => refuse(reply, "/mcp shows them in the terminal"),
            Command::Rewind { reply, .. } => refuse(reply, "/rewind does it in the terminal"),
            Command::Restart { seat, reply } => {
                let session = match seat {
                    Seat::Same => self.active.as_ref().map(|active| active.session),
                    Seat::New => None,
                    Seat::Stored(session) => Some(session),
                };
                self.end(Ending::Start(session));
                let _ = reply.send(Ok(()));
            }
            Command::Close { done } => {
                self.closers.push(done);
                self.end(Ending::Finish);
            }
        }
    }

    fn ready(&self) -> Result<(), SlotError> {
        match &self.state {
            SlotState::Idle(_) | SlotState::Busy { .. } => Ok(()),
            SlotState::Starting => Err(SlotError::NotReady("starting")),
            SlotState::Switching { .. } => Err(SlotError::NotReady("switching")),
            SlotState::Exited(_) => Err(SlotError::NotReady("exited")),
        }
    }

    fn switch(&mut self, switch: Switch, interrupt: bool, reply: Reply<Switched>) {
        let busy = matches!(self.state, SlotState::Busy { .. });
        let refused = match (&self.active, &switch, self.ready()) {
            (_, _, Err(error)) => Some(error),
            (_, _, Ok(())) if busy && !interrupt => Some(SlotError::Busy),
            (_, Switch::Fork { at: Some(_), .. }, _) => {
                Some(refused("fork_at", "/branch copies a session to its end only"))
            }
            (Some(active), Switch::Fork { cwd: Some(cwd), .. }, _) if *cwd != active.cwd => {
                Some(refused("other_folder", "/branch stays in its folder"))
            }
            (
                Some(active),
                Switch::Resume(session)
                | Switch::Begin { session, .. }
                | Switch::Fork { source: session, .. },
                _,
            ) if *session != active.session && !self.lies_beside(active, *session) => {
                Some(refused("other_folder", "/resume finds only the sessions of its folder"))
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
            self.send(b"\x1b".to_vec());
            self.effects.push(Effect::Send(Keys::Pause(SETTLING)));
            // An interrupted prompt may be back in the input.
            self.typed = true;
        }
        let command = match &switch {
            Switch::Clear => "/clear".to_owned(),
            Switch::Fork { title, .. } if !resuming => branch(title.as_deref()),
            Switch::Resume(session)
            | Switch::Begin { session, .. }
            | Switch::Fork { source: session, .. } => format!("/resume {session}"),
        };
        self.type_command(&command);
        self.enter(SlotState::Switching { from, switch: switch.clone() });
        self.asked = Some(Asked { switch, reply, from, since: self.now, resuming });
    }

    /// Whether a session is one of the active one's folder: the program finds no other.
    fn lies_beside(&self, active: &Active, session: SessionId) -> bool {
        let folder = active.transcript.parent();
        folder.is_some_and(|folder| (self.is_stored)(&folder.join(format!("{session}.jsonl"))))
    }

    /// Types one of the program's commands; what stands in its input is put
    /// aside, and comes back by itself.
    pub(super) fn type_command(&mut self, command: &str) {
        if self.typed {
            self.send(vec![STASH]);
            self.effects.push(Effect::Send(Keys::Pause(APART)));
        }
        self.send(command.as_bytes().to_vec());
        self.effects.push(Effect::Send(Keys::Pause(APART)));
        self.send(b"\r".to_vec());
    }

    /// A prompt of ours, as if it were pasted.
    fn submit(&mut self, uuid: String, text: &str) {
        if self.ready().is_err() {
            self.tell(News::Prompt { uuid, state: PromptState::Cancelled });
            return;
        }
        let text: String = text.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect();
        self.send(format!("\x1b[200~{text}\x1b[201~").into_bytes());
        self.effects.push(Effect::Send(Keys::Pause(APART)));
        self.send(b"\r".to_vec());
        self.prompt = Some((uuid, false));
    }
}

pub(super) fn branch(title: Option<&str>) -> String {
    title.map_or_else(|| "/branch".to_owned(), |title| format!("/branch {}", line(title)))
}

/// One line of plain text: anything else would be keys.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn refuse<T>(reply: Reply<T>, message: &str) {
    let _ = reply.send(Err(refused("unsupported", message)));
}
