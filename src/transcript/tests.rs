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
    let clean = crate::transcript::TranscriptText::read(bytes.as_bytes());
    let transcript = Transcript::read(&clean);
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
    assert_eq!(path(&rewound), "a b c", "what follows on it is newer");
    let rewound = file("a< b<a c<b d<a") + "{\"type\":\"last-prompt\",\"leafUuid\":\"b\"}\n";
    assert_eq!(path(&rewound), "a b", "a branch that does not");
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
fn a_missing_parent_is_bridged_to_the_message_before_it() {
    let check = |shorthand: &str, expected: &[usize], gaps: &[(usize, usize)]| {
        let text = file(shorthand);
        let clean = crate::transcript::TranscriptText::read(text.as_bytes());
        let transcript = Transcript::read(&clean);
        let conversation = transcript.conversation(transcript.leaf(), PathScope::Model);
        let found: Vec<_> = conversation.gaps.iter().map(|gap| (gap.child, gap.parent)).collect();
        assert_eq!((&conversation.entries[..], &found[..]), (expected, gaps), "{shorthand}");
    };
    check("a< b<a c<gone d<c", &[0, 1, 2, 3], &[(2, 1)]);
    check("a< b<gone ~x<b c<gone", &[0, 1, 3], &[(3, 1), (1, 0)]);
    check("b<gone c<b", &[0, 1], &[]);
    check("a< b<b c<b", &[0, 1, 2], &[(1, 0)]);
    // Nothing was lost before a root.
    check("a< b<", &[1], &[]);
    // What hangs on an entry did not come before it.
    check("a<c b<gone c<b", &[1, 2, 0], &[]);
}

#[test]
fn a_gap_in_a_part_of_a_file_is_not_bridged() {
    let text = file("a< b<a c<gone");
    let part = TranscriptText::read(text.as_bytes());
    let transcript = Transcript::read_part(&part);
    assert_eq!(transcript.path(transcript.leaf(), PathScope::Display), [2]);
}

/// Entries with times: `uuid<parent@second`.
fn timed(shorthand: &str) -> String {
    let line = |word: &str| {
        let (word, second) = word.split_once('@').unwrap();
        let (uuid, parent) = word.split_once('<').unwrap();
        let parent = if parent.is_empty() { "null".into() } else { format!("\"{parent}\"") };
        format!(
            r#"{{"type":"user","uuid":"{uuid}","parentUuid":{parent},"timestamp":"2026-11-20T10:00:{second:0>2}Z"}}"#
        ) + "\n"
    };
    shorthand.split_whitespace().map(line).collect()
}

#[test]
fn of_messages_before_a_gap_the_one_written_last_counts() {
    // The file's order and that of the clock differ.
    assert_eq!(path(&timed("a<@1 b<a@9 c<a@2 d<gone@5")), "a c d");
    assert_eq!(path(&timed("a<@1 c<a@2 d<gone@5 b<a@9 e<d@10")), "a c d e");
    assert_eq!(path(&timed("a<@1 b<a@2 d<gone@50")), "a b d");
}

#[test]
fn an_entry_of_an_unknown_type_links_and_is_no_tip() {
    let text = file("a< b<a")
        + "{\"type\":\"novel\",\"uuid\":\"n\",\"parentUuid\":\"b\"}\n"
        + &file("c<n")
        + "{\"type\":\"novel\",\"uuid\":\"m\",\"parentUuid\":\"c\"}\n";
    assert_eq!(path(&text), "a b n c");
}

#[test]
fn of_two_lines_with_one_uuid_the_later_counts() {
    let text = r#"{"type":"user","uuid":"a","parentUuid":null,"message":{"content":"one"}}
{"type":"user","uuid":"a","parentUuid":null,"message":{"content":"two"}}
{"type":"user","uuid":"b","parentUuid":"a","message":{"content":"three"}}"#;
    let clean = crate::transcript::TranscriptText::read(text.as_bytes());
    let transcript = Transcript::read(&clean);
    assert_eq!(transcript.path(transcript.leaf(), PathScope::Model), [1, 2]);
}

/// A compaction behind `a b c` that kept `kept`, with what follows it.
fn compacted(kept: &str, follows: &str) -> String {
    let boundary = format!(
        r#"{{"type":"system","subtype":"compact_boundary","uuid":"k","parentUuid":null,"logicalParentUuid":"c","compactMetadata":{{{kept}}}}}"#
    );
    file("a< b<a c<b") + &boundary + "\n" + &file("s<k") + &file(follows)
}

const SEGMENT: &str = r#""preservedSegment":{"headUuid":"b","anchorUuid":"s","tailUuid":"c"}"#;
const LIST: &str = r#""preservedMessages":{"anchorUuid":"s","uuids":["b","c"],"allUuids":["b","c"]}"#;

#[test]
fn what_a_compaction_kept_stands_behind_its_summary() {
    for kept in [SEGMENT, LIST] {
        assert_eq!(path(&compacted(kept, "d<s")), "k s b c d", "{kept}");
        assert_eq!(path(&compacted(kept, "d<c")), "k s b c d", "{kept}");
    }
    let gone = SEGMENT.replace("\"b\"", "\"gone\"");
    assert_eq!(path(&compacted(&gone, "d<s")), "k s d");
    let gone = LIST.replacen("\"b\"", "\"gone\"", 1);
    assert_eq!(path(&compacted(&gone, "d<s")), "k s d");
    assert_eq!(path(&compacted("", "d<s")), "k s d");
}

#[test]
fn a_person_sees_what_was_kept_where_it_was_said() {
    for follows in ["d<s", "d<c"] {
        let text = compacted(SEGMENT, follows);
        let clean = crate::transcript::TranscriptText::read(text.as_bytes());
        let transcript = Transcript::read(&clean);
        let path = transcript.path(transcript.leaf(), PathScope::Display);
        assert_eq!(path, [0, 1, 2, 3, 4, 5], "{follows}");
    }
}

#[test]
fn a_compaction_makes_an_older_last_prompt_void() {
    let last = r#"{"type":"last-prompt","leafUuid":"b"}"#.to_owned() + "\n";
    let old = file("a< b<a") + &last + &compacted("", "d<s").replacen(&file("a< b<a c<b"), &file("c<b"), 1);
    assert_eq!(path(&old), "k s d");
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
    let clean = crate::transcript::TranscriptText::read(text.as_bytes());
    let transcript = Transcript::read(&clean);
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
    let clean = crate::transcript::TranscriptText::read(&bytes);
    let transcript = Transcript::read(&clean);
    assert_eq!(transcript.health, TranscriptHealth { torn: 3, foreign: 1, open_end: true });
    assert_eq!(transcript.entries.len(), 2);
}
