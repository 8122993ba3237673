//! What a session cost: as its transcript says, else by the price table, else
//! unknown. Never a guess.

use crate::session::{Facts, Prices};

/// US dollars, and where they are from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// None where a model has no price.
    pub usd: Option<f64>,
    /// By the price table, not by the agent's own account.
    pub is_estimate: bool,
}

impl Cost {
    /// The cost of a whole session.
    pub fn of(facts: &Facts, prices: &Prices) -> Self {
        match facts.cost_usd {
            Some(usd) => Self { usd: Some(usd), is_estimate: false },
            None => {
                let by_model = facts.used.iter().map(|(model, usage)| (model.as_str(), usage));
                let usd = prices.cost_of_all(by_model).filter(|_| !facts.used.is_empty());
                Self { usd, is_estimate: usd.is_some() }
            }
        }
    }

    /// `$1.04`, `~$1.04` for an estimate; empty where it is unknown.
    pub fn shown(self) -> String {
        let mark = if self.is_estimate { "~" } else { "" };
        self.usd.map_or_else(String::new, |usd| format!("{mark}${usd:.2}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::message::Usage;

    fn check(facts: &Facts, shown: &str) {
        assert_eq!(Cost::of(facts, &Prices::default()).shown(), shown);
    }

    #[test]
    fn the_transcript_goes_before_the_table_and_nothing_is_guessed() {
        let used = |model: &str| {
            let usage = Usage { input_tokens: 100_000, ..Usage::default() };
            Facts { used: [(model.to_owned(), usage)].into(), ..Facts::default() }
        };
        check(&Facts { cost_usd: Some(1.5), ..used("claude-opus-4-5") }, "$1.50");
        check(&used("claude-opus-4-5"), "~$0.50");
        check(&used("mystery"), "");
        check(&Facts::default(), "");
    }
}
