use serde_json::json;

use super::*;
use crate::agent::context::ModelContext;
use crate::agent::provider::{Thinking, ToolDefinition};

/// A request after these turns: prompts, each but the last answered by the model itself.
fn request(prompts: &[&str]) -> CompletionRequest {
    let mut context = ModelContext::default();
    for (at, prompt) in prompts.iter().enumerate() {
        if at > 0 {
            context.push_reply(
                &format!("msg_offline_{at}"),
                "offline",
                &json!({"type": "text", "text": "Noted: secret."}),
            );
        }
        context.push_prompt(&json!(prompt));
    }
    CompletionRequest {
        facts: None,
        model: NAME.to_owned(),
        system_prompt: None,
        context,
        is_summary: false,
        thinking: Thinking::Off,
        thinking_display: None,
        effort: None,
        tools: ["Bash", "Read", "Write"].map(offered).to_vec(),
        cwd: "/work".into(),
    }
}

fn offered(name: &str) -> ToolDefinition {
    ToolDefinition { name: name.to_owned(), description: String::new(), input_schema: json!({}) }
}

fn text(prompts: &[&str]) -> String {
    reply::reply_to(&request(prompts)).text
}

#[test]
fn a_question_is_answered_from_the_conversation() {
    let told = text(&["Remember the secret is PINEAPPLE.", "hello", "What is the secret?"]);
    assert!(told.contains("> Remember the secret is PINEAPPLE."), "{told}");
    assert!(!told.contains("hello") && !told.contains("Noted"), "{told}");
    assert!(told.contains("5 messages, 3 prompts of yours"), "{told}");
}

#[test]
fn everything_to_be_remembered_is_quoted_and_what_shares_a_word() {
    let told = text(&[
        "Remember A1.",
        "The parser is slow.",
        "Remember B2.",
        "Is the parser fast?",
        "Why the parser?",
    ]);
    assert!(told.contains("Remember A1.") && told.contains("Remember B2."), "{told}");
    assert!(told.contains("The parser is slow.") && !told.contains("Is the parser fast?"), "{told}");
}

#[test]
fn what_the_conversation_does_not_tell_is_not_told() {
    let told = text(&["What is the secret?"]);
    assert!(told.contains("does not tell me"), "{told}");
    assert!(told.contains("1 message, 1 prompt of yours"), "{told}");
    assert!(told.contains(LABEL), "{told}");
}

#[test]
fn replies_of_another_model_are_quoted_too() {
    let mut asked = request(&["Why grammar?"]);
    let mut context = ModelContext::default();
    context.push_prompt(&json!("hi"));
    context.push_reply(
        "msg_01",
        "offline",
        &json!({"type": "text", "text": "Intro.\n\nThe grammar is LR(1)."}),
    );
    context.push_prompt(&json!("Why that grammar?"));
    asked.context = context;
    let told = reply::reply_to(&asked).text;
    assert!(told.contains("> The grammar is LR(1).") && !told.contains("Intro"), "{told}");
}

#[test]
fn earlier_prompts_are_listed() {
    let told = text(&["one", "two", "List my prompts"]);
    assert!(told.contains("1. one\n2. two"), "{told}");
}

#[test]
fn tools_are_asked_for_by_a_word_and_a_colon() {
    let check = |prompt: &str, expected: &[(&str, Value)]| {
        let calls = reply::reply_to(&request(&[prompt])).calls;
        let calls: Vec<_> = calls.into_iter().map(|call| (call.tool, call.input)).collect();
        assert_eq!(calls.len(), expected.len(), "{prompt}: {calls:?}");
        for ((tool, input), (name, part)) in calls.iter().zip(expected) {
            assert_eq!(tool, name);
            for (key, value) in part.as_object().unwrap() {
                assert_eq!(&input[key], value, "{prompt}");
            }
        }
    };
    check("run: echo a:b", &[("Bash", json!({"command": "echo a:b"}))]);
    check(
        "run: for i in 1 2\ndo echo $i\ndone",
        &[("Bash", json!({"command": "for i in 1 2\ndo echo $i\ndone"}))],
    );
    check("read: a.txt", &[("Read", json!({"file_path": "/work/a.txt"}))]);
    check("Write: /b.txt: hi: you", &[("Write", json!({"file_path": "/b.txt", "content": "hi: you\n"}))]);
    check("run: a\nread: b", &[("Bash", json!({"command": "a"})), ("Read", json!({"file_path": "/work/b"}))]);
    check("call: Read {\"file_path\": \"/c\"}", &[("Read", json!({"file_path": "/c"}))]);
    check("call: Read {broken", &[]);
    check("run:", &[]);
    check("note: run", &[]);
}

#[test]
fn a_result_cannot_break_out_of_its_fence() {
    let mut asked = request(&["run: x"]);
    asked.context.push_reply(
        "msg_offline_1",
        "offline",
        &json!({"type": "tool_use", "id": "1", "name": "Bash", "input": {}}),
    );
    asked.context.push_user_block(&json!({"type": "tool_result", "tool_use_id": "1", "content": "```\nx"}));
    let told = reply::reply_to(&asked).text;
    assert!(told.starts_with("Done. It says:\n\n````\n```\nx\n````"), "{told}");
}

#[tokio::test]
async fn a_reply_comes_word_by_word() {
    let offline = Offline { delay: Duration::ZERO };
    let events: Vec<_> = offline.complete(request(&["hello"])).map(Result::unwrap).collect().await;
    assert!(matches!(events[0], ReplyEvent::MessageStart { .. }));
    assert_eq!(events[1], ReplyEvent::BlockStart(BlockStart::Text));
    let words: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ReplyEvent::TextDelta(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    assert!(words.len() > 10, "{words:?}");
    assert_eq!(words.concat(), text(&["hello"]));
    assert!(matches!(events.last(), Some(ReplyEvent::MessageEnd { usage, .. }) if usage.output_tokens > 10));
}
