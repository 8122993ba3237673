//! The facts that [`App::new`](super::App::new) starts from; set once.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset, Utc};
use uuid::Uuid;

use super::agents::AgentOffer;
use super::keymap::Keymap;
use super::trust::ResolvedFolder;
use crate::protocol::PermissionMode;
use crate::session::{Prices, SessionId};

/// What the program begins with.
#[derive(Debug)]
pub struct AppSetup {
    /// The key bindings.
    pub keymap: Keymap,
    /// The folder hotseat was started in, as a person writes it.
    pub folder: String,
    /// The name of the agent, shown until its handshake.
    pub agent: String,
    /// The agents to choose from.
    pub agents: Vec<AgentOffer>,
    /// The agent has a terminal of its own, which is shown in place of a conversation.
    pub terminal: bool,
    /// The permission mode it was started with.
    pub mode: PermissionMode,
    /// The session it was asked to resume.
    pub resume: Option<SessionId>,
    /// The folder of that session, where it is not the one that was opened.
    pub resume_elsewhere: Option<ResolvedFolder>,
    /// A person trusts the folder that was opened.
    pub is_trusted: bool,
    /// The agent can be started without the settings of the project.
    pub ignores_project_settings: bool,
    /// Resume the newest session of the folder, as soon as it is known.
    pub resume_newest: bool,
    /// List the sessions of all projects.
    pub all: bool,
    /// Nothing is written to disk.
    pub ephemeral: bool,
    /// A message at the start, such as that this is a demo.
    pub welcome: Option<String>,
    /// Times are shown from the start.
    pub show_timestamps: bool,
    /// The browser's width in columns, where the person gave one.
    pub browser_width: Option<u16>,
    /// What models cost.
    pub prices: Prices,
    /// Drafts of former runs.
    pub drafts: HashMap<SessionId, String>,
    /// Prompts of former runs, oldest first.
    pub history: Vec<String>,
    /// The base of this run's prompt ids, random.
    pub run_id: Uuid,
    /// The person's time zone.
    pub offset: FixedOffset,
    pub now: DateTime<Utc>,
}
