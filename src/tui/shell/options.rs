//! What the screen is started with: the agents, the folders, the settings.

use std::path::PathBuf;
use std::sync::Arc;

use crate::session::Prices;
use crate::slot::{AgentProgram, Launch};
use crate::store::{SessionStore, TrustStore};
use crate::tui::app::{AgentOffer, Keymap};
use crate::tui::view::Theme;

/// What the program is started with.
pub struct TuiOptions {
    /// How to start the agent.
    pub launch: Launch,
    /// The agent's name, until its handshake.
    pub agent: String,
    /// The agents that can replace it, with the program of each that is installed.
    pub agents: Vec<(AgentOffer, Option<AgentProgram>)>,
    /// That agent can be started without the settings of the project.
    pub ignores_project_settings: bool,
    /// The folders that a person trusts.
    pub trust: TrustStore,
    /// Where transcripts live.
    pub store: Arc<dyn SessionStore>,
    /// The file of the index; `None` if nothing is written to disk.
    pub index: Option<PathBuf>,
    /// Resume the newest session of the folder.
    pub resume_newest: bool,
    /// List the sessions of all projects.
    pub all: bool,
    /// The key bindings.
    pub keymap: Keymap,
    /// The colours.
    pub theme: Theme,
    /// Capture the mouse.
    pub mouse: bool,
    /// Times are shown from the start.
    pub times: bool,
    /// The browser's width in columns.
    pub browser_width: Option<u16>,
    /// The editor with its arguments; `None` for `$VISUAL`, `$EDITOR` or `vi`.
    pub editor: Option<String>,
    /// What models cost.
    pub prices: Prices,
    /// The agent has a terminal of its own.
    pub terminal: bool,
    /// Where drafts and history are kept.
    pub state: PathBuf,
    /// A message at the start.
    pub welcome: Option<String>,
}
