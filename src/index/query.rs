//! What a person types to find a session: words and filters.
//!
//! Owns the language (`parser tag:keep cost:>1 since:3d`), what is wrong in it
//! and what it can be completed to, and how well a session answers. Whatever is
//! typed means something: a filter that cannot be understood is told with its
//! place, and the rest still counts. Pure: the time comes in.
//!
//! The one ranking of sessions: the browser's filter, the jump and the commands
//! all ask here.

mod complete;
mod filter;
mod rank;
mod time_spec;
mod token;

use std::ops::Range;

use chrono::{DateTime, FixedOffset};

use self::filter::FilterCondition;
use self::rank::QueryWord;
use super::SessionRow;

pub use complete::{QueryCompletion, complete};
pub use rank::{SessionField, SessionScore};

/// What sessions are looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionQuery {
    conditions: Vec<FilterCondition>,
    words: Vec<QueryWord>,
    /// The words as they were typed, one blank between them.
    words_text: String,
    /// What could not be understood, in the order it was typed.
    pub errors: Vec<QueryError>,
}

/// A filter that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The bytes of what was typed that it is about.
    pub span: Range<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl SessionQuery {
    /// Reads what was typed. Days begin at midnight where `now` is.
    pub fn parse(typed: &str, now: DateTime<FixedOffset>) -> Self {
        let mut query = Self::default();
        let mut said = Vec::new();
        for token in token::tokenize(typed) {
            match filter::parse_filter(&token, now) {
                Some(Ok(condition)) => query.conditions.push(condition),
                Some(Err(problem)) => query.errors.push(QueryError { span: token.span, message: problem }),
                None => {
                    query.words.extend(QueryWord::new(&token));
                    said.push(&typed[token.span]);
                }
            }
        }
        query.words_text = said.join(" ");
        query
    }

    /// Nothing is asked: every session answers, and all equally well.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.words.is_empty()
    }

    /// The words without the filters, as they were typed: what to look for in
    /// what was said.
    pub fn words_text(&self) -> &str {
        &self.words_text
    }

    /// There are words beside the filters.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// There are filters beside the words.
    pub fn has_filters(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Whether the filters let a session through, whatever the words.
    pub fn matches_filters(&self, row: &SessionRow) -> bool {
        self.conditions.iter().all(|condition| condition.matches(row))
    }

    /// Whether no session answers this that does not answer `former`: then only
    /// the former hits need be asked.
    pub fn is_refinement_of(&self, former: &Self) -> bool {
        self.conditions == former.conditions
            && self.words.len() >= former.words.len()
            && self.words.iter().zip(&former.words).all(|(word, former)| word.is_refinement_of(former))
    }
}

#[cfg(test)]
mod tests;
