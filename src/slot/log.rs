//! What of the news goes into the log: states, ids and durations, never what a
//! person, a model or an agent's stderr said.

use super::{News, SlotEvent, SlotState, Switch};

/// Logs what would help to find out what happened.
pub(super) fn note(event: &SlotEvent) {
    let epoch = event.epoch;
    match &event.news {
        News::State(SlotState::Starting) => tracing::debug!(epoch, "starting"),
        News::State(SlotState::Idle(session)) => tracing::debug!(epoch, %session, "idle"),
        News::State(SlotState::Busy { session, turn }) => tracing::debug!(epoch, %session, turn, "busy"),
        News::State(SlotState::Switching { from, switch }) => {
            tracing::debug!(epoch, %from, what = switch.name(), "switching");
        }
        News::State(SlotState::Exited(exit)) if exit.expected => {
            tracing::info!(epoch, reason = exit.reason, "the agent ended as asked");
        }
        News::State(SlotState::Exited(exit)) => {
            tracing::warn!(epoch, reason = exit.reason, again = ?exit.restart_in, "the agent died");
        }
        News::Ready(agent) => {
            let (pid, session) = (agent.pid, agent.session);
            tracing::info!(epoch, name = agent.name, version = agent.version, pid, %session, "warm");
        }
        News::Refused(_) => tracing::warn!(epoch, "the session that was asked for cannot be opened"),
        News::Switched(done) => {
            let (pid, took) = (done.pid, done.took);
            tracing::info!(epoch, what = done.what, from = %done.from, to = %done.to, pid, ?took, "switched");
        }
        News::Prompt { uuid, state } => tracing::debug!(epoch, uuid, ?state, "prompt"),
        News::Permission(request) => tracing::debug!(epoch, id = request.id, "asked for permission"),
        News::PermissionDropped { id } => tracing::debug!(epoch, id, "permission not needed any more"),
        News::Mode(mode) => tracing::info!(epoch, mode = mode.wire_name(), "permission mode"),
        News::Prepared(prepared) => {
            tracing::debug!(epoch, what = prepared.as_ref().map(Switch::name), "standby");
        }
        News::Retry(retry) => {
            tracing::info!(epoch, retry.attempt, wait = ?retry.wait, "asks the model again");
        }
        News::Conversation { .. }
        | News::Totals(_)
        | News::Model(_)
        | News::Servers(..)
        | News::Commands(_) => {}
        News::Replay { changes, .. } => tracing::debug!(epoch, changes = changes.len(), "told what was said"),
        News::Sessions(sessions) => tracing::debug!(epoch, sessions = sessions.len(), "told its sessions"),
    }
}
