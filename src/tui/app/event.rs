//! Everything that can happen to the program: the closed input of `update`.
//!
//! Events carry facts, never decisions. Answers to an effect repeat what was
//! asked, so that `update` can drop the ones that are out of date.

use crossterm::event::{KeyEvent, MouseEvent};

use super::environment::SessionEnvironment;
use super::geometry::Geometry;
use super::jump::{TextQuery, TextResults};
use super::ranking::RankJob;
use super::trust::ResolvedFolder;
use crate::index::SessionRow;
use crate::protocol::PermissionMode;
use crate::session::{Conversation, SessionId};
use crate::slot::{ContextUsage, ErrorCode, McpServerStatus, RewindResult, SlotEvent};

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has another size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A frame was drawn, and this is what it showed.
    FrameDrawn(Geometry),
    /// Time went on: clocks on the screen may show something else.
    Tick,
    /// News from the slot.
    Slot(Box<SlotEvent>),
    /// Sessions were read, so far or in all.
    SessionList {
        /// All projects, or this one.
        all: bool,
        /// Newest first.
        rows: Vec<SessionRow>,
        /// Sessions read so far and in all; `None` when all are read.
        progress: Option<(usize, usize)>,
    },
    /// A look at what lies around the sessions showed something new.
    EnvironmentChanged(SessionEnvironment),
    /// How many sessions of all the index has, while it is brought up to date;
    /// `None` when it is.
    IndexProgress(Option<(usize, usize)>),
    /// The sessions could not be listed.
    SessionListFailed(String),
    /// Many sessions were ranked.
    Ranked {
        /// What was asked for.
        work: RankJob,
        /// Those that answer, by index, best first.
        hits: Vec<usize>,
    },
    /// A text was looked for in all sessions.
    SearchResults {
        /// What was asked for.
        sought: TextQuery,
        /// The hits, or why the search failed.
        found: Result<TextResults, String>,
    },
    TranscriptRead {
        session: SessionId,
        /// What it holds.
        read: Result<LoadedTranscript, String>,
    },
    /// The folder of a session was looked up.
    FolderResolved {
        session: SessionId,
        /// Its folder, or why it is not known.
        folder: Result<ResolvedFolder, String>,
    },
    /// A switch was refused; the former session is still active.
    SwitchRefused {
        /// The error's code, if it has one.
        code: Option<ErrorCode>,
        /// What happened, for a person.
        message: String,
        /// The session that was asked for.
        session: Option<SessionId>,
    },
    /// The agent refused a permission mode.
    ModeRefused {
        mode: PermissionMode,
        /// It was a step of the cycle.
        cycles: bool,
        /// Why, for a person.
        message: String,
    },
    /// What fills the context window, or why that is not known.
    ContextUsage(Result<ContextUsage, String>),
    /// The MCP servers of the agent, or why they are not known.
    McpServers(Result<Vec<McpServerStatus>, String>),
    /// A session's subagents, each with its name and all of its conversation as text.
    SubagentsRead(Vec<(String, String)>),
    /// What rewinding to a prompt changes in the files, or has changed.
    Rewind {
        /// The prompt's uuid.
        prompt: String,
        /// Nothing was done yet.
        dry_run: bool,
        /// The changes, or why nothing is done.
        rewind: Result<RewindResult, String>,
    },
    /// A session that another agent keeps was copied.
    ForkedExternal(SessionId),
    /// A session was moved to the trash.
    Deleted {
        session: SessionId,
        /// By the agent that keeps it.
        by_agent: bool,
    },
    /// A session came back from the trash.
    Restored(SessionId),
    /// A copy of a session is kept, or no more.
    Pinned {
        session: SessionId,
        /// A copy is kept.
        pinned: bool,
    },
    /// The editor ended: the prompt as it left it, or why there is none.
    EditorClosed(Result<String, String>),
    /// Something was done that a person should know.
    Info(String),
    /// Something failed.
    Failed(String),
    /// The resident memory of the agent, in bytes.
    Memory {
        /// The agent's.
        agent: Option<u64>,
    },
    /// The colours of code arrived: what is on the screen lacks them.
    HighlightReady,
    /// The agent process ended as requested: hotseat may end.
    SlotClosed,
}

/// A transcript as it was read.
#[derive(Debug)]
pub struct LoadedTranscript {
    pub conversation: Conversation,
    /// The session's title, as far as that part says.
    pub title: Option<String>,
    /// Nothing older is left to read.
    pub whole: bool,
    /// How much was asked for.
    pub bytes: u64,
    /// How large the transcript is.
    pub size: u64,
}
