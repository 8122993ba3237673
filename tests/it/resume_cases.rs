//! What a model is given of a session is what Claude Code gives it, for the
//! sessions that `tests/resume/record.py` recorded.

use hotseat::transcript::{ModelConversation, ModelRole, Transcript, TranscriptText};
use serde::Deserialize;
use serde_json::Value;

/// The prompt that the sessions were resumed with.
const PROMPT: &str = "Go on with this";

#[derive(Deserialize)]
struct Case {
    name: String,
    lines: Vec<String>,
    sends: Vec<String>,
}

/// Words of a person who wrote while the model worked, inside a reminder.
fn queued(text: &str) -> Option<&str> {
    text.split_once("while you were working:\n")?.1.lines().next()
}

/// A text without the reminders that programs put into it.
fn without_reminders(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("<system-reminder>") {
        kept.push_str(before);
        rest = behind.split_once("</system-reminder>").map_or("", |(_, rest)| rest);
    }
    (kept + rest).trim().to_owned()
}

/// The conversation as the recording writes it down.
fn parts(conversation: &ModelConversation) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let say = |parts: &mut Vec<String>, role: &str, text: &str| match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.starts_with(&format!("{role} says ")) => *last += &format!("\n{text}"),
        _ => parts.push(format!("{role} says {text}")),
    };
    for message in &conversation.messages {
        let role = if message.role == ModelRole::User { "user" } else { "assistant" };
        for block in &message.blocks {
            let block: Value = serde_json::from_str(block.raw().get()).expect("a block is JSON");
            match block["type"].as_str().expect("a block has a type") {
                "text" => {
                    let text = block["text"].as_str().expect("a text");
                    let said = queued(text).map_or_else(|| without_reminders(text), str::to_owned);
                    say(&mut parts, role, &said);
                }
                "tool_use" => parts.push(format!("{role} calls {}", block["id"].as_str().expect("an id"))),
                "tool_result" => {
                    let text = block["content"].as_str().expect("a text");
                    let text = if text.starts_with("[Tool") { "(missing)" } else { text };
                    let call = block["tool_use_id"].as_str().expect("an id");
                    parts.push(format!("{role} answers {call} {text}"));
                }
                other => parts.push(format!("{role} {other}")),
            }
        }
    }
    say(&mut parts, "user", PROMPT);
    parts
}

#[test]
fn a_resume_gives_the_model_what_claude_code_gives_it() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../resume/cases.json")).expect("the recording is JSON");
    assert!(cases.len() > 20, "{} cases", cases.len());
    for Case { name, lines, sends } in cases {
        let bytes = lines.join("\n") + "\n";
        let text = TranscriptText::read(bytes.as_bytes());
        let transcript = Transcript::read(&text);
        let ours = parts(&ModelConversation::read(&transcript, transcript.leaf()));
        assert_eq!(ours, sends, "{name}");
    }
}
