//! For tests that need a process of their own.

use std::process::Command;

const ALONE: &str = "HOTSEAT_TEST_ALONE";

/// Starts this test again, alone in a process, and returns `false` once it has
/// passed there. In that process it returns `true`: the test does its work.
pub fn is_own_process(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some_and(|name| name == test) {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--quiet"]).env(ALONE, test);
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    // A name that no test has would pass, too.
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{test} failed in a process of its own:\n{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}
