//! Shell scripts in the place of programs.

use std::path::Path;
use std::process::Command;

/// Writes a script that can be run at once. A process of its own writes it: were
/// it open for writing here, a child that another test starts meanwhile would
/// hold it open, and it could not be run (ETXTBSY).
pub fn write(path: &Path, text: &str) {
    let write = "printf '%s' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let written = Command::new("sh").args(["-c", write, "sh", text]).arg(path).status();
    assert!(written.unwrap().success());
}
