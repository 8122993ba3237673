use super::*;
use crate::session::transcript::ParsedLine;

fn listed(lines: &[&str]) -> SdkSessionInfo {
    let mut listing = SdkSessionInfoBuilder::default();
    for line in lines {
        match ParsedLine::parse(line) {
            ParsedLine::Entry(line) => listing.push_entry(&line),
            _ => listing.push_malformed(line),
        }
    }
    listing.build()
}

fn user(text: &str) -> String {
    serde_json::json!({"type": "user", "message": {"content": text}}).to_string()
}

#[test]
fn a_summary_is_the_name_of_highest_authority() {
    let (prompt, ai, custom) =
        (user("do\nit"), r#"{"aiTitle":"ai"}"#, r#"{"type":"x","customTitle":"mine"}"#);
    let last = r#"{"type":"last-prompt","lastPrompt":"last"}"#;
    let summary = |lines: &[&str]| listed(lines).summary;
    assert_eq!(summary(&[&prompt]).as_deref(), Some("do it"));
    assert_eq!(summary(&[&prompt, last]).as_deref(), Some("last"));
    assert_eq!(summary(&[&prompt, ai, last]).as_deref(), Some("ai"));
    assert_eq!(summary(&[custom, &prompt, ai, last]).as_deref(), Some("mine"));
    let taken_away = r#"{"type":"custom-title","customTitle":""}"#;
    assert_eq!(summary(&[custom, &prompt, ai, taken_away]).as_deref(), Some("ai"));
}

#[test]
fn the_first_prompt_is_what_the_official_functions_take_for_one() {
    let first = |texts: &[&str]| {
        let lines: Vec<_> = texts.iter().map(|text| user(text)).collect();
        listed(&lines.iter().map(String::as_str).collect::<Vec<_>>()).first_prompt
    };
    let check = |texts: &[&str], prompt: &str| assert_eq!(first(texts).as_deref(), Some(prompt), "{texts:?}");
    check(&["<command-name>/clear</command-name>"], "/clear");
    check(&["<command-name>/clear</command-name>", "hi"], "hi");
    check(&["[Request interrupted by user]", "hi"], "hi");
    check(&["<ide_opened_file>x</ide_opened_file>", "<goal>", "hi"], "hi");
    check(&["<ide_opened_file>x</ide_opened_file> hi"], "<ide_opened_file>x</ide_opened_file> hi");
    check(&["<system-reminder>x"], "<system-reminder>x");
    check(&[&"x".repeat(201)], &format!("{}…", "x".repeat(200)));
}

#[test]
fn a_torn_line_still_tells() {
    let torn = r#"{"type":"user","timestamp":"2026-11-20T00:00:00.123Z","cwd":"/w","gitBranch":"b","mess"#;
    let listed = listed(&[torn]);
    assert_eq!((listed.git_branch.as_deref(), listed.cwd.as_deref()), (Some("b"), Some("/w")));
    assert_eq!(listed.created_at, Some(1_795_132_800_123));
}

#[test]
fn the_first_time_may_lie_deep_and_the_last_tag_counts() {
    let snapshot = r#"{"type":"file-history-snapshot","snapshot":{"timestamp":"2026-11-20T00:00:00Z"}}"#;
    let tag = |tag: &str| format!(r#"{{"type":"tag","tag":"{tag}"}}"#);
    assert_eq!(listed(&[snapshot]).created_at, Some(1_795_132_800_000));
    assert_eq!(listed(&[&tag("a"), &tag("b")]).tag.as_deref(), Some("b"));
    assert_eq!(listed(&[&tag("a"), &tag("")]).tag, None);
    assert_eq!(listed(&[&tag("a"), r#"{"type":"tag","tag":"torn"#]).tag, None);
}
