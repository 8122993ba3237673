//! What the slot asks of an agent and hears from it, free of any dialect; one
//! file below for each dialect that is spoken.
//!
//! Owns no process and no state of the slot. There is one driver so far, so
//! there is no trait: what drivers have in common is for the second to show.

pub mod hotseat;

use std::path::PathBuf;

use serde_json::Value;

use super::{PermissionRequest, PromptState, Retry, SlotError, Switch, Totals};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::session::conversation::{Change, TurnCost};

/// The session a process is started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A new one.
    New,
    /// A new one of this id: a session that was lost before its first entry.
    Named(SessionId),
    /// A stored one.
    Stored(SessionId),
}

/// Something the agent is to do and to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Say who you are.
    Handshake,
    /// Stop the running turn.
    Interrupt,
    /// Change the active session.
    Switch {
        /// To which.
        switch: Switch,
        /// Stop a running turn first.
        interrupt: bool,
    },
    /// Change the model.
    Model(Option<String>),
    /// Change what may run without asking.
    Mode(PermissionMode),
    /// Give the active session a title.
    Rename {
        /// The title.
        title: String,
        /// What the asker takes for the active session.
        session: SessionId,
    },
    /// Measure the context window.
    Context,
    /// Take a queued prompt back.
    Cancel(String),
    /// Stop what runs, and end.
    End,
}

impl Ask {
    /// What is asked, in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Interrupt => "interrupt",
            Self::Switch { switch, .. } => switch.name(),
            Self::Model(_) => "model",
            Self::Mode(_) => "permission mode",
            Self::Rename { .. } => "rename",
            Self::Context => "context",
            Self::Cancel(_) => "cancel",
            Self::End => "end",
        }
    }
}

/// Something the agent said.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The answer to what was asked under this id.
    Answer {
        /// Which.
        id: String,
        /// The answer's body, for the driver to read.
        answer: Result<Value, SlotError>,
    },
    /// From here on another session speaks.
    Reset {
        /// The new one.
        to: SessionId,
        /// How it came: `clear`, `resume` or `fork`.
        what: &'static str,
    },
    /// The conversation grew.
    Grew {
        /// The entry; empty for deltas.
        uuid: String,
        /// By what.
        change: Change,
    },
    /// A prompt moved on.
    Prompt {
        /// Which.
        uuid: String,
        /// Where to.
        state: PromptState,
    },
    /// A turn ended.
    Ended {
        /// The report's own id.
        uuid: String,
        /// What the turn took; none where no model was asked.
        cost: Option<TurnCost>,
        /// The session's totals; their share of the context window is not known here.
        totals: Totals,
    },
    /// The model did not answer, and is asked again.
    Retry(Retry),
    /// No turn runs and none waits.
    Quiet,
    /// A tool wants to run.
    Permission(PermissionRequest),
    /// A permission request was dropped, by its id.
    PermissionDropped(String),
    /// The model in use.
    Model(String),
    /// What may run without asking.
    Mode(PermissionMode),
    /// A request that nobody here can do: to be answered with this frame.
    Strange(hotseat::Frame),
}

/// The session that is active after a switch.
#[derive(Debug, Clone, PartialEq)]
pub struct Seated {
    /// Its id.
    pub session: SessionId,
    /// The session it was copied from.
    pub forked_from: Option<SessionId>,
    /// The process that answered; none where it did not say.
    pub pid: Option<u32>,
    /// Prompts in the model's context.
    pub turns: u64,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Its transcript.
    pub transcript: PathBuf,
    /// What was mended in it.
    pub repaired: Option<String>,
    /// What it used so far.
    pub totals: Totals,
}
