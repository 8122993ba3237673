//! The functional core of the screen: state, events, commands, effects.
//!
//! Pure: no I/O, no async, no drawing, no clock. [`update`] takes one
//! [`Event`] at a time and answers with [`Effect`]s; the view draws [`App`];
//! the shell runs the effects and sends events back.

mod agent_status;
mod agents;
mod badge;
mod browser;
mod command;
mod composer;
mod conversation_page;
mod deferred;
mod effect;
mod environment;
mod event;
mod geometry;
mod history;
mod jump;
mod key;
mod keymap;
mod overlay;
mod permission_card;
mod ranking;
#[cfg(test)]
pub mod sample;
mod setup;
mod state;
mod text_input;
mod trust;
mod undo;
mod update;

pub use agent_status::AgentStatus;
pub use agents::AgentOffer;
pub use badge::HealthBadge;
pub use browser::{Browser, BrowserLine};
pub use command::Command;
pub use composer::{Composer, QueuedPrompt};
pub use conversation_page::{
    ConversationPage, ConversationSearch, INITIAL_READ_BYTES, LoadState, ScrollAnchor, ScrollState,
    SeekTarget, item_text,
};
pub use deferred::{Deferred, DeferredChange};
pub use effect::{Effect, TerminalInput};
pub use environment::SessionEnvironment;
pub use event::{Event, LoadedTranscript};
pub use geometry::{Geometry, HitTarget};
pub use history::HistorySearch;
pub use jump::{Jump, SearchScope, TextQuery, TextResults, TextSearch};
pub use key::Key;
pub use keymap::{KeyBinding, KeyContext, KeyHint, Keymap};
pub use overlay::{Confirmation, LinePrompt, Overlay, PromptKind, ViewerContent};
pub use permission_card::PermissionCard;
pub use ranking::{RankJob, Ranking};
pub use setup::AppSetup;
pub use state::{App, Focus, Toast};
pub use trust::{FolderUse, PendingStart, ResolvedFolder};
pub use undo::Undo;
pub use update::{SlashCommand, completions, initial_effects, update};
