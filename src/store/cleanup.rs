//! When the official clean-up deletes transcripts. Reads that setting and never changes it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// The official default (CLI 2.1.329).
const DEFAULT_CLEANUP_DAYS: u64 = 30;

/// How long the official CLI keeps a transcript after its file was last modified:
/// `cleanupPeriodDays` in `settings.json` under `root`.
pub(super) fn cleanup_period(root: &Path) -> Duration {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CleanupSettings {
        #[serde(default)]
        cleanup_period_days: Value,
    }
    let text = fs::read_to_string(root.join("settings.json")).unwrap_or_default();
    let days = serde_json::from_str(&text).ok().and_then(|settings: CleanupSettings| {
        let days = settings.cleanup_period_days.as_f64()?;
        (days >= 0.0).then_some(days as u64)
    });
    Duration::from_secs(days.unwrap_or(DEFAULT_CLEANUP_DAYS).saturating_mul(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_say_how_long_or_the_default_counts() {
        let root = tempfile::tempdir().unwrap();
        let days = || cleanup_period(root.path()).as_secs() / 86_400;
        assert_eq!(days(), 30);
        for (settings, expected) in [
            (r#"{"cleanupPeriodDays":7}"#, 7),
            (r#"{"cleanupPeriodDays":0}"#, 0),
            (r#"{"cleanupPeriodDays":99999,"model":"opus"}"#, 99_999),
            (r#"{"cleanupPeriodDays":"7"}"#, 30),
            (r#"{"cleanupPeriodDays":-1}"#, 30),
            (r#"{"cleanupPeriodDays":1e300}"#, u64::MAX / 86_400),
            ("{}", 30),
            ("{", 30),
        ] {
            fs::write(root.path().join("settings.json"), settings).unwrap();
            assert_eq!(days(), expected, "{settings}");
        }
    }
}
