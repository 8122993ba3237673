//! What a session used so far: tokens and dollars, by model.
//!
//! Starts from what the transcript says and grows with each request; never
//! guesses a price.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::session::message::{SYNTHETIC_MODEL, Usage};
use crate::session::raw_entry::EntryKind;
use crate::session::{Prices, Transcript};

/// The totals of one session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionTotals {
    /// US dollars that the transcript tells outright.
    recorded_cost: f64,
    /// US dollars of the requests since then; none where one has no price.
    cost_since: CostSum,
    models: BTreeMap<String, ModelUsage>,
    /// The newest request's tokens: what the model's window holds since then.
    pub last_request: Option<Usage>,
}

/// What one model used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct ModelUsage {
    usage: Usage,
    cost: CostSum,
}

/// A sum of dollars, for as long as all of them are known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CostSum(Option<f64>);

impl Default for CostSum {
    fn default() -> Self {
        Self(Some(0.0))
    }
}

impl CostSum {
    fn add(&mut self, cost: Option<f64>) {
        self.0 = self.0.zip(cost).map(|(sum, cost)| sum + cost);
    }
}

impl SessionTotals {
    /// What a transcript says was used, branches left behind included.
    pub fn from_transcript(transcript: &Transcript<'_>, prices: &Prices) -> Self {
        #[derive(Deserialize)]
        struct ReplyUsage {
            id: Option<String>,
            model: Option<String>,
            usage: Option<Usage>,
        }
        let mut totals = Self::default();
        let mut counted = HashSet::new();
        for line in &transcript.entries {
            match line.kind() {
                EntryKind::CostState => {
                    if let Some(told) = line.total_cost_usd() {
                        (totals.recorded_cost, totals.cost_since) = (told, CostSum::default());
                    }
                }
                EntryKind::Assistant => {
                    let reply = line.message().and_then(|json| serde_json::from_str::<ReplyUsage>(json).ok());
                    let Some(ReplyUsage { id, model: Some(model), usage: Some(usage) }) = reply else {
                        continue;
                    };
                    // Each block of a message repeats the usage of all of it.
                    if model != SYNTHETIC_MODEL && id.is_none_or(|id| counted.insert(id)) {
                        totals.add(&model, usage, prices);
                    }
                }
                EntryKind::System if line.subtype().as_deref() == Some("compact_boundary") => {
                    totals.last_request = None;
                }
                _ => {}
            }
        }
        totals
    }

    /// One more request.
    pub fn add(&mut self, model: &str, usage: Usage, prices: &Prices) {
        let cost = prices.cost(model, &usage);
        let used = self.models.entry(model.to_owned()).or_default();
        used.usage += usage;
        used.cost.add(cost);
        self.cost_since.add(cost);
        self.last_request = Some(usage);
    }

    /// US dollars of the session; none where a price is not known.
    pub fn cost(&self) -> Option<f64> {
        self.cost_since.0.map(|since| self.recorded_cost + since)
    }

    /// The same for the wire, which wants a number: 0 where it is not known.
    pub fn cost_usd(&self) -> f64 {
        self.cost().unwrap_or(0.0)
    }

    /// The tokens of all models.
    pub fn usage(&self) -> Usage {
        let mut all = Usage::default();
        for used in self.models.values() {
            all += used.usage;
        }
        all
    }

    /// As `modelUsage` of a result; a cost that is not known is 0.
    pub fn by_model(&self, window: impl Fn(&str) -> Option<u64>) -> Value {
        let models = self.models.iter().map(|(model, ModelUsage { usage, cost })| {
            let entry = json!({
                "inputTokens": usage.input_tokens,
                "outputTokens": usage.output_tokens,
                "cacheReadInputTokens": usage.cache_read_input_tokens,
                "cacheCreationInputTokens": usage.cache_creation_input_tokens,
                "webSearchRequests": 0,
                "costUSD": cost.0.unwrap_or(0.0),
                "contextWindow": window(model).unwrap_or(0),
            });
            (model.clone(), entry)
        });
        Value::Object(models.collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_two_blocks_counts_once() {
        let block = r#"{"type":"assistant","message":{"id":"m","model":"x","usage":{"input_tokens":5,"output_tokens":2}}}"#;
        let cost = r#"{"type":"cost-state","totalCostUSD":0.25}"#;
        let text = format!("{block}\n{block}\n{cost}\n");
        let prices = Prices::default();
        let mut totals = SessionTotals::from_transcript(
            &Transcript::read(&crate::transcript::TranscriptText::read(text.as_bytes())),
            &prices,
        );
        assert_eq!((totals.usage().total(), totals.cost()), (7, Some(0.25)));
        totals.add("y", Usage { output_tokens: 1, ..Usage::default() }, &prices);
        assert_eq!(totals.usage().output_tokens, 3);
        assert_eq!(totals.by_model(|_| None)["y"]["outputTokens"], 1);
    }

    #[test]
    fn one_price_that_is_not_known_leaves_no_sum() {
        let (mut totals, prices) = (SessionTotals::default(), Prices::default());
        let million = Usage { output_tokens: 1_000_000, ..Usage::default() };
        totals.add("claude-opus-5", million, &prices);
        assert_eq!(totals.cost(), Some(25.0));
        totals.add("nobody-knows", million, &prices);
        assert_eq!((totals.cost(), totals.cost_usd()), (None, 0.0));
        assert_eq!(totals.by_model(|_| None)["claude-opus-5"]["costUSD"], 25.0);
    }
}
