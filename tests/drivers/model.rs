//! The model that all agents ask: it knows only what it is given.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::stub_api::{Answer, StubApi};

/// Before a command that is to be run.
const COMMAND: &str = "COMMAND: ";

/// Says `PINEAPPLE` where it was told; calls Bash for `COMMAND: …`, once for
/// each command.
pub fn start() -> StubApi {
    let called = Mutex::new(HashSet::new());
    StubApi::serving(move |asked| {
        let messages = asked.body["messages"].as_array().cloned().unwrap_or_default();
        let texts: Vec<_> = messages.iter().map(said).collect();
        let told = texts.iter().rev().find_map(|text| Some(text.rsplit_once(COMMAND)?.1));
        let command = told.and_then(|command| command.lines().next()).unwrap_or_default().to_owned();
        if !command.is_empty() && called.lock().unwrap().insert(command.clone()) {
            let call = format!("toolu_{}", messages.len());
            Answer::call(&call, "Bash", &json!({"command": command, "description": "as told"}))
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
