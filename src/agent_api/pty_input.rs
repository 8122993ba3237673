//! Input for a program in a pseudo-terminal.

use std::time::Duration;

/// What the program reads next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PtyInput {
    Bytes(Vec<u8>),
    /// A pause, so that what follows counts as separate keys.
    Pause(Duration),
}
