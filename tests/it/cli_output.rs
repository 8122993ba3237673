//! Whatever a command prints to a terminal, nothing in it acts on the terminal:
//! file names, arguments, configuration and conversations are hostile here.

use std::path::Path;

use portable_pty::CommandBuilder;

use crate::support::pty::Pty;

/// A clear-screen in both spellings, a title, a bell, DEL, an override of the
/// direction, an isolate, a tag, a soft hyphen, a zero-width space.
const HOSTILE: &str =
    "x\u{1b}[2J\u{9b}2J\u{1b}]0;t\u{7}\u{7f}\u{202e}\u{2066}\u{e0041}\u{ad}\u{200b}\u{1b}[8my\u{1b}[7m";
const SESSION: &str = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";

/// All folders of the program have a hostile name.
fn command(scratch: &Path, arguments: &[&str]) -> CommandBuilder {
    let home = scratch.join(HOSTILE);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_hotseat"));
    command.args(arguments);
    command.cwd(home.join("project"));
    command.env_clear();
    command.env("PATH", scratch.join("bin"));
    command.env("TERM", "xterm-256color");
    command.env("PAGER", "");
    command.env("HOME", &home);
    command.env("CLAUDE_CONFIG_DIR", home.join("claude"));
    for (name, folder) in [
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_DATA_HOME", "data"),
    ] {
        command.env(name, home.join(folder));
    }
    command
}

fn prepare(scratch: &Path) {
    let home = scratch.join(HOSTILE);
    let project = home.join("project").canonicalize().unwrap_or_else(|_| home.join("project"));
    std::fs::create_dir_all(&project).unwrap();
    let project = project.canonicalize().unwrap();
    let name: String = project
        .to_str()
        .unwrap()
        .encode_utf16()
        .map(|unit| char::from_u32(unit.into()).filter(char::is_ascii_alphanumeric).unwrap_or('-'))
        .collect();
    let folder = home.join("claude/projects").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let lines = [
        serde_json::json!({"type": "user", "uuid": "a", "parentUuid": null, "sessionId": SESSION, "cwd": project,
            "gitBranch": HOSTILE, "timestamp": "2026-11-20T10:00:00Z", "message": {"role": "user", "content": HOSTILE}}),
        serde_json::json!({"type": "assistant", "uuid": "b", "parentUuid": "a", "sessionId": SESSION, "cwd": project,
            "timestamp": "2026-11-20T10:00:01Z", "message": {"id": "m", "role": "assistant", "model": HOSTILE,
            "content": [{"type": "text", "text": HOSTILE},
                {"type": "tool_use", "id": "t", "name": HOSTILE, "input": {HOSTILE: HOSTILE}}]}}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.join(format!("{SESSION}.jsonl")), text).unwrap();
    std::fs::create_dir_all(home.join("config/hotseat")).unwrap();
    let config = format!(
        "theme = {}\n{} = 1\nagent = {}\n",
        toml_text(HOSTILE),
        toml_text(&format!("{HOSTILE}k")),
        toml_text(&format!("{HOSTILE}a"))
    );
    std::fs::write(home.join("config/hotseat/config.toml"), config).unwrap();
    std::fs::create_dir_all(scratch.join("bin")).unwrap();
}

/// A quoted text of TOML, with its control characters as escapes.
fn toml_text(text: &str) -> String {
    let escaped: String =
        text.chars()
            .map(|char| {
                if char.is_alphanumeric() { char.to_string() } else { format!("\\U{:08X}", u32::from(char)) }
            })
            .collect();
    format!("\"{escaped}\"")
}

/// What acts on a terminal in these bytes; the styles of our own output do not.
fn acting(raw: &[u8]) -> Vec<String> {
    let mut text = String::from_utf8(raw.to_vec()).expect("UTF-8");
    // What a progress bar does with its own line.
    text = text.replace("\u{1b}[2K", "");
    for style in ["0", "1", "2", "4", "22", "24", "31", "32", "33", "36", "39", "38;5;3", "38;5;11"] {
        text = text.replace(&format!("\u{1b}[{style}m"), "");
    }
    let acts = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().filter(acts).map(|c| format!("{c:?}")).collect()
}

#[test]
fn nothing_that_a_command_prints_acts_on_a_terminal() {
    let scratch = tempfile::tempdir().unwrap();
    prepare(scratch.path());
    let export_to = scratch.path().join(HOSTILE).join("out").display().to_string();
    let outside = format!("/nowhere/{HOSTILE}");
    let commands: &[&[&str]] = &[
        &["config", "check"],
        &["config", "--path"],
        &["config", "--init"],
        &["config", HOSTILE],
        &["doctor"],
        &["doctor", "--json"],
        &["agents"],
        &["agents", "--json"],
        &["guard", "--", &outside],
        &["--help"],
        &["--cwd", &outside],
        &["--cwd", HOSTILE],
        &["--agent", HOSTILE],
        &["--agent", &format!("acp:{outside}")],
        &["--resume", &format!("{HOSTILE}z")],
        &["--permission-mode", HOSTILE],
        &[HOSTILE],
        &[&format!("--{HOSTILE}")],
        &["help", HOSTILE],
        &["hook", &outside],
        &["man", "/dev/null/x"],
        &["completions", HOSTILE],
        &["agent", "--mcp-config", &outside],
        &["agent", "--mcp-config", &format!("{{\"mcpServers\":{{\"{}\":1}}}}", HOSTILE.escape_default())],
        &["agent", "--settings", &outside],
        &["agent", "--resume", HOSTILE],
        &["agent", "--model", HOSTILE, "--provider", HOSTILE],
        &["agent", "--permission-mode", HOSTILE],
        &["agent", &format!("--{HOSTILE}")],
        &["acp", HOSTILE],
        &["sessions", "list"],
        &["sessions", "list", "--json"],
        &["sessions", "list", HOSTILE],
        &["sessions", "show", SESSION, "--tools"],
        &["sessions", "show", SESSION, "--json"],
        &["sessions", "show", HOSTILE],
        &["sessions", "info", SESSION],
        &["sessions", "info", SESSION, "--json"],
        &["sessions", "search", "y"],
        &["sessions", "search", "y", "--json"],
        &["sessions", "stats"],
        &["sessions", "stats", "--json"],
        &["sessions", "export", SESSION],
        &["sessions", "export", SESSION, "--format", "html"],
        &["sessions", "export", SESSION, "--format", "json"],
        &["sessions", "export", SESSION, "--output", &export_to],
        &["sessions", "export", SESSION, "--output", &export_to],
        &["sessions", "rename", SESSION, HOSTILE],
        &["sessions", "tag", SESSION, HOSTILE],
        &["sessions", "pin", SESSION],
        &["sessions", "pin"],
        &["sessions", "fork", SESSION],
        &["sessions", "move", SESSION, &outside],
        &["sessions", "import", &outside],
        &["sessions", "delete", SESSION],
        &["sessions", "restore"],
        &["sessions", "restore", "--json"],
        &["sessions", "prune", "--older-than", "1d"],
        &["sessions", "prune", "--older-than", HOSTILE],
    ];
    let mut failures = Vec::new();
    for arguments in commands {
        println!("{arguments:?}");
        let mut pty = Pty::start(command(scratch.path(), arguments), 200, 50);
        // The agent's commands read the terminal until its end of file.
        pty.keys("\u{4}");
        let raw = pty.wait_for_output();
        let acting = acting(&raw);
        if !acting.is_empty() {
            failures
                .push(format!("{arguments:?}: {acting:?}\n{}", String::from_utf8_lossy(&raw).escape_debug()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn json_means_the_same_with_escapes() {
    let scratch = tempfile::tempdir().unwrap();
    prepare(scratch.path());
    let mut pty = Pty::start(command(scratch.path(), &["sessions", "show", SESSION, "--json"]), 200, 50);
    let raw = pty.wait_for_output();
    let text = String::from_utf8(raw).unwrap();
    let value: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(value[0]["message"]["content"], HOSTILE);
    assert!(text.contains("\\u009b") && text.contains("\\u202e") && text.contains("\\u007f"), "{text}");
}
