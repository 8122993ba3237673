//! Turns hook reports into slot events.

use super::super::hooks::{HookReport, ReportedEvent};
use super::super::pty::PtyInput;
use super::commands::{SETTLE_TIME, branch_command};
use super::{AGENT_NAME, TerminalEffect, TerminalMachine, TerminalSession, TypedSwitch};
use crate::session::SessionId;
use crate::slot::{
    AgentEvent, AgentInfo, Capabilities, CompletedSwitch, Feature, PromptState, SlotEventKind, SlotState,
    Switch, SwitchMethod,
};

/// What the terminal itself offers is not offered from outside.
pub(super) const CAPABILITIES: Capabilities = Capabilities {
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

impl TerminalMachine {
    pub(super) fn handle_report(&mut self, report: HookReport) {
        if let Some(mode) = report.permission_mode
            && mode != self.launch.permission_mode
        {
            self.launch.permission_mode = mode;
            self.emit(SlotEventKind::Agent(AgentEvent::ModeChanged(mode)));
        }
        let is_active = self.active.as_ref().is_some_and(|active| active.session == report.session_id);
        match report.event.clone() {
            ReportedEvent::SessionStart { source, model } => self.session_started(report, &source, model),
            ReportedEvent::SessionEnd {} => self.left_at = Some(self.now),
            ReportedEvent::UserPromptSubmit { prompt_id } if is_active => {
                self.input_dirty = false;
                if let Some((uuid, runs)) = &mut self.submitted {
                    *runs = true;
                    let uuid = uuid.clone();
                    self.emit(SlotEventKind::Agent(AgentEvent::PromptStateChanged {
                        uuid,
                        state: PromptState::Started,
                    }));
                }
                self.set_state(SlotState::Busy { session: report.session_id, turn: prompt_id });
            }
            ReportedEvent::Stop {} if is_active => self.turn_ended(),
            ReportedEvent::Notification { notification_type }
                if is_active && notification_type == "idle_prompt" =>
            {
                self.turn_ended();
            }
            ReportedEvent::UserPromptSubmit { .. }
            | ReportedEvent::Stop {}
            | ReportedEvent::Notification { .. }
            | ReportedEvent::Other => {}
        }
    }

    /// No turn runs.
    fn turn_ended(&mut self) {
        if let Some((uuid, true)) = self.submitted.take() {
            self.emit(SlotEventKind::Agent(AgentEvent::PromptStateChanged {
                uuid,
                state: PromptState::Completed,
            }));
        }
        if let (SlotState::Busy { .. }, Some(active)) = (&self.state, &self.active) {
            let session = active.session;
            self.set_state(SlotState::Idle(session));
        }
    }

    /// The program works on a session from now on.
    fn session_started(&mut self, report: HookReport, source: &str, model: Option<String>) {
        let to = report.session_id;
        let before = self.active.replace(TerminalSession {
            session: to,
            transcript: report.transcript_path.clone(),
            cwd: report.cwd.clone(),
        });
        let (Some(before), false) = (before, matches!(self.state, SlotState::Starting)) else {
            self.program_ready(&report, model);
            return;
        };
        if before.session == to && self.typed_switch.is_none() {
            // Compacted, or resumed itself: the same session goes on.
            return;
        }
        let asked = match self.typed_switch.take() {
            Some(asked) if asked.is_confirmed_by(source, to) => Some(asked),
            Some(mut asked) if asked.resuming && source == "resume" => {
                asked.resuming = false;
                let Switch::Fork { title, .. } = &asked.switch else { return };
                let command = branch_command(title.as_deref());
                self.typed_switch = Some(asked);
                // Wait until the stashed input is restored.
                self.effects.push(TerminalEffect::SendKeys(PtyInput::Pause(SETTLE_TIME)));
                self.type_command(&command);
                return;
            }
            other => {
                self.typed_switch = other;
                None
            }
        };
        let since = asked.as_ref().map(|asked| asked.since).or(self.left_at.take()).unwrap_or(self.now);
        let switched = CompletedSwitch {
            kind: match source {
                "clear" => "clear",
                "fork" => "fork",
                _ => "resume",
            },
            method: SwitchMethod::InProcess,
            from: asked.as_ref().map_or(before.session, |asked| asked.from),
            to,
            forked_from: (source == "fork").then_some(before.session),
            duration: self.now.duration_since(since),
            pid: self.pid,
            turns: 0,
            cwd: report.cwd,
            transcript: report.transcript_path,
            repaired: None,
        };
        self.epoch += 1;
        self.emit(SlotEventKind::Switched(switched.clone()));
        if self.typed_switch.is_none() {
            self.set_state(SlotState::Idle(to));
        }
        if let Some(asked) = asked {
            let _ = asked.reply.send(Ok(switched));
        }
    }

    /// The program came up.
    fn program_ready(&mut self, report: &HookReport, model: Option<String>) {
        self.epoch += 1;
        self.input_dirty = false;
        self.model = model.unwrap_or_else(|| std::mem::take(&mut self.model));
        self.emit(SlotEventKind::Ready(AgentInfo {
            capabilities: CAPABILITIES,
            name: AGENT_NAME.to_owned(),
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
            mcp_servers: (0, 0),
            repaired: None,
        }));
        self.set_state(SlotState::Idle(report.session_id));
    }
}

impl TypedSwitch {
    /// Whether a report confirms this switch: a person may also switch by hand.
    fn is_confirmed_by(&self, source: &str, to: SessionId) -> bool {
        match &self.switch {
            Switch::Clear => source == "clear",
            Switch::Resume(session) | Switch::ResumeOrCreate { session, .. } => {
                source == "resume" && to == *session
            }
            Switch::Fork { .. } => source == "fork" && !self.resuming,
        }
    }
}
