//! Token usage by model.

use serde::{Deserialize, Serialize};

use super::message::Usage;

/// What was used of each model, by name. A list and no map: a session has one or
/// two models, and thousands of sessions lie in memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsageByModel(Vec<(String, Usage)>);

impl UsageByModel {
    /// Adds what a request used.
    pub fn add(&mut self, model: &str, usage: Usage) {
        match self.0.binary_search_by(|(name, _)| name.as_str().cmp(model)) {
            Ok(at) => self.0[at].1 += usage,
            Err(at) => self.0.insert(at, (model.to_owned(), usage)),
        }
    }

    /// Takes off what a request used; a model with nothing left is gone.
    pub fn remove(&mut self, model: &str, usage: Usage) {
        if let Ok(at) = self.0.binary_search_by(|(name, _)| name.as_str().cmp(model)) {
            self.0[at].1 -= usage;
            if self.0[at].1 == Usage::default() {
                self.0.remove(at);
            }
        }
    }

    /// Each model with what was used of it, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Usage)> {
        self.0.iter().map(|(model, usage)| (model.as_str(), usage))
    }

    /// Whether no model was used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<(&'a str, Usage)> for UsageByModel {
    fn from_iter<I: IntoIterator<Item = (&'a str, Usage)>>(used: I) -> Self {
        let mut all = Self::default();
        used.into_iter().for_each(|(model, usage)| all.add(model, usage));
        all
    }
}
