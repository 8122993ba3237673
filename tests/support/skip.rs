//! What a test does that needs a program which this machine lacks.

/// Says by name that a test is skipped, why, and how to make it run. Where
/// `HOTSEAT_NO_SKIP=1` (as in `.ci/run`) a skip is a failure.
pub fn skip(test: &str, lacking: &str, remedy: &str) {
    let message = format!("skipped: {test}: {lacking}; to run it: {remedy}");
    assert!(std::env::var_os("HOTSEAT_NO_SKIP").is_none_or(|value| value != "1"), "{message}");
    eprintln!("{message}");
}
