use super::*;

fn facts(lines: &[&str]) -> SessionSummary {
    SessionSummary::from_transcript(&Transcript::read(&crate::transcript::TranscriptText::read(
        lines.join("\n").as_bytes(),
    )))
}

#[test]
fn titles_have_an_order_of_authority() {
    let prompt = r#"{"type":"user","uuid":"a","message":{"content":"first\n prompt"}}"#;
    let last = r#"{"type":"last-prompt","lastPrompt":"last prompt"}"#;
    let ai = r#"{"type":"ai-title","aiTitle":"by a model"}"#;
    let custom = r#"{"type":"custom-title","customTitle":"by me"}"#;
    assert_eq!(facts(&[prompt]).title_text(), "first prompt");
    assert_eq!(facts(&[prompt, last]).title_text(), "last prompt");
    assert_eq!(facts(&[prompt, last, ai]).title_text(), "by a model");
    assert_eq!(facts(&[custom, prompt, last, ai]).title_text(), "by me");
    assert_eq!(facts(&[]).title_text(), "(empty)");
}

#[test]
fn the_blocks_of_one_message_count_once() {
    let block = r#"{"type":"assistant","uuid":"a","message":{"id":"m","model":"x","usage":{"input_tokens":5,"output_tokens":2}}}"#;
    let next = block.replace(r#""uuid":"a""#, r#""uuid":"b","parentUuid":"a""#);
    let facts = facts(&[block, &next]);
    assert_eq!((facts.messages, facts.usage.total()), (2, 7));
    assert_eq!(facts.model.as_deref(), Some("x"));
}

/// A reply of a model, with its usage, behind the one of the minute before.
fn reply(minute: u8, model: &str, usage: &str) -> String {
    let before = minute.wrapping_sub(1);
    format!(
        r#"{{"type":"assistant","uuid":"r{minute}","parentUuid":"r{before}","timestamp":"2026-11-20T12:{minute:02}:00Z","message":{{"id":"m{minute}","model":"{model}","usage":{{{usage}}}}}}}"#
    )
}

#[test]
fn tokens_are_known_by_model() {
    let facts = facts(&[
        &reply(1, "a", r#""input_tokens":5"#),
        &reply(2, "b", r#""input_tokens":2,"output_tokens":1"#),
        &reply(3, "a", r#""input_tokens":1"#),
        &reply(4, "<synthetic>", r#""input_tokens":0"#),
    ]);
    let used: Vec<_> = facts.used.iter().map(|(model, usage)| (model, usage.total())).collect();
    assert_eq!((used, facts.model.as_deref()), (vec![("a", 6), ("b", 3)], Some("a")));
    assert_eq!(facts.last_request.unwrap().usage.total(), 1);
}

#[test]
fn the_last_request_says_how_long_its_cache_lives() {
    let hour = r#""cache_creation_input_tokens":9,"cache_creation":{"ephemeral_1h_input_tokens":9}"#;
    let mixed = r#""cache_creation_input_tokens":9,"cache_creation":{"ephemeral_1h_input_tokens":4}"#;
    let (usual, read) = (r#""cache_creation_input_tokens":9"#, r#""cache_read_input_tokens":9"#);
    for (usages, minutes) in [
        (vec![hour], Some(60)),
        (vec![usual], Some(5)),
        (vec![mixed], Some(5)),
        (vec![hour, read], Some(60)),
        (vec![read], Some(5)),
        (vec![hour, r#""input_tokens":9"#], None),
    ] {
        let lines: Vec<_> =
            usages.iter().enumerate().map(|(at, usage)| reply(at as u8, "a", usage)).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let request = facts(&lines).last_request.unwrap();
        let life = request.cached_until().map(|until| (until - request.at).num_minutes());
        assert_eq!(life, minutes, "{usages:?}");
    }
}

#[test]
fn a_compaction_leaves_nothing_to_read_again() {
    let compaction = r#"{"type":"system","subtype":"compact_boundary","uuid":"c"}"#;
    let said = reply(1, "a", r#""input_tokens":5"#);
    assert_eq!(facts(&[&said, compaction]).last_request, None);
    assert!(facts(&[compaction, &said]).last_request.is_some());
}

#[test]
fn a_session_that_was_only_cleared_holds_nothing() {
    let clear = r#"{"type":"user","uuid":"a","message":{"content":"<command-name>/clear</command-name>"}}"#;
    assert!(facts(&[clear]).is_empty());
    assert!(!facts(&[r#"{"type":"user","uuid":"a","message":{"content":"hello"}}"#]).is_empty());
    assert!(!facts(&[&reply(1, "a", "")]).is_empty());
}

#[test]
fn a_fork_knows_the_turns_it_came_along_with() {
    let own = |id: u8| {
        format!(r#"{{"type":"user","uuid":"{id}","parentUuid":"{}","message":{{"content":"hi"}}}}"#, id - 1)
    };
    let copied = |id| {
        own(id).replace('}', "").replace(
            r#"{"content":"hi""#,
            r#"{"content":"hi"},"forkedFrom":{"sessionId":"s","messageUuid":"m"}}"#,
        )
    };
    let facts = facts(&[&copied(1), &copied(2), &own(3)]);
    assert_eq!((facts.turns, facts.forked_turns), (3, 2));
}

#[test]
fn an_empty_tag_takes_the_tag_away() {
    let tag = |tag| format!(r#"{{"type":"tag","tag":"{tag}"}}"#);
    assert_eq!(facts(&[&tag("keep")]).tag.as_deref(), Some("keep"));
    assert_eq!(facts(&[&tag("keep"), &tag("")]).tag, None);
}

#[test]
fn forks_are_numbered_from_two() {
    assert_eq!(fork_title("Plan", []), "Plan ⑂2");
    assert_eq!(fork_title("Plan ⑂2", []), "Plan ⑂3");
    assert_eq!(fork_title("Plan", ["Plan ⑂2", "Plan ⑂7", "Other ⑂9"]), "Plan ⑂8");
}
