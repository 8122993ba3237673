//! What the program asks of the world. The shell does it and answers with events.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use super::jump::TextQuery;
use super::ranking::RankJob;
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{PermissionDecision, StartIn, Switch};

/// One thing to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the agent a prompt.
    Submit {
        /// Its uuid.
        uuid: String,
        /// Its text.
        text: String,
    },
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
    /// Copy a session that another agent keeps, so that the one in the seat can go
    /// on in it.
    ForkExternal {
        /// The session.
        source: SessionId,
        /// Up to this message; none: all.
        at: Option<String>,
        /// The copy's title; none: the source's with a number.
        title: Option<String>,
        /// The folder the copy belongs to; none: the source's.
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
    /// Ask before less, or before more.
    SetMode(PermissionMode),
    /// Ask the agent for its MCP servers.
    ListMcpServers,
    /// Bring files back to what they were when a prompt came.
    Rewind {
        /// The prompt's uuid.
        prompt: String,
        /// Only say what that would change.
        dry_run: bool,
    },
    /// Start a dead agent again.
    Restart,
    /// Give the seat to another agent.
    StartAgent {
        /// Which of those on offer.
        at: usize,
        /// In which session.
        seat: StartIn,
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
        /// The session.
        session: SessionId,
        /// About so many bytes of it.
        bytes: u64,
    },
    /// Give a session a title.
    Rename {
        /// The session.
        session: SessionId,
        /// The title.
        title: String,
        /// The agent does it: the session is in the seat, or only the agent keeps it.
        by_agent: bool,
    },
    /// Give a session a tag.
    Tag {
        /// The session.
        session: SessionId,
        /// The tag; empty takes it away.
        tag: String,
    },
    /// Move a session to the trash.
    Delete {
        /// The session.
        session: SessionId,
        /// The agent, which alone keeps it, puts it aside in its own way.
        by_agent: bool,
    },
    /// Bring a session back from the trash.
    Restore {
        /// The session.
        session: SessionId,
        /// The agent brings it back.
        by_agent: bool,
    },
    /// Keep a copy of a session that no clean-up finds, or give it up.
    Pin {
        /// The session.
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
    /// Keep a session's draft on disk; empty: there is none any more.
    SaveDraft {
        /// The session.
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
