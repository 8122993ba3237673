//! Client operations: files and terminals of this machine that an agent asks its
//! client for (ACP's `fs/*` and `terminal/*`), and their results.

use std::path::PathBuf;

/// An operation on an agent's behalf. The driver decides whether it is
/// permitted; the executor enforces that it stays in the session's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOp {
    /// Read a text file; answered with [`FileText`](ClientOpResult::FileText).
    ReadFile(PathBuf),
    /// Replace a file's text; answered with [`Done`](ClientOpResult::Done).
    WriteFile {
        /// The file; missing parent folders are created.
        path: PathBuf,
        /// The complete new text.
        text: String,
    },
    /// Run a program in a terminal; answered with [`Done`](ClientOpResult::Done).
    CreateTerminal(CreateTerminal),
    /// The output so far; answered with
    /// [`TerminalOutput`](ClientOpResult::TerminalOutput).
    TerminalOutput(String),
    /// Answered with [`Exited`](ClientOpResult::Exited) once the program has ended.
    WaitForExit(String),
    /// Kill the program; answered with [`Done`](ClientOpResult::Done).
    KillTerminal(String),
    /// Kill the program and forget the terminal; answered with
    /// [`Done`](ClientOpResult::Done).
    ReleaseTerminal(String),
}

/// A program to run in a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTerminal {
    /// The terminal's id from here on.
    pub terminal: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Environment on top of ours.
    pub env: Vec<(String, String)>,
    /// The folder the session runs in.
    pub cwd: PathBuf,
    /// How many of its last output bytes are kept.
    pub output_limit: usize,
}

/// The result of a [`ClientOp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOpResult {
    /// The file's text; `None` if there is no such file.
    FileText(Option<String>),
    /// Done, without further data.
    Done,
    /// A program's output so far.
    TerminalOutput {
        /// The last of the output.
        text: String,
        /// Earlier output was discarded.
        truncated: bool,
        /// How it ended; `None` while it runs.
        ended: Option<TerminalExit>,
    },
    /// A program ended.
    Exited(TerminalExit),
}

/// How a program in a terminal ended: by one of the two, or unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalExit {
    pub code: Option<u32>,
    /// The name of the signal that killed it.
    pub signal: Option<String>,
}

/// Results and output of an agent's client operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOpEvent {
    /// An operation finished, or failed for a reason.
    Completed {
        /// Which.
        op_id: u64,
        /// What came of it.
        outcome: Result<ClientOpResult, String>,
    },
    /// A terminal's program printed more. Of a flood only the end is sent.
    TerminalOutput {
        terminal: String,
        /// What; hostile text.
        text: String,
    },
}
