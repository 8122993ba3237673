//! How a stored session goes on: with its own model and effort, and with requests
//! that the API takes, whatever its transcript holds.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::agent::{Agent, Home};
use crate::support::sessions::Sample;
use crate::support::stub_api::{Answer, Asked, StubApi};

/// A session of these messages, each an answer to the one before it.
fn stored(home: &Home, number: u32, messages: &[Value]) -> String {
    let sample = Sample { cwd: home.work(), ..Sample::gnarly(number, 1) };
    let path: PathBuf = sample.write(&home.config()).unwrap();
    let mut parent = Value::Null;
    let mut lines = String::new();
    for (at, entry) in messages.iter().enumerate() {
        let uuid = format!("00000000-0000-4000-8000-{at:012}");
        let mut line = json!({
            "parentUuid": parent, "uuid": uuid, "isSidechain": false, "cwd": home.work(), "sessionId": sample.id(),
            "timestamp": format!("2026-03-04T05:06:{at:02}.000Z"), "version": "2.1.332",
        });
        line.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        lines += &format!("{line}\n");
        parent = json!(uuid);
    }
    std::fs::write(path, lines).unwrap();
    sample.id()
}

fn prompt(content: &Value) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": content}})
}

fn reply(model: &str, text: &str) -> Value {
    let content = json!([{"type": "text", "text": text}]);
    let message = json!({"id": format!("msg_{text}"), "type": "message", "role": "assistant", "model": model, "content": content,
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    json!({"type": "assistant", "message": message})
}

fn resumed(home: &Home, api: &StubApi, id: &str, flags: &[&str]) -> Agent {
    let resume = format!("--resume={id}");
    home.agent_with(&[&[resume.as_str()], flags].concat(), &api.anthropic())
}

/// What the API refuses of images, texts and blocks.
fn refusal(asked: &Asked) -> Option<String> {
    let mut media = 0;
    for message in asked.body["messages"].as_array().unwrap() {
        let blocks = message["content"].as_array().cloned().unwrap_or_default();
        let inner = blocks.iter().filter_map(|block| block["content"].as_array()).flatten().cloned();
        for block in blocks.iter().cloned().chain(inner.collect::<Vec<_>>()) {
            let kind = block["type"].as_str().unwrap_or_default().to_owned();
            let data = block["source"]["data"].as_str().unwrap_or_default();
            media += usize::from(kind == "image" || kind == "document");
            if data.len() > 5 << 20 {
                return Some("image exceeds 5 MB maximum".to_owned());
            }
            if data.starts_with("JVBERi0") && kind == "document" && data.contains("broken") {
                return Some("The PDF specified was not valid".to_owned());
            }
            if kind == "text" && block["text"].as_str().is_none_or(|text| text.trim().is_empty()) {
                return Some("text content blocks must be non-empty".to_owned());
            }
            if !["text", "image", "document", "tool_use", "tool_result", "thinking"].contains(&kind.as_str())
            {
                return Some(format!("unknown block {kind}"));
            }
        }
    }
    (media > 100).then(|| "too many images".to_owned())
}

fn validating() -> StubApi {
    StubApi::serving(|asked| match refusal(asked) {
        Some(why) => Answer::error(400, "invalid_request_error", &why),
        None => Answer::text("Taken."),
    })
}

fn image(data: &str) -> Value {
    json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
}

#[test]
fn a_session_goes_on_with_its_own_model_at_the_start_and_at_a_switch() {
    let home = Home::new();
    let api = StubApi::serving(|_| Answer::text("Yes."));
    let opus = stored(&home, 1, &[prompt(&json!("a")), reply("claude-opus-5-5", "b")]);
    let mut low = reply("claude-haiku-5-5", "b");
    low["effort"] = json!("low");
    let haiku = stored(&home, 2, &[prompt(&json!("a")), low]);
    let mut agent = resumed(&home, &api, &opus, &[]);
    agent.turn("one");
    let answer = agent.ask(&json!({"subtype": "resume", "session_id": haiku}));
    assert_eq!(answer["model"], "claude-haiku-5-5");
    assert!(answer["repaired"].as_str().unwrap().contains("claude-haiku-5-5"), "{answer}");
    agent.turn("two");
    // What the stub answered names another model.
    let other = stored(&home, 3, &[prompt(&json!("a")), reply("claude-opus-5-5", "b")]);
    agent.ask(&json!({"subtype": "fork", "session_id": other}));
    agent.turn("three");
    let asked = api.asked();
    let models: Vec<_> = asked.iter().map(|asked| asked.body["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["claude-opus-5-5", "claude-haiku-5-5", "claude-opus-5-5"]);
    let efforts: Vec<_> = asked.iter().map(|asked| asked.body["output_config"]["effort"].clone()).collect();
    assert_eq!(efforts, [Value::Null, json!("low"), Value::Null]);
}

#[test]
fn a_flag_or_a_setting_names_another_model_and_that_is_said() {
    let home = Home::new();
    let api = StubApi::serving(|_| Answer::text("Yes."));
    let opus = stored(&home, 1, &[prompt(&json!("a")), reply("claude-opus-5-5", "b")]);
    let check = |flags: &[&str]| {
        let mut agent = resumed(&home, &api, &opus, flags);
        let hello = agent.ask(&json!({"subtype": "initialize"}));
        assert_eq!(hello["model"], "claude-haiku-5-5", "{flags:?}");
        assert!(hello["repaired"].as_str().unwrap().contains("claude-opus-5-5"), "{hello}");
        agent.turn("on");
        assert_eq!(api.asked().last().unwrap().body["model"], "claude-haiku-5-5");
        assert!(agent.close().success());
    };
    check(&["--model", "haiku"]);
    let opus = stored(&home, 1, &[prompt(&json!("a")), reply("claude-opus-5-5", "b")]);
    std::fs::write(home.config().join("settings.json"), r#"{"model":"haiku"}"#).unwrap();
    let mut agent = resumed(&home, &api, &opus, &[]);
    assert_eq!(agent.ask(&json!({"subtype": "initialize"}))["model"], "claude-haiku-5-5");
}

#[test]
fn a_session_in_plan_mode_stays_in_it_and_a_transcript_never_grants_more() {
    let home = Home::new();
    let api = StubApi::serving(|_| Answer::text("Yes."));
    let in_mode = |number, mode: &str| {
        let mut asked = prompt(&json!("a"));
        asked["permissionMode"] = json!(mode);
        stored(&home, number, &[asked, reply("claude-opus-5-5", "b")])
    };
    let [plan, free] = [in_mode(1, "plan"), in_mode(2, "bypassPermissions")];
    let mut agent = resumed(&home, &api, &plan, &[]);
    let mode =
        |agent: &mut Agent| agent.ask(&json!({"subtype": "initialize"}))["current_permission_mode"].clone();
    assert_eq!(mode(&mut agent), "plan");
    agent.ask(&json!({"subtype": "resume", "session_id": free}));
    assert_eq!(mode(&mut agent), "default");
    let mut told = resumed(&home, &api, &plan, &["--permission-mode", "acceptEdits"]);
    assert_eq!(mode(&mut told), "acceptEdits");
}

#[test]
fn whatever_a_transcript_holds_the_request_is_taken_and_what_is_left_out_is_said() {
    let home = Home::new();
    let api = validating();
    let large = "A".repeat(6 << 20);
    let id = stored(
        &home,
        1,
        &[
            prompt(&json!([{"type": "text", "text": ""}, {"type": "text", "text": "look"}, image(&large)])),
            reply("claude-opus-5-5", "seen"),
            prompt(&json!([{"type": "from_the_future"}, {"type": "text", "text": "and these"}])),
            reply("claude-opus-5-5", " "),
            prompt(&json!((0..101).map(|_| image("iVBORw0KGgo=")).collect::<Vec<_>>())),
            reply("claude-opus-5-5", "many"),
        ],
    );
    let mut agent = resumed(&home, &api, &id, &[]);
    let hello = agent.ask(&json!({"subtype": "initialize"}));
    assert!(hello["repaired"].as_str().unwrap().contains("12 images"), "{hello}");
    assert_eq!(agent.turn("go on"), "Taken.");
    assert!(api.last_messages().to_string().contains("larger than the 5 MB"));
}

#[test]
fn what_the_api_refused_once_does_not_end_the_session() {
    let home = Home::new();
    let api = validating();
    let mut agent = home.agent_with(&[], &api.anthropic());
    // Mended before it is sent, and said.
    let content =
        json!([{"type": "text", "text": "look"}, image(&"A".repeat(6 << 20)), {"type": "hologram"}]);
    agent.send(&json!({"type": "user", "message": {"role": "user", "content": content}}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames.last().unwrap()["result"], "Taken.");
    let is_said = |frames: &[Value]| {
        frames.iter().any(|frame| {
            frame["subtype"] == "informational" && frame["content"].to_string().contains("left out")
        })
    };
    assert!(is_said(&frames), "{frames:#?}");
    // Only the API can know: the next turn goes without it.
    let pdf = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0broken"}});
    agent.send(&json!({"type": "user", "message": {"role": "user", "content": [{"type": "text", "text": "read"}, pdf]}}));
    let frames = agent.until(|frame| frame["type"] == "result");
    assert_eq!(frames.last().unwrap()["is_error"], true);
    assert!(is_said(&frames), "{frames:#?}");
    assert_eq!(agent.turn("and now"), "Taken.");
    let session = agent.session();
    assert!(agent.close().success());
    // And in every process after this one.
    let mut later = resumed(&home, &api, &session, &[]);
    assert_eq!(later.turn("and later"), "Taken.");
}
