//! What was allowed of what hotseat lends: by a person, in answer to the agent's
//! own question or to ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::tool_call::AcpToolCall;
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// Something that needs a permission.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation<'a> {
    /// This file is written.
    Write(&'a Path),
    /// A command runs, by the ways in selects the agent may have spelled it.
    Run(&'a [String]),
}

/// What is to be done about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GrantDecision {
    Allow,
    /// For this reason.
    Deny(&'static str),
    /// A person has to say.
    Ask,
}

/// What was allowed for as long as a session lasts.
#[derive(Debug, Default)]
struct SessionGrants {
    /// All of the session's folder may be written.
    writes: bool,
    files: BTreeSet<PathBuf>,
    commands: BTreeSet<String>,
}

/// All that was allowed.
#[derive(Debug, Default)]
pub(super) struct GrantStore {
    /// Once, in the running turn.
    files: Vec<PathBuf>,
    commands: Vec<String>,
    sessions: BTreeMap<SessionId, SessionGrants>,
}

impl GrantStore {
    /// What the mode, and what was allowed before, say to it. An allowance for
    /// once is used up.
    pub fn decide(
        &mut self,
        mode: PermissionMode,
        session: SessionId,
        operation: Operation<'_>,
    ) -> GrantDecision {
        let was_asked = match operation {
            Operation::Write(path) => take_first(&mut self.files, |file| file == path),
            Operation::Run(spellings) => {
                take_first(&mut self.commands, |command| spellings.contains(command))
            }
        };
        let lasting = self.sessions.get(&session).is_some_and(|lasting| match operation {
            Operation::Write(path) => lasting.writes || lasting.files.contains(path),
            Operation::Run(spellings) => spellings.iter().any(|spelling| lasting.commands.contains(spelling)),
        });
        match mode {
            PermissionMode::BypassPermissions => GrantDecision::Allow,
            _ if was_asked => GrantDecision::Allow,
            PermissionMode::Plan => GrantDecision::Deny("plan mode allows no writes and no commands"),
            _ if lasting => GrantDecision::Allow,
            PermissionMode::AcceptEdits if matches!(operation, Operation::Write(_)) => GrantDecision::Allow,
            PermissionMode::DontAsk => GrantDecision::Deny("it is not allowed, and this mode does not ask"),
            PermissionMode::Default | PermissionMode::AcceptEdits => GrantDecision::Ask,
        }
    }

    /// The agent asked about a call of its own, and was allowed it: what it then
    /// asks of us for it needs no second question.
    pub fn grant_call(&mut self, session: SessionId, call: &AcpToolCall, lasting: bool) {
        let (files, command) = (call.changed_files(), call.shown_command());
        if lasting {
            let kept = self.sessions.entry(session).or_default();
            kept.files.extend(files);
            kept.commands.extend(command);
        } else {
            self.files.extend(files);
            self.commands.extend(command);
        }
    }

    /// A person allowed this for as long as the session lasts: of writes, all
    /// in its folder.
    pub fn grant_session(&mut self, session: SessionId, operation: Operation<'_>) {
        let kept = self.sessions.entry(session).or_default();
        match operation {
            Operation::Write(_) => kept.writes = true,
            Operation::Run(spellings) => kept.commands.extend(spellings.first().cloned()),
        }
    }

    /// The turn has ended.
    pub fn end_turn(&mut self) {
        self.files.clear();
        self.commands.clear();
    }
}

fn take_first<T>(list: &mut Vec<T>, selects: impl Fn(&T) -> bool) -> bool {
    let at = list.iter().position(selects);
    at.map(|at| list.swap_remove(at)).is_some()
}
