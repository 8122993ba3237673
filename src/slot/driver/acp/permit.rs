//! Permission requests of the agent: put to a person, or answered by the mode.

use std::collections::BTreeMap;

use agent_client_protocol_schema::v1::{
    PermissionOption, PermissionOptionKind, RequestPermissionOutcome, RequestPermissionResponse,
    SelectedPermissionOutcome, ToolKind,
};
use serde_json::Value;

use super::call::Call;
use super::connection::respond;
use crate::protocol::PermissionMode;
use crate::slot::Verdict;
use crate::slot::driver::Heard;

/// Questions that may wait for a person; who asks more gets no for an answer.
pub(super) const MOST: usize = 32;

/// A request that waits.
#[derive(Debug)]
struct Asked {
    /// Its id on the wire.
    id: Value,
    options: Vec<PermissionOption>,
    /// What it is about.
    call: Call,
}

/// What may run without asking, and the requests that wait.
#[derive(Debug, Default)]
pub(super) struct Permits {
    pub mode: PermissionMode,
    asked: BTreeMap<String, Asked>,
}

impl Permits {
    /// Nobody can answer so many.
    pub fn are_too_many(&self) -> bool {
        self.asked.len() >= MOST
    }

    /// Takes a request; gives the name it bears here.
    pub fn take(&mut self, id: Value, options: Vec<PermissionOption>, call: Call) -> String {
        let name = id.to_string();
        self.asked.insert(name.clone(), Asked { id, options, call });
        name
    }

    /// What the mode answers by itself; none: a person has to. `inside` says
    /// whether everything the call touches lies in the session's folder.
    pub fn by_mode(&self, kind: ToolKind, inside: bool) -> Option<Verdict> {
        match self.mode {
            PermissionMode::BypassPermissions => Some(Verdict::Once),
            PermissionMode::AcceptEdits if kind == ToolKind::Edit && inside => Some(Verdict::Once),
            PermissionMode::DontAsk => Some(Verdict::Deny(String::new())),
            PermissionMode::Default | PermissionMode::AcceptEdits | PermissionMode::Plan => None,
        }
    }

    /// The line that answers, and the call it was about; none where nothing waits
    /// under this name.
    pub fn answer(&mut self, name: &str, verdict: &Verdict) -> Option<(Heard, Call)> {
        let Asked { id, options, call } = self.asked.remove(name)?;
        let kinds = match verdict {
            Verdict::Once => [PermissionOptionKind::AllowOnce, PermissionOptionKind::AllowOnce],
            Verdict::Session => [PermissionOptionKind::AllowAlways, PermissionOptionKind::AllowOnce],
            Verdict::Deny(_) => [PermissionOptionKind::RejectOnce, PermissionOptionKind::RejectAlways],
        };
        let option = kinds.iter().find_map(|kind| options.iter().find(|option| option.kind == *kind));
        let outcome = option.map_or(RequestPermissionOutcome::Cancelled, |option| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option.option_id.clone()))
        });
        Some((respond(&id, &RequestPermissionResponse::new(outcome)), call))
    }

    /// Answers all that wait with “cancelled”.
    pub fn drop_all(&mut self) -> impl Iterator<Item = Heard> + use<> {
        std::mem::take(&mut self.asked)
            .into_iter()
            .flat_map(|(name, asked)| [cancelled(&asked.id), Heard::PermissionDropped(name)])
    }
}

/// The line that answers a request that needs no answer any more.
pub(super) fn cancelled(id: &Value) -> Heard {
    respond(id, &RequestPermissionResponse::new(RequestPermissionOutcome::Cancelled))
}
