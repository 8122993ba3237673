//! What an agent may have the slot do for it on this machine, and what came of it.

use std::path::PathBuf;

/// Something that an agent wants done. Who may have what is the driver's to
/// decide; that it stays within the session's folder is checked where it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loan {
    /// The text of a file; answered with [`Text`](Lent::Text).
    Read(PathBuf),
    /// A file is to hold this text; answered with [`Done`](Lent::Done).
    Write {
        /// Which; its folders are made where they are missing.
        path: PathBuf,
        /// The whole of it.
        text: String,
    },
    /// A program is to run in a terminal; answered with [`Done`](Lent::Done).
    Run(Run),
    /// What a terminal's program said; answered with [`Output`](Lent::Output).
    Output(String),
    /// The end of a terminal's program; answered with [`Ended`](Lent::Ended), then.
    Wait(String),
    /// End a terminal's program; answered with [`Done`](Lent::Done).
    Kill(String),
    /// End it, and forget the terminal; answered with [`Done`](Lent::Done).
    Release(String),
}

/// A program that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What its terminal is called from here on.
    pub terminal: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Environment on top of ours.
    pub env: Vec<(String, String)>,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Bytes of what it says that are kept, the last ones.
    pub keep: usize,
}

/// What came of a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lent {
    /// What a file holds; none: there is no such file.
    Text(Option<String>),
    /// It is done.
    Done,
    /// What a program said so far.
    Output {
        /// The last of it.
        text: String,
        /// It said more before.
        truncated: bool,
        /// How it ended; none: it runs.
        ended: Option<Ending>,
    },
    /// A program ended.
    Ended(Ending),
}

/// How a program in a terminal ended: by one of the two, or nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// Its exit code.
    pub code: Option<u32>,
    /// The name of the signal that killed it.
    pub signal: Option<String>,
}

/// What a driver hears of its loans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoanNews {
    /// One is done, or not, and why not.
    Answer {
        /// Which.
        ticket: u64,
        /// What came of it.
        outcome: Result<Lent, String>,
    },
    /// A terminal's program said more; of a flood only the last.
    Said {
        /// Which terminal.
        terminal: String,
        /// What; hostile text.
        text: String,
    },
}
