//! Full-text search over all messages.
//!
//! Owns which words of a transcript are searchable, how they are stored, the search
//! language, and the sentence that is shown. Stores no text: a hit gives the position of
//! its entry in the transcript, which stays the truth. Opens no database and no file;
//! callers pass both in.

mod passage;
mod query;
mod snippet;
mod tables;
mod tokenizer;
mod walk;

pub use passage::Passage;
pub use query::FullTextQuery;
pub use snippet::{Snippet, SnippetRole, snippet};
pub use tables::{SessionPassages, forget, ingest, schema, set_left_behind};
pub use walk::{IndexHit, IndexHits, MAX_COUNTED_HITS, search};

#[cfg(test)]
mod tests;
