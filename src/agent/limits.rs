//! The limits of a turn: requests to the model, and US dollars.
//!
//! Owns when a limit is reached. A later prompt with higher limits can continue.

use super::runtime::AgentRuntime;
use super::turn::RunningTurn;
use super::turn_outcome::TurnOutcome;

impl AgentRuntime {
    /// The turn's outcome if a limit forbids another request; `None` if none does.
    pub(super) fn limit_reached(&self, turn: &RunningTurn) -> Option<TurnOutcome> {
        if self.settings.max_requests.is_some_and(|most| turn.api_requests >= most) {
            // The official CLI's words.
            let error = format!("Reached maximum number of turns ({})", turn.api_requests);
            return Some(TurnOutcome::limit("error_max_turns", "max_turns", error));
        }
        let budget = self.settings.budget?;
        match self.session.totals.cost() {
            Some(cost) if cost < budget && self.has_price() => None,
            Some(cost) if cost >= budget => {
                let error = format!("the session cost ${cost:.4}, and its budget is ${budget}");
                Some(TurnOutcome::limit("error_max_budget_usd", "budget_exhausted", error))
            }
            // A budget without a known price cannot be enforced.
            _ => {
                let error = format!(
                    "a budget is set and what {} costs is not known; set [prices.\"MODEL\"] in config.toml, or no budget",
                    self.settings.model
                );
                Some(TurnOutcome::failed(error))
            }
        }
    }

    fn has_price(&self) -> bool {
        self.settings.prices.get(&self.settings.model).is_some()
    }
}
