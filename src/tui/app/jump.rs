//! The jump dialog: finds a session in all projects by its title, or by its
//! messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use tui_textarea::TextArea;

use super::browser::Browser;
use super::conversation_page::SeekTarget;
use super::ranking::Ranking;
use super::text_input::{self, single_line};
use crate::index::query::{QueryCompletion, SessionQuery};
use crate::index::text::Snippet;
use crate::index::{SessionRow, TextHit};
use crate::session::SessionId;

/// The search for a session, from anywhere.
#[derive(Debug)]
pub struct Jump {
    /// What is looked for.
    pub line: TextArea<'static>,
    /// Where.
    pub scope: SearchScope,
    /// The sessions of all projects, newest first; empty while they are read.
    pub rows: Arc<Vec<SessionRow>>,
    /// Those whose titles answer.
    pub ranking: Ranking,
    /// The hits in messages.
    pub text_search: TextSearch,
    /// The hit under the cursor.
    pub cursor: usize,
    /// The rows are still being read.
    pub reading: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchScope {
    /// Titles, and what else a list shows.
    #[default]
    Titles,
    Messages,
}

/// The search in messages.
#[derive(Debug, Default)]
pub struct TextSearch {
    /// Include tool input and output.
    pub tools: bool,
    /// The newest query; only its results count.
    latest: Option<TextQuery>,
    /// It has not been handed to the shell yet.
    pending: bool,
    /// Its results have not arrived.
    waiting: bool,
    /// The newest results; those of an older query until the newest have arrived.
    pub results: TextResults,
    /// Why the search failed.
    pub problem: Option<String>,
    /// The row of each hit, where its session is listed.
    rows: Vec<Option<usize>>,
}

/// A search in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// As it was typed, without the filters.
    pub text: String,
    /// Include tool input and output.
    pub tools: bool,
    /// The only sessions to search; `None` for all.
    pub restrict_to: Option<Vec<SessionId>>,
}

/// The results of a search in messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextResults {
    /// One a session, best first.
    pub hits: Vec<TextHit>,
    /// There are more sessions than these.
    pub more: bool,
    /// How long it took.
    pub took: Duration,
}

impl Jump {
    /// Begins with the sessions the browser knows, and with a text.
    pub fn new(browser: &Browser, place: SearchScope, text: &str, now: DateTime<FixedOffset>) -> Self {
        let mut jump = Self {
            line: single_line(text),
            scope: place,
            rows: Arc::clone(&browser.rows),
            ranking: Ranking::default(),
            text_search: TextSearch::default(),
            cursor: 0,
            reading: !browser.all,
        };
        jump.update_query(now);
        jump
    }

    /// What is looked for.
    pub fn query(&self) -> &str {
        self.line.lines().first().map_or("", String::as_str)
    }

    /// Runs the search again for what is typed.
    pub fn update_query(&mut self, now: DateTime<FixedOffset>) {
        let query = SessionQuery::parse(self.query(), now);
        if self.scope == SearchScope::Messages {
            let narrow = |row: &&SessionRow| query.matches_filters(row);
            let only = query
                .has_filters()
                .then(|| self.rows.iter().filter(narrow).map(|row| row.stored.id).collect());
            self.text_search.set_query(TextQuery {
                text: query.words_text().to_owned(),
                tools: self.text_search.tools,
                restrict_to: only,
            });
        }
        self.ranking.set_query(&self.rows, query);
        self.cursor = 0;
    }

    /// Switches between titles and messages.
    pub fn toggle_scope(&mut self, now: DateTime<FixedOffset>) {
        self.scope = match self.scope {
            SearchScope::Titles => SearchScope::Messages,
            SearchScope::Messages => SearchScope::Titles,
        };
        self.update_query(now);
    }

    /// Includes tool input and output, or not.
    pub fn toggle_tools(&mut self, now: DateTime<FixedOffset>) {
        self.text_search.tools = !self.text_search.tools;
        self.scope = SearchScope::Messages;
        self.update_query(now);
    }

    /// Takes more rows and keeps the cursor's session.
    pub fn set_rows(&mut self, rows: Arc<Vec<SessionRow>>, reading: bool, now: DateTime<FixedOffset>) {
        let kept = self.selected();
        self.rows = rows;
        self.reading = reading;
        self.update_query(now);
        self.text_search.match_rows(&self.rows);
        // New sessions of the list may match, too.
        self.text_search.requery();
        self.select_session(kept);
    }

    /// Takes an answer; false where it is not to what was asked last.
    pub fn set_results(&mut self, sought: &TextQuery, found: Result<TextResults, String>) -> bool {
        let asked = self.text_search.latest.as_ref() == Some(sought);
        if asked {
            let again = !self.text_search.is_waiting();
            let kept = self.selected();
            self.text_search.set_results(found);
            self.text_search.match_rows(&self.rows);
            if again {
                self.select_session(kept);
            }
            self.cursor = self.cursor.min(self.count().saturating_sub(1));
        }
        asked
    }

    /// Keeps the cursor on a session; at the best one where it is not found.
    fn select_session(&mut self, session: Option<SessionId>) {
        self.cursor = (0..self.count()).find(|at| self.session(*at) == session).unwrap_or(0);
    }

    /// Moves the cursor.
    pub fn step(&mut self, step: isize) {
        self.cursor = self.cursor.saturating_add_signed(step).min(self.count().saturating_sub(1));
    }

    /// How many sessions were found.
    pub fn count(&self) -> usize {
        match self.scope {
            SearchScope::Titles => self.ranking.hits().len(),
            SearchScope::Messages => self.text_search.results.hits.len(),
        }
    }

    /// The row of a hit, where its session is listed.
    pub fn row(&self, at: usize) -> Option<&SessionRow> {
        let row = match self.scope {
            SearchScope::Titles => *self.ranking.hits().get(at)?,
            SearchScope::Messages => (*self.text_search.rows.get(at)?)?,
        };
        self.rows.get(row)
    }

    /// The hit in a text that is shown in a line.
    pub fn hit(&self, at: usize) -> Option<&TextHit> {
        self.text_search.results.hits.get(at).filter(|_| self.scope == SearchScope::Messages)
    }

    /// What the filter at the end of the line can become.
    pub fn completion(&self) -> Option<QueryCompletion> {
        text_input::completion(&self.line, &self.rows)
    }

    /// The session under the cursor.
    pub fn selected(&self) -> Option<SessionId> {
        self.session(self.cursor)
    }

    /// The message under the cursor, and what is lit in it.
    pub fn seek_target(&self) -> Option<SeekTarget> {
        let hit = self.hit(self.cursor).filter(|hit| hit.subagent.is_none())?;
        let words = highlighted_words(&hit.snippet);
        Some(SeekTarget { uuid: hit.snippet.uuid.clone()?, offset: hit.offset, words })
    }

    /// The words under the cursor are a subagent's.
    pub fn is_on_subagent(&self) -> bool {
        self.hit(self.cursor).is_some_and(|hit| hit.subagent.is_some())
    }

    fn session(&self, at: usize) -> Option<SessionId> {
        match self.scope {
            SearchScope::Titles => self.row(at).map(|row| row.stored.id),
            SearchScope::Messages => self.hit(at).map(|hit| hit.session),
        }
    }
}

impl TextSearch {
    /// Asks for a text; for nothing there is nothing to ask.
    fn set_query(&mut self, sought: TextQuery) {
        if self.latest.as_ref() == Some(&sought) {
            return;
        }
        self.problem = None;
        self.pending = !sought.text.is_empty();
        self.waiting = self.pending;
        if !self.pending {
            self.results = TextResults::default();
        }
        self.latest = Some(sought);
    }

    /// Asks again what was asked last.
    fn requery(&mut self) {
        self.pending = self.latest.as_ref().is_some_and(|asked| !asked.text.is_empty());
    }

    /// The answer to what was asked last is not in.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// What is to be asked, once.
    pub fn take_pending(&mut self) -> Option<TextQuery> {
        std::mem::take(&mut self.pending).then(|| self.latest.clone())?
    }

    fn set_results(&mut self, found: Result<TextResults, String>) {
        self.waiting = false;
        match found {
            Ok(found) => self.results = found,
            Err(problem) => {
                self.results = TextResults::default();
                self.problem = Some(problem);
            }
        }
    }

    fn match_rows(&mut self, rows: &[SessionRow]) {
        let hits = self.results.hits.iter().enumerate();
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
fn highlighted_words(snippet: &Snippet) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for (at, letter) in
        snippet.text.chars().enumerate().filter(|(at, _)| snippet.match_positions.contains(at))
    {
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
