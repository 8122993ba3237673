//! Text for people: made safe, measured, shortened, compared.
//!
//! Text of transcripts, agents, programs and files is hostile until it went
//! through here. Nothing else may decide what reaches a terminal:
//!
//! - [`clean`] and [`clean_line`] show what was written, with placeholders for
//!   characters that would act on the terminal or hide;
//! - [`clean_output`] is the last step before a terminal, for whole output;
//! - [`strip`] shows a program's output as a terminal would have shown it;
//! - [`reveal`] names every character that cannot be seen, for text that a person
//!   approves;
//! - [`escape_json`] is for JSON that is printed to a terminal.
//!
//! Widths are cells of a terminal ([`width()`] and its neighbours), numbers for
//! people are in [`format`](mod@format), differences between texts in [`diff`], and
//! the last of a program's output in [`output_tail`].
//! This module does not know where its text is shown, and it reads and writes
//! nothing.

mod clean;
pub mod diff;
pub mod format;
mod json;
pub mod output_tail;
mod reveal;
mod width;

pub use clean::{clean, clean_line, clean_output, strip};
pub use json::escape_json;
pub use reveal::{Fragment, reveal};
pub use width::{bytes_fitting, graphemes, pad, pad_start, truncate, truncate_start, width};

#[cfg(test)]
pub(crate) mod tests;
