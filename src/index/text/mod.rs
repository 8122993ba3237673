//! Full-text search over all that was said.
//!
//! Owns which words of a transcript are searched, how they are kept, the
//! language a person asks in, and the sentence that is shown. Keeps no text: a
//! hit says where its entry lies in the transcript, which stays the truth.
//! Never opens a database or a file; both are given in.

mod passage;
mod query;
mod search;
mod snippet;
mod tables;
mod words;

pub use passage::Passage;
pub use query::Query;
pub use search::{Hit, Hits, MOST_COUNTED, search};
pub use snippet::{Role, Snippet, snippet};
pub use tables::{Text, forget, ingest, schema};

#[cfg(test)]
mod tests;
