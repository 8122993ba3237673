use super::*;

/// Lines in a shorthand: `uuid<parent`, one a line, `~` for a side chain.
fn file(shorthand: &str) -> String {
    shorthand
        .split_whitespace()
        .map(|word| {
            let side = word.starts_with('~');
            let (uuid, parent) = word.trim_start_matches('~').split_once('<').unwrap();
            let parent = if parent.is_empty() { "null".into() } else { format!("\"{parent}\"") };
            format!(r#"{{"type":"user","uuid":"{uuid}","parentUuid":{parent},"isSidechain":{side}}}"#) + "\n"
        })
        .collect()
}

fn path(bytes: &str) -> String {
    let transcript = Transcript::parse(bytes.as_bytes());
    let path = transcript.path(transcript.leaf(), PathScope::Model);
    path.iter().map(|&at| transcript.entries[at].uuid().unwrap().into_owned()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_last_entry_is_the_leaf() {
    assert_eq!(path(&file("a< b<a c<b")), "a b c");
}

#[test]
fn a_side_chain_is_never_the_leaf() {
    assert_eq!(path(&file("a< b<a ~x<b ~y<x")), "a b");
}

#[test]
fn a_last_prompt_moves_the_leaf_back() {
    let rewound = file("a< b<a c<b") + r#"{"type":"last-prompt","leafUuid":"b"}"# + "\n";
    assert_eq!(path(&rewound), "a b");
}

#[test]
fn entries_after_a_last_prompt_are_newer_than_it() {
    let text = file("a< b<a") + "{\"type\":\"last-prompt\",\"leafUuid\":\"a\"}\n" + &file("c<a");
    assert_eq!(path(&text), "a c");
}

#[test]
fn a_last_prompt_that_resolves_to_nothing_is_passed_over() {
    let text = file("a< b<a") + "{\"type\":\"last-prompt\",\"leafUuid\":\"zz\"}\n";
    assert_eq!(path(&text), "a b");
}

#[test]
fn a_missing_parent_ends_the_walk() {
    assert_eq!(path(&file("b<gone c<b")), "b c");
}

#[test]
fn a_repaired_path_goes_on_before_a_missing_parent() {
    let check = |shorthand: &str, expected: &[usize], cuts: &[(usize, usize)]| {
        let text = file(shorthand);
        let transcript = Transcript::parse(text.as_bytes());
        assert_eq!(transcript.path(transcript.leaf(), PathScope::Repair), expected, "{shorthand}");
        assert_eq!(transcript.gaps(transcript.leaf()), cuts, "{shorthand}");
    };
    check("a< b<a c<gone d<c", &[0, 1, 2, 3], &[(2, 1)]);
    check("a< b<gone ~x<b c<gone", &[0, 1, 3], &[(3, 1), (1, 0)]);
    check("b<gone c<b", &[0, 1], &[]);
    check("a< b<", &[1], &[]);
    check("a<c b<gone c<b", &[0, 1, 2], &[(1, 0)]);
}

#[test]
fn a_circle_ends_the_walk() {
    assert_eq!(path(&file("a<b b<a")), "a b");
}

#[test]
fn a_person_sees_past_a_compaction_and_the_model_does_not() {
    let text = file("a<")
        + "{\"type\":\"system\",\"subtype\":\"compact_boundary\",\"uuid\":\"k\",\"parentUuid\":null,\"logicalParentUuid\":\"a\"}\n"
        + &file("c<k");
    let transcript = Transcript::parse(text.as_bytes());
    assert_eq!(transcript.path(transcript.leaf(), PathScope::Model), [1, 2]);
    assert_eq!(transcript.path(transcript.leaf(), PathScope::Display), [0, 1, 2]);
}

#[test]
fn parallel_calls_and_their_results_are_put_back() {
    let text = [
        r#"{"type":"user","uuid":"p","parentUuid":null,"message":{"content":"go"}}"#,
        r#"{"type":"assistant","uuid":"c1","parentUuid":"p","message":{"id":"m","content":[{"type":"tool_use","id":"t1"}]}}"#,
        r#"{"type":"assistant","uuid":"c2","parentUuid":"c1","message":{"id":"m","content":[{"type":"tool_use","id":"t2"}]}}"#,
        r#"{"type":"user","uuid":"r1","parentUuid":"c1","message":{"content":[{"type":"tool_result","tool_use_id":"t1"}]}}"#,
        r#"{"type":"user","uuid":"r2","parentUuid":"c2","message":{"content":[{"type":"tool_result","tool_use_id":"t2"}]}}"#,
        r#"{"type":"assistant","uuid":"d","parentUuid":"r1","message":{"id":"n","content":[]}}"#,
    ]
    .join("\n");
    assert_eq!(path(&text), "p c1 c2 r2 r1 d");
}

#[test]
fn torn_and_foreign_lines_are_counted_and_passed_over() {
    let mut bytes = b"{\"type\":\"user\",\"uuid\":\"a\"}\n{\"type\":\"us\n{\"x\":1}\n\xff\xfe\n\n".to_vec();
    bytes.extend(b"{\"type\":\"new-thing\"}\n{\"type\":\"assi");
    let transcript = Transcript::parse(&bytes);
    assert_eq!(transcript.health, TranscriptHealth { torn: 3, foreign: 1, open_end: true });
    assert_eq!(transcript.entries.len(), 2);
}
