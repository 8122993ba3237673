//! `hotseat demo` without a terminal: a real agent process, every step checked.

use std::process::{Command, Stdio};

#[test]
fn the_tour_holds_on_one_process_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hotseat"))
        .arg("demo")
        .env("HOME", home.path())
        .env("TMPDIR", scratch.path())
        .env_remove("CLAUDE_CONFIG_DIR")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{complaint}");
    assert!(said.ends_with("\nAll checks passed.\n"), "{said}");

    let mut pids: Vec<_> =
        said.split("pid ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    assert_eq!(pids.len(), 4, "start, clear, resume and fork each name the process: {said}");
    pids.dedup();
    assert_eq!(pids.len(), 1, "{said}");

    for (folder, what) in [(&home, "the home"), (&scratch, "the temporary folder")] {
        let left: Vec<_> = folder.path().read_dir().unwrap().collect();
        assert!(left.is_empty(), "left in {what}: {left:?}");
    }
}
