//! A session as a JSON object: first the fields of the official `list_sessions()`, by
//! the same names and in the same order, then our own.

use std::borrow::Cow;
use std::time::UNIX_EPOCH;

use serde::Serialize;

use crate::index::SessionRow;
use crate::session::Prices;
use crate::session::SessionId;
use crate::session::message::Usage;
use crate::session::sdk_list::SdkSessionInfo;
use crate::session::summary::{SubagentSummary, TitleSource};

/// Times are milliseconds since 1970. Field names are part of the interface.
#[derive(Debug, Serialize)]
pub struct SessionJson<'a> {
    session_id: SessionId,
    summary: Option<&'a str>,
    last_modified: i64,
    file_size: u64,
    custom_title: Option<&'a str>,
    first_prompt: Option<&'a str>,
    git_branch: Option<&'a str>,
    cwd: Option<&'a str>,
    tag: Option<&'a str>,
    created_at: Option<i64>,
    title: &'a str,
    /// `custom`, `ai`, `last-prompt`, `summary`, `first-prompt`; null for `(empty)`.
    title_source: Option<&'static str>,
    last_active: i64,
    turns: usize,
    messages: usize,
    model: Option<&'a str>,
    tokens: TokensJson,
    cost_usd: Option<f64>,
    cost_is_estimate: bool,
    /// The part of a fork that it copied, which is not in `cost_usd`.
    inherited_cost_usd: Option<f64>,
    forked_from: Option<&'a str>,
    /// Why the list leaves it out: `headless`, `background`, `daemon`, `teammate`, `review`,
    /// `archived` or `continued`; null for a session that a person had.
    aside: Option<&'static str>,
    /// The session it went on in.
    continued_in: Option<&'a str>,
    /// Places in the conversation where an entry is missing.
    gaps: usize,
    torn_lines: usize,
    foreign_lines: usize,
    /// Why it cannot be read.
    problem: Option<&'a str>,
    open_in: Option<OpenInJson<'a>>,
    /// The agent that owns it in a format of its own: `path` is a copy.
    kept_by: Option<&'a str>,
    /// Not indexed or imported completely: the numbers are too low.
    partial: bool,
    /// That agent's own id for it; null if it is `session_id`.
    agent_session_id: Option<&'a str>,
    subagents: Vec<SubagentJson<'a>>,
    /// Lossy if the path is not UTF-8.
    path: Cow<'a, str>,
}

/// A subagent, whose transcript `show --subagent ID` prints.
#[derive(Debug, Serialize)]
struct SubagentJson<'a> {
    id: &'a str,
    agent_type: Option<&'a str>,
    description: Option<&'a str>,
    messages: usize,
    /// Part of the session's.
    tokens: TokensJson,
}

/// Sums over all requests.
#[derive(Debug, Serialize)]
pub struct TokensJson {
    input: u64,
    output: u64,
    cache_write: u64,
    cache_read: u64,
}

/// The live process that has the session open.
#[derive(Debug, Serialize)]
struct OpenInJson<'a> {
    pid: u32,
    program: &'a str,
    status: &'a str,
}

impl<'a> SessionJson<'a> {
    pub fn from_row(row: &'a SessionRow, prices: &Prices) -> Self {
        let (stored, facts) = (&row.stored, &row.facts);
        let SdkSessionInfo { summary, custom_title, first_prompt, git_branch, cwd, tag, created_at } =
            &facts.listed;
        let cost = prices.session_cost(facts);
        Self {
            session_id: stored.id,
            summary: summary.as_deref(),
            last_modified: modified_millis(row),
            file_size: stored.size,
            custom_title: custom_title.as_deref(),
            first_prompt: first_prompt.as_deref(),
            git_branch: git_branch.as_deref(),
            cwd: cwd.as_deref(),
            tag: tag.as_deref(),
            created_at: *created_at,
            title: facts.title_text(),
            title_source: facts.title.as_ref().map(|title| title_source_name(title.source)),
            last_active: row.active_at().timestamp_millis(),
            turns: facts.turns,
            messages: facts.messages,
            model: facts.model.as_deref(),
            tokens: (&facts.usage).into(),
            cost_usd: cost.map(|cost| cost.usd),
            cost_is_estimate: cost.is_some_and(|cost| cost.estimated),
            inherited_cost_usd: prices.inherited_cost(facts),
            forked_from: facts.forked_from.as_ref().map(|from| from.session_id.as_str()),
            aside: row.aside(),
            continued_in: facts.continued_in.as_deref(),
            gaps: facts.gaps,
            torn_lines: facts.health.torn,
            foreign_lines: facts.health.foreign,
            problem: row.read_error.as_deref(),
            kept_by: facts.agent.as_deref(),
            partial: row.partial,
            agent_session_id: facts.agent_session.as_deref(),
            open_in: row.holder.as_ref().map(|holder| OpenInJson {
                pid: holder.pid,
                program: &holder.program,
                status: &holder.status,
            }),
            subagents: facts.subagents.iter().map(SubagentJson::from).collect(),
            path: stored.path.to_string_lossy(),
        }
    }
}

impl<'a> From<&'a SubagentSummary> for SubagentJson<'a> {
    fn from(agent: &'a SubagentSummary) -> Self {
        let mut usage = Usage::default();
        agent.used.iter().for_each(|(_, used)| usage += *used);
        Self {
            id: &agent.id,
            agent_type: agent.agent_type.as_deref(),
            description: agent.description.as_deref(),
            messages: agent.messages,
            tokens: (&usage).into(),
        }
    }
}

impl From<&Usage> for TokensJson {
    fn from(usage: &Usage) -> Self {
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_write: usage.cache_creation_input_tokens,
            cache_read: usage.cache_read_input_tokens,
        }
    }
}

/// Modification time, computed through a float as the official functions do, so that
/// the last digit agrees.
pub fn modified_millis(row: &SessionRow) -> i64 {
    let since = row.stored.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs() as f64 + 1e-9 * f64::from(since.subsec_nanos());
    (seconds * 1000.0) as i64
}

fn title_source_name(source: TitleSource) -> &'static str {
    match source {
        TitleSource::Custom => "custom",
        TitleSource::Ai => "ai",
        TitleSource::LastPrompt => "last-prompt",
        TitleSource::Summary => "summary",
        TitleSource::FirstPrompt => "first-prompt",
    }
}
