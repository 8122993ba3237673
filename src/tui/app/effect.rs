//! Everything the program asks of the outside world.
//!
//! `update` returns effects; the shell runs them and reports back with events.
//! Start with `shell/effects.rs` to see how one is run.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use super::jump::TextQuery;
use super::ranking::RankJob;
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{PermissionDecision, StartIn, Switch};
use crate::store::TrustRecord;

/// One thing to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start the first agent process.
    StartSlot {
        /// The folder to work in.
        cwd: PathBuf,
        /// The session to start in.
        resume: Option<SessionId>,
        /// The folder's own settings count.
        project_settings: bool,
    },
    /// Look up the folder that a session works in.
    ResolveFolder(SessionId),
    /// Remember that a person trusts a folder, then look up this session's folder
    /// again.
    TrustFolder {
        folder: PathBuf,
        /// Where to remember it.
        record: TrustRecord,
        /// The session that is to work in it; `None` before the first process.
        session: Option<SessionId>,
    },
    /// Give the agent a prompt.
    Submit { uuid: String, text: String },
    /// Take a queued prompt back.
    CancelPrompt(String),
    /// Stop the turn.
    Interrupt,
    /// Change the active session.
    Switch {
        /// To what.
        switch: Switch,
        /// A running turn is interrupted first.
        interrupt: bool,
    },
    /// Copy a session that another agent owns, so that the active agent can
    /// continue it.
    ForkExternal {
        source: SessionId,
        /// The last message to copy; `None` for all.
        at: Option<String>,
        /// The copy's title; `None` for the source's with a number.
        title: Option<String>,
        /// The folder the copy works in; `None` for the source's.
        cwd: Option<PathBuf>,
    },
    /// Be ready for this switch, which may be asked for soon.
    Prepare(Switch),
    /// Answer a permission request.
    AnswerPermission {
        /// The request's id.
        id: String,
        /// The answer.
        verdict: PermissionDecision,
    },
    /// Use another model.
    SetModel(Option<String>),
    /// Cycle the permission mode.
    SetMode {
        mode: PermissionMode,
        /// It is a step of the cycle: where the agent refuses it, the next one is
        /// tried.
        cycles: bool,
    },
    /// Ask the agent what fills its context window.
    MeasureContext,
    /// Ask the agent for its MCP servers.
    ListMcpServers,
    /// Connect the MCP server of this name anew, then list all of them.
    ReconnectMcpServer(String),
    /// Bring files back to what they were when a prompt came.
    Rewind {
        /// The prompt's uuid.
        prompt: String,
        /// Only say what that would change.
        dry_run: bool,
    },
    /// Restart an agent that died.
    Restart,
    /// Switch to another agent.
    StartAgent {
        /// Which of those on offer.
        at: usize,
        /// In which session.
        start_in: StartIn,
    },
    /// Read the sessions of all projects, or of this one.
    ListSessions {
        /// All projects.
        all: bool,
    },
    /// Rank many sessions.
    RankSessions(RankJob),
    /// Look for a text in all sessions; what was asked before does not count any more.
    SearchMessages(TextQuery),
    /// Read the end of a transcript.
    ReadTranscript {
        session: SessionId,
        /// About so many bytes of it.
        bytes: u64,
    },
    /// Read the transcripts of a session's subagents.
    ReadSubagents(SessionId),
    /// Move every session of this folder to the one that was opened.
    MoveHere(PathBuf),
    /// Give a session a title.
    Rename {
        session: SessionId,
        title: String,
        /// The agent does it: the session is active, or only the agent stores it.
        by_agent: bool,
    },
    /// Give a session a tag.
    Tag {
        session: SessionId,
        /// The tag; empty takes it away.
        tag: String,
    },
    /// Move a session to the trash.
    Delete {
        session: SessionId,
        /// The agent, which alone keeps it, puts it aside in its own way.
        by_agent: bool,
    },
    /// Bring a session back from the trash.
    Restore {
        session: SessionId,
        /// The agent brings it back.
        by_agent: bool,
    },
    /// Keep a copy of a session that no clean-up finds, or give it up.
    Pin {
        session: SessionId,
        /// Keep it.
        pin: bool,
    },
    /// Give what the person did to the agent's terminal.
    TerminalInput(TerminalInput),
    /// Scroll the agent's terminal back by so many lines, or forth.
    ScrollTerminal(isize),
    /// Put a text on the clipboard.
    CopyToClipboard(String),
    /// Write the prompt in `$EDITOR`.
    OpenEditor(String),
    /// Save a session's draft; an empty one is deleted.
    SaveDraft {
        session: SessionId,
        /// What is written.
        text: String,
    },
    /// Keep a prompt in the history on disk.
    AppendHistory(String),
    /// Draw everything again.
    Redraw,
    /// To the shell, until `fg`.
    Suspend,
    /// Close the agent gracefully, then end.
    Close,
    /// End now, whatever the agent does.
    Quit,
}

/// What a person did over the agent's terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum TerminalInput {
    /// Pressed a key.
    Key(KeyEvent),
    /// Pasted a text.
    Paste(String),
    /// Used the mouse.
    Mouse {
        /// How.
        mouse: MouseEvent,
        /// At which column and row of the terminal, from 0.
        at: (u16, u16),
    },
}
