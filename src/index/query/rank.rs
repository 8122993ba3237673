//! How well a session answers the words of a query.
//!
//! A word that stands in one piece in the title counts most, then in one piece
//! in another field, then as scattered letters of the title, then of another
//! short field: a long prompt holds the letters of nearly any word. Equal
//! sessions stay in the order they are given in: newest first.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::filter::last_part;
use super::token::Token;
use super::{Query, Row};
use crate::index::fuzzy::{Fit, Needle};

/// How well a session answers; higher is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranked(u32);

/// Where in a session a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Its title.
    Title,
    /// Its tag.
    Tag,
    /// Its branch.
    Branch,
    /// The name of its folder; the whole path for a word with a `/`.
    Folder,
    /// The first prompt.
    FirstPrompt,
    /// The last prompt.
    LastPrompt,
}

impl Field {
    /// From the one that counts most.
    const ALL: [Self; 6] =
        [Self::Title, Self::Tag, Self::Branch, Self::Folder, Self::FirstPrompt, Self::LastPrompt];

    /// What stands there.
    pub fn of(self, row: &Row) -> Option<&str> {
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
pub struct Word {
    needle: Needle,
    not: bool,
    /// Only in one piece: it stands in quotes, or says what is not wanted.
    whole: bool,
    /// It has a `/`: it is about paths.
    path: bool,
    /// It may be the beginning of an id, in small letters.
    id: Option<String>,
}

/// Fewer characters of an id name nothing.
const SHORTEST_ID: usize = 4;

impl Word {
    pub(super) fn new(token: &Token<'_>) -> Option<Self> {
        // A word with a colon that is no filter.
        let key = token.key.map(|key| format!("{key}:")).unwrap_or_default();
        let text = format!("{key}{}", token.value);
        Some(Self {
            needle: Needle::new(text.trim())?,
            not: token.not,
            whole: token.quoted || token.not,
            path: text.contains('/'),
            id: (!token.not && could_be_id(&text)).then(|| text.to_lowercase()),
        })
    }

    /// Whether no session answers this word that does not answer `former`.
    pub(super) fn narrows(&self, former: &Self) -> bool {
        let kind = |word: &Self| (word.not, word.whole, word.path, word.id.is_some());
        let same_kind = kind(self) == kind(former);
        same_kind && (self == former || (!self.not && self.needle.is_longer_than(&former.needle)))
    }

    fn text<'a>(&self, field: Field, row: &'a Row) -> Option<&'a str> {
        let text = field.of(row)?;
        Some(if field == Field::Folder && !self.path { last_part(text) } else { text })
    }

    /// The best field and how much it counts; none where the word is nowhere.
    fn best(&self, row: &Row) -> Option<(u32, Field)> {
        let within = |field: Field| Some((field, self.needle.within(self.text(field, row)?)?));
        if let Some((field, fit)) = within(Field::Title) {
            return Some((points(field, fit), field));
        }
        let others = Field::ALL[1..].iter().filter_map(|field| within(*field));
        let best = others.map(|(field, fit)| (points(field, fit), field)).max_by_key(|(points, _)| *points);
        best.or_else(|| self.names(row).then_some((NAMED, Field::Title))).or_else(|| self.scattered(row))
    }

    /// Whether it is the beginning of the session's id, or of what the agent that
    /// keeps it calls it: neither is a field that a row shows.
    fn names(&self, row: &Row) -> bool {
        let Some(id) = &self.id else { return false };
        let of_agent = row.facts.agent_session.as_deref().and_then(|of_agent| of_agent.get(..id.len()));
        row.stored.id.begins_with(id) || of_agent.is_some_and(|begin| begin.eq_ignore_ascii_case(id))
    }

    fn scattered(&self, row: &Row) -> Option<(u32, Field)> {
        if self.whole {
            return None;
        }
        let fields = Field::ALL.into_iter().filter(|field| !field.is_prompt());
        let found = fields.filter_map(|field| {
            let score = self.needle.scattered(self.text(field, row)?)?;
            Some((if field == Field::Title { 10 + score } else { 1 + score / 4 }, field))
        });
        found.max_by_key(|(points, _)| *points)
    }
}

/// Words of letters alone are none, unless all of them are digits of an id.
fn could_be_id(text: &str) -> bool {
    let in_ids = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let is_marked = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    text.len() >= SHORTEST_ID
        && text.bytes().all(in_ids)
        && (text.bytes().all(is_plain) || text.bytes().any(is_marked))
}

/// What a word in one piece counts: anything in the title more than anything
/// elsewhere, and anything in one piece more than scattered letters.
fn points(field: Field, fit: Fit) -> u32 {
    let best = match field {
        Field::Title => 100,
        Field::Tag => 68,
        Field::Branch | Field::Folder => 64,
        Field::FirstPrompt | Field::LastPrompt => 56,
    };
    match fit {
        Fit::Whole => best,
        Fit::Start => best - 4,
        Fit::Inside if field == Field::Title => best - 20,
        Fit::Inside => best - 12,
    }
}

/// What the beginning of its id counts: it is meant.
const NAMED: u32 = 90;
/// A title that is exactly what was typed comes before all.
const EXACT: u32 = 1000;
/// A title that begins with it.
const BEGINS: u32 = 2;

impl Query {
    /// How well a session answers; none where it does not.
    pub fn rank(&self, row: &Row) -> Option<Ranked> {
        if !self.narrow(row) {
            return None;
        }
        let mut points = 0;
        for word in &self.words {
            match (word.not, word.best(row)) {
                (false, found) => points += found?.0,
                (true, Some(_)) => return None,
                (true, None) => {}
            }
        }
        let title = row.facts.title_text();
        if points > 0
            && title.get(..self.said.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.said))
        {
            points += if title.len() == self.said.len() { EXACT } else { BEGINS };
        }
        Some(Ranked(points))
    }

    /// The sessions that answer, by index, best first; of these `among` where
    /// it is known that no other does.
    pub fn rank_all(&self, rows: &[Row], among: Option<&[usize]>) -> Vec<usize> {
        let rank = |at: usize| Some((self.rank(rows.get(at)?)?, at));
        let mut found: Vec<(Ranked, usize)> = match among {
            Some(among) => among.par_iter().filter_map(|at| rank(*at)).collect(),
            None => (0..rows.len()).into_par_iter().filter_map(rank).collect(),
        };
        found.par_sort_unstable_by_key(|(ranked, at)| (Reverse(*ranked), *at));
        found.into_iter().map(|(_, at)| at).collect()
    }

    /// The field beside the title that a session was found by, to be shown with
    /// it; none where the title says it all.
    pub fn found_by(&self, row: &Row) -> Option<Field> {
        let wanted = self.words.iter().filter(|word| !word.not);
        wanted.filter_map(|word| word.best(row)).map(|(_, field)| field).find(|field| *field != Field::Title)
    }

    /// The characters of a field's text, as it is shown, that the words were
    /// found by: by position in characters, in order.
    pub fn lit(&self, row: &Row, field: Field, shown: &str) -> Vec<usize> {
        let found = self
            .words
            .iter()
            .filter(|word| !word.not && word.best(row).is_some_and(|(_, best)| best == field));
        let mut lit: Vec<usize> =
            found.flat_map(|word| word.needle.lit(shown, !word.whole && !field.is_prompt())).collect();
        lit.sort_unstable();
        lit.dedup();
        lit
    }
}
