//! `hotseat sessions search`: message search.
//!
//! Updates the index first, so results are never older than the transcripts. If the
//! index cannot be written, it searches the transcripts directly.

use std::collections::HashMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use chrono::{DateTime, Local, SecondsFormat, Utc};
use serde::Serialize;

use super::list::scope;
use super::lookup::SessionLookup;
use super::progress::progress_bar;
use crate::cli::exit::{CliError, CliExit};
use crate::cli::output::print_stderr;
use crate::cli::output::{self, OutputTarget};
use crate::index::text::{FullTextQuery, Snippet, SnippetRole};
use crate::index::{self, SessionRow, TextHit, find_without_index};
use crate::session::SessionId;
use crate::text::clean_line;
use crate::text::format::{age, pluralize};

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct SearchArgs {
    /// Words, "phrases", starts of words (word*), excluded words (-word, after `--`),
    /// and filters: tag: branch: project: model: cost: turns: since: before:
    #[arg(value_name = "TEXT", required = true, num_args = 1..)]
    text: Vec<String>,
    /// Search only this folder's project.
    #[arg(long)]
    here: bool,
    /// Include tool input and output.
    #[arg(long)]
    tools: bool,
    /// Print at most N sessions.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Searches all projects; --here searches only this folder's. Each session is listed
once, with its last hit. In a pipe, a hit is a line of these columns, separated by
tabs:
  id, uuid of the entry, time, role (prompt, reply, tool), sentence

--json prints an array of objects: session_id, title, cwd, uuid, role, at, text,
lit (positions of the matching characters), others (further hits in the session),
subagent (whose words they are; null for the session itself).

Exit codes: 0 found, 1 nothing found or failed, 2 wrong usage.";

#[derive(Debug, Serialize)]
struct SearchHitJson<'a> {
    session_id: SessionId,
    title: &'a str,
    cwd: Option<&'a str>,
    uuid: Option<String>,
    role: &'static str,
    at: Option<DateTime<Utc>>,
    text: String,
    lit: Vec<usize>,
    others: usize,
    /// The subagent that the words are from; null for the session's own.
    subagent: Option<String>,
}

impl SearchArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let typed = index::query::SessionQuery::parse(&self.text.join(" "), Local::now().fixed_offset());
        if let Some(mistake) = typed.errors.first() {
            let next = "`hotseat sessions search --help` explains filters.";
            return Err(CliError::usage(&mistake.message, next).into());
        }
        let query = FullTextQuery::parse(typed.words_text()).with_tools(self.tools);
        if query.is_empty() {
            let next = "Give a word to find; excluded words alone match nothing.";
            return Err(CliError::usage("nothing to search for", next).into());
        }
        let finder = stock.text_finder()?;
        let rows = stock.rows_in(&scope(!self.here)?)?;
        let rows: HashMap<SessionId, &SessionRow> =
            rows.iter().filter(|row| typed.matches_filters(row)).map(|row| (row.stored.id, row)).collect();
        let wanted = |session| rows.contains_key(&session);
        let found = match finder {
            Some(mut finder) => finder.find(&query, wanted, self.limit).context("cannot search the index")?,
            None => {
                let bar = progress_bar("searching");
                let shown = |read, of| {
                    bar.set(read, of);
                    true
                };
                find_without_index(&*stock.store, &query, wanted, self.limit, shown)?.unwrap_or_default()
            }
        };
        let hits: Vec<_> = found
            .hits
            .into_iter()
            .filter_map(|said| Some(SearchHitJson::from_match(rows.get(&said.session)?, said)))
            .collect();
        let page = OutputTarget::stdout();
        if self.json {
            output::print_json(&hits)?;
        } else if page.width.is_some() {
            let ids = stock.short_ids(hits.iter().map(|hit| hit.session_id))?;
            output::print(&render_hits(&hits, &ids, page, Utc::now()))?;
        } else {
            output::print(&render_lines(&hits))?;
        }
        if !hits.is_empty() {
            return Ok(CliExit::Done);
        }
        if !self.json {
            let more = if self.tools {
                ""
            } else {
                " in prompts and replies (--tools includes tool input and output)"
            };
            print_stderr(&format!("Nothing found{more}."));
        }
        Ok(CliExit::Failed)
    }
}

impl<'a> SearchHitJson<'a> {
    fn from_match(row: &'a SessionRow, said: TextHit) -> Self {
        let Snippet { uuid, role, at, text, match_positions: lit } = said.snippet;
        let role = match role {
            SnippetRole::Prompt => "prompt",
            SnippetRole::Reply => "reply",
            SnippetRole::Tool => "tool",
        };
        let (title, cwd) = (row.facts.title_text(), row.facts.cwd.as_deref());
        let (session_id, others, subagent) = (said.session, said.others, said.subagent);
        Self { session_id, title, cwd, uuid, role, at, text, lit, others, subagent }
    }
}

fn render_lines(hits: &[SearchHitJson<'_>]) -> String {
    let mut text = String::new();
    for hit in hits {
        let at = hit.at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
        let uuid = clean_line(hit.uuid.as_deref().unwrap_or_default()).into_owned();
        let _ = writeln!(text, "{}\t{uuid}\t{at}\t{}\t{}", hit.session_id, hit.role, clean_line(&hit.text));
    }
    text
}

fn render_hits(hits: &[SearchHitJson<'_>], ids: &[String], page: OutputTarget, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    for (hit, id) in hits.iter().zip(ids) {
        let mut about = vec![id.clone()];
        about.extend(hit.at.map(|at| age(now, at)));
        about.push(hit.role.to_owned());
        about.extend(hit.subagent.as_ref().map(|agent| format!("subagent {}", clean_line(agent))));
        if hit.others > 0 {
            about.push(format!("{} more", pluralize(hit.others, "hit")));
        }
        let title = page.bold(&clean_line(hit.title));
        let _ = writeln!(text, "{title}  {}\n  {}\n", page.dim(&about.join(" · ")), highlight_hit(hit, page));
    }
    text
}

/// The sentence with the matches highlighted.
fn highlight_hit(hit: &SearchHitJson<'_>, page: OutputTarget) -> String {
    let mut text = String::new();
    let mut run = String::new();
    let mut was_lit = false;
    let styled = |run: &str, is_lit: bool| {
        let safe = clean_line(run);
        if is_lit { page.highlight(&safe) } else { safe.into_owned() }
    };
    for (at, character) in hit.text.chars().enumerate() {
        let is_lit = hit.lit.binary_search(&at).is_ok();
        if is_lit != was_lit {
            text.push_str(&styled(&run, was_lit));
            run.clear();
            was_lit = is_lit;
        }
        run.push(character);
    }
    text + &styled(&run, was_lit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(text: &str, lit: &[usize]) -> SearchHitJson<'static> {
        SearchHitJson {
            session_id: "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap(),
            title: "Parser\u{1b}[2J",
            cwd: None,
            uuid: None,
            role: "reply",
            at: None,
            text: text.to_owned(),
            lit: lit.to_vec(),
            others: 1,
            subagent: None,
        }
    }

    #[test]
    fn the_words_are_lit_and_nothing_else_acts_on_the_terminal() {
        let page = |styled| OutputTarget { width: Some(80), styled };
        let hit = hit("the\u{1b}[2J flag", &[8, 9, 10, 11]);
        assert_eq!(highlight_hit(&hit, page(false)), "the␛[2J flag");
        let lit = highlight_hit(&hit, page(true));
        assert!(lit.starts_with("the␛[2J \u{1b}[") && lit.contains("flag"), "{lit:?}");
        assert!(!render_hits(&[hit], &["3f9c1a52".to_owned()], page(false), Utc::now()).contains('\u{1b}'));
    }

    #[test]
    fn a_hit_is_one_line_of_five_columns() {
        let line = render_lines(&[hit("a\tb\nc", &[])]);
        assert_eq!((line.lines().count(), line.matches('\t').count()), (1, 4), "{line:?}");
    }
}
