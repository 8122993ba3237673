//! What a person types to find a session: words and filters.
//!
//! Owns the language (`parser tag:keep cost:>1 since:3d`), its errors, its completions, and
//! the one ranking of sessions, which the browser's filter, the jump and the commands all
//! use. Every input means something: a filter that cannot be understood becomes a
//! [`QueryError`] with its position, and the rest still counts. Pure: the time comes in as
//! an argument.

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

/// A parsed query for sessions.
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
    /// The bytes of the input it is about.
    pub span: Range<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl SessionQuery {
    /// Parses what was typed. Days begin at midnight in the time zone of `now`.
    pub fn parse(typed: &str, now: DateTime<FixedOffset>) -> Self {
        let mut query = Self::default();
        let mut words = Vec::new();
        for token in token::tokenize(typed) {
            match filter::parse_filter(&token, now) {
                Some(Ok(condition)) => query.conditions.push(condition),
                Some(Err(problem)) => query.errors.push(QueryError { span: token.span, message: problem }),
                None => {
                    query.words.extend(QueryWord::new(&token));
                    words.push(&typed[token.span]);
                }
            }
        }
        query.words_text = words.join(" ");
        query
    }

    /// Whether every session matches, all equally well.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.words.is_empty()
    }

    /// The words without the filters, as they were typed: the text to search messages for.
    pub fn words_text(&self) -> &str {
        &self.words_text
    }

    /// Whether there are words beside the filters.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether there are filters beside the words.
    pub fn has_filters(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Whether a session passes the filters, whatever the words.
    pub fn matches_filters(&self, row: &SessionRow) -> bool {
        self.conditions.iter().all(|condition| condition.matches(row))
    }

    /// Whether every session that matches this also matches `former`, so that only the
    /// former hits need be ranked again.
    pub fn is_refinement_of(&self, former: &Self) -> bool {
        self.conditions == former.conditions
            && self.words.len() >= former.words.len()
            && self.words.iter().zip(&former.words).all(|(word, former)| word.is_refinement_of(former))
    }
}

#[cfg(test)]
mod tests;
