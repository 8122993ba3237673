use serde_json::json;

use super::*;

fn context(lines: &[&str]) -> ModelContext {
    let text = lines.join("\n") + "\n";
    let clean = crate::transcript::TranscriptText::read(text.as_bytes());
    let transcript = Transcript::read(&clean);
    ModelContext::from_transcript(&transcript, transcript.leaf())
}

/// Each message in a shorthand: who, and the kinds (and ids) of its blocks.
fn shape(context: &ModelContext) -> Vec<String> {
    let block = |block: &ContextBlock| {
        let value: Value = serde_json::from_str(block.json()).unwrap();
        let id = value["id"].as_str().or(value["tool_use_id"].as_str()).unwrap_or_default();
        format!("{}{}", value["type"].as_str().unwrap(), id)
    };
    let message = |message: &Arc<ContextMessage>| {
        let who = match message.role {
            MessageRole::User if message.is_prompt => "prompt",
            MessageRole::User => "user",
            MessageRole::Assistant => "reply",
        };
        let blocks: Vec<_> = message.blocks.iter().map(block).collect();
        format!("{who}: {}", blocks.join(" "))
    };
    context.messages().iter().map(message).collect()
}

const PROMPT: &str = r#"{"type":"user","uuid":"p","parentUuid":null,"message":{"content":"go"}}"#;

fn reply(uuid: &str, parent: &str, id: &str, block: &str) -> String {
    format!(
        r#"{{"type":"assistant","uuid":"{uuid}","parentUuid":"{parent}","message":{{"id":"{id}","content":[{block}]}}}}"#
    )
}

fn call(id: &str) -> String {
    format!(r#"{{"type":"tool_use","id":"{id}","name":"Bash","input":{{}}}}"#)
}

fn result(uuid: &str, parent: &str, call: &str) -> String {
    format!(
        r#"{{"type":"user","uuid":"{uuid}","parentUuid":"{parent}","message":{{"content":[{{"type":"tool_result","tool_use_id":"{call}","content":"x"}}]}}}}"#
    )
}

#[test]
fn the_blocks_of_one_reply_are_one_message_and_thinking_stays_as_it_was() {
    let thinking = r#"{"type":"thinking","thinking":"hm","signature":"s\/g"}"#;
    let context = context(&[
        PROMPT,
        &reply("a", "p", "m", thinking),
        &reply("b", "a", "m", r#"{"type":"text","text":"x"}"#),
    ]);
    assert_eq!(shape(&context), ["prompt: text", "reply: thinking text"]);
    assert_eq!(context.messages()[1].blocks[0].json(), thinking);
}

#[test]
fn parallel_results_stand_in_one_message() {
    let context = context(&[
        PROMPT,
        &reply("a", "p", "m", &call("1")),
        &reply("b", "a", "m", &call("2")),
        &result("r1", "a", "1"),
        &result("r2", "b", "2"),
    ]);
    let [prompt, reply, results, _] = &shape(&context)[..] else { panic!("{context:?}") };
    assert_eq!((prompt.as_str(), reply.as_str()), ("prompt: text", "reply: tool_use1 tool_use2"));
    assert!(results.contains("tool_result1") && results.contains("tool_result2"), "{results}");
}

#[test]
fn an_open_call_is_closed_at_the_end_and_a_lost_result_leaves_a_mark() {
    let at_the_end = context(&[PROMPT, &reply("a", "p", "m", &call("1"))]);
    let expected = ["prompt: text", "reply: tool_use1", "user: tool_result1", "reply: text"];
    assert_eq!(shape(&at_the_end), expected);

    let next = r#"{"type":"user","uuid":"q","parentUuid":"a","message":{"content":"next"}}"#;
    let done = reply("d", "q", "n", r#"{"type":"text","text":"x"}"#);
    let given_up = context(&[PROMPT, &reply("a", "p", "m", &call("1")), next, &done]);
    assert_eq!(shape(&given_up), ["prompt: text", "prompt: text", "reply: text"]);

    let lost = context(&[PROMPT, &result("r", "p", "gone"), &reply("a", "r", "m", &call("1"))]);
    assert_eq!(shape(&lost)[..2], ["prompt: text", "reply: tool_use1"]);
}

#[test]
fn a_compaction_is_a_beginning() {
    let context = context(&[
        PROMPT,
        r#"{"type":"system","subtype":"compact_boundary","uuid":"k","parentUuid":null,"logicalParentUuid":"p"}"#,
        r#"{"type":"user","uuid":"s","parentUuid":"k","isCompactSummary":true,"message":{"content":"so far"}}"#,
    ]);
    assert_eq!(shape(&context), ["user: text", "reply: text"]);
    assert_eq!(context.prompts(), 0);
}

#[test]
fn files_given_with_a_prompt_are_part_of_it() {
    let file = r#"{"type":"attachment","uuid":"f","parentUuid":"p","attachment":{"type":"file"},"renderedRole":"user","rendered":[{"content":"alpha"}]}"#;
    let about_itself = r#"{"type":"attachment","uuid":"g","parentUuid":"f","renderedRole":"system","rendered":[{"content":"you are"}]}"#;
    let given = context(&[PROMPT, file, about_itself]);
    assert_eq!(shape(&given), ["user: text", "prompt: text", "reply: text"]);
}

#[test]
fn what_no_model_wrote_and_what_is_unknown_is_passed_over() {
    let error = r#"{"type":"assistant","uuid":"e","parentUuid":"p","message":{"id":"x","model":"<synthetic>","content":[{"type":"text","text":"API Error"}]}}"#;
    let odd = r#"{"type":"assistant","uuid":"o","parentUuid":"e","message":7}"#;
    let novel = r#"{"type":"novel","uuid":"n","parentUuid":"o"}"#;
    let next = r#"{"type":"user","uuid":"q","parentUuid":"o","message":{"content":"next"}}"#;
    let shown = shape(&context(&[PROMPT, error, odd, novel, next]));
    assert_eq!(shown, ["prompt: text", "prompt: text", "reply: text"]);
}

#[test]
fn a_live_turn_grows_the_context_as_its_transcript_would() {
    let mut context = ModelContext::default();
    context.push_prompt(&json!("go"));
    context.push_reply("m", "model", &json!({"type": "text", "text": "I run it."}));
    context.push_reply("m", "model", &json!({"type": "tool_use", "id": "1", "name": "Bash", "input": {}}));
    context.push_user_block(&json!({"type": "tool_result", "tool_use_id": "1", "content": "x"}));
    assert_eq!(shape(&context), ["prompt: text", "reply: text tool_use1", "user: tool_result1"]);
    assert_eq!((context.prompts(), context.estimated_tokens() > 20), (1, true));
}
