//! What the program reports, as news.

use super::super::hooks::{Report, What};
use super::super::pty::Keys;
use super::obey::{SETTLING, branch};
use super::{Active, Asked, Effect, Machine, NAME};
use crate::session::SessionId;
use crate::slot::{Abilities, Agent, Feature, How, News, PromptState, SlotState, Switch, Switched};

/// What is done in its terminal is not done from outside.
const ABILITIES: Abilities = Abilities {
    lacks: &[
        (Feature::ForkAt, "/branch copies a session to its end only"),
        (Feature::Mode, "Shift-Tab changes it in the terminal"),
        (Feature::Context, "/context shows it in the terminal"),
        (Feature::Servers, "/mcp shows them in the terminal"),
        (Feature::Rewind, "/rewind does it in the terminal"),
        (Feature::Ephemeral, "the official program always writes its sessions to disk"),
    ],
    ..Abilities::WHOLE
};

impl Machine {
    pub(super) fn hear(&mut self, report: Report) {
        if let Some(mode) = report.permission_mode
            && mode != self.launch.permission_mode
        {
            self.launch.permission_mode = mode;
            self.tell(News::Mode(mode));
        }
        let is_active = self.active.as_ref().is_some_and(|active| active.session == report.session_id);
        match report.what.clone() {
            What::SessionStart { source, model } => self.seated(report, &source, model),
            What::SessionEnd {} => self.left = Some(self.now),
            What::UserPromptSubmit { prompt_id } if is_active => {
                self.typed = false;
                if let Some((uuid, runs)) = &mut self.prompt {
                    *runs = true;
                    let uuid = uuid.clone();
                    self.tell(News::Prompt { uuid, state: PromptState::Started });
                }
                self.enter(SlotState::Busy { session: report.session_id, turn: prompt_id });
            }
            What::Stop {} if is_active => self.quiet(),
            What::Notification { notification_type } if is_active && notification_type == "idle_prompt" => {
                self.quiet();
            }
            What::UserPromptSubmit { .. } | What::Stop {} | What::Notification { .. } | What::Other => {}
        }
    }

    /// No turn runs.
    fn quiet(&mut self) {
        if let Some((uuid, true)) = self.prompt.take() {
            self.tell(News::Prompt { uuid, state: PromptState::Completed });
        }
        if let (SlotState::Busy { .. }, Some(active)) = (&self.state, &self.active) {
            let session = active.session;
            self.enter(SlotState::Idle(session));
        }
    }

    /// The program works on a session from now on.
    fn seated(&mut self, report: Report, source: &str, model: Option<String>) {
        let to = report.session_id;
        let before = self.active.replace(Active {
            session: to,
            transcript: report.transcript_path.clone(),
            cwd: report.cwd.clone(),
        });
        let (Some(before), false) = (before, matches!(self.state, SlotState::Starting)) else {
            self.warm(&report, model);
            return;
        };
        if before.session == to && self.asked.is_none() {
            // Compacted, or resumed where it was: the same session goes on.
            return;
        }
        let asked = match self.asked.take() {
            Some(asked) if asked.is_done_by(source, to) => Some(asked),
            Some(mut asked) if asked.resuming && source == "resume" => {
                asked.resuming = false;
                let Switch::Fork { title, .. } = &asked.switch else { return };
                let command = branch(title.as_deref());
                self.asked = Some(asked);
                // Until what was put aside is back in its input.
                self.effects.push(Effect::Send(Keys::Pause(SETTLING)));
                self.type_command(&command);
                return;
            }
            other => {
                self.asked = other;
                None
            }
        };
        let since = asked.as_ref().map(|asked| asked.since).or(self.left.take()).unwrap_or(self.now);
        let switched = Switched {
            what: match source {
                "clear" => "clear",
                "fork" => "fork",
                _ => "resume",
            },
            how: How::InProcess,
            from: asked.as_ref().map_or(before.session, |asked| asked.from),
            to,
            forked_from: (source == "fork").then_some(before.session),
            took: self.now.duration_since(since),
            pid: self.pid,
            turns: 0,
            cwd: report.cwd,
            transcript: report.transcript_path,
            repaired: None,
        };
        self.epoch += 1;
        self.tell(News::Switched(switched.clone()));
        if self.asked.is_none() {
            self.enter(SlotState::Idle(to));
        }
        if let Some(asked) = asked {
            let _ = asked.reply.send(Ok(switched));
        }
    }

    /// The program came up.
    fn warm(&mut self, report: &Report, model: Option<String>) {
        self.epoch += 1;
        self.typed = false;
        self.model = model.unwrap_or_else(|| std::mem::take(&mut self.model));
        self.tell(News::Ready(Agent {
            abilities: ABILITIES,
            name: NAME.to_owned(),
            version: self.version.clone(),
            pid: self.pid,
            model: self.model.clone(),
            notice: None,
            session: report.session_id,
            transcript: report.transcript_path.clone(),
            cwd: report.cwd.clone(),
            permission_mode: self.launch.permission_mode,
            commands: Vec::new(),
            models: Vec::new(),
            mcp: (0, 0),
            repaired: None,
        }));
        self.enter(SlotState::Idle(report.session_id));
    }
}

impl Asked {
    /// Whether a report is about this switch: the person may switch, too.
    fn is_done_by(&self, source: &str, to: SessionId) -> bool {
        match &self.switch {
            Switch::Clear => source == "clear",
            Switch::Resume(session) | Switch::Begin { session, .. } => source == "resume" && to == *session,
            Switch::Fork { .. } => source == "fork" && !self.resuming,
        }
    }
}
