//! The command line from outside: what it prints, and its exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn hotseat(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

/// The real program with all of its folders in a scratch one.
fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotseat"));
    command
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("CLAUDE_CONFIG_DIR", home.join("claude"))
        .env_remove("CODEX_HOME")
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_DATA_HOME", home.join("data"))
        .stdin(Stdio::null());
    command
}

fn check(arguments: &[&str], code: i32, expected: &str) {
    let home = tempfile::tempdir().unwrap();
    let output = hotseat(home.path(), arguments);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(expected), "{arguments:?}: “{expected}” is not in: {said}");
}

#[test]
fn without_a_terminal_there_is_no_screen() {
    check(&[], 2, "hotseat: no terminal: stdin is a pipe or a file\n  Run it in a terminal");
    check(&["--cwd", "/nowhere/at/all"], 2, "hotseat: no such folder: /nowhere/at/all");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    check(&["frobnicate"], 2, "unrecognized subcommand 'frobnicate'");
    check(&["--resume", "x", "--continue"], 2, "cannot be used with");
    check(&["--permission-mode", "everything"], 2, "known are default, acceptEdits");
    check(&["help", "nothing"], 2, "no topic or command “nothing”\n  Topics are keys, ");
    check(&["completions", "tcsh"], 2, "possible values: bash");
}

#[test]
fn help_teaches() {
    check(&["--help"], 0, "Examples:\n  hotseat  ");
    check(&["--help"], 0, "Files:\n  sessions ");
    check(&["--help"], 0, "Keys in the session list");
    check(&["--version"], 0, env!("CARGO_PKG_VERSION"));
    check(&["completions", "bash"], 0, "_clap_complete_hotseat()");
}

#[test]
fn the_printed_default_configuration_is_right() {
    let home = tempfile::tempdir().unwrap();
    let printed = hotseat(home.path(), &["config", "--print-default"]).stdout;
    let path = String::from_utf8(hotseat(home.path(), &["config", "--path"]).stdout).unwrap();
    let path = Path::new(path.trim_end());
    assert!(!path.exists() && path.parent().unwrap().is_dir(), "a shell can redirect into it");

    let uncommented = String::from_utf8(printed).unwrap().replace("#:", "");
    std::fs::write(path, uncommented).unwrap();
    let checked = hotseat(home.path(), &["config", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn the_default_configuration_is_written_once() {
    let home = tempfile::tempdir().unwrap();
    let written = hotseat(home.path(), &["config", "--init"]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let path = home.path().join("config/hotseat/config.toml");
    assert_eq!(std::fs::read(&path).unwrap(), hotseat(home.path(), &["config", "--print-default"]).stdout);
    std::fs::write(&path, "mouse = false\n").unwrap();
    let again = hotseat(home.path(), &["config", "--init"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already exists\n  Edit it"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mouse = false\n");
}

#[test]
fn a_mistake_in_the_configuration_is_told_everywhere_and_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config/hotseat/config.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "\npermision_mode = 'plan'\n").unwrap();
    let told = format!("{}:2: unknown key “permision_mode”; did you mean “permission_mode”?", file.display());
    for arguments in [&["config", "check"][..], &["doctor"]] {
        let output = hotseat(home.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stdout).contains(&told), "{arguments:?}");
    }
}

#[test]
fn the_doctor_speaks_json_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    // The agents that are here would be asked for their versions, and some make folders even for that.
    let output = command(home.path(), &["doctor", "--json"]).env("PATH", home.path()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["folders"][0]["what"], "sessions");
    assert_eq!(report["agents"][0]["has_driver"], true);
    assert_eq!(report["findings"]["problems"], serde_json::json!([]));
    assert!(output.status.success());
    let made = home.path().read_dir().unwrap().flat_map(|top| top.unwrap().path().read_dir().unwrap());
    let made: Vec<_> = made.map(|entry| entry.unwrap().file_name()).collect();
    assert!(made.is_empty(), "the doctor only looks: {made:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let program = env!("CARGO_BIN_EXE_hotseat");
    let script = format!("'{program}' config --print-default | head -n 1; exit ${{PIPESTATUS[0]}}");
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
