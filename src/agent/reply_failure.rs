//! What becomes of a turn whose reply fails: a retry, another model, or the end.
//!
//! Owns that decision and what the transcript says of it. How long to wait is
//! decided in [`super::retry`].

use std::io;

use super::provider::{ProviderError, ProviderErrorKind};
use super::reply::ReplyBuilder;
use super::runtime::AgentRuntime;
use super::tool::ToolOutcome;
use super::transcript_entry::TranscriptEntry;
use super::turn::{RunningTurn, TurnStep};
use super::turn_outcome::TurnOutcome;

/// Failed attempts after which an overloaded model is replaced (the official CLI's number).
const FALLBACK_AFTER: u32 = 3;

impl AgentRuntime {
    /// Retries after a pause, or records what arrived and ends the turn.
    pub(super) fn retry_or_fail(
        &mut self,
        turn: &mut RunningTurn,
        mut reply: ReplyBuilder,
        error: &ProviderError,
    ) -> io::Result<Option<TurnOutcome>> {
        if error.kind == ProviderErrorKind::Overloaded
            && turn.failed_attempts + 1 >= FALLBACK_AFTER
            && self.fall_back(error, turn.failed_attempts)
        {
            turn.failed_attempts = 0;
            turn.step = self.request_reply();
            return Ok(None);
        }
        let chance = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0;
        if let Some(again) = self.settings.retries.next_attempt(turn.failed_attempts, error, chance) {
            tracing::info!(
                "the model is asked again in {:?}: {:?} {:?}",
                again.wait,
                error.kind,
                error.status
            );
            self.send_retry(&again, error, &reply);
            turn.failed_attempts = again.attempt;
            turn.step = TurnStep::BackOff(Box::pin(tokio::time::sleep(again.wait)));
            return Ok(None);
        }
        if self.fall_back(error, turn.failed_attempts) {
            turn.failed_attempts = 0;
            turn.step = self.request_reply();
            return Ok(None);
        }
        self.record_truncated_reply(turn, &mut reply)?;
        // Models refuse a call without a result.
        for call in std::mem::take(&mut turn.pending_calls) {
            self.record_result(&call, &ToolOutcome::error("the reply broke off before this ran"))?;
        }
        self.record_failure(error)?;
        turn.stop_reason = Some("stop_sequence".to_owned());
        Ok(Some(TurnOutcome::api_error(format!("API Error: {error}"), error.status)))
    }

    /// Switches the turn to the fallback model, if there is one and another model could help.
    fn fall_back(&mut self, error: &ProviderError, attempts: u32) -> bool {
        let Some(fallback) = &self.settings.fallback_model else { return false };
        let helps = matches!(
            error.kind,
            ProviderErrorKind::Overloaded | ProviderErrorKind::ModelNotFound | ProviderErrorKind::Server
        );
        if self.uses_fallback || !helps || *fallback == self.settings.model {
            return false;
        }
        let (fallback, attempts) = (fallback.clone(), attempts + 1);
        self.uses_fallback = true;
        self.send_warning(&format!(
            "{} cannot be had after {attempts} attempts ({error}): {fallback} replies in this turn",
            self.settings.model
        ));
        true
    }

    /// Records why there is no reply, for whoever reads the session later.
    fn record_failure(&mut self, error: &ProviderError) -> io::Result<()> {
        let entry = TranscriptEntry::failure(&error.message, error.kind.wire_name());
        self.record(&entry)?;
        // By the kind that the transcript has for it, so that a resume does the same.
        if error.kind.wire_name() == ProviderErrorKind::InvalidRequest.wire_name() {
            self.session.context.leave_out_refused_media();
            self.tell_of_left_out_media();
        }
        self.send_assistant(entry.message().clone(), &entry.uuid, Some(error.kind.wire_name()));
        Ok(())
    }
}
