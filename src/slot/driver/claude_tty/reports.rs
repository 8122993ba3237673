//! What the program's hooks report, as events and responses.

use tokio::time::Instant;
use uuid::Uuid;

use super::hook_report::{HookReport, ReportedEvent};
use super::typed_command::branch_command;
use super::{
    AGENT_NAME, CAPABILITIES, ClaudeTtyDriver, SETTLE_TIME, TerminalSession, TypedSwitch, pause, refusal,
    respond,
};
use crate::agent_api::{AgentEvent, AgentResponse, DriverOutput, ResetDetails, SwitchResult};
use crate::session::SessionId;
use crate::slot::{AgentInfo, PromptState, SlotTotals, Switch};

impl ClaudeTtyDriver {
    pub(super) fn handle_report(&mut self, report: HookReport) -> Vec<DriverOutput> {
        let mut outputs = Vec::new();
        if let Some(mode) = report.permission_mode.filter(|mode| *mode != self.mode) {
            self.mode = mode;
            outputs.push(DriverOutput::Event(AgentEvent::ModeChanged(mode)));
        }
        let is_active = self.active.as_ref().is_some_and(|active| active.session == report.session_id);
        match report.event.clone() {
            ReportedEvent::SessionStart { source, model } => {
                outputs.extend(self.session_started(report, &source, model));
            }
            ReportedEvent::SessionEnd {} => self.left_at = Some(Instant::now()),
            ReportedEvent::UserPromptSubmit { prompt_id } if is_active => {
                self.input_dirty = false;
                let typed_by_person =
                    || if prompt_id.is_empty() { Uuid::new_v4().to_string() } else { prompt_id.clone() };
                let uuid = self.submitted.take().map_or_else(typed_by_person, |(uuid, _)| uuid);
                self.turn.push(uuid.clone());
                outputs.push(DriverOutput::prompt(uuid, PromptState::Started));
            }
            ReportedEvent::Stop {} if is_active => outputs.extend(self.turn_ended()),
            ReportedEvent::Notification { notification_type }
                if is_active && notification_type == "idle_prompt" =>
            {
                outputs.extend(self.turn_ended());
            }
            ReportedEvent::UserPromptSubmit { .. }
            | ReportedEvent::Stop {}
            | ReportedEvent::Notification { .. }
            | ReportedEvent::Other => {}
        }
        outputs
    }

    /// No turn runs.
    fn turn_ended(&mut self) -> Vec<DriverOutput> {
        let ended = std::mem::take(&mut self.turn);
        let idle = Some(DriverOutput::Idle).filter(|_| !ended.is_empty());
        ended.into_iter().map(|uuid| DriverOutput::prompt(uuid, PromptState::Completed)).chain(idle).collect()
    }

    /// The program works on a session from now on.
    fn session_started(
        &mut self,
        report: HookReport,
        source: &str,
        model: Option<String>,
    ) -> Vec<DriverOutput> {
        let HookReport { session_id: to, transcript_path: transcript, cwd, .. } = report;
        let active = TerminalSession { session: to, transcript: transcript.clone(), cwd: cwd.clone() };
        let before = self.active.replace(active.clone());
        if let Some(id) = self.handshake.take() {
            let agent = Box::new(self.agent_info(active, model));
            return vec![respond(&id, Ok(AgentResponse::Handshake(agent, SlotTotals::default())))];
        }
        let Some(before) = before else { return Vec::new() };
        let mut outputs = Vec::new();
        match self.typed_switch.take() {
            Some(typed) if typed.is_confirmed_by(source, to) => {
                self.turn.clear();
                self.left_at = None;
                let switched = SwitchResult {
                    session: to,
                    forked_from: (source == "fork").then_some(before.session),
                    pid: None,
                    turns: 0,
                    cwd,
                    transcript,
                    repaired: None,
                    totals: SlotTotals::default(),
                };
                return vec![respond(&typed.request_id, Ok(AgentResponse::Switched(Box::new(switched))))];
            }
            Some(mut typed) if typed.resuming && source == "resume" => {
                typed.resuming = false;
                let title = match &typed.switch {
                    Switch::Fork { title, .. } => title.as_deref(),
                    _ => None,
                };
                // Wait until the stashed input is restored.
                outputs.push(pause(SETTLE_TIME));
                outputs.extend(self.type_command(&branch_command(title)));
                self.typed_switch = Some(typed);
                return outputs;
            }
            // Compacted: the same session goes on.
            typed if before.session == to => {
                self.typed_switch = typed;
                return outputs;
            }
            Some(typed) => {
                let error = refusal("another session was opened in the terminal");
                outputs.push(respond(&typed.request_id, Err(error)));
            }
            None => {}
        }
        outputs.extend(self.turn_ended());
        let took = self.left_at.take().map(|left| left.elapsed());
        let details = Some(Box::new(ResetDetails { transcript, cwd, took }));
        let what = match source {
            "clear" => "clear",
            "fork" => "fork",
            _ => "resume",
        };
        outputs.push(DriverOutput::SessionReset { to, what, details });
        outputs
    }

    fn agent_info(&self, active: TerminalSession, model: Option<String>) -> AgentInfo {
        AgentInfo {
            capabilities: CAPABILITIES,
            name: AGENT_NAME.to_owned(),
            version: self.version.clone(),
            // The slot knows it.
            pid: 0,
            model: model.unwrap_or_else(|| self.model.clone()),
            notice: None,
            session: active.session,
            transcript: active.transcript,
            cwd: active.cwd,
            permission_mode: self.mode,
            commands: Vec::new(),
            models: Vec::new(),
            mcp_servers: (0, 0),
            repaired: None,
        }
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
