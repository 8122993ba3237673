//! What a session used so far: tokens and dollars, by model.
//!
//! Starts from what the transcript says and grows with each request; never
//! guesses a price.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::session::Transcript;
use crate::session::line::Kind;
use crate::session::message::Usage;

/// The totals of one session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// US dollars, where the transcript says so or a provider told.
    pub cost_usd: f64,
    models: BTreeMap<String, Usage>,
}

impl Totals {
    /// What a transcript says was used, branches left behind included.
    pub fn of(transcript: &Transcript<'_>) -> Self {
        #[derive(Deserialize)]
        struct Reply {
            id: Option<String>,
            model: Option<String>,
            usage: Option<Usage>,
        }
        let mut totals = Self::default();
        let mut counted = HashSet::new();
        for line in &transcript.lines {
            match line.kind() {
                Kind::CostState => totals.cost_usd = line.total_cost_usd().unwrap_or(totals.cost_usd),
                Kind::Assistant => {
                    let reply = line.message().and_then(|json| serde_json::from_str::<Reply>(json).ok());
                    let Some(Reply { id, model: Some(model), usage: Some(usage) }) = reply else { continue };
                    // Each block of a message repeats the usage of all of it.
                    if id.is_none_or(|id| counted.insert(id)) {
                        totals.add(&model, usage);
                    }
                }
                _ => {}
            }
        }
        totals
    }

    /// One more request.
    pub fn add(&mut self, model: &str, usage: Usage) {
        *self.models.entry(model.to_owned()).or_default() += usage;
    }

    /// The tokens of all models.
    pub fn usage(&self) -> Usage {
        let mut all = Usage::default();
        for usage in self.models.values() {
            all += *usage;
        }
        all
    }

    /// As `modelUsage` of a result. The dollars are the session's, so only a
    /// session of one model can tell whose they are.
    pub fn by_model(&self, context_window: u64) -> Value {
        let alone = self.models.len() == 1;
        let models = self.models.iter().map(|(model, usage)| {
            let entry = json!({
                "inputTokens": usage.input_tokens,
                "outputTokens": usage.output_tokens,
                "cacheReadInputTokens": usage.cache_read_input_tokens,
                "cacheCreationInputTokens": usage.cache_creation_input_tokens,
                "webSearchRequests": 0,
                "costUSD": if alone { self.cost_usd } else { 0.0 },
                "contextWindow": context_window,
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
        let mut totals = Totals::of(&Transcript::parse(text.as_bytes()));
        assert_eq!((totals.usage().total(), totals.cost_usd), (7, 0.25));
        totals.add("y", Usage { output_tokens: 1, ..Usage::default() });
        assert_eq!(totals.usage().output_tokens, 3);
        assert_eq!(totals.by_model(9)["y"]["outputTokens"], 1);
    }
}
