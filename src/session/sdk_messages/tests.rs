use super::*;

/// `uuid parent type more`: an entry of each line.
fn uuids(lines: &[(&str, &str, &str, &str)]) -> Vec<String> {
    let lines: Vec<_> = lines
        .iter()
        .map(|(uuid, parent, kind, more)| {
            let parent = if parent.is_empty() { "null".to_owned() } else { format!("\"{parent}\"") };
            format!(r#"{{"type":"{kind}","uuid":"{uuid}","parentUuid":{parent}{more}}}"#)
        })
        .collect();
    session_messages(lines.join("\n").as_bytes())
        .into_iter()
        .map(|message| message.uuid.into_owned())
        .collect()
}

#[test]
fn the_last_message_that_nothing_hangs_on_is_the_end() {
    let said = [("a", "", "user", ""), ("b", "a", "assistant", ""), ("c", "a", "assistant", "")];
    assert_eq!(uuids(&said), ["a", "c"]);
    let aside = [("a", "", "user", ""), ("s", "a", "user", r#","isSidechain":true"#)];
    assert_eq!(uuids(&aside), ["a"]);
}

#[test]
fn meta_entries_and_what_is_no_message_are_walked_through_and_left_out() {
    let said = [
        ("a", "", "user", ""),
        ("m", "a", "user", r#","isMeta":true"#),
        ("t", "m", "attachment", ""),
        ("b", "t", "assistant", r#","teamName":"""#),
    ];
    assert_eq!(uuids(&said), ["a", "b"]);
}

#[test]
fn parallel_calls_and_their_results_stay_in_one_piece() {
    let call = |id: &str| format!(r#","message":{{"id":"m","content":[{{"type":"tool_use","id":"{id}"}}]}}"#);
    let result =
        |id: &str| format!(r#","message":{{"content":[{{"type":"tool_result","tool_use_id":"{id}"}}]}}"#);
    let (one, two) = (call("1"), call("2"));
    let (first, second) = (result("1"), result("2"));
    let said = [
        ("a", "", "user", ""),
        ("x", "a", "assistant", one.as_str()),
        ("y", "x", "assistant", two.as_str()),
        ("r1", "x", "user", first.as_str()),
        ("r2", "y", "user", second.as_str()),
        ("z", "r1", "assistant", ""),
    ];
    assert_eq!(uuids(&said), ["a", "x", "y", "r2", "r1", "z"]);
}

#[test]
fn a_message_is_told_to_the_byte() {
    let line = br#"{"type":"user","uuid":"a","sessionId":"s","message":{"content":"x", "n": 1.50}}"#;
    let told = serde_json::to_string(&session_messages(line)).unwrap();
    let expected = r#"[{"type":"user","uuid":"a","session_id":"s","message":{"content":"x", "n": 1.50},"parent_tool_use_id":null,"parent_agent_id":null}]"#;
    assert_eq!(told, expected);
}
