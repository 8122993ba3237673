use serde_json::json;

use super::*;

/// The steps of a stream of these events; the last may be an error.
fn steps(events: &[Value]) -> (Vec<ReplyEvent>, Option<ProviderError>) {
    let mut stream = MessagesDecoder::default();
    let mut steps = Vec::new();
    for event in events {
        match stream.decode(&event.to_string()) {
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

fn start() -> Value {
    let usage = json!({"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 1, "novel": {}});
    json!({"type": "message_start", "message": {"id": "m", "model": "x", "usage": usage}})
}

fn end() -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9, "input_tokens": null}})
}

#[test]
fn figures_are_told_at_the_start_and_corrected_at_the_end() {
    let (steps, error) = steps(&[start(), end(), json!({"type": "message_stop"})]);
    let usage = Usage { input_tokens: 3, cache_read_input_tokens: 40, output_tokens: 9, ..Usage::default() };
    assert_eq!(steps[1..], [ReplyEvent::MessageEnd { stop_reason: "end_turn".into(), usage }]);
    assert_eq!(error, None);
}

#[test]
fn what_is_not_known_is_passed_over_or_handed_on() {
    let delta = json!({"type": "novel_delta", "x": 1});
    let (steps, error) = steps(&[
        start(),
        json!({"type": "novel", "x": [1]}),
        json!({"type": "ping"}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        end(),
    ]);
    assert_eq!(error, None);
    assert_eq!(steps[1], ReplyEvent::OtherDelta(delta));
    assert_eq!(steps.len(), 3);
}

#[test]
fn an_end_that_is_none_says_what_it_is() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    for (events, fault) in [
        (vec![], ProviderErrorKind::Malformed),
        (vec![start()], ProviderErrorKind::ConnectionLost),
        (vec![start(), error], ProviderErrorKind::Overloaded),
        (vec![json!("text")], ProviderErrorKind::Malformed),
    ] {
        assert_eq!(steps(&events).1.map(|error| error.kind), Some(fault), "{events:?}");
    }
}

#[test]
fn the_status_says_what_went_wrong_and_the_words_say_it_better() {
    let fault = |status, kind: &str, message: &str| {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        MessagesDecoder::default().classify_error(status, &body)
    };
    assert_eq!(
        fault(400, "invalid_request_error", "prompt is too long: 9 > 8"),
        ProviderErrorKind::ContextTooLong
    );
    assert_eq!(fault(400, "invalid_request_error", "messages.0: no"), ProviderErrorKind::InvalidRequest);
    assert_eq!(
        fault(400, "invalid_request_error", "Your credit balance is too low"),
        ProviderErrorKind::Billing
    );
    assert_eq!(fault(403, "permission_error", "no"), ProviderErrorKind::Auth);
    assert_eq!(fault(529, "overloaded_error", "Overloaded"), ProviderErrorKind::Overloaded);
    assert_eq!(fault(504, "timeout_error", "late"), ProviderErrorKind::Server);
}
