//! Finds the session that a command line names: by id, the unique start of an id,
//! the id of another agent, or title.
//!
//! Ids come from file names alone; titles are read only if no id matches.

use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use super::progress::progress_bar;
use crate::cli::exit::CliError;
use crate::index::{Catalog, IndexingOutcome, SessionRow, TextFinder, summary_of};
use crate::session::summary::SessionTitle;
use crate::session::{SessionId, SessionSummary};
use crate::store::{LocalStore, Scope, SessionStore, StoreError};
use crate::text::{clean, clean_line, truncate};

/// Up to this many bytes that are not indexed yet are indexed before a list is
/// printed. With more, the list uses what both ends of each transcript say.
const INDEX_INLINE_BYTES: u64 = 64 << 20;
/// The shortest start of an id that counts as one.
const MIN_ID_PREFIX: usize = 4;
/// How many candidates an error lists.
const MAX_CANDIDATES: usize = 5;
/// How similar (0 to 1) a title must be to be suggested.
const MIN_SIMILARITY: f64 = 0.6;

/// All sessions of a store, found by reference.
pub struct SessionLookup {
    pub store: Arc<LocalStore>,
    /// The index file.
    index: PathBuf,
    rows: OnceCell<Vec<SessionRow>>,
}

/// Why a reference does not name exactly one session.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// No session matches.
    #[error(
        "no session “{reference}”: no id, start of an id, or title matches{}",
        if similar.is_empty() { String::new() } else { format!("; similar:{}", indented_lines(similar)) }
    )]
    NotFound {
        /// The argument.
        reference: String,
        /// Sessions with a similar title, one line each.
        similar: Vec<String>,
    },
    /// Several sessions match.
    #[error("“{reference}” is ambiguous; it matches:{}", indented_lines(matches))]
    Ambiguous {
        /// The argument.
        reference: String,
        /// Some of them, one line each.
        matches: Vec<String>,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SessionLookup {
    /// Reads nothing yet.
    pub fn new(store: Arc<LocalStore>, index: PathBuf) -> Self {
        Self { store, index, rows: OnceCell::new() }
    }

    /// The session that `reference` names.
    pub fn resolve(&self, reference: &str) -> Result<SessionId, LookupError> {
        let ids: Vec<_> = self.store.list(&Scope::All)?.into_iter().map(|stored| stored.id).collect();
        pick_session(reference, &ids, || {
            Ok(self
                .all_rows()?
                .iter()
                .map(|row| (row.stored.id, row.facts.title_text().to_owned()))
                .collect())
        })
    }

    /// All sessions, newest first; read once.
    pub fn all_rows(&self) -> Result<&[SessionRow], StoreError> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = self.rows_in(&Scope::All)?;
        Ok(self.rows.get_or_init(|| rows))
    }

    /// The sessions of a scope, newest first.
    pub fn rows_in(&self, scope: &Scope) -> Result<Vec<SessionRow>, StoreError> {
        let bar = progress_bar("reading");
        let catalog = Catalog::open(self.store.clone(), &self.index, true);
        let rows = catalog.read(scope, |_, (read, of)| bar.set(read, of))?;
        let unread: u64 = rows.iter().filter(|row| row.partial).map(|row| row.stored.size).sum();
        // Sessions still being imported: their size is unknown.
        let is_importing = rows.iter().any(|row| row.facts.partial);
        if unread == 0 || unread > INDEX_INLINE_BYTES || is_importing {
            return Ok(rows);
        }
        catalog.index_all(scope, |read, of| {
            bar.set(read, of);
            ControlFlow::Continue(())
        })?;
        catalog.read(scope, |_, _| ())
    }

    /// The full-text search, after indexing everything that is missing. `None` if the
    /// index cannot be brought up to date.
    pub fn text_finder(&self) -> Result<Option<TextFinder>, StoreError> {
        let bar = progress_bar("indexing");
        let catalog = Catalog::open(self.store.clone(), &self.index, true);
        let completion = catalog.index_all(&Scope::All, |read, of| {
            bar.set(read, of);
            ControlFlow::Continue(())
        })?;
        if completion != IndexingOutcome::Done || !catalog.is_fully_indexed() {
            return Ok(None);
        }
        let finder = TextFinder::open(self.store.clone(), &self.index);
        Ok(finder.inspect_err(|error| tracing::warn!("cannot search the index: {error}")).ok())
    }

    /// As [`Self::resolve`], with an error for a person.
    pub fn find_one(&self, reference: &str) -> Result<SessionId, CliError> {
        self.resolve(reference).map_err(|error| {
            let listed = "`hotseat sessions list --all` lists every session with its id.";
            CliError::failed(clean(&error.to_string()), listed)
        })
    }

    /// The shortest unique start of each id.
    pub fn short_ids(&self, of: impl IntoIterator<Item = SessionId>) -> Result<Vec<String>, StoreError> {
        let mut all: Vec<_> = self.store.list(&Scope::All)?.into_iter().map(|stored| stored.id).collect();
        all.sort_unstable();
        // In sorted order, the ids that share the longest start are neighbours.
        let short_id = |id: SessionId| {
            let at = all.partition_point(|other| *other < id);
            id.short_prefix(all[at.saturating_sub(1)..all.len().min(at + 2)].iter().copied())
        };
        Ok(of.into_iter().map(short_id).collect())
    }

    /// A session's title by its transcript; “(empty)” if it has none.
    pub fn title(&self, id: SessionId) -> Result<String, StoreError> {
        Ok(self.title_with_source(id)?.map_or_else(|| "(empty)".to_owned(), |title| title.text))
    }

    /// The title and where it comes from.
    pub fn title_with_source(&self, id: SessionId) -> Result<Option<SessionTitle>, StoreError> {
        Ok(self.summary(id)?.title)
    }

    /// A session's summary, however large it is.
    pub fn summary(&self, id: SessionId) -> Result<SessionSummary, StoreError> {
        summary_of(&*self.store, &self.index, id)
    }
}

/// Picks the one of `ids` that `reference` names. `titles` is called only if no id
/// matches.
pub fn pick_session(
    reference: &str,
    ids: &[SessionId],
    titles: impl FnOnce() -> Result<Vec<(SessionId, String)>, StoreError>,
) -> Result<SessionId, LookupError> {
    let reference = reference.trim();
    let lower = reference.to_lowercase();
    let could_be_id =
        lower.len() >= MIN_ID_PREFIX && lower.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let by_prefix: Vec<_> = if could_be_id {
        ids.iter().copied().filter(|id| id.to_string().starts_with(&lower)).collect()
    } else {
        Vec::new()
    };
    if let [id] = by_prefix[..] {
        return Ok(id);
    }
    // Another agent's id maps to the same session id every time.
    let named = SessionId::from_external(reference);
    if by_prefix.is_empty() && ids.contains(&named) {
        return Ok(named);
    }
    // A whole id that does not exist is not a title either.
    if reference.is_empty() || (by_prefix.is_empty() && reference.parse::<SessionId>().is_ok()) {
        return Err(LookupError::NotFound { reference: reference.to_owned(), similar: Vec::new() });
    }
    let titles = titles()?;
    let fitting = |fits: &dyn Fn(&str) -> bool| -> Vec<(SessionId, &str)> {
        titles.iter().filter(|(_, title)| fits(title)).map(|(id, title)| (*id, title.as_str())).collect()
    };
    let by_title = [
        fitting(&|title| title == reference),
        fitting(&|title| title.to_lowercase() == lower),
        fitting(&|title| title.to_lowercase().contains(&lower)),
    ];
    match by_title.into_iter().find(|fitting| !fitting.is_empty()) {
        Some(fitting) if fitting.len() == 1 => Ok(fitting[0].0),
        Some(fitting) => Err(ambiguous(reference, &fitting)),
        None if by_prefix.is_empty() => Err(LookupError::NotFound {
            reference: reference.to_owned(),
            similar: similar_titles(&lower, &titles),
        }),
        None => {
            let by_prefix: Vec<_> = titles
                .iter()
                .filter(|(id, _)| by_prefix.contains(id))
                .map(|(id, title)| (*id, &**title))
                .collect();
            Err(ambiguous(reference, &by_prefix))
        }
    }
}

/// Titles that differ from the reference by a typing mistake.
fn similar_titles(lower: &str, titles: &[(SessionId, String)]) -> Vec<String> {
    let similarity = |title: &str| strsim::normalized_damerau_levenshtein(lower, &title.to_lowercase());
    let mut near: Vec<_> = titles.iter().map(|(id, title)| (similarity(title), id, title)).collect();
    near.retain(|(similarity, ..)| *similarity >= MIN_SIMILARITY);
    near.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    near.into_iter().take(MAX_CANDIDATES).map(|(_, id, title)| candidate_line(*id, title)).collect()
}

fn ambiguous(reference: &str, fitting: &[(SessionId, &str)]) -> LookupError {
    let mut lines: Vec<_> =
        fitting.iter().take(MAX_CANDIDATES).map(|(id, title)| candidate_line(*id, title)).collect();
    if fitting.len() > MAX_CANDIDATES {
        lines.push(format!("and {} more", fitting.len() - MAX_CANDIDATES));
    }
    LookupError::Ambiguous { reference: reference.to_owned(), matches: lines }
}

/// A session as one line, whatever its title contains.
fn candidate_line(id: SessionId, title: &str) -> String {
    format!("{id}  {}", truncate(&clean_line(title), 60))
}

fn indented_lines(candidates: &[String]) -> String {
    candidates.iter().fold(String::new(), |lines, candidate| lines + "\n    " + candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARSER: &str = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
    const LEXER: &str = "3f9c2b63-0b7e-4c11-9d3e-5a7f20c4b9a2";
    const CAFE: &str = "12345678-0b7e-4c11-9d3e-5a7f20c4b9a3";

    fn picked(reference: &str) -> Result<String, String> {
        let ids: Vec<SessionId> = [PARSER, LEXER, CAFE].iter().map(|id| id.parse().unwrap()).collect();
        let titles = ["Parser rewrite", "Parser lexer", "3f9c"];
        let titles = || Ok(ids.iter().copied().zip(titles.map(str::to_owned)).collect());
        pick_session(reference, &ids, titles).map(|id| id.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_id_its_start_and_a_title_name_a_session() {
        for (reference, id) in [
            (PARSER, PARSER),
            ("3F9C1", PARSER),
            ("Parser rewrite", PARSER),
            ("parser LEXER", LEXER),
            (" lexer ", LEXER),
            ("3f9c", CAFE),
        ] {
            assert_eq!(picked(reference).as_deref(), Ok(id), "{reference}");
        }
    }

    #[test]
    fn an_ambiguous_reference_names_none() {
        let parsers = format!(
            "“parser” is ambiguous; it matches:\n    {PARSER}  Parser rewrite\n    {LEXER}  Parser lexer"
        );
        assert_eq!(picked("parser"), Err(parsers));
        assert_eq!(
            picked("3f9c1a52-0b7e-4c11-9d3e-000000000000").unwrap_err().split(':').next(),
            Some("no session “3f9c1a52-0b7e-4c11-9d3e-000000000000”")
        );
        let typo = picked("Parser rewirte").unwrap_err();
        assert!(typo.contains(&format!("; similar:\n    {PARSER}  Parser rewrite")), "{typo}");
        for reference in ["", "  ", "zz", "../../etc/passwd"] {
            assert!(picked(reference).is_err(), "{reference}");
        }
    }
    #[test]
    fn an_ambiguous_start_of_an_id_lists_titles() {
        let ids: Vec<SessionId> = ["019a1b2c-1", "019a1b2c-2", "019a1b2c-3"]
            .map(|begin| format!("{begin}d4e-7c11-9d3e-5a7f20c4b9a1").parse().unwrap())
            .into();
        let titles = || Ok(ids.iter().map(|id| (*id, "hostile\u{1b}[2J\ntitle".to_owned())).collect());
        let error = pick_session("019a1b2c", &ids, titles).unwrap_err().to_string();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!((lines.len(), lines[1]), (4, &*format!("    {}  hostile␛[2J title", ids[0])));
        assert_eq!(pick_session("019a1b2c-2", &ids, titles).unwrap(), ids[1]);
    }

    #[test]
    fn the_id_that_another_agent_has_for_a_session_names_it() {
        let ids = [SessionId::from_external("ses_5c1"), PARSER.parse().unwrap()];
        let picked = |reference| pick_session(reference, &ids, || Ok(Vec::new()));
        assert_eq!(picked("ses_5c1").unwrap(), ids[0]);
        assert!(picked("ses_5c2").is_err());
    }
}
