use super::*;
use crate::protocol::{Incoming, LineReader};

type Connection = JsonRpc<&'static str>;

/// A connection with the open requests `a` (1) and `b` (2).
fn two_open() -> Connection {
    let mut connection = Connection::default();
    let line = connection.request("first", &json!({"x": 1}), "a");
    assert_eq!(line, json!({"jsonrpc": "2.0", "id": 1, "method": "first", "params": {"x": 1}}));
    connection.request("second", &json!({}), "b");
    connection
}

fn answered(then: &'static str, result: Value) -> RpcMessage<&'static str> {
    RpcMessage::Response { then, result: Ok(result) }
}

#[test]
fn answers_find_their_requests_in_any_order_and_only_once() {
    let mut connection = two_open();
    assert_eq!(
        connection.receive(json!({"jsonrpc": "2.0", "id": 2, "result": "B"})),
        answered("b", json!("B"))
    );
    assert_eq!(connection.receive(json!({"id": 1, "result": {}})), answered("a", json!({})));
    assert_eq!(connection.receive(json!({"id": 1, "result": {}})), RpcMessage::Unexpected, "a second one");
}

#[test]
fn an_answer_without_a_result_is_one_with_nothing_in_it() {
    assert_eq!(two_open().receive(json!({"id": 1})), answered("a", Value::Null));
    assert_eq!(
        two_open().receive(json!({"id": 1, "result": null, "error": null})),
        answered("a", Value::Null)
    );
}

#[test]
fn unknown_ids_are_passed_over() {
    for id in [json!(3), json!(0), json!(-1), json!("1"), json!("x"), json!(i64::MIN)] {
        let mut connection = two_open();
        assert_eq!(connection.receive(json!({"id": id, "result": 1})), RpcMessage::Unexpected, "{id}");
        assert_eq!(connection.receive(json!({"id": id, "error": {}})), RpcMessage::Unexpected, "{id}");
        assert_eq!(connection.receive(json!({"id": 1, "result": 1})), answered("a", json!(1)), "{id}");
    }
    let unread = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "no JSON"}});
    assert_eq!(two_open().receive(unread), RpcMessage::Unexpected);
}

#[test]
fn an_error_keeps_what_it_says_in_any_shape() {
    let check = |error: Value, code: i32, message: &str, data: Option<Value>| {
        let RpcMessage::Response { then: "a", result: Err(found) } =
            two_open().receive(json!({"id": 1, "error": error, "result": {}}))
        else {
            panic!("{error} is no error")
        };
        assert_eq!(
            (i32::from(found.code), found.message.as_str(), found.data),
            (code, message, data),
            "{error}"
        );
    };
    check(
        json!({"code": -32000, "message": "log in", "data": {"x": 1}}),
        -32000,
        "log in",
        Some(json!({"x": 1})),
    );
    check(json!({"code": 7, "message": "own"}), 7, "own", None);
    check(json!({"message": "no code"}), -32603, "no code", None);
    check(json!({"code": 1e99, "message": "too large"}), -32603, "too large", None);
    check(json!("words"), -32603, "words", None);
    check(json!([]), -32603, "Internal error", None);
}

#[test]
fn requests_and_notifications_are_told_apart() {
    let mut connection = Connection::default();
    let request = |id: RequestId, params: Value| RpcMessage::Request { id, method: "m".to_owned(), params };
    let receive = |connection: &mut Connection, message: Value| connection.receive(message);
    let sent = json!({"jsonrpc": "2.0", "id": 7, "method": "m", "params": [1], "unknown": true});
    assert_eq!(receive(&mut connection, sent), request(RequestId::Number(7), json!([1])));
    let sent = json!({"id": "7", "method": "m"});
    assert_eq!(receive(&mut connection, sent), request(RequestId::Str("7".to_owned()), json!({})));
    for sent in [json!({"method": "m"}), json!({"id": null, "method": "m", "params": null})] {
        let expected = RpcMessage::Notification { method: "m".to_owned(), params: json!({}) };
        assert_eq!(receive(&mut connection, sent), expected);
    }
}

#[test]
fn what_makes_no_sense_is_invalid_and_nothing_is_lost() {
    let senseless = [
        json!({}),
        json!({"id": {}, "method": "m"}),
        json!({"id": 1.5, "result": 1}),
        json!({"id": 1, "method": 7}),
        json!({"method": {}}),
        json!({"result": 1}),
    ];
    for message in senseless {
        let mut connection = two_open();
        let received = connection.receive(message.clone());
        assert!(matches!(received, RpcMessage::Invalid(_)), "{message}: {received:?}");
        assert_eq!(connection.receive(json!({"id": 1, "result": 1})), answered("a", json!(1)), "{message}");
    }
}

#[test]
fn a_request_that_is_not_answered_in_time_fails_once() {
    let mut connection = two_open();
    assert_eq!(connection.deadline(), None);
    let before = Instant::now();
    connection.request_within(Duration::from_secs(9), "slow", &json!({}), "slow");
    let due = connection.deadline().expect("the third has one");
    assert!(due >= before + Duration::from_secs(9));
    assert_eq!(connection.expire(before), []);
    let expired = connection.expire(due);
    assert_eq!(expired.len(), 1);
    assert_eq!((expired[0].0, expired[0].1.message.as_str()), ("slow", "there was no answer within 9 s"));
    assert_eq!((connection.deadline(), connection.expire(due)), (None, Vec::new()));
    assert_eq!(connection.receive(json!({"id": 3, "result": 1})), RpcMessage::Unexpected, "too late");
    assert_eq!(connection.receive(json!({"id": 1, "result": 1})), answered("a", json!(1)));
}

#[test]
fn a_forgotten_request_has_no_answer() {
    let mut connection = two_open();
    connection.forget(|then| *then == "a");
    assert_eq!(connection.receive(json!({"id": 1, "result": 1})), RpcMessage::Unexpected);
    assert_eq!(connection.receive(json!({"id": 2, "result": 1})), answered("b", json!(1)));
}

#[test]
fn what_we_send_has_the_standard_envelope() {
    let id = RequestId::Str("x".to_owned());
    assert_eq!(
        notification("m", &json!({"a": 1})),
        json!({"jsonrpc": "2.0", "method": "m", "params": {"a": 1}})
    );
    assert_eq!(response(&id, &json!(7)), json!({"jsonrpc": "2.0", "id": "x", "result": 7}));
    let error = error_response(&RequestId::Null, &method_not_found("m"));
    assert_eq!((&error["id"], &error["error"]["code"]), (&Value::Null, &json!(-32601)));
    assert_eq!(parse_params::<u8>(json!("no")).unwrap_err().code, RpcError::invalid_params().code);
}

#[tokio::test]
async fn bad_json_and_an_endless_line_leave_the_connection_whole() {
    let endless = "x".repeat(300);
    let stream = format!("{{\"id\":\n{endless}\n[]\nnull\n{{\"id\":2,\"result\":\"B\"}}\n{{\"id\":1,");
    let mut lines = LineReader::with_limit(stream.as_bytes(), 100);
    let mut connection = two_open();
    let mut outcomes = Vec::new();
    while let Some(incoming) = lines.next::<Value>().await.unwrap() {
        outcomes.push(match incoming {
            Incoming::Frame(message) => format!("{:?}", connection.receive(message)),
            Incoming::Garbage(_) => "garbage".to_owned(),
            Incoming::TooLong => "too long".to_owned(),
        });
    }
    let response = format!("{:?}", answered("b", json!("B")));
    assert_eq!(outcomes, ["garbage", "too long", "garbage", "garbage", &response, "garbage"]);
}
