//! The model that all agents ask: it knows only what it is given.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::responses;
use crate::stub_api::{Answer, StubApi};

/// Before a command that is to be run.
const COMMAND: &str = "COMMAND: ";
/// Before a file that is to be written.
const WRITE: &str = "WRITE: ";

/// Says `PINEAPPLE` where it was told; calls Bash for `COMMAND: …`, once for
/// each command, and Write for `WRITE: …`, likewise - by whatever case the agent
/// spells the tool in, and only where it offers it: titles are asked for, too.
pub fn start() -> StubApi {
    let called = Mutex::new(HashSet::new());
    StubApi::serving(move |asked| {
        let is_responses = asked.head.contains("/responses");
        let of = if is_responses { "input" } else { "messages" };
        let messages = asked.body[of].as_array().cloned().unwrap_or_default();
        let texts: Vec<_> = messages.iter().map(said).collect();
        let told = |what: &str| {
            let told = texts.iter().rev().find_map(|text| Some(text.rsplit_once(what)?.1));
            told.and_then(|told| told.lines().next()).unwrap_or_default().to_owned()
        };
        let is_new = |call: &String| !call.is_empty() && called.lock().unwrap().insert(call.clone());
        let (command, file) = (told(COMMAND), told(WRITE));
        let call = format!("toolu_{}", messages.len());
        if is_responses {
            return if is_new(&command) {
                responses::call(&call, &asked.body["tools"], &command)
            } else if texts.iter().any(|text| text.contains("PINEAPPLE")) {
                responses::text("The word is PINEAPPLE.")
            } else {
                responses::text("I know no word.")
            };
        }
        let tools = asked.body["tools"].as_array();
        let names = || tools.into_iter().flatten().filter_map(|tool| tool["name"].as_str());
        let offered = |tool: &str| names().find(|name| name.eq_ignore_ascii_case(tool));
        if let Some(bash) = offered("Bash").filter(|_| is_new(&command)) {
            Answer::call(&call, bash, &json!({"command": command, "description": "as told"}))
        } else if let Some(write) = offered("Write").filter(|_| is_new(&file)) {
            // What opencode calls it.
            let path = if write == "write" { "filePath" } else { "file_path" };
            Answer::call(&call, write, &json!({path: file, "content": "written\n"}))
        } else if texts.iter().any(|text| text.contains("PINEAPPLE")) {
            Answer::text("The word is PINEAPPLE.")
        } else {
            Answer::text("I know no word.")
        }
    })
}

/// What a message says.
fn said(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        blocks => {
            let texts = blocks.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}
