use serde_json::Value;

use super::*;

const SOURCE: &str = "11111111-1111-4111-8111-111111111111";

fn order<'a>(at: Option<&'a str>, title: Option<&'a str>) -> ForkOptions<'a> {
    let now = DateTime::UNIX_EPOCH;
    ForkOptions { at, title, ..ForkOptions::new(SOURCE.parse().unwrap(), SessionId::random(), now) }
}

fn copied(lines: &[&str], order: &ForkOptions<'_>) -> Result<Vec<Value>, ForkError> {
    let text = lines.join("\n");
    let copied = fork_transcript(text.as_bytes(), order)?;
    Ok(copied.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The copied entries by their old uuids, each with the old uuid of its parent.
fn shape(copy: &[Value]) -> String {
    let origin = |entry: &Value| entry["forkedFrom"]["messageUuid"].as_str().map(str::to_owned);
    let by_uuid: HashMap<_, _> = copy.iter().map(|entry| (entry["uuid"].as_str(), origin(entry))).collect();
    let mut words = Vec::new();
    for entry in copy.iter().filter(|entry| entry.get("forkedFrom").is_some()) {
        let parent = entry["parentUuid"].as_str().map(|uuid| by_uuid[&Some(uuid)].clone().unwrap());
        words.push(format!("{}<{}", origin(entry).unwrap(), parent.unwrap_or_default()));
    }
    words.join(" ")
}

fn check(lines: &[&str], at: Option<&str>, expected: &str) {
    assert_eq!(shape(&copied(lines, &order(at, None)).unwrap()), expected);
}

const PROMPT: &str = r#"{"type":"user","uuid":"p","parentUuid":null,"sessionId":"11111111-1111-4111-8111-111111111111","timestamp":"2026-01-01T00:00:00Z","message":{"content":"go"}}"#;
const CALL_1: &str = r#"{"type":"assistant","uuid":"c1","parentUuid":"p","message":{"id":"m","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}}]}}"#;
const CALL_2: &str = r#"{"type":"assistant","uuid":"c2","parentUuid":"c1","message":{"id":"m","content":[{"type":"tool_use","id":"t2","name":"Bash","input":{}}]}}"#;
const RESULT_1: &str = r#"{"type":"user","uuid":"r1","parentUuid":"c1","sourceToolAssistantUUID":"c1","message":{"content":[{"type":"tool_result","tool_use_id":"t1"}]}}"#;
const RESULT_2: &str = r#"{"type":"user","uuid":"r2","parentUuid":"c2","sourceToolAssistantUUID":"gone","message":{"content":[{"type":"tool_result","tool_use_id":"t2"}]}}"#;
const DONE: &str = r#"{"type":"assistant","uuid":"d","parentUuid":"r1","message":{"id":"n","content":[{"type":"text","text":"done"}]}}"#;

#[test]
fn only_the_main_chain_goes_along() {
    let lines = [
        PROMPT,
        r#"{"type":"assistant","uuid":"a","parentUuid":"p","message":{"content":[]}}"#,
        r#"{"type":"user","uuid":"left","parentUuid":"a","message":{"content":"no"}}"#,
        r#"{"type":"user","uuid":"side","parentUuid":"a","isSidechain":true,"message":{"content":"no"}}"#,
        r#"{"type":"progress","uuid":"g","parentUuid":"a"}"#,
        r#"{"type":"system","uuid":"s","parentUuid":"g"}"#,
        r#"{"type":"new-thing","uuid":"n","parentUuid":"s"}"#,
        "{\"type\":\"us",
    ];
    check(&lines, None, "p< a<p s<a");
}

#[test]
fn a_compaction_goes_along_with_what_came_before_it() {
    let lines = [
        PROMPT,
        r#"{"type":"system","subtype":"compact_boundary","uuid":"k","parentUuid":null,"logicalParentUuid":"p"}"#,
        r#"{"type":"user","uuid":"s","parentUuid":"k","isCompactSummary":true,"message":{"content":"short"}}"#,
    ];
    let copy = copied(&lines, &order(None, None)).unwrap();
    assert_eq!(shape(&copy), "p< k< s<k");
    assert_eq!(copy[1]["logicalParentUuid"], copy[0]["uuid"]);
}

#[test]
fn a_copy_goes_on_where_an_entry_is_missing_and_a_repaired_one_takes_in_broken_lines() {
    let later = r#"{"type":"user","uuid":"l","parentUuid":"torn","message":{"content":"more"}}"#;
    let lines = [PROMPT, "{\"type\":\"assi", r#"{"type":"progress","uuid":"g","parentUuid":"p"}"#, later];
    check(&lines, None, "p< l<p");
    let repair = ForkOptions { repair: true, ..order(None, None) };
    let copy = copied(&lines, &repair).unwrap();
    assert_eq!(shape(&copy), "p< l<p");
    assert_eq!(copy.last().unwrap()["customTitle"], "go (repaired)");
    let text = lines.join("\n");
    assert_eq!(super::fork_transcript(text.as_bytes(), &repair).unwrap().gaps, 1);
    let glued = format!("{{\"type\":\"us{CALL_1}");
    assert_eq!(shape(&copied(&[PROMPT, &glued, RESULT_1], &repair).unwrap()), "p< c1<p r1<c1");
    let whole = copied(&[PROMPT, CALL_1, RESULT_1], &repair).unwrap();
    assert_eq!((shape(&whole).as_str(), &whole[3]["customTitle"]), ("p< c1<p r1<c1", &json!("go ⑂2")));
}

#[test]
fn every_entry_has_a_new_name_and_remembers_its_old_one() {
    let odd = r#"{"type":"user","uuid":"p","parentUuid":"gone","sessionId":"x","slug":"s","teamName":"t","novel":{"a" : 1.50},"message":{"content":"hi"}}"#;
    let order = order(None, None);
    let text = fork_transcript(odd.as_bytes(), &order).unwrap().lines.swap_remove(0);
    assert!(text.contains(r#""novel":{"a" : 1.50}"#), "{text}");
    let entry: Value = serde_json::from_str(&text).unwrap();
    assert_ne!(entry["uuid"], "p");
    assert_eq!(entry["parentUuid"], Value::Null);
    assert_eq!(entry["sessionId"], order.id.to_string());
    assert_eq!(entry["forkedFrom"], json!({"sessionId": SOURCE, "messageUuid": "p"}));
    assert_eq!(entry["timestamp"], "1970-01-01T00:00:00.000Z");
    assert!(entry.get("slug").is_none() && entry.get("teamName").is_none());
}

#[test]
fn a_copy_ends_where_it_was_told_to() {
    let lines = [PROMPT, CALL_1, RESULT_1, DONE];
    check(&lines, Some("p"), "p<");
    check(&lines, Some("r1"), "p< c1<p r1<c1");
    check(&lines, None, "p< c1<p r1<c1 d<r1");
    for nowhere in ["gone", ""] {
        assert_eq!(copied(&lines, &order(Some(nowhere), None)), Err(ForkError::NoSuchMessage));
    }
}

#[test]
fn no_call_is_left_open() {
    let parallel = [PROMPT, CALL_1, CALL_2, RESULT_1, RESULT_2, DONE];
    let whole = "p< c1<p c2<c1 r1<c1 r2<c2";
    check(&parallel, Some("c1"), whole);
    check(&parallel, Some("c2"), whole);
    check(&[PROMPT, CALL_1], None, "p<");
    check(&[PROMPT, CALL_1, CALL_2, RESULT_1], None, "p< c1<p r1<c1");
    let nameless = CALL_1.replace(r#""id":"m","#, "");
    check(&[PROMPT, &nameless, RESULT_1], Some("c1"), "p< c1<p r1<c1");
}

#[test]
fn a_result_names_the_copied_call_or_none() {
    let copy = copied(&[PROMPT, CALL_1, CALL_2, RESULT_1, RESULT_2], &order(None, None)).unwrap();
    let by_origin = |old: &str| copy.iter().find(|entry| entry["forkedFrom"]["messageUuid"] == old).unwrap();
    assert_eq!(by_origin("r1")["sourceToolAssistantUUID"], by_origin("c1")["uuid"]);
    assert!(by_origin("r2").get("sourceToolAssistantUUID").is_none());
}

#[test]
fn the_title_counts_up_unless_one_is_given() {
    let named = r#"{"type":"custom-title","customTitle":"Plan"}"#;
    let title = |lines: &[&str], given| {
        let copy = copied(lines, &order(None, given)).unwrap();
        let last = copy.last().unwrap().clone();
        assert_eq!(last["type"], "custom-title");
        last["customTitle"].as_str().unwrap().to_owned()
    };
    assert_eq!(title(&[PROMPT, named], None), "Plan ⑂2");
    assert_eq!(title(&[PROMPT], Some(" ")), "go ⑂2");
    assert_eq!(title(&[PROMPT, named], Some(" Mine ")), "Mine");
}

#[test]
fn what_stands_in_for_long_results_goes_along_in_one_record() {
    let record = |session: &str, n: u8| {
        format!(r#"{{"type":"content-replacement","sessionId":"{session}","replacements":[{{"n":{n}}}]}}"#)
    };
    let (one, two, foreign) = (record(SOURCE, 1), record(SOURCE, 2), record("other", 3));
    let order = order(None, None);
    let copy = copied(&[PROMPT, &one, &foreign, &two], &order).unwrap();
    assert_eq!(copy[1]["replacements"], json!([{"n": 1}, {"n": 2}]));
    assert_eq!(copy[1]["sessionId"], order.id.to_string());
    assert_eq!(copy.len(), 3);
}

#[test]
fn nothing_said_is_nothing_to_copy() {
    for lines in [&[][..], &[r#"{"type":"custom-title","customTitle":"x"}"#]] {
        assert_eq!(copied(lines, &order(None, None)), Err(ForkError::Empty));
    }
    assert_eq!(copied(&[CALL_1], &order(None, None)), Err(ForkError::Empty));
}

#[test]
fn what_a_compaction_kept_is_kept_in_the_copy_under_its_new_names() {
    let kept = r#"{"preservedSegment":{"headUuid":"p","anchorUuid":"s","tailUuid":"a"},"preservedMessages":{"anchorUuid":"s","uuids":["p","a"],"allUuids":["p","a"]}}"#;
    let boundary = format!(
        r#"{{"type":"system","subtype":"compact_boundary","uuid":"k","parentUuid":null,"logicalParentUuid":"a","compactMetadata":{kept}}}"#
    );
    let lines = [
        PROMPT,
        r#"{"type":"assistant","uuid":"a","parentUuid":"p","message":{"content":[]}}"#,
        &boundary,
        r#"{"type":"user","uuid":"s","parentUuid":"k","isCompactSummary":true,"message":{"content":"short"}}"#,
        r#"{"type":"user","uuid":"n","parentUuid":"a","message":{"content":"next"}}"#,
    ];
    let copy = copied(&lines, &order(None, None)).unwrap();
    assert_eq!(shape(&copy), "p< a<p k< s<k n<a");
    let [p, a, k, s] = [0, 1, 2, 3].map(|at: usize| &copy[at]);
    let metadata = &k["compactMetadata"];
    assert_eq!(
        metadata["preservedSegment"],
        json!({"headUuid": p["uuid"], "anchorUuid": s["uuid"], "tailUuid": a["uuid"]})
    );
    assert_eq!(metadata["preservedMessages"]["allUuids"], json!([p["uuid"], a["uuid"]]));
}
