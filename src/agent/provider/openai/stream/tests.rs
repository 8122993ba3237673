use serde_json::json;

use super::*;

fn steps(chunks: &[Value]) -> (Vec<ReplyEvent>, Option<ProviderError>) {
    let mut stream = ChatDecoder::new("asked".into());
    let mut steps = Vec::new();
    let lines = chunks.iter().map(|chunk| chunk.as_str().map_or_else(|| chunk.to_string(), str::to_owned));
    for line in lines {
        match stream.decode(&line) {
            Ok(more) => steps.extend(more),
            Err(error) => return (steps, Some(error)),
        }
    }
    match stream.finish_stream() {
        Ok(more) => steps.extend(more),
        Err(error) => return (steps, Some(error)),
    }
    (steps, None)
}

fn delta(delta: &Value) -> Value {
    json!({"id": "chatcmpl-1", "model": "served", "choices": [{"index": 0, "delta": delta}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn calls(parts: &[Value]) -> Vec<(String, String, String)> {
    let mut chunks: Vec<_> = parts.iter().map(|part| delta(&json!({"tool_calls": [part]}))).collect();
    chunks.extend([finish("tool_calls"), json!("[DONE]")]);
    let (steps, error) = steps(&chunks);
    assert_eq!(error, None);
    assert!(
        matches!(steps.last(), Some(ReplyEvent::MessageEnd { stop_reason, .. }) if stop_reason == "tool_use")
    );
    let mut calls = Vec::new();
    for step in steps {
        match step {
            ReplyEvent::BlockStart(BlockStart::ToolUse { id, name }) => calls.push((id, name, String::new())),
            ReplyEvent::InputDelta(input) => calls.last_mut().unwrap().2.push_str(&input),
            _ => {}
        }
    }
    calls
}

#[test]
fn text_reasoning_and_figures_come_apart() {
    let usage =
        json!({"prompt_tokens": 50, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}});
    let (steps, error) = steps(&[
        delta(&json!({"role": "assistant", "content": ""})),
        delta(&json!({"reasoning_content": "hm"})),
        delta(&json!({"content": "Hel"})),
        delta(&json!({"content": "lo", "reasoning": null})),
        finish("stop"),
        json!({"id": "chatcmpl-1", "choices": [], "usage": usage}),
        json!("[DONE]"),
    ]);
    let usage = Usage { input_tokens: 10, cache_read_input_tokens: 40, output_tokens: 7, ..Usage::default() };
    let expected = [
        ReplyEvent::MessageStart { id: "chatcmpl-1".into(), model: "served".into(), usage: Usage::default() },
        ReplyEvent::BlockStart(BlockStart::Thinking),
        ReplyEvent::ThinkingDelta("hm".into()),
        ReplyEvent::BlockEnd,
        ReplyEvent::BlockStart(BlockStart::Text),
        ReplyEvent::TextDelta("Hel".into()),
        ReplyEvent::TextDelta("lo".into()),
        ReplyEvent::BlockEnd,
        ReplyEvent::MessageEnd { stop_reason: "end_turn".into(), usage },
    ];
    assert_eq!((steps.as_slice(), error), (&expected[..], None));
}

#[test]
fn calls_come_whole_however_their_parts_came() {
    let part = |index: Value, id: Value, name: Value, arguments: Value| json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
    let call = |id: &str, name: &str, input: &str| (id.to_owned(), name.to_owned(), input.to_owned());
    let none = || Value::Null;
    // As OpenAI tells them, mixed up.
    let mixed = [
        part(json!(0), json!("a"), json!("Read"), json!("")),
        part(json!(1), json!("b"), json!("Bash"), json!("{\"c\"")),
        part(json!(0), none(), none(), json!("{}")),
        part(json!(1), none(), none(), json!(":1}")),
    ];
    assert_eq!(calls(&mixed), [call("a", "Read", "{}"), call("b", "Bash", "{\"c\":1}")]);
    // Servers that number all calls alike, or none.
    for index in [json!(0), none()] {
        let same = [
            part(index.clone(), json!("a"), json!("Read"), json!("{}")),
            part(index.clone(), json!("b"), json!("Bash"), json!({"c": 1})),
        ];
        assert_eq!(calls(&same), [call("a", "Read", "{}"), call("b", "Bash", "{\"c\":1}")], "{index}");
    }
    // One that gives no ids.
    let nameless = calls(&[part(json!(0), none(), json!("Read"), json!("{}"))]);
    assert!(nameless[0].0.starts_with("call_"), "{nameless:?}");
}

#[test]
fn an_end_that_is_none_says_what_it_is() {
    let error = json!({"error": {"message": "Rate limited", "code": 429}});
    for (chunks, fault) in [
        (vec![], ProviderErrorKind::Malformed),
        (vec![json!("[DONE]")], ProviderErrorKind::Malformed),
        (vec![delta(&json!({"content": "x"}))], ProviderErrorKind::ConnectionLost),
        (vec![delta(&json!({"content": "x"})), error], ProviderErrorKind::RateLimited),
        (vec![json!("{\"id\":")], ProviderErrorKind::Malformed),
    ] {
        assert_eq!(steps(&chunks).1.map(|error| error.kind), Some(fault), "{chunks:?}");
    }
}

#[test]
fn errors_are_told_apart_by_their_codes() {
    let fault =
        |status, error: Value| ChatDecoder::default().classify_error(status, &json!({"error": error}));
    assert_eq!(fault(429, json!({"code": "insufficient_quota"})), ProviderErrorKind::Billing);
    assert_eq!(fault(400, json!({"code": "context_length_exceeded"})), ProviderErrorKind::ContextTooLong);
    assert_eq!(
        fault(400, json!({"message": "the request exceeds the available context size"})),
        ProviderErrorKind::ContextTooLong
    );
    assert_eq!(fault(404, json!("model not found")), ProviderErrorKind::ModelNotFound);
}
