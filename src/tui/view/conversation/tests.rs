use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;

use super::*;
use crate::session::conversation::{ItemKind, Notice, ToolCall, ToolResult, TurnCost};
use crate::session::message::Usage;
use crate::tui::view::spans::spans_width;

fn at(minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 14, minute, 5).unwrap()
}

fn item(minute: u32, body: ItemKind) -> Item {
    Item { uuid: format!("u{minute}"), at: Some(at(minute)), kind: body, live: false }
}

fn prompt(text: &str) -> Item {
    item(1, ItemKind::Prompt(text.to_owned()))
}

fn reply(text: &str) -> Item {
    let usage = Usage { input_tokens: 4100, ..Usage::default() };
    item(
        2,
        ItemKind::Reply { text: text.to_owned(), model: Some("claude-opus-5-5".into()), usage: Some(usage) },
    )
}

fn call(name: &str, input: serde_json::Value, text: &str, detail: serde_json::Value) -> Item {
    let result =
        ToolResult { text: text.to_owned(), is_error: text.starts_with("Exit"), detail: Some(detail) };
    item(
        3,
        ItemKind::Tool(ToolCall {
            id: name.to_owned(),
            name: name.to_owned(),
            input,
            partial_output: String::new(),
            result: Some(result),
        }),
    )
}

/// One of everything.
fn tour() -> Vec<Item> {
    let patch = json!({"structuredPatch": [{"oldStart": 11, "newStart": 11, "lines": [
        " fn table() {", "-    let table = TABLE;", "+    let table = if legacy { OLD } else { TABLE };",
        "+    let comment = line.split_once('#').map(|(_, text)| text.trim().to_owned()).unwrap_or_default();",
    ]}]});
    vec![
        prompt("Now keep the old grammar behind a flag, and show me what the\nerror path looks like."),
        item(2, ItemKind::Thinking("The flag is a cargo feature. It gates two places.".into())),
        reply(
            "I'll gate it behind `legacy_grammar`. Two places change:\n\n1. `lexer.rs` - the token table\n2. `parse.rs` - recovery after **Unexpected**",
        ),
        call(
            "Read",
            json!({"file_path": "/home/ada/tidepool/src/parse.rs"}),
            "1\tfn",
            json!({"file": {"numLines": 214}}),
        ),
        call("Grep", json!({"pattern": "TABLE", "path": "src"}), "src/lexer.rs\nsrc/parse.rs", json!(null)),
        call(
            "Edit",
            json!({"file_path": "src/lexer.rs", "old_string": "a", "new_string": "b"}),
            "done",
            patch,
        ),
        call(
            "Bash",
            json!({"command": "cargo test parser -- --nocapture"}),
            "running 7 tests\n\u{1b}[32mok\u{1b}[0m",
            json!(null),
        ),
        call(
            "Bash",
            json!({"command": "cargo clippy"}),
            "Exit code 101\nerror: unused\nerror: more",
            json!(null),
        ),
        call("mcp__tides__lookup", json!({"port": "Brest", "day": 3}), "06:14 high\n12:31 low", json!(null)),
        item(4, ItemKind::Notice(Notice::Interrupted, String::new())),
        item(4, ItemKind::Notice(Notice::Compacted, "A summary of it all.".into())),
        item(
            5,
            ItemKind::TurnEnd(TurnCost { usd: Some(0.0213), usage: Usage::default(), duration_ms: 12_345 }),
        ),
        prompt("and run the fuzz target too"),
    ]
}

struct Pane {
    width: u16,
    height: u16,
    unfolded: BTreeSet<usize>,
    times: bool,
    query: Option<&'static str>,
    selected: Option<usize>,
    scroll: ScrollState,
    cache: LayoutCache,
    highlighter: Highlighter,
}

impl Pane {
    fn new(width: u16, height: u16) -> Self {
        Self {
            width,
            height,
            unfolded: BTreeSet::new(),
            times: false,
            query: None,
            selected: None,
            scroll: ScrollState::default(),
            cache: LayoutCache::default(),
            highlighter: Highlighter::default(),
        }
    }

    /// Draws a frame, and learns from it where scrolling came to rest.
    fn see(&mut self, items: &[Item]) -> VisibleRows {
        let lit = self.query.map(|query| [query.to_owned()]);
        let params = ViewParams {
            theme: &Theme::dark(),
            width: self.width,
            height: self.height,
            unfolded: &self.unfolded,
            show_timestamps: self.times,
            offset: FixedOffset::east_opt(3600).unwrap(),
            folder: "/home/ada/tidepool",
            highlighted: lit.as_ref().map(<[String; 1]>::as_slice),
            selected: self.selected,
            focused: true,
            scroll: self.scroll,
            is_complete: true,
        };
        let seen = layout_visible(items, &params, &mut self.cache, &mut self.highlighter);
        assert!(seen.lines.len() <= usize::from(self.height) && seen.lines.len() == seen.items.len());
        for line in &seen.lines {
            assert!(spans_width(&line.spans) <= usize::from(self.width), "{line:?}");
        }
        self.scroll = ScrollState { anchor: seen.anchor, ..ScrollState::default() };
        seen
    }

    fn scroll(&mut self, items: &[Item], by: isize) -> VisibleRows {
        self.scroll.by = by;
        self.see(items)
    }

    fn select(&mut self, items: &[Item], item: usize) -> VisibleRows {
        self.selected = Some(item);
        self.scroll.reveal = true;
        self.see(items)
    }
}

fn plain(seen: &VisibleRows) -> Vec<String> {
    let text = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
    seen.lines.iter().map(|line| text(line).trim_end().to_owned()).collect()
}

/// Prompts of one line each: two rows an item, the blank one first.
fn many(count: usize) -> Vec<Item> {
    (0..count).map(|number| prompt(&format!("number {number}"))).collect()
}

#[test]
fn everything_there_is_at_three_widths() {
    for width in [76, 44, 24] {
        let seen = Pane::new(width, 80).see(&tour());
        insta::assert_snapshot!(format!("tour_at_{width}"), plain(&seen).join("\n"));
    }
}

#[test]
fn everything_open_and_with_times() {
    let mut pane = Pane::new(76, 100);
    pane.unfolded = (0..20).collect();
    pane.times = true;
    insta::assert_snapshot!("tour_open", plain(&pane.see(&tour())).join("\n"));
}

#[test]
fn a_running_tool_shows_the_last_that_it_said() {
    let mut items = vec![call("Bash", json!({"command": "make"}), "", json!(null))];
    let ItemKind::Tool(running) = &mut items[0].kind else { panic!("a tool") };
    running.result = None;
    running.partial_output = "1\n2\n3\n\u{1b}[31m4\u{1b}[0m\n5\n".to_owned();
    let seen = plain(&Pane::new(40, 20).see(&items)).join("\n");
    assert!(!seen.contains('1') && seen.ends_with("│ 2\n   │ 3\n   │ 4\n   │ 5"), "{seen}");
}

#[test]
fn it_follows_the_end_until_it_is_scrolled() {
    let mut items = many(10);
    let mut pane = Pane::new(40, 4);
    assert_eq!(plain(&pane.see(&items)), ["", " ❯ number 8", "", " ❯ number 9"]);
    items.push(prompt("more"));
    assert_eq!(plain(&pane.see(&items))[3], " ❯ more");

    let seen = pane.scroll(&items, -2);
    assert_eq!(plain(&seen), ["", " ❯ number 8", "", " ❯ number 9"]);
    assert_eq!((seen.anchor, seen.above, seen.below), (ScrollAnchor::At { item: 8, line: 0 }, true, true));
    items.push(prompt("even more"));
    assert_eq!(pane.see(&items).lines, seen.lines, "what is read stays where it is");

    let seen = pane.scroll(&items, 100);
    assert_eq!((seen.anchor, seen.below), (ScrollAnchor::End, false));
    let seen = pane.scroll(&items, isize::MIN);
    assert_eq!((seen.anchor, seen.at_top, seen.above), (ScrollAnchor::At { item: 0, line: 0 }, true, false));
}

#[test]
fn a_screen_that_holds_it_all_does_not_scroll() {
    let mut pane = Pane::new(40, 10);
    let seen = pane.scroll(&many(2), -3);
    assert_eq!(plain(&seen), [" ❯ number 0", "", " ❯ number 1"]);
    assert_eq!((seen.anchor, seen.at_top, seen.above, seen.below), (ScrollAnchor::End, true, false, false));
    assert_eq!(seen.items, [Some(0), None, Some(1)]);
}

#[test]
fn the_selected_item_comes_into_sight_and_no_further() {
    let items = many(50);
    let mut pane = Pane::new(40, 6);
    pane.see(&items);
    let up = pane.select(&items, 20);
    assert_eq!(up.items[..2], [None, Some(20)]);
    let down = pane.select(&items, 30);
    assert_eq!(down.items.last(), Some(&Some(30)));
    assert_eq!(pane.select(&items, 29).lines.len(), down.lines.len());
    assert_eq!(pane.see(&items).items, down.items, "what is in sight does not move");
    assert!(plain(&down)[5].starts_with("▌❯ number 30"));
}

#[test]
fn an_item_higher_than_the_screen_shows_its_beginning() {
    let items = [prompt("first"), reply(&"line\n".repeat(50)), prompt("last")];
    let mut pane = Pane::new(40, 6);
    pane.see(&items);
    assert_eq!(pane.select(&items, 1).items[..2], [None, Some(1)]);
    assert_eq!(pane.scroll(&items, 3).items, [Some(1); 6]);
}

#[test]
fn only_what_is_in_sight_is_laid_out() {
    let items = many(10_000);
    let mut pane = Pane::new(80, 20);
    pane.see(&items);
    assert!(pane.cache.cached_items() < 20, "{}", pane.cache.cached_items());
    for _ in 0..100 {
        pane.scroll(&items, -20);
    }
    assert!(pane.cache.cached_items() < 450, "{}", pane.cache.cached_items());
    pane.select(&items, 0);
    assert!(pane.cache.cached_items() < 450, "{}", pane.cache.cached_items());
}

#[test]
fn a_growing_reply_ends_as_the_whole() {
    let whole = "# Title\n\nSome text\n\n- one\n- two\n\n```rust\nfn main() {}\n```\n\nend";
    let mut pane = Pane::new(40, 30);
    for (end, _) in whole.char_indices() {
        let mut growing = reply(&whole[..end]);
        (growing.live, growing.uuid) = (true, String::new());
        pane.see(&[prompt("go"), growing]);
    }
    let items = [prompt("go"), reply(whole)];
    assert_eq!(pane.see(&items), Pane::new(40, 30).see(&items));
}

#[test]
fn code_is_coloured_once_its_colours_arrive() {
    let items = [reply("```rust\nlet x = 1;\n```")];
    let mut pane = Pane::new(40, 5);
    pane.highlighter = Highlighter::start(|| ());
    let before = pane.see(&items);
    pane.highlighter.wait();
    let after = pane.see(&items);
    assert_eq!(plain(&before), plain(&after));
    let keyword = |seen: &VisibleRows| {
        seen.lines.iter().flat_map(|line| &line.spans).any(|span| span.style == Theme::dark().keyword)
    };
    assert_eq!((keyword(&before), keyword(&after)), (false, true));
}

#[test]
fn a_result_that_arrives_is_shown() {
    let mut items = vec![call("Bash", json!({"command": "ls"}), "a\nb", json!(null))];
    let with_result = items.clone();
    if let ItemKind::Tool(call) = &mut items[0].kind {
        call.result = None;
    }
    let mut pane = Pane::new(40, 3);
    assert!(plain(&pane.see(&items))[0].ends_with('…'));
    assert!(plain(&pane.see(&with_result))[0].ends_with("exit 0 · 2 lines"));
}

#[test]
fn a_search_lights_its_hits_and_opens_what_it_found() {
    let items = tour();
    let mut pane = Pane::new(60, 80);
    pane.query = Some("RUNNING 7");
    let hidden = pane.see(&items);
    pane.selected = Some(6);
    let found = pane.see(&items);
    let lit = |seen: &VisibleRows| -> Vec<String> {
        let hit = Theme::dark().hit;
        let spans = seen.lines.iter().flat_map(|line| &line.spans);
        let lit = spans.filter(|span| span.style.fg == hit.fg && span.style.add_modifier == hit.add_modifier);
        lit.map(|span| span.content.to_string()).collect()
    };
    assert_eq!(lit(&hidden), [""; 0]);
    assert_eq!(lit(&found), ["running 7"]);
}

#[test]
fn long_texts_say_how_much_is_not_shown() {
    let long = "a line\n".repeat(1216);
    let items = [prompt(&long), call("Bash", json!({"command": "cat"}), &long.repeat(3), json!(null))];
    let mut pane = Pane::new(50, 3000);
    let folded = plain(&pane.see(&items));
    assert_eq!(folded[12], "   … 1,204 more lines, o to open");
    assert!(folded.last().unwrap().ends_with("exit 0 · 3,648 lines"));
    pane.unfolded = BTreeSet::from([1]);
    let open = plain(&pane.see(&items));
    assert_eq!(open.last().unwrap(), "   │ … 1,648 more lines, y copies it all");
}

#[test]
fn hostile_text_fits_and_acts_on_nothing() {
    let nasty = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}日本語\u{301}\t👨‍👩‍👧‍👦\r\nx\u{8}\0";
    let items = [
        prompt(nasty),
        reply(nasty),
        item(1, ItemKind::Thinking(nasty.into())),
        item(1, ItemKind::Notice(Notice::Error, nasty.into())),
        item(1, ItemKind::Notice(Notice::Compacted, nasty.into())),
        call(nasty, json!({"command": nasty}), nasty, json!(nasty)),
        call("Edit", json!({"file_path": nasty, "old_string": nasty, "new_string": "x"}), nasty, json!(null)),
        call("Edit", json!({"edits": 3}), nasty, json!({"structuredPatch": [{"lines": [nasty, "é", ""]}]})),
        call("Write", json!({"file_path": nasty, "content": nasty}), "Exit code \u{1b}[", json!(null)),
        call("Any", json!({nasty: [nasty]}), "", json!(null)),
    ];
    for width in 1..60 {
        let mut pane = Pane::new(width, 200);
        pane.times = true;
        for unfolded in [0..0, 0..20] {
            pane.unfolded = unfolded.collect();
            let text = plain(&pane.see(&items)).join("");
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{width}: {text:?}");
        }
    }
}

#[test]
fn an_empty_conversation_and_an_empty_pane_are_nothing() {
    assert!(Pane::new(40, 5).see(&[]).lines.is_empty());
    assert!(Pane::new(0, 5).see(&tour()).lines.is_empty());
    assert!(Pane::new(40, 0).see(&tour()).lines.is_empty());
}

#[test]
fn an_edit_without_a_patch_is_compared_here() {
    let old = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine";
    let input = json!({"file_path": "a", "old_string": old, "new_string": old.replace("five", "5")});
    let seen = Pane::new(40, 20).see(&[call("Edit", input, "done", json!(null))]);
    let changed = ["  │   four", "  │ - five", "  │ + 5", "  │   six"];
    assert_eq!(plain(&seen)[3..7], changed.map(|line| format!(" {line}")));
    assert!(plain(&seen)[0].ends_with("+1 −1"));
}
