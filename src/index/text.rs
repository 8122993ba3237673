//! Full-text search over all that was said.
//!
//! Owns which words of a transcript are searched, how they are kept, the
//! language a person asks in, and the sentence that is shown. Keeps no text: a
//! hit says where its entry lies in the transcript, which stays the truth.
//! Never opens a database or a file; both are given in.

mod passage;
mod query;
mod snippet;
mod tables;
mod tokenizer;
mod walk;

pub use passage::Passage;
pub use query::FullTextQuery;
pub use snippet::{Snippet, SnippetRole, snippet};
pub use tables::{SessionPassages, forget, ingest, schema};
pub use walk::{IndexHit, IndexHits, MAX_COUNTED_HITS, search};

#[cfg(test)]
mod tests;
