//! When a failed request to a provider is retried.
//!
//! Owns how often and how long to wait; pure but for reading the environment at the
//! start. Sleeping and reporting are the turn loop's.

use std::time::Duration;

use super::provider::ProviderError;

/// Times a request is asked again (the official CLI's).
const MAX_RETRIES: u32 = 10;
/// The first wait; each later one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait that we choose.
const MAX_WAIT: Duration = Duration::from_secs(32);
/// A provider that asks for a longer wait is not waited for.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);
/// The part of a wait that jitter may add, so that many clients do not retry at once.
const JITTER: f64 = 0.25;
/// Sets [`FIRST`] in milliseconds.
const FIRST_VARIABLE: &str = "HOTSEAT_RETRY_FIRST_MS";

/// How often to ask again, and how patiently.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    max_retries: u32,
    first: Duration,
}

/// A request that will be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAttempt {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The last attempt's number.
    pub max_retries: u32,
    /// How long to wait before it.
    pub wait: Duration,
}

impl RetryPolicy {
    /// As the environment says.
    pub fn from_env() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u32>().ok());
        Self {
            max_retries: number("CLAUDE_CODE_MAX_RETRIES").unwrap_or(MAX_RETRIES),
            first: number(FIRST_VARIABLE).map_or(FIRST_WAIT, |millis| Duration::from_millis(millis.into())),
        }
    }

    /// The next attempt after this failure and so many before it; `None` to give up. `chance` is between
    /// 0 and 1.
    pub fn next_attempt(self, failed: u32, error: &ProviderError, chance: f64) -> Option<RetryAttempt> {
        let max_retries = error.max_retries(self.max_retries);
        let wait = match error.retry_after {
            Some(asked) if asked > MAX_RETRY_AFTER => return None,
            Some(asked) => asked,
            None => {
                let doubled = self.first.saturating_mul(1_u32.checked_shl(failed).unwrap_or(u32::MAX));
                doubled.min(MAX_WAIT).mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0))
            }
        };
        (failed < max_retries).then_some(RetryAttempt { attempt: failed + 1, max_retries, wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::provider::ProviderErrorKind;

    const RETRIES: RetryPolicy = RetryPolicy { max_retries: 10, first: FIRST_WAIT };

    fn wait(failed: u32, error: &ProviderError) -> Option<u128> {
        RETRIES.next_attempt(failed, error, 0.0).map(|again| again.wait.as_millis())
    }

    #[test]
    fn waits_grow_and_end() {
        let error = ProviderError::new(ProviderErrorKind::Overloaded, "");
        assert_eq!(wait(0, &error), Some(500));
        assert_eq!(wait(3, &error), Some(4000));
        assert_eq!(wait(9, &error), Some(32_000));
        assert_eq!(wait(10, &error), None);
        let longest = RETRIES.next_attempt(9, &error, 1.0).unwrap().wait;
        assert_eq!(longest.as_secs(), 40);
    }

    #[test]
    fn the_provider_may_say_how_long_and_whether() {
        let mut error = ProviderError::new(ProviderErrorKind::RateLimited, "");
        error.retry_after = Some(Duration::from_secs(7));
        assert_eq!(wait(0, &error), Some(7000));
        error.retry_after = Some(Duration::from_hours(1));
        assert_eq!(wait(0, &error), None);
        error = ProviderError {
            should_retry: Some(false),
            ..ProviderError::new(ProviderErrorKind::RateLimited, "")
        };
        assert_eq!(wait(0, &error), None);
    }

    #[test]
    fn what_asking_again_cannot_help_is_not_asked_again() {
        for (fault, tries) in [
            (ProviderErrorKind::Auth, 0),
            (ProviderErrorKind::ModelNotFound, 0),
            (ProviderErrorKind::InvalidRequest, 0),
            (ProviderErrorKind::ContextTooLong, 0),
            (ProviderErrorKind::Malformed, 2),
            (ProviderErrorKind::ConnectionLost, 10),
            (ProviderErrorKind::Server, 10),
        ] {
            let error = ProviderError::new(fault, "");
            let tried = (0..20).take_while(|&failed| wait(failed, &error).is_some()).count();
            assert_eq!(tried, tries, "{fault:?}");
        }
    }
}
