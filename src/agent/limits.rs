//! How far a turn may go: requests to the model, and dollars.
//!
//! Owns when there is enough. A turn that ends so can be gone on with, by a
//! later prompt and with higher limits.

use super::frames::TurnOutcome;
use super::runtime::AgentRuntime;
use super::turn::RunningTurn;

impl AgentRuntime {
    /// The turn's end, where it may not ask the model again.
    pub(super) fn limit_reached(&self, turn: &RunningTurn) -> Option<TurnOutcome> {
        let ending = |subtype, error| TurnOutcome { subtype, errors: vec![error], ..TurnOutcome::default() };
        if self.settings.max_requests.is_some_and(|most| turn.api_requests >= most) {
            let error = format!("the turn reached its limit of {} requests to the model", turn.api_requests);
            return Some(ending("error_max_turns", error));
        }
        let budget = self.settings.budget?;
        match self.session.totals.cost() {
            Some(cost) if cost < budget && self.has_price() => None,
            Some(cost) if cost >= budget => {
                let error = format!("the session cost ${cost:.4}, and its budget is ${budget}");
                Some(ending("error_max_budget_usd", error))
            }
            // A budget that nobody can watch over is none.
            _ => {
                let error = format!(
                    "a budget is set and what {} costs is not known; set [prices.\"MODEL\"] in config.toml, or no budget",
                    self.settings.model
                );
                Some(ending("error_during_execution", error))
            }
        }
    }

    fn has_price(&self) -> bool {
        self.settings.prices.get(&self.settings.model).is_some()
    }
}
