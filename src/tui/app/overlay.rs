//! Dialogs over the panes: at most one at a time, and it takes all keys.

use tui_textarea::TextArea;

use super::deferred::DeferredChange;
use super::history::HistorySearch;
use super::jump::Jump;
use super::keymap::KeyContext;
use super::text_input::single_line;
use super::trust::{FolderUse, ResolvedFolder};
use crate::protocol::PermissionMode;
use crate::session::SessionId;
use crate::slot::{ContextUsage, McpServerStatus, RewindResult};
use crate::store::FolderReason;

/// The one thing that lies over the panes.
#[derive(Debug)]
pub enum Overlay {
    /// Something to read, and by how many lines it is scrolled.
    Viewer(ViewerContent, usize),
    /// The agents to pick from, and which of them is under the cursor.
    AgentPicker(usize),
    /// The search for a session, from anywhere.
    Jump(Box<Jump>),
    /// The search in the prompts that were sent.
    History(Box<HistorySearch>),
    /// A line to write.
    Prompt(Box<LinePrompt>),
    /// A question with a few answers.
    Confirm(Confirmation),
}

/// Something to read.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewerContent {
    /// The key bindings.
    Help {
        /// What had the keys when it was opened: its keys come first.
        context: KeyContext,
        /// Only lines that hold this are shown.
        query: String,
        /// Keys are written to the query.
        typing: bool,
    },
    /// What is known of a session.
    Details(SessionId),
    /// What fills the model's context window.
    ContextUsage(ContextUsage),
    /// The agent's MCP servers.
    McpServers(Vec<McpServerStatus>),
    /// What coming back to a prompt would change in the files.
    Rewind {
        /// The prompt's uuid.
        prompt: String,
        /// The files, with what changes.
        rewind: RewindResult,
    },
    /// What subagents said: name and text of each; hostile.
    Subagents(Vec<(String, String)>),
    /// The last words of a dead agent.
    ExitOutput,
}

/// A line to write, and what for.
#[derive(Debug)]
pub struct LinePrompt {
    /// What the line is for.
    pub kind: PromptKind,
    pub line: TextArea<'static>,
}

/// What a line is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptKind {
    /// A session's title.
    Title(SessionId),
    /// A session's tag.
    Tag(SessionId),
    /// Why a tool may not run; the request's id.
    DenyReason(String),
    /// What to search for in the conversation.
    Search,
}

impl PromptKind {
    /// What stands in front of the line.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Title(_) => "Title",
            Self::Tag(_) => "Tag",
            Self::DenyReason(_) => "Deny because",
            Self::Search => "Search",
        }
    }
}

impl LinePrompt {
    /// Asks, with a text to begin from.
    pub fn new(purpose: PromptKind, text: &str) -> Self {
        Self { kind: purpose, line: single_line(text) }
    }

    /// What was written.
    pub fn text(&self) -> &str {
        self.line.lines().first().map_or("", String::as_str)
    }
}

/// A question with a few answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirmation {
    /// A turn runs, or ran when this was asked: make this change when?
    SwitchWhileBusy(DeferredChange),
    /// A turn runs: quit all the same?
    QuitWhileBusy,
    /// A draft is not sent: quit all the same?
    QuitWithDraft,
    /// Let everything run without asking? The mode that comes after it, where this
    /// one is passed over.
    PermissiveMode(PermissionMode),
    /// The session is open in another process: fork it instead?
    ForkInstead {
        session: SessionId,
        /// The agent's message about who holds it; hostile text.
        held: String,
    },
    /// No person trusts the opened folder yet: start an agent in it, and how?
    TrustFolder {
        folder: String,
        /// The agent can be started without the folder's own settings.
        can_restrict: bool,
    },
    /// The session works in another folder: go there, and how, or fork it here?
    OtherFolder {
        session: SessionId,
        folder: ResolvedFolder,
        /// What is to be done there.
        purpose: FolderUse,
        /// The agent can be started without the folder's own settings.
        can_restrict: bool,
    },
    /// The session's folder does not exist any more: fork it here?
    FolderGone { session: SessionId, folder: String },
    /// So many lines of the transcript cannot be read: go on in a repaired copy?
    Damaged {
        session: SessionId,
        /// How many.
        lines: usize,
    },
}

impl Confirmation {
    /// The question, as it is while a turn runs (`busy`), or once it is over.
    pub fn question(&self, busy: bool) -> String {
        match self {
            Self::SwitchWhileBusy(next) if busy => {
                format!("A turn is running. {} when?", capitalize(&next.label()))
            }
            Self::SwitchWhileBusy(next) => format!("The turn has ended. {} now?", capitalize(&next.label())),
            Self::QuitWhileBusy if busy => "A turn is running. Quit?".to_owned(),
            Self::QuitWhileBusy => "The turn has ended. Quit?".to_owned(),
            Self::QuitWithDraft => "Your prompt is not sent. It is kept with its session. Quit?".to_owned(),
            Self::PermissiveMode(_) => {
                "Let the agent run every command and change every file without asking?".to_owned()
            }
            Self::ForkInstead { held, .. } => held.clone(),
            Self::TrustFolder { folder, .. } => format!(
                "Do you trust {folder}? Its own settings can run commands here: hooks, MCP servers, environment."
            ),
            Self::OtherFolder { folder, .. } => {
                let (path, unverified) = (folder.display(), folder.reason == FolderReason::Unverified);
                let claims = if unverified { "says that it works" } else { "works" };
                let trust = if folder.is_trusted { "" } else { " You have not said that you trust it." };
                format!("This session {claims} in {path}, not in the folder you opened.{trust}")
            }
            Self::FolderGone { folder, .. } => {
                format!("This session works in {folder}, which no longer exists.")
            }
            Self::Damaged { lines, .. } => {
                let count = if *lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
                format!("{count} of this transcript cannot be read. The file is not changed.")
            }
        }
    }

    /// Every key that answers; the last one changes nothing. Each means the same
    /// whether a turn runs or not: the person may not have seen the turn end.
    pub fn answer_keys(&self) -> &'static [char] {
        match self {
            Self::SwitchWhileBusy(_) => &['w', 'i', 's'],
            Self::QuitWhileBusy | Self::QuitWithDraft => &['q', 's'],
            Self::PermissiveMode(_) => &['a', 'n', 's'],
            Self::ForkInstead { .. } => &['f', 's'],
            Self::TrustFolder { .. } => &['t', 'w', 'q'],
            Self::OtherFolder { .. } => &['g', 't', 'w', 'f', 's'],
            Self::FolderGone { .. } => &['m', 'f', 'r', 's'],
            Self::Damaged { .. } => &['f', 'r', 's'],
        }
    }

    /// The label of an answer; `None` if it is not offered now.
    pub fn answer_label(&self, key: char, busy: bool) -> Option<&'static str> {
        Some(match (self, key) {
            (Self::SwitchWhileBusy(_), 'w') if busy => "wait for the turn",
            (Self::SwitchWhileBusy(_), 'w') => "now",
            (Self::SwitchWhileBusy(_), 'i') if busy => "interrupt it",
            (Self::SwitchWhileBusy(_), 'i') => return None,
            (Self::QuitWhileBusy, 'q') if busy => "interrupt it and quit",
            (Self::QuitWhileBusy, 'q') => "quit",
            (Self::QuitWithDraft, 'q') => "quit",
            (Self::QuitWithDraft, _) => "stay",
            (Self::PermissiveMode(_), 'a') => "allow everything, until it is changed",
            (Self::PermissiveMode(_), 'n') => "skip to the next mode",
            (Self::PermissiveMode(_), _) => "keep asking",
            (Self::ForkInstead { .. }, 'f') => "fork it and continue in the copy",
            (Self::TrustFolder { .. }, 't') => "trust it: its own settings count",
            (Self::TrustFolder { can_restrict: true, .. }, 'w') => "open it without its own settings",
            (Self::TrustFolder { .. }, 'w') => return None,
            (Self::TrustFolder { .. }, _) => "leave",
            (Self::OtherFolder { folder, .. }, 'g') if folder.is_trusted => "work there",
            (Self::OtherFolder { folder, .. }, 't') if !folder.is_trusted => "trust it and work there",
            (Self::OtherFolder { folder, can_restrict: true, .. }, 'w') if !folder.is_trusted => {
                "work there without its own settings"
            }
            (Self::OtherFolder { .. }, 'g' | 't' | 'w') => return None,
            (Self::OtherFolder { .. } | Self::FolderGone { .. }, 'f') => {
                "fork it here: a copy that works in this folder"
            }
            (Self::FolderGone { .. }, 'm') => "it was renamed or moved to here: move its sessions",
            (Self::FolderGone { .. }, 'r') => "resume it anyway, in this folder",
            (Self::Damaged { .. }, 'f') => "continue in a repaired copy",
            (Self::Damaged { .. }, 'r') => "resume it anyway, appending to the file",
            (Self::SwitchWhileBusy(_) | Self::ForkInstead { .. }, _) => "stay here",
            (
                Self::QuitWhileBusy
                | Self::OtherFolder { .. }
                | Self::FolderGone { .. }
                | Self::Damaged { .. },
                _,
            ) => "stay",
        })
    }

    /// The answer that Enter gives: the safe one, and none that ends something.
    pub fn default_answer(&self) -> Option<char> {
        match self {
            Self::QuitWhileBusy | Self::QuitWithDraft | Self::PermissiveMode(_) => None,
            Self::TrustFolder { can_restrict, .. } => can_restrict.then_some('w'),
            Self::OtherFolder { folder, can_restrict, .. } => Some(match (folder.is_trusted, can_restrict) {
                (true, _) => 'g',
                (false, true) => 'w',
                (false, false) => 'f',
            }),
            Self::FolderGone { .. } => Some('f'),
            Self::SwitchWhileBusy(_) | Self::ForkInstead { .. } | Self::Damaged { .. } => {
                self.answer_keys().first().copied()
            }
        }
    }
}

fn capitalize(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
