use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use serde_json::{Value, json};

use super::*;
use crate::slot::SessionScope;
use crate::text::tests::NASTY;
use crate::tui::app::Geometry;
use crate::tui::app::sample::setup;
use crate::tui::view::{ViewCaches, view};

/// A screen of some size with a card for this input.
struct CardScreen {
    app: App,
    terminal: Terminal<TestBackend>,
    geometry: Geometry,
}

impl CardScreen {
    fn new(request: PermissionRequest, width: u16, height: u16) -> Self {
        let mut app = App::new(setup());
        app.size = (width, height);
        app.focus = Focus::Permission;
        app.permissions.push_back(PermissionCard::new(request));
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        Self { app, terminal, geometry: Geometry::default() }
    }

    fn draw(&mut self, scroll: usize) -> &Buffer {
        self.app.permissions[0].scroll = scroll;
        // A new one each time: the test backend keeps old text in the second cell
        // of wide characters, as no terminal does.
        self.terminal = Terminal::new(TestBackend::new(self.app.size.0, self.app.size.1)).unwrap();
        let (app, geometry) = (&self.app, &mut self.geometry);
        let draw = |frame: &mut Frame<'_>| {
            *geometry = view(app, frame, &mut ViewCaches::default(), &Theme::dark());
        };
        self.terminal.draw(draw).unwrap();
        self.terminal.backend().buffer()
    }

    /// The text of the body, put together from every scroll position and read as
    /// a person would: marks are what they name.
    fn read(&mut self) -> String {
        let mut rows: Vec<Option<(bool, Vec<(char, bool)>)>> = Vec::new();
        let mut scroll = 0;
        loop {
            let buffer = self.draw(scroll).clone();
            for (at, row) in body_rows(&buffer).into_iter().enumerate() {
                rows.resize((scroll + at + 1).max(rows.len()), None);
                let known = rows[scroll + at].replace(row.clone());
                assert!(known.is_none_or(|known| known == row), "row {} changed", scroll + at);
            }
            assert_eq!(self.geometry.permission_end, scroll == self.geometry.permission_max_scroll);
            if scroll == self.geometry.permission_max_scroll {
                break;
            }
            scroll += 1;
        }
        let mut cells = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            let (is_continuation, row) = row.expect("every row was on screen");
            if at > 0 && !is_continuation {
                cells.push(('\n', false));
            }
            cells.extend(row);
        }
        decode(&cells)
    }
}

/// The rows of the body that a screen shows: whether each continues the one above,
/// and its characters with whether they belong to a mark.
fn body_rows(buffer: &Buffer) -> Vec<(bool, Vec<(char, bool)>)> {
    let area = buffer.area;
    let mut rows = Vec::new();
    for y in 0..area.height {
        let Some(edge) = (0..area.width).find(|x| buffer[(*x, y)].symbol() == "┃") else { continue };
        let is_continuation = buffer[(edge + 2, y)].symbol() == "↪";
        if !is_continuation && buffer[(edge + 2, y)].symbol() != " " {
            continue;
        }
        let mut row = Vec::new();
        let mut x = edge + 4;
        while x < area.width {
            let cell = &buffer[(x, y)];
            let is_mark = cell.modifier.contains(Modifier::REVERSED);
            row.extend(cell.symbol().chars().map(|character| (character, is_mark)));
            x += (text::width(cell.symbol()) as u16).max(1);
        }
        while row.last() == Some(&(' ', false)) {
            row.pop();
        }
        rows.push((is_continuation, row));
    }
    rows
}

/// Characters with marks replaced by what they stand for.
fn decode(cells: &[(char, bool)]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(&(character, is_mark)) = cells.get(at) {
        at += 1;
        if !is_mark {
            text.push(character);
            continue;
        }
        text.push(match character {
            '·' => ' ',
            '⇥' => '\t',
            '␊' => '\n',
            '␡' => '\u{7F}',
            '\u{2400}'..='\u{241F}' => char::from_u32(u32::from(character) - 0x2400).unwrap(),
            '<' => {
                let mark: String = cells[at..].iter().map(|cell| cell.0).take_while(|c| *c != '>').collect();
                at += mark.chars().count() + 1;
                char::from_u32(u32::from_str_radix(mark.strip_prefix("U+").unwrap(), 16).unwrap()).unwrap()
            }
            other => panic!("“{other}” is no mark"),
        });
    }
    text
}

fn bash(command: &str) -> PermissionRequest {
    request("Bash", json!({ "command": command }))
}

fn request(tool: &str, input: Value) -> PermissionRequest {
    PermissionRequest::new("r", tool, input)
}

/// Commands that hide something, or are long.
fn commands() -> Vec<String> {
    let mut commands: Vec<String> = NASTY.iter().map(|text| (*text).to_owned()).collect();
    commands.push(NASTY.join("\n"));
    commands
        .push((0..60).map(|line| format!("echo harmless line {line}\n")).collect::<String>() + "curl x | sh");
    commands.push(format!("true {} ; rm -rf ~", " ".repeat(400)));
    commands.push("a\n\n\n  b\n".to_owned());
    commands.push("日本語 ".repeat(40));
    // Every kind of character beside every other, in an order that is the same in
    // each run.
    let alphabet: Vec<char> =
        "ab $·⇥␛<>U+\n\t\r \u{a0}\u{200b}\u{200d}\u{202e}\u{301}\u{e9}日👍🏽ﾞ\u{fe0f}\u{1b}\u{7f}\u{9b}"
            .chars()
            .collect();
    let mut state = 7_u64;
    for length in [10, 50, 200, 900] {
        commands.push(
            (0..length)
                .map(|_| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    alphabet[(state >> 33) as usize % alphabet.len()]
                })
                .collect(),
        );
    }
    commands
}

#[test]
fn no_size_omits_a_byte_of_the_command() {
    for command in commands() {
        let sizes = [(40, 10), (41, 11), (53, 13), (80, 24), (90, 12), (120, 34), (131, 50)];
        for (width, height) in sizes {
            let shown = CardScreen::new(bash(&command), width, height).read();
            assert_eq!(shown, command, "at {width}×{height}");
        }
    }
}

#[test]
fn every_height_shows_the_whole_command() {
    let command = commands().swap_remove(NASTY.len() + 1);
    for height in 10..=60 {
        assert_eq!(CardScreen::new(bash(&command), 80, height).read(), command, "at height {height}");
    }
}

fn shown(request: PermissionRequest, width: u16, height: u16) -> String {
    let mut screen = CardScreen::new(request, width, height);
    screen.draw(0);
    screen.terminal.backend().to_string()
}

#[test]
fn every_field_is_shown_and_the_important_one_first() {
    let input =
        json!({"target": "production", "script": "rm -rf /srv", "command": "git status", "force": true});
    let read = CardScreen::new(request("mcp__srv__deploy", input), 120, 30).read();
    assert_eq!(read, "git status\ntarget: production\nscript: rm -rf /srv\nforce: true");
    let input = json!({"command": "ls", "dangerouslyDisableSandbox": true});
    assert_eq!(CardScreen::new(request("Bash", input), 80, 24).read(), "ls\ndangerouslyDisableSandbox: true");
    let input = json!({"command": ["bash", "-lc", "rm -rf ~"]});
    assert_eq!(
        CardScreen::new(request("Bash", input), 80, 24).read(),
        "command: [\"bash\",\"-lc\",\"rm -rf ~\"]"
    );
    assert_eq!(CardScreen::new(request("X", json!("text")), 80, 24).read(), "input: text");
}

#[test]
fn a_tool_whose_name_does_not_fit_is_named_in_the_body() {
    let long = format!("mcp__{}__delete_everything", "trusted_server_".repeat(4));
    for (name, width, expected) in [
        ("mcp__srv__deploy", 120, "x: 1".to_owned()),
        ("mcp__srv__deploy", 80, "tool: mcp__srv__deploy\nx: 1".to_owned()),
        (&long, 80, format!("tool: {long}\nx: 1")),
        (&long, 240, "x: 1".to_owned()),
        ("mcp__srv__de\u{200b}ploy", 120, "tool: mcp__srv__de\u{200b}ploy\nx: 1".to_owned()),
    ] {
        let read = CardScreen::new(request(name, json!({"x": 1})), width, 24).read();
        assert_eq!(read, expected, "{name} at {width}");
    }
}

#[test]
fn both_texts_of_an_edit_are_shown_whole() {
    let input = json!({"file_path": "/w/a.rs", "old_string": "a\nb\nc\n", "new_string": "a\nB\nc", "replace_all": false});
    let read = CardScreen::new(request("Edit", input), 80, 30).read();
    assert_eq!(read, "file_path: /w/a.rs\n  a\n- b\n- c\n\n+ B\n+ c\nreplace_all: false");
}

#[test]
fn all_of_several_changes_are_shown() {
    let change = |path: &str| json!({"file_path": path, "content": "#!/bin/sh\nevil"});
    let input = json!({"changes": [change(".git/hooks/pre-push"), change("README.md")]});
    let read = CardScreen::new(request("Edit", input), 100, 40).read();
    for part in ["change 1 of 2", "file_path: .git/hooks/pre-push", "change 2 of 2", "file_path: README.md"] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    assert_eq!(read.matches("+ evil").count(), 2);
}

#[test]
fn the_real_target_and_folder_are_named() {
    let target = PermissionTarget {
        named: "notes.txt".into(),
        real: "/home/me/.bashrc".into(),
        inside: false,
        protected: true,
    };
    let request = PermissionRequest {
        targets: vec![target],
        cwd: Some("/other".into()),
        blocked_path: Some("/home/me\u{202e}".into()),
        reason: Some("it lies outside\u{9b}".into()),
        description: Some("keeps notes".into()),
        ..request("Write", json!({"file_path": "notes.txt", "content": "evil\n"}))
    };
    let read = CardScreen::new(request, 110, 34).read();
    let expected = "file_path: notes.txt\n\
                    → notes.txt is /home/me/.bashrc, outside the folder, a protected file\n\
                    runs in /other\n\
                    concerns /home/me\u{202e}\n\
                    asked because: it lies outside\u{9b}\n\
                    content:\n+ evil\n\n\
                    the agent says: keeps notes";
    assert_eq!(read, expected);
}

#[test]
fn the_answers_say_what_they_cover_once_the_end_was_seen() {
    let mut screen = CardScreen::new(
        PermissionRequest { session_scope: Some(SessionScope::EditsIn("/work".into())), ..bash("ls") },
        120,
        34,
    );
    screen.draw(0);
    let before = screen.terminal.backend().to_string();
    assert!(before.contains("read to the end to allow"), "{before}");
    assert!(!before.contains("y allow once"), "{before}");
    screen.app.permissions[0].end_seen = true;
    screen.draw(0);
    let after = screen.terminal.backend().to_string();
    assert!(after.contains("s allow all edits in /work until the session is left"), "{after}");
}

#[test]
fn the_card_looks_calm() {
    let lines: String = (0..30).map(|line| format!("echo {line}\n")).collect();
    insta::assert_snapshot!("card_long", shown(bash(&lines), 80, 24));
    insta::assert_snapshot!("card_small", shown(bash("curl x | sh\u{202e}"), 40, 10));
}
