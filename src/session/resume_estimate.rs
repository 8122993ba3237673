//! Estimates what a resume costs: the tokens that the model reads again, with a
//! warm prompt cache and with a cold one.
//!
//! From the last request and the price table. It does not know whether the
//! provider kept the cache, nor what will be asked next.

use chrono::{DateTime, Utc};

use super::price::Prices;
use super::summary::SessionSummary;

/// What a resume reads again.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumeEstimate {
    /// The model of the last request; the prices are its.
    pub model: String,
    /// Tokens of the context.
    pub context: u64,
    /// Tokens of the model's context window, where known.
    pub window: Option<u64>,
    /// When the prompt cache expires; `None` if it has.
    pub warm_until: Option<DateTime<Utc>>,
    /// US dollars of reading the context now, where the model has a price.
    pub usd: Option<f64>,
    /// US dollars of reading it once the cache is cold.
    pub usd_cold: Option<f64>,
}

impl ResumeEstimate {
    /// `None` if no model was asked since the last compaction.
    pub fn from_summary(facts: &SessionSummary, prices: &Prices, now: DateTime<Utc>) -> Option<Self> {
        let last = facts.last_request.as_ref()?;
        // What the model wrote is read the next time.
        let context = last.usage.total();
        let warm_until = last.cached_until().filter(|until| *until > now);
        let usd = |warm| prices.reread_cost(&last.model, context, warm);
        Some(Self {
            model: last.model.clone(),
            context,
            window: prices.window(&last.model),
            warm_until,
            usd: usd(warm_until.is_some()),
            usd_cold: usd(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::session::message::Usage;
    use crate::session::summary::LastRequest;

    fn facts(model: &str) -> SessionSummary {
        let usage = Usage { input_tokens: 90_000, output_tokens: 10_000, ..Usage::default() };
        let at = "2026-11-20T12:00:00Z".parse().unwrap();
        let last = LastRequest { model: model.into(), usage, at, cache_life: Some(TimeDelta::minutes(5)) };
        SessionSummary { last_request: Some(last), ..SessionSummary::default() }
    }

    #[test]
    fn a_warm_context_is_read_for_less() {
        let (facts, prices) = (facts("claude-opus-4-5"), Prices::default());
        let at = |minute: u8| format!("2026-11-20T12:{minute:02}:00Z").parse().unwrap();
        let warm = ResumeEstimate::from_summary(&facts, &prices, at(4)).unwrap();
        assert_eq!((warm.context, warm.window, warm.warm_until), (100_000, Some(200_000), Some(at(5))));
        assert_eq!((warm.usd, warm.usd_cold), (Some(0.05), Some(0.625)));
        let cold = ResumeEstimate::from_summary(&facts, &prices, at(5)).unwrap();
        assert_eq!((cold.warm_until, cold.usd), (None, Some(0.625)));
    }

    #[test]
    fn nothing_is_said_that_is_not_known() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let unknown = ResumeEstimate::from_summary(&facts("mystery"), &Prices::default(), now).unwrap();
        assert_eq!((unknown.usd, unknown.window, unknown.context), (None, None, 100_000));
        assert_eq!(ResumeEstimate::from_summary(&SessionSummary::default(), &Prices::default(), now), None);
    }
}
