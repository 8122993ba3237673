//! Logs slot events: states, ids and durations, never text of a person, a model
//! or an agent's stderr.

use super::{AgentEvent, SlotEvent, SlotEventKind, SlotState, Switch};

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
            tracing::info!(epoch, reason = exit.reason, "the agent exited as requested");
        }
        SlotEventKind::StateChanged(SlotState::Exited(exit)) => {
            tracing::warn!(epoch, reason = exit.reason, again = ?exit.restart_in, "the agent died");
        }
        SlotEventKind::Ready(agent) => {
            let (pid, session) = (agent.pid, agent.session);
            tracing::info!(epoch, name = agent.name, version = agent.version, pid, %session, "warm");
        }
        SlotEventKind::ResumeRefused(_) => {
            tracing::warn!(epoch, "the requested session cannot be opened");
        }
        SlotEventKind::Switched(done) => {
            let (pid, took) = (done.pid, done.duration);
            tracing::info!(epoch, what = done.kind, from = %done.from, to = %done.to, pid, ?took, "switched");
        }
        SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state }) => {
            tracing::debug!(epoch, uuid, ?state, "prompt");
        }
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => {
            tracing::debug!(epoch, id = request.id, "permission requested");
        }
        SlotEventKind::Agent(AgentEvent::PermissionDropped(id)) => {
            tracing::debug!(epoch, id, "permission request dropped");
        }
        SlotEventKind::Agent(AgentEvent::ModeChanged(mode)) => {
            tracing::info!(epoch, mode = mode.wire_name(), "permission mode");
        }
        SlotEventKind::Prewarmed(prepared) => {
            tracing::debug!(epoch, what = prepared.as_ref().map(Switch::name), "standby");
        }
        SlotEventKind::Agent(AgentEvent::Retrying(retry)) => {
            tracing::info!(epoch, retry.attempt, wait = ?retry.delay, "retrying the model request");
        }
        SlotEventKind::TotalsChanged(_)
        | SlotEventKind::Agent(
            AgentEvent::ConversationChanged { .. }
            | AgentEvent::ModelChanged(_)
            | AgentEvent::McpServersChanged(..)
            | AgentEvent::SlashCommands(_),
        ) => {}
        SlotEventKind::Agent(AgentEvent::HistoryReplayed { changes, .. }) => {
            tracing::debug!(epoch, changes = changes.len(), "history replayed");
        }
        SlotEventKind::Agent(AgentEvent::SessionsListed(sessions)) => {
            tracing::debug!(epoch, sessions = sessions.len(), "sessions listed");
        }
    }
}
