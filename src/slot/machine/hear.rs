//! What the agent says on its own, and what it changes.

use super::{Effect, Machine, News, PromptState, SlotState, Turn};
use crate::session::SessionId;
use crate::session::conversation::Change;
use crate::slot::driver::{Heard, Line, Seated};
use crate::slot::{How, Totals};

impl Machine {
    /// Takes one line. What belongs to a session that is not the active one
    /// is stale, and dropped.
    pub(super) fn hear(&mut self, line: Line) {
        let (session, heard) = self.driver.hear(line);
        let active = self.active.as_ref().map(|active| active.session);
        if session.is_some_and(|session| active != Some(session)) {
            // How much, not what: a log never holds what was said.
            tracing::debug!(?session, news = heard.len(), "dropped: of another session");
            return;
        }
        self.take_all(heard);
    }

    pub(super) fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Send(line) => self.effects.push(Effect::Send(self.process, line)),
            Heard::Answer { id, answer } => self.answered(&id, answer),
            Heard::Reset { to, what } => self.follow(to, what),
            Heard::Grew { uuid, change } => self.grow(uuid, change),
            Heard::Prompt { uuid, state } => self.prompt_moved(uuid, state),
            Heard::Ended { uuid, cost, totals } => {
                self.drop_permissions();
                if let Some(cost) = cost {
                    self.grow(uuid, Change::TurnEnd(cost));
                }
                self.count(Totals { context_percent: self.totals.context_percent, ..totals });
            }
            Heard::Retry(retry) => self.tell(News::Retry(retry)),
            Heard::Quiet => {
                self.turn = None;
                self.rest();
                // Those that an agent is not given while a turn runs.
                self.send_prompts();
            }
            Heard::Permission(request) => {
                self.permissions.push(request.clone());
                self.tell(News::Permission(request));
            }
            Heard::PermissionDropped(id) => {
                if let Some(at) = self.permissions.iter().position(|request| request.id == id) {
                    self.permissions.remove(at);
                    self.tell(News::PermissionDropped { id });
                }
            }
            Heard::Lend { ticket, folder, loan } => {
                self.effects.push(Effect::Lend { which: self.process, ticket, folder, loan });
            }
            Heard::Servers(connected, of) => self.tell(News::Servers(connected, of)),
            Heard::Commands(commands) => self.tell(News::Commands(commands)),
            Heard::Replay { at, changes } => {
                self.tell(News::Replay { at: at.unwrap_or(self.now.wall), changes });
            }
            Heard::Sessions(sessions) => self.tell(News::Sessions(sessions)),
            Heard::Model(model) => self.note_model(model),
            Heard::Mode(mode) => {
                if self.launch.permission_mode != mode {
                    self.note_mode(mode);
                }
            }
        }
    }

    fn grow(&mut self, uuid: String, change: Change) {
        self.tell(News::Conversation { uuid, at: self.now.wall, change });
    }

    /// Where a switch or the handshake is under way, its answer settles.
    fn rest(&mut self) {
        if matches!(self.state, SlotState::Idle(_) | SlotState::Busy { .. }) {
            self.settle();
        }
    }

    fn prompt_moved(&mut self, uuid: String, state: PromptState) {
        match state {
            // Told when it was submitted.
            PromptState::Queued | PromptState::CutOff => {}
            PromptState::Started => {
                let prompt = self.prompts.take(&uuid);
                self.turn = Some(Turn { uuid: uuid.clone(), since: self.now.at });
                self.tell_prompt(uuid.clone(), state);
                if let Some(prompt) = prompt {
                    self.grow(uuid, Change::Prompt(prompt.text));
                }
                self.rest();
            }
            PromptState::Completed => {
                self.prompts.take(&uuid);
                self.turn_over(uuid, state);
            }
            PromptState::Cancelled => match self.prompts.find(&uuid) {
                // Taken back by the slot itself, which keeps it.
                Some(prompt) if !prompt.sent => {}
                Some(_) => self.cancel_prompts(|prompt| prompt.uuid == uuid),
                None => self.turn_over(uuid, state),
            },
        }
    }

    fn turn_over(&mut self, uuid: String, state: PromptState) {
        let over = self.turn.take_if(|turn| turn.uuid == uuid).is_some();
        if over || state == PromptState::Completed {
            self.tell_prompt(uuid, state);
        }
        self.rest();
    }

    /// A session changed that was not asked to: by a slash command in a prompt.
    /// An asked switch says the same, and its answer says more.
    fn follow(&mut self, to: SessionId, what: &'static str) {
        if matches!(self.state, SlotState::Switching { .. }) {
            return;
        }
        let Some(from) = self.active.clone() else { return };
        let seated = Seated {
            session: to,
            forked_from: (what == "fork").then_some(from.session),
            pid: None,
            turns: 0,
            cwd: from.cwd.clone(),
            transcript: from.transcript.with_file_name(format!("{to}.jsonl")),
            repaired: None,
            totals: Totals::default(),
        };
        let since = self.turn.as_ref().map_or(self.now.at, |turn| turn.since);
        self.arrive(from, what, How::InProcess, seated, self.now.at - since);
    }
}
