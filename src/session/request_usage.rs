//! What a reply says of its request: its model, its tokens, how long its prompt stays cached.

use chrono::TimeDelta;
use serde::Deserialize;

use super::message::{SYNTHETIC_MODEL, Usage};
use super::summary::{LastRequest, SessionSummary};
use super::usage_by_model::UsageByModel;
use crate::transcript::raw_entry::RawEntry;

/// What a reply says of its request.
#[derive(Deserialize)]
pub(super) struct UsageReport {
    /// The message's own id, which all its entries share.
    pub id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
}

impl UsageReport {
    /// `None` if no model wrote it.
    pub fn parse(line: &RawEntry<'_>) -> Option<Self> {
        let reply: Self = serde_json::from_str(line.message()?).ok()?;
        reply.model.as_deref().is_some_and(|model| model != SYNTHETIC_MODEL).then_some(reply)
    }
}

/// Counts what a reply used. A message of several entries reports it on each: only the first,
/// which `is_new`, counts. What a fork copied was used once, by the session it was copied from.
/// Returns the request, if it has a time.
pub(super) fn count_usage(
    facts: &mut SessionSummary,
    line: &RawEntry<'_>,
    reply: UsageReport,
    is_new: bool,
    cache_life: &mut Option<TimeDelta>,
) -> Option<LastRequest> {
    let model = reply.model?;
    facts.model = Some(model.clone());
    let usage = reply.usage.filter(|_| is_new)?;
    let at = line.timestamp();
    if line.forked_from().is_some() {
        facts.inherited.add(&model, usage);
    } else {
        facts.usage += usage;
        facts.used.add(&model, usage);
        if let Some(day) = at.map(|at| at.date_naive()) {
            let place = facts.days.binary_search_by_key(&day, |(day, _)| *day).unwrap_or_else(|place| {
                facts.days.insert(place, (day, UsageByModel::default()));
                place
            });
            facts.days[place].1.add(&model, usage);
        }
    }
    let at = at?;
    *cache_life = next_cache_life(&usage, *cache_life);
    Some(LastRequest { model, usage, at, cache_life: *cache_life })
}

/// How long a request's prompt stays cached. A request that only read from the
/// cache does not tell: then it is as long as before, or the shortest time.
fn next_cache_life(usage: &Usage, before: Option<TimeDelta>) -> Option<TimeDelta> {
    let (usual, hour) = (TimeDelta::minutes(5), TimeDelta::hours(1));
    let written = usage.cache_creation_input_tokens;
    if written > 0 {
        // Where a part of it is forgotten early, the rest is of little use.
        let all_for_an_hour = usage.cache_creation.ephemeral_1h_input_tokens >= written;
        return Some(if all_for_an_hour { hour } else { usual });
    }
    (usage.cache_read_input_tokens > 0).then(|| before.unwrap_or(usual))
}
