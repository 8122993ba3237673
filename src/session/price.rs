//! What tokens cost: a table of prices by model, and sums over it.
//!
//! Owns the built-in table and how a model's name finds its entry. Never
//! guesses: if a price is missing the answer is `None`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::message::Usage;
use super::summary::SessionSummary;

/// The table that hotseat comes with.
const BUILT_IN_PRICES: &str = include_str!("../../assets/prices.toml");

/// Tokens that a price is for.
const TOKENS_PER_RATE: f64 = 1_000_000.0;

/// Says that a model runs with its large window (CLI 2.1.329); not part of its name.
const LARGE_WINDOW_SUFFIX: &str = "[1m]";

/// What one model costs, in US dollars per million tokens, and how much it can
/// read. An unknown rate is `None`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// Tokens read that no cache had.
    #[serde(deserialize_with = "deserialize_rate")]
    pub input: Option<f64>,
    /// Tokens written by the model.
    #[serde(deserialize_with = "deserialize_rate")]
    pub output: Option<f64>,
    /// Tokens put into the prompt cache for its usual life.
    #[serde(deserialize_with = "deserialize_rate")]
    pub cache_write_5m: Option<f64>,
    /// Tokens put into the prompt cache for an hour.
    #[serde(deserialize_with = "deserialize_rate")]
    pub cache_write_1h: Option<f64>,
    /// Tokens that came from the prompt cache.
    #[serde(deserialize_with = "deserialize_rate")]
    pub cache_read: Option<f64>,
    /// Tokens of the context window.
    pub window: Option<u64>,
    /// Other names of the same model.
    pub aliases: Vec<String>,
    /// The rates of longer prompts, if they differ.
    pub long: Option<Box<Price>>,
    /// In `long`: prompts of more tokens than this.
    pub over: u64,
}

/// The prices of all models that have one.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices(BTreeMap<String, Price>);

impl Default for Prices {
    fn default() -> Self {
        static TABLE: LazyLock<Prices> = LazyLock::new(|| {
            let file: PriceFile = toml::from_str(BUILT_IN_PRICES).unwrap_or_default();
            Prices(file.page.into_iter().flat_map(|page| page.models).collect())
        });
        TABLE.clone()
    }
}

impl Prices {
    /// Sets a model's price, in place of the one it had.
    pub fn insert(&mut self, model: String, price: Price) {
        self.0.insert(model, price);
    }

    /// The entry of a model: by its name, an alias, or its name and a date
    /// (`claude-opus-4-5-20251101`). Nothing else is near enough.
    pub fn get(&self, model: &str) -> Option<&Price> {
        let model = model.strip_suffix(LARGE_WINDOW_SUFFIX).unwrap_or(model);
        self.by_name_or_alias(model).or_else(|| self.by_name_or_alias(without_date(model)?))
    }

    fn by_name_or_alias(&self, name: &str) -> Option<&Price> {
        let alias = |price: &&Price| price.aliases.iter().any(|alias| alias == name);
        self.0.get(name).or_else(|| self.0.values().find(alias))
    }

    /// Tokens of a model's context window.
    pub fn window(&self, model: &str) -> Option<u64> {
        self.get(model)?.window
    }

    /// US dollars of one request.
    pub fn cost(&self, model: &str, usage: &Usage) -> Option<f64> {
        if *usage == Usage::default() {
            return Some(0.0);
        }
        self.get(model)?.rates_for(usage.context()).request_cost(usage)
    }

    /// US dollars of many requests, from what they used together, by model;
    /// `None` if one of them has no price. A sum that could hold a long prompt of a
    /// model with other rates for those is `None`, too.
    pub fn total_cost<'a>(&self, used: impl IntoIterator<Item = (&'a str, &'a Usage)>) -> Option<f64> {
        used.into_iter()
            .map(|(model, usage)| {
                let long = self.get(model).and_then(|price| price.long.as_ref());
                let told = long.is_none_or(|long| usage.context() <= long.over);
                told.then(|| self.cost(model, usage)).flatten()
            })
            .sum()
    }

    /// What a session cost: as its transcript says, else estimated from its
    /// tokens; `None` if there was no request or a price is missing. What a fork
    /// copied was paid by the session it comes from, and does not count.
    pub fn session_cost(&self, facts: &SessionSummary) -> Option<Cost> {
        let estimated = || Some(Cost { usd: self.total_cost(facts.used.iter())?, estimated: true });
        let Some(told) = facts.cost_usd else { return estimated().filter(|_| !facts.used.is_empty()) };
        if facts.inherited.is_empty() {
            return Some(Cost { usd: told, estimated: false });
        }
        // An official fork goes on with the total of the session it copied; a copy that
        // was resumed later begins at nothing. The estimates say which it is.
        let Some(inherited) = self.inherited_cost(facts) else { return estimated() };
        let own = estimated().map_or(0.0, |cost| cost.usd);
        let includes_inherited = (told - own - inherited).abs() < (told - own).abs();
        Some(Cost {
            usd: if includes_inherited { (told - inherited).max(0.0) } else { told },
            estimated: includes_inherited,
        })
    }

    /// What the part of a fork cost that it copied, estimated from its tokens.
    pub fn inherited_cost(&self, facts: &SessionSummary) -> Option<f64> {
        self.total_cost(facts.inherited.iter()).filter(|_| !facts.inherited.is_empty())
    }

    /// US dollars of reading a context again, before a word is answered: from
    /// the cache while that is warm, else by writing it to the cache anew.
    pub fn reread_cost(&self, model: &str, context: u64, warm: bool) -> Option<f64> {
        let (input_tokens, none) = (context, Usage::default());
        let usage = match (warm, self.get(model)?.rates_for(context).cache_write_5m) {
            (true, _) => Usage { cache_read_input_tokens: context, ..none },
            (false, Some(_)) => Usage { cache_creation_input_tokens: context, ..none },
            // A cache that takes nothing to fill.
            (false, None) => Usage { input_tokens, ..none },
        };
        self.cost(model, &usage)
    }
}

/// What a session cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// US dollars.
    pub usd: f64,
    /// From its tokens and the table, not from its own account.
    pub estimated: bool,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}${:.2}", if self.estimated { "~" } else { "" }, self.usd)
    }
}

impl Price {
    /// The rates of a prompt of so many tokens.
    fn rates_for(&self, context: u64) -> &Price {
        self.long.as_deref().filter(|long| context > long.over).unwrap_or(self)
    }

    fn request_cost(&self, usage: &Usage) -> Option<f64> {
        let hour = usage.cache_creation.ephemeral_1h_input_tokens;
        // What is not said to stay for an hour stays for the usual life.
        let usual = usage.cache_creation_input_tokens.saturating_sub(hour);
        let parts = [
            (usage.input_tokens, self.input),
            (usage.output_tokens, self.output),
            (usual, self.cache_write_5m),
            (hour, self.cache_write_1h),
            (usage.cache_read_input_tokens, self.cache_read),
        ];
        let used = parts.into_iter().filter(|(tokens, _)| *tokens > 0);
        used.map(|(tokens, rate)| Some(tokens as f64 * rate? / TOKENS_PER_RATE)).sum()
    }
}

/// The name before a date, written `20251101` or `2025-11-01`.
fn without_date(model: &str) -> Option<&str> {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    if digits(last, 8) || last == "latest" {
        return Some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (digits(last, 2) && digits(month, 2) && digits(year, 4)).then_some(rest)
}

/// An amount of money: not negative, and a number.
fn deserialize_rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let amount = f64::deserialize(from)?;
    if amount.is_finite() && amount >= 0.0 {
        Ok(Some(amount))
    } else {
        Err(D::Error::custom("expected an amount of 0 or more"))
    }
}

/// The built-in table as it is written: by the page that each figure is from.
#[derive(Debug, Default, Deserialize)]
struct PriceFile {
    page: Vec<PricePage>,
}

#[derive(Debug, Deserialize)]
struct PricePage {
    models: BTreeMap<String, Price>,
}

#[cfg(test)]
mod tests;
