use serde_json::json;

use super::*;
use crate::agent::tool::file_search::tests::sample;

fn check(input: &Value, expected: &str) {
    let (_temp, place) = sample();
    let found = grep(input, &place, &SearchCancellation::default());
    assert_eq!((found.text.as_str(), found.is_error), (expected, false), "{input}");
}

fn content(pattern: &str, more: &Value) -> Value {
    let mut input = json!({"pattern": pattern, "output_mode": "content"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

#[test]
fn lines_are_given_as_the_official_tool_gives_them() {
    check(
        &content("fn", &json!({})),
        ".hidden.rs:1:fn hid() {}\nsrc/a.rs:1:fn one() {}\nsrc/a.rs:3:fn three() {\nsrc/deep/b.rs:1:fn four() {}",
    );
    check(
        &content("fn", &json!({"-n": false, "type": "rust", "path": "src/deep"})),
        "src/deep/b.rs:fn four() {}",
    );
    check(
        &content("two", &json!({"-A": 1, "-B": 1})),
        "c.py-1-one = 1\nc.py:2:two = one\n--\nsrc/a.rs-1-fn one() {}\nsrc/a.rs:2:let two = 2;\nsrc/a.rs-3-fn three() {",
    );
    check(&content("one", &json!({"path": "c.py"})), "1:one = 1\n2:two = one");
    check(&content("on.", &json!({"-o": true})), "c.py:1:one\nc.py:2:one\nsrc/a.rs:1:one");
    check(&content(r"three\(\) \{.\}", &json!({"multiline": true})), "src/a.rs:3:fn three() {\nsrc/a.rs:4:}");
    check(&content("needle", &json!({})), "long.txt:1:[Omitted long matching line]");
    check(&content("nothing", &json!({})), "No matches found");
    check(&content("FOUR", &json!({"-i": true, "glob": "*.py,*.rs"})), "src/deep/b.rs:1:fn four() {}");
    check(
        &content("one|two", &json!({"head_limit": 1, "offset": 1})),
        "c.py:2:two = one\n\n[Showing results with pagination = limit: 1, offset: 1]",
    );
}

#[test]
fn files_and_counts_are_given_too() {
    check(&json!({"pattern": "one", "path": "c.py"}), "Found 1 file\nc.py");
    check(&json!({"pattern": "nothing"}), "No files found");
    check(
        &json!({"pattern": "fn", "output_mode": "count"}),
        ".hidden.rs:1\nsrc/a.rs:2\nsrc/deep/b.rs:1\n\nFound 4 total occurrences across 3 files.",
    );
    check(
        &json!({"pattern": "fn", "output_mode": "count", "head_limit": 1}),
        ".hidden.rs:1\n\nFound 4 total occurrences across 3 files. with pagination = limit: 1",
    );
    let (_temp, place) = sample();
    let found = grep(&json!({"pattern": "fn", "head_limit": 2}), &place, &SearchCancellation::default());
    assert!(found.text.starts_with("Found 2 files limit: 2\n"), "{}", found.text);
    assert_eq!(found.detail["totalFiles"], 3);
}

#[test]
fn what_is_hidden_from_the_model_is_not_found() {
    check(&json!({"pattern": "hush"}), "No files found");
    check(&json!({"pattern": "binary"}), "No files found");
}

#[test]
fn what_cannot_be_searched_says_why() {
    let (_temp, place) = sample();
    for (input, says) in [
        (json!({}), "needs a pattern"),
        (json!({"pattern": "fn ("}), "unclosed group"),
        (json!({"pattern": "a", "type": "nonsense"}), "unrecognized file type"),
        (json!({"pattern": "a", "path": "gone"}), "Path does not exist"),
    ] {
        let outcome = grep(&input, &place, &SearchCancellation::default());
        assert!(outcome.is_error && outcome.text.contains(says), "{input}: {}", outcome.text);
    }
}
