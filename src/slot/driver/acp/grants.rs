//! What was allowed of what hotseat lends: by a person, in answer to the agent's
//! own question or to ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::call::Call;
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// Something that needs a permission.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed<'a> {
    /// This file is written.
    Write(&'a Path),
    /// A command runs, by the ways in which the agent may have spelled it.
    Run(&'a [String]),
}

/// What is to be done about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Say {
    Yes,
    /// For this reason.
    No(&'static str),
    /// A person has to say.
    Ask,
}

/// What was allowed for as long as a session lasts.
#[derive(Debug, Default)]
struct Lasting {
    /// All of the session's folder may be written.
    writes: bool,
    files: BTreeSet<PathBuf>,
    commands: BTreeSet<String>,
}

/// All that was allowed.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// Once, in the running turn.
    files: Vec<PathBuf>,
    commands: Vec<String>,
    sessions: BTreeMap<SessionId, Lasting>,
}

impl Grants {
    /// What the mode, and what was allowed before, say to it. An allowance for
    /// once is used up.
    pub fn judge(&mut self, mode: PermissionMode, session: SessionId, deed: Deed<'_>) -> Say {
        let was_asked = match deed {
            Deed::Write(path) => take(&mut self.files, |file| file == path),
            Deed::Run(spellings) => take(&mut self.commands, |command| spellings.contains(command)),
        };
        let lasting = self.sessions.get(&session).is_some_and(|lasting| match deed {
            Deed::Write(path) => lasting.writes || lasting.files.contains(path),
            Deed::Run(spellings) => spellings.iter().any(|spelling| lasting.commands.contains(spelling)),
        });
        match mode {
            PermissionMode::BypassPermissions => Say::Yes,
            _ if was_asked => Say::Yes,
            PermissionMode::Plan => Say::No("in plan mode nothing is written and nothing runs"),
            _ if lasting => Say::Yes,
            PermissionMode::AcceptEdits if matches!(deed, Deed::Write(_)) => Say::Yes,
            PermissionMode::DontAsk => Say::No("it was not allowed before, and nobody is asked in this mode"),
            PermissionMode::Default | PermissionMode::AcceptEdits => Say::Ask,
        }
    }

    /// The agent asked about a call of its own, and was allowed it: what it then
    /// asks of us for it needs no second question.
    pub fn allow(&mut self, session: SessionId, call: &Call, lasting: bool) {
        let (files, command) = (call.files(), call.command());
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
    pub fn allow_always(&mut self, session: SessionId, deed: Deed<'_>) {
        let kept = self.sessions.entry(session).or_default();
        match deed {
            Deed::Write(_) => kept.writes = true,
            Deed::Run(spellings) => kept.commands.extend(spellings.first().cloned()),
        }
    }

    /// The turn is over.
    pub fn end_turn(&mut self) {
        self.files.clear();
        self.commands.clear();
    }
}

fn take<T>(list: &mut Vec<T>, which: impl Fn(&T) -> bool) -> bool {
    let at = list.iter().position(which);
    at.map(|at| list.swap_remove(at)).is_some()
}
