//! Permission requests, and what an answer "for this session" covers.
//!
//! Owns the scope of such an answer and remembers it for the active session. The
//! memory is the slot's alone: no agent is ever told to stop asking, because none
//! of them forgets that when the session is left (headless `claude` 2.1.332 keeps
//! `setMode` for the life of its process). It must never decide anything that no
//! person has decided.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::protocol::PermissionMode;
use crate::session::SessionId;

mod target;

pub use target::{PermissionTarget, resolve_targets};

/// The tools that change files, with every input field that their change is made
/// of. A call with any other field is not covered by "all edits".
const EDIT_TOOLS: [&str; 4] = ["Edit", "Write", "MultiEdit", "NotebookEdit"];
const EDIT_FIELDS: [&str; 13] = [
    "file_path",
    "notebook_path",
    "content",
    "old_string",
    "new_string",
    "replace_all",
    "edits",
    "changes",
    "cell_id",
    "cell_type",
    "edit_mode",
    "new_source",
    "description",
];

/// Calls that are a question to the person: each is answered for itself.
const ALWAYS_ASKED: [&str; 2] = ["AskUserQuestion", "ExitPlanMode"];

/// A tool call that needs permission.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PermissionRequest {
    /// Identifies the request in the answer.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// The tool's complete input, exactly as it would be used. Untrusted text.
    pub input: Value,
    /// What it does, in the agent's words. Untrusted text.
    pub description: Option<String>,
    /// The folder it runs in, if that is not the session's.
    pub cwd: Option<PathBuf>,
    /// The path that made the agent ask, if it names one. Untrusted text.
    pub blocked_path: Option<String>,
    /// Why the agent asks, if it says so. Untrusted text.
    pub reason: Option<String>,
    /// The files that it names and what they really are; filled in by the slot.
    pub targets: Vec<PermissionTarget>,
    /// What [`PermissionDecision::AllowSession`] would cover; filled in by the
    /// slot. `None` if it covers this one call only.
    pub session_scope: Option<SessionScope>,
}

impl PermissionRequest {
    /// A request without the optional facts.
    pub fn new(id: impl Into<String>, tool: impl Into<String>, input: Value) -> Self {
        Self { id: id.into(), tool: tool.into(), input, ..Self::default() }
    }
}

/// A person's answer to a [`PermissionRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionDecision {
    /// Run this one call.
    AllowOnce,
    /// Run it, and whatever its [`SessionScope`] covers, until the session is left.
    AllowSession,
    /// Do not run it. The model is given the reason.
    Deny(String),
}

/// What an answer "for this session" covers. It reads as the end of "allow …
/// until the session is left".
#[derive(Debug, Clone, PartialEq)]
pub enum SessionScope {
    /// Every edit of a file whose real path lies in this folder.
    EditsIn(PathBuf),
    /// Every call of this tool.
    Tool(String),
    /// Every fetch from this authority (`host:port`).
    Fetch(String),
    /// The same call again: same tool, same input, same folder, same files. A
    /// command's input is without its description, which runs nothing.
    SameCall {
        tool: String,
        input: Value,
        /// What the files that it names really were, links resolved.
        files: Vec<PathBuf>,
        /// The folder it runs in, if that is not the session's.
        cwd: Option<PathBuf>,
    },
}

impl SessionScope {
    /// The scope of a request in a session of this folder. The request's targets
    /// must be resolved.
    pub fn of(request: &PermissionRequest, folder: &Path) -> Option<Self> {
        let tool = request.tool.as_str();
        if ALWAYS_ASKED.contains(&tool) {
            return None;
        }
        if request.is_plain_edit() {
            return Some(Self::EditsIn(folder.to_owned()));
        }
        if tool.starts_with("mcp__") || tool == "WebSearch" {
            return Some(Self::Tool(tool.to_owned()));
        }
        if tool == "WebFetch"
            && let Some(authority) = request.input["url"].as_str().and_then(authority)
        {
            return Some(Self::Fetch(authority.to_owned()));
        }
        let mut input = request.input.clone();
        if let Some(fields) = input.as_object_mut().filter(|_| tool == "Bash") {
            fields.shift_remove("description");
        }
        let files = request.targets.iter().map(|target| target.real.clone()).collect();
        Some(Self::SameCall { tool: tool.to_owned(), input, files, cwd: request.cwd.clone() })
    }
}

impl PermissionRequest {
    /// Whether it is nothing but an edit of ordinary files in the session's folder.
    fn is_plain_edit(&self) -> bool {
        let fields = self.input.as_object();
        EDIT_TOOLS.contains(&self.tool.as_str())
            && fields.is_some_and(|fields| fields.keys().all(|key| EDIT_FIELDS.contains(&key.as_str())))
            && !self.targets.is_empty()
            && self.targets.iter().all(|target| target.inside && !target.protected)
    }
}

impl fmt::Display for SessionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EditsIn(folder) => write!(f, "all edits in {}", folder.display()),
            Self::Tool(tool) => write!(f, "every call of {tool}"),
            Self::Fetch(authority) => write!(f, "every fetch from {authority}"),
            Self::SameCall { tool, .. } if tool == "Bash" => f.write_str("this exact command"),
            Self::SameCall { .. } => f.write_str("this exact call"),
        }
    }
}

/// Everything between the scheme of a URL and its path.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#', '\\']).next().filter(|authority| !authority.is_empty())
}

/// The scopes that a person has allowed for the active session.
#[derive(Debug, Default)]
pub(crate) struct SessionGrants {
    session: Option<SessionId>,
    scopes: Vec<SessionScope>,
}

impl SessionGrants {
    /// Remembers the scope of a request for this session only.
    pub(crate) fn allow(&mut self, session: SessionId, scope: SessionScope) {
        if self.session != Some(session) {
            *self = Self { session: Some(session), scopes: Vec::new() };
        }
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
        }
    }

    /// Whether a person has allowed this in this session. Plan mode is for
    /// looking only, so there everything is asked again.
    pub(crate) fn cover(
        &self,
        session: SessionId,
        scope: Option<&SessionScope>,
        mode: PermissionMode,
    ) -> bool {
        self.session == Some(session)
            && mode != PermissionMode::Plan
            && scope.is_some_and(|scope| self.scopes.contains(scope))
    }

    /// The session is left: nothing of it may be valid in another, or when it is
    /// opened again.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests;
