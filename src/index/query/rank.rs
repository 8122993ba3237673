//! How well a session matches the words of a query.
//!
//! A word in one piece in the title counts most, then in one piece in another field, then
//! as scattered letters of the title, then of another short field. Prompts are not searched
//! for scattered letters: a long prompt contains the letters of nearly any word. Equal
//! sessions keep their order, newest first.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::filter::folder_name;
use super::token::QueryToken;
use super::{SessionQuery, SessionRow};
use crate::index::fuzzy::{MatchQuality, WordMatcher};

/// How well a session matches; greater is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionScore(u32);

/// A field of a session in which a word can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionField {
    Title,
    Tag,
    /// Its git branch.
    Branch,
    /// The name of its folder; the whole path for a word with a `/`.
    Folder,
    FirstPrompt,
    LastPrompt,
}

impl SessionField {
    /// All fields, most important first.
    const ALL: [Self; 6] =
        [Self::Title, Self::Tag, Self::Branch, Self::Folder, Self::FirstPrompt, Self::LastPrompt];

    /// The text of the field.
    pub fn of(self, row: &SessionRow) -> Option<&str> {
        match self {
            Self::Title => Some(row.facts.title_text()),
            Self::Tag => row.facts.tag.as_deref(),
            Self::Branch => row.facts.branch.as_deref(),
            Self::Folder => row.facts.cwd.as_deref(),
            Self::FirstPrompt => row.facts.first_prompt.as_deref(),
            Self::LastPrompt => row.facts.last_prompt.as_deref(),
        }
    }

    fn is_prompt(self) -> bool {
        matches!(self, Self::FirstPrompt | Self::LastPrompt)
    }
}

/// A word or a phrase of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryWord {
    matcher: WordMatcher,
    not: bool,
    /// Match in one piece only: the word is quoted or negated.
    contiguous_only: bool,
    /// The word has a `/`, so it is about paths.
    is_path: bool,
    /// The word in lower case, if it can be the start of an id.
    id_prefix: Option<String>,
}

/// Fewer characters of an id match nothing.
const MIN_ID_CHARS: usize = 4;

impl QueryWord {
    pub(super) fn new(token: &QueryToken<'_>) -> Option<Self> {
        // Put the key back: the token is a word with a colon, not a filter.
        let key = token.key.map(|key| format!("{key}:")).unwrap_or_default();
        let text = format!("{key}{}", token.value);
        Some(Self {
            matcher: WordMatcher::new(text.trim())?,
            not: token.negated,
            contiguous_only: token.is_quoted || token.negated,
            is_path: text.contains('/'),
            id_prefix: (!token.negated && could_be_id(&text)).then(|| text.to_lowercase()),
        })
    }

    /// Whether every session that matches this word also matches `former`.
    pub(super) fn is_refinement_of(&self, former: &Self) -> bool {
        let kind = |word: &Self| (word.not, word.contiguous_only, word.is_path, word.id_prefix.is_some());
        let same_kind = kind(self) == kind(former);
        same_kind && (self == former || (!self.not && self.matcher.narrows(&former.matcher)))
    }

    fn text<'a>(&self, field: SessionField, row: &'a SessionRow) -> Option<&'a str> {
        let text = field.of(row)?;
        Some(if field == SessionField::Folder && !self.is_path { folder_name(text) } else { text })
    }

    /// The best field and its points; `None` if the word matches nowhere.
    fn best_field(&self, row: &SessionRow) -> Option<(u32, SessionField)> {
        let within =
            |field: SessionField| Some((field, self.matcher.match_contiguous(self.text(field, row)?)?));
        if let Some((field, fit)) = within(SessionField::Title) {
            return Some((points(field, fit), field));
        }
        let others = SessionField::ALL[1..].iter().filter_map(|field| within(*field));
        let best = others.map(|(field, fit)| (points(field, fit), field)).max_by_key(|(points, _)| *points);
        best.or_else(|| self.matches_id(row).then_some((ID_POINTS, SessionField::Title)))
            .or_else(|| self.best_scattered(row))
    }

    /// Whether the word is the start of the session's id, or of its own agent's name for
    /// it. A row shows neither, so nothing is highlighted.
    fn matches_id(&self, row: &SessionRow) -> bool {
        let Some(id) = &self.id_prefix else { return false };
        let of_agent = row.facts.agent_session.as_deref().and_then(|of_agent| of_agent.get(..id.len()));
        row.stored.id.has_prefix(id) || of_agent.is_some_and(|begin| begin.eq_ignore_ascii_case(id))
    }

    fn best_scattered(&self, row: &SessionRow) -> Option<(u32, SessionField)> {
        if self.contiguous_only {
            return None;
        }
        let fields = SessionField::ALL.into_iter().filter(|field| !field.is_prompt());
        let found = fields.filter_map(|field| {
            let score = self.matcher.match_scattered(self.text(field, row)?)?;
            Some((if field == SessionField::Title { 10 + score } else { 1 + score / 4 }, field))
        });
        found.max_by_key(|(points, _)| *points)
    }
}

/// A word of letters alone is no id, unless all of them are hexadecimal digits.
fn could_be_id(text: &str) -> bool {
    let in_ids = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let is_marked = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    text.len() >= MIN_ID_CHARS
        && text.bytes().all(in_ids)
        && (text.bytes().all(is_plain) || text.bytes().any(is_marked))
}

/// The points of a match in one piece: any in the title more than any elsewhere, and all of
/// them more than scattered letters.
fn points(field: SessionField, fit: MatchQuality) -> u32 {
    let best = match field {
        SessionField::Title => 100,
        SessionField::Tag => 68,
        SessionField::Branch | SessionField::Folder => 64,
        SessionField::FirstPrompt | SessionField::LastPrompt => 56,
    };
    match fit {
        MatchQuality::WholeWord => best,
        MatchQuality::WordStart => best - 4,
        MatchQuality::Inside if field == SessionField::Title => best - 20,
        MatchQuality::Inside => best - 12,
    }
}

/// The points of the start of an id: whoever types that means the session.
const ID_POINTS: u32 = 90;
/// Extra points of a title that is exactly what was typed.
const EXACT_TITLE_POINTS: u32 = 1000;
/// Extra points of a title that starts with what was typed.
const TITLE_START_POINTS: u32 = 2;

impl SessionQuery {
    /// How well a session matches; `None` if it does not.
    pub fn score(&self, row: &SessionRow) -> Option<SessionScore> {
        if !self.matches_filters(row) {
            return None;
        }
        let mut points = 0;
        for word in &self.words {
            match (word.not, word.best_field(row)) {
                (false, found) => points += found?.0,
                (true, Some(_)) => return None,
                (true, None) => {}
            }
        }
        let title = row.facts.title_text();
        if points > 0
            && title
                .get(..self.words_text.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(&self.words_text))
        {
            points +=
                if title.len() == self.words_text.len() { EXACT_TITLE_POINTS } else { TITLE_START_POINTS };
        }
        Some(SessionScore(points))
    }

    /// The indexes of the matching rows, best first. `among` limits the search to former
    /// hits.
    pub fn rank_all(&self, rows: &[SessionRow], among: Option<&[usize]>) -> Vec<usize> {
        let rank = |at: usize| Some((self.score(rows.get(at)?)?, at));
        let mut found: Vec<(SessionScore, usize)> = match among {
            Some(among) => among.par_iter().filter_map(|at| rank(*at)).collect(),
            None => (0..rows.len()).into_par_iter().filter_map(rank).collect(),
        };
        found.par_sort_unstable_by_key(|(ranked, at)| (Reverse(*ranked), *at));
        found.into_iter().map(|(_, at)| at).collect()
    }

    /// The first field other than the title that a word matched, to be shown with the row;
    /// `None` if all words match the title.
    pub fn matched_field(&self, row: &SessionRow) -> Option<SessionField> {
        let wanted = self.words.iter().filter(|word| !word.not);
        wanted
            .filter_map(|word| word.best_field(row))
            .map(|(_, field)| field)
            .find(|field| *field != SessionField::Title)
    }

    /// The characters of a field's shown text that the words matched, by position in characters,
    /// in order.
    pub fn match_positions(&self, row: &SessionRow, field: SessionField, shown: &str) -> Vec<usize> {
        let found = self
            .words
            .iter()
            .filter(|word| !word.not && word.best_field(row).is_some_and(|(_, best)| best == field));
        let mut positions: Vec<usize> = found
            .flat_map(|word| word.matcher.match_positions(shown, !word.contiguous_only && !field.is_prompt()))
            .collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}
