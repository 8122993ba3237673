//! The search for a session from anywhere: by what it is called, or by what
//! was said in it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use tui_textarea::TextArea;

use super::browser::Browser;
use super::page::Seek;
use super::ranking::Ranking;
use super::writing::{self, line};
use crate::index::query::{Completion, Query};
use crate::index::text::Snippet;
use crate::index::{Row, Said};
use crate::session::SessionId;

/// The search for a session, from anywhere.
#[derive(Debug)]
pub struct Jump {
    /// What is looked for.
    pub line: TextArea<'static>,
    /// Where.
    pub place: Within,
    /// The sessions of all projects, newest first; empty while they are read.
    pub rows: Arc<Vec<Row>>,
    /// Those whose titles answer.
    pub ranking: Ranking,
    /// What was said, as far as it was found.
    pub finding: Finding,
    /// The hit under the cursor.
    pub cursor: usize,
    /// The rows are still being read.
    pub reading: bool,
}

/// What is searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Within {
    /// Titles, and what else a list shows.
    #[default]
    Titles,
    /// All that was said.
    Texts,
}

/// The search in what was said.
#[derive(Debug, Default)]
pub struct Finding {
    /// Look into what tools were asked and gave back, too.
    pub tools: bool,
    /// What was asked last; only its answer counts.
    asked: Option<Sought>,
    /// It still has to be asked.
    unasked: bool,
    /// Its answer is not in.
    waits: bool,
    /// The newest answer; to a former question until that to the last one is in.
    pub found: Found,
    /// Why there is no answer.
    pub problem: Option<String>,
    /// The row of each hit, where its session is listed.
    rows: Vec<Option<usize>>,
}

/// A text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// As it was typed, without the filters.
    pub text: String,
    /// Look into what tools were asked and gave back, too.
    pub tools: bool,
    /// The only sessions to look in; none: all.
    pub only: Option<Vec<SessionId>>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// One a session, best first.
    pub hits: Vec<Said>,
    /// There are more sessions than these.
    pub more: bool,
    /// How long it took.
    pub took: Duration,
}

impl Jump {
    /// Begins with the sessions the browser knows, and with a text.
    pub fn new(browser: &Browser, place: Within, text: &str, now: DateTime<FixedOffset>) -> Self {
        let mut jump = Self {
            line: line(text),
            place,
            rows: Arc::clone(&browser.rows),
            ranking: Ranking::default(),
            finding: Finding::default(),
            cursor: 0,
            reading: !browser.all,
        };
        jump.search(now);
        jump
    }

    /// What is looked for.
    pub fn query(&self) -> &str {
        self.line.lines().first().map_or("", String::as_str)
    }

    /// Looks anew for what was typed.
    pub fn search(&mut self, now: DateTime<FixedOffset>) {
        let query = Query::parse(self.query(), now);
        if self.place == Within::Texts {
            let narrow = |row: &&Row| query.narrow(row);
            let only = query
                .has_filters()
                .then(|| self.rows.iter().filter(narrow).map(|row| row.stored.id).collect());
            self.finding.ask(Sought { text: query.said().to_owned(), tools: self.finding.tools, only });
        }
        self.ranking.ask(&self.rows, query);
        self.cursor = 0;
    }

    /// From titles to texts and back.
    pub fn turn(&mut self, now: DateTime<FixedOffset>) {
        self.place = match self.place {
            Within::Titles => Within::Texts,
            Within::Texts => Within::Titles,
        };
        self.search(now);
    }

    /// What tools were asked and gave back counts, or not.
    pub fn turn_tools(&mut self, now: DateTime<FixedOffset>) {
        self.finding.tools = !self.finding.tools;
        self.place = Within::Texts;
        self.search(now);
    }

    /// Takes more rows and keeps the cursor's session.
    pub fn take_rows(&mut self, rows: Arc<Vec<Row>>, reading: bool, now: DateTime<FixedOffset>) {
        let kept = self.chosen();
        self.rows = rows;
        self.reading = reading;
        self.search(now);
        self.finding.find_rows(&self.rows);
        // What is new in the list may have been said in, too.
        self.finding.ask_again();
        self.point_at(kept);
    }

    /// Takes an answer; false where it is not to what was asked last.
    pub fn take_found(&mut self, sought: &Sought, found: Result<Found, String>) -> bool {
        let asked = self.finding.asked.as_ref() == Some(sought);
        if asked {
            let again = !self.finding.waits();
            let kept = self.chosen();
            self.finding.take(found);
            self.finding.find_rows(&self.rows);
            if again {
                self.point_at(kept);
            }
            self.cursor = self.cursor.min(self.count().saturating_sub(1));
        }
        asked
    }

    /// Keeps the cursor on a session; at the best one where it is not found.
    fn point_at(&mut self, session: Option<SessionId>) {
        self.cursor = (0..self.count()).find(|at| self.session(*at) == session).unwrap_or(0);
    }

    /// Moves the cursor.
    pub fn step(&mut self, step: isize) {
        self.cursor = self.cursor.saturating_add_signed(step).min(self.count().saturating_sub(1));
    }

    /// How many sessions were found.
    pub fn count(&self) -> usize {
        match self.place {
            Within::Titles => self.ranking.hits().len(),
            Within::Texts => self.finding.found.hits.len(),
        }
    }

    /// The row of a hit, where its session is listed.
    pub fn row(&self, at: usize) -> Option<&Row> {
        let row = match self.place {
            Within::Titles => *self.ranking.hits().get(at)?,
            Within::Texts => (*self.finding.rows.get(at)?)?,
        };
        self.rows.get(row)
    }

    /// The hit in a text that is shown in a line.
    pub fn hit(&self, at: usize) -> Option<&Said> {
        self.finding.found.hits.get(at).filter(|_| self.place == Within::Texts)
    }

    /// What the filter at the end of the line can become.
    pub fn completion(&self) -> Option<Completion> {
        writing::completion(&self.line, &self.rows)
    }

    /// The session under the cursor.
    pub fn chosen(&self) -> Option<SessionId> {
        self.session(self.cursor)
    }

    /// The message under the cursor, and what is lit in it.
    pub fn sought(&self) -> Option<Seek> {
        let hit = self.hit(self.cursor)?;
        let words = words(&hit.snippet);
        Some(Seek { uuid: hit.snippet.uuid.clone()?, offset: hit.offset, words })
    }

    fn session(&self, at: usize) -> Option<SessionId> {
        match self.place {
            Within::Titles => self.row(at).map(|row| row.stored.id),
            Within::Texts => self.hit(at).map(|hit| hit.session),
        }
    }
}

impl Finding {
    /// Asks for a text; for nothing there is nothing to ask.
    fn ask(&mut self, sought: Sought) {
        if self.asked.as_ref() == Some(&sought) {
            return;
        }
        self.problem = None;
        self.unasked = !sought.text.is_empty();
        self.waits = self.unasked;
        if !self.unasked {
            self.found = Found::default();
        }
        self.asked = Some(sought);
    }

    /// Asks again what was asked last.
    fn ask_again(&mut self) {
        self.unasked = self.asked.as_ref().is_some_and(|asked| !asked.text.is_empty());
    }

    /// The answer to what was asked last is not in.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// What is to be asked, once.
    pub fn unasked(&mut self) -> Option<Sought> {
        std::mem::take(&mut self.unasked).then(|| self.asked.clone())?
    }

    fn take(&mut self, found: Result<Found, String>) {
        self.waits = false;
        match found {
            Ok(found) => self.found = found,
            Err(problem) => {
                self.found = Found::default();
                self.problem = Some(problem);
            }
        }
    }

    fn find_rows(&mut self, rows: &[Row]) {
        let hits = self.found.hits.iter().enumerate();
        let hits: HashMap<SessionId, usize> = hits.map(|(at, hit)| (hit.session, at)).collect();
        self.rows = vec![None; hits.len()];
        for (row, found) in rows.iter().enumerate() {
            if let Some(&at) = hits.get(&found.stored.id) {
                self.rows[at] = Some(row);
            }
        }
    }
}

/// What is lit in a sentence, each run of letters by itself.
fn words(snippet: &Snippet) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for (at, letter) in snippet.text.chars().enumerate().filter(|(at, _)| snippet.lit.contains(at)) {
        match words.last_mut().filter(|_| last == Some(at)) {
            Some(word) => word.push(letter),
            None => words.push(letter.into()),
        }
        last = Some(at + 1);
    }
    words.sort();
    words.dedup();
    words
}
