//! Logs slot events: states, ids and durations, never text of a person, a model
//! or an agent's stderr.

use super::{SlotEvent, SlotEventKind, SlotState, Switch};

/// Logs an event, without its text.
pub(super) fn log_event(event: &SlotEvent) {
    let epoch = event.epoch;
    match &event.kind {
        SlotEventKind::StateChanged(SlotState::Starting) => tracing::debug!(epoch, "starting"),
        SlotEventKind::StateChanged(SlotState::Idle(session)) => tracing::debug!(epoch, %session, "idle"),
        SlotEventKind::StateChanged(SlotState::Busy { session, turn }) => {
            tracing::debug!(epoch, %session, turn, "busy");
        }
        SlotEventKind::StateChanged(SlotState::Switching { from, switch }) => {
            tracing::debug!(epoch, %from, what = switch.name(), "switching");
        }
        SlotEventKind::StateChanged(SlotState::Exited(exit)) if exit.expected => {
            tracing::info!(epoch, reason = exit.reason, "the agent ended as asked");
        }
        SlotEventKind::StateChanged(SlotState::Exited(exit)) => {
            tracing::warn!(epoch, reason = exit.reason, again = ?exit.restart_in, "the agent died");
        }
        SlotEventKind::Ready(agent) => {
            let (pid, session) = (agent.pid, agent.session);
            tracing::info!(epoch, name = agent.name, version = agent.version, pid, %session, "warm");
        }
        SlotEventKind::ResumeRefused(_) => {
            tracing::warn!(epoch, "the session that was asked for cannot be opened");
        }
        SlotEventKind::Switched(done) => {
            let (pid, took) = (done.pid, done.duration);
            tracing::info!(epoch, what = done.kind, from = %done.from, to = %done.to, pid, ?took, "switched");
        }
        SlotEventKind::PromptStateChanged { uuid, state } => tracing::debug!(epoch, uuid, ?state, "prompt"),
        SlotEventKind::PermissionRequested(request) => {
            tracing::debug!(epoch, id = request.id, "asked for permission");
        }
        SlotEventKind::PermissionDropped { id } => {
            tracing::debug!(epoch, id, "permission not needed any more");
        }
        SlotEventKind::ModeChanged(mode) => tracing::info!(epoch, mode = mode.wire_name(), "permission mode"),
        SlotEventKind::Prewarmed(prepared) => {
            tracing::debug!(epoch, what = prepared.as_ref().map(Switch::name), "standby");
        }
        SlotEventKind::Retrying(retry) => {
            tracing::info!(epoch, retry.attempt, wait = ?retry.delay, "asks the model again");
        }
        SlotEventKind::ConversationChanged { .. }
        | SlotEventKind::TotalsChanged(_)
        | SlotEventKind::ModelChanged(_)
        | SlotEventKind::McpServersChanged(..)
        | SlotEventKind::SlashCommands(_) => {}
        SlotEventKind::HistoryReplayed { changes, .. } => {
            tracing::debug!(epoch, changes = changes.len(), "told what was said");
        }
        SlotEventKind::SessionsListed(sessions) => {
            tracing::debug!(epoch, sessions = sessions.len(), "told its sessions");
        }
    }
}
