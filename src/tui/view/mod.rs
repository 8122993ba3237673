//! How the program looks: a function from its state to a frame.
//!
//! Nothing here decides, reads a file or asks a process; text of transcripts
//! and agents reaches the terminal only through [`text::clean`] and
//! [`text::strip`].

pub mod highlight;
pub mod markdown;
pub mod text;
pub mod theme;
