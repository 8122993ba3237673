//! What an agent may have the slot do for it on this machine, and what came of it.

use std::path::PathBuf;

/// Something that an agent wants done. Who may have what is the driver's to
/// decide; that it stays within the session's folder is checked where it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOp {
    /// The text of a file; answered with [`Text`](Lent::Text).
    ReadFile(PathBuf),
    /// A file is to hold this text; answered with [`ActionDone`](Lent::Done).
    WriteFile {
        /// Which; its folders are made where they are missing.
        path: PathBuf,
        /// The whole of it.
        text: String,
    },
    /// A program is to run in a terminal; answered with [`ActionDone`](Lent::Done).
    CreateTerminal(CreateTerminal),
    /// What a terminal's program said; answered with [`ProcessOutput`](Lent::Output).
    TerminalOutput(String),
    /// The end of a terminal's program; answered with [`Ended`](Lent::Ended), then.
    WaitForExit(String),
    /// End a terminal's program; answered with [`ActionDone`](Lent::Done).
    KillTerminal(String),
    /// End it, and forget the terminal; answered with [`ActionDone`](Lent::Done).
    ReleaseTerminal(String),
}

/// A program that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTerminal {
    /// What its terminal is called from here on.
    pub terminal: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Environment on top of ours.
    pub env: Vec<(String, String)>,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Bytes of what it says that are kept, the last ones.
    pub output_limit: usize,
}

/// What came of a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOpResult {
    /// What a file holds; none: there is no such file.
    FileText(Option<String>),
    /// It is done.
    Done,
    /// What a program said so far.
    TerminalOutput {
        /// The last of it.
        text: String,
        /// It said more before.
        truncated: bool,
        /// How it ended; none: it runs.
        ended: Option<TerminalExit>,
    },
    /// A program ended.
    Exited(TerminalExit),
}

/// How a program in a terminal ended: by one of the two, or nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalExit {
    /// Its exit code.
    pub code: Option<u32>,
    /// The name of the signal that killed it.
    pub signal: Option<String>,
}

/// What a driver hears of its loans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOpEvent {
    /// One is done, or not, and why not.
    Completed {
        /// Which.
        ticket: u64,
        /// What came of it.
        outcome: Result<ClientOpResult, String>,
    },
    /// A terminal's program said more; of a flood only the last.
    TerminalOutput {
        /// Which terminal.
        terminal: String,
        /// What; hostile text.
        text: String,
    },
}
