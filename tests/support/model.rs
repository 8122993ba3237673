//! The model that all agents ask: it knows only what it is given.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::stub_api::{Answer, Asked, StubApi};
use super::{completions, responses};

/// Before a command that is to be run.
const COMMAND: &str = "COMMAND: ";
/// Before a file that is to be written.
const WRITE: &str = "WRITE: ";

/// How each agent calls the tool for commands, in the spelling of any.
const RUNS: [&str; 2] = ["bash", "run_shell_command"];
/// How each calls the tool for whole files, with its names for path and text.
const WRITES: [(&str, &str, &str); 4] = [
    ("Write", "file_path", "content"),
    ("write", "filePath", "content"),
    ("write_file", "file_path", "content"),
    ("create", "path", "file_text"),
];

/// The API that is asked.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    Messages,
    Responses,
    Completions,
    Gemini,
}

/// Says `PINEAPPLE` where it was told; runs a command for `COMMAND: …`, once for
/// each command, and writes a file for `WRITE: …`, likewise - by whatever tool
/// the agent offers for it, if it does: titles are asked for, too.
pub fn start() -> StubApi {
    let called = Mutex::new(HashSet::new());
    StubApi::serving(move |asked| {
        let dialect = dialect(asked);
        let of = match dialect {
            Dialect::Messages | Dialect::Completions => "messages",
            Dialect::Responses => "input",
            Dialect::Gemini => "contents",
        };
        let messages = asked.body[of].as_array().cloned().unwrap_or_default();
        let texts: Vec<_> = messages.iter().map(said).collect();
        let told = |what: &str| {
            let told = texts.iter().rev().find_map(|text| Some(text.rsplit_once(what)?.1));
            told.and_then(|told| told.lines().next()).unwrap_or_default().to_owned()
        };
        let is_new = |call: &String| !call.is_empty() && called.lock().unwrap().insert(call.clone());
        let (command, file) = (told(COMMAND), told(WRITE));
        let id = format!("toolu_{}", messages.len());
        if dialect == Dialect::Responses && is_new(&command) {
            return responses::call(&id, &asked.body["tools"], &command);
        }
        let tools = tools(&asked.body["tools"]);
        let runs = tools.iter().find(|tool| RUNS.iter().any(|name| tool.eq_ignore_ascii_case(name)));
        let writes = WRITES.iter().find(|(name, ..)| tools.contains(name));
        if let Some(tool) = runs.filter(|_| is_new(&command)) {
            call(dialect, &id, tool, &json!({"command": command, "description": "as told"}))
        } else if let Some((tool, path, text)) = writes.filter(|_| is_new(&file)) {
            call(dialect, &id, tool, &json!({*path: file, *text: "written\n"}))
        } else if texts.iter().any(|text| text.contains("PINEAPPLE")) {
            text(dialect, "The word is PINEAPPLE.")
        } else {
            text(dialect, "I know no word.")
        }
    })
}

fn dialect(asked: &Asked) -> Dialect {
    let path = asked.head.lines().next().unwrap_or_default();
    if path.contains("/responses") {
        Dialect::Responses
    } else if path.contains("/chat/completions") {
        Dialect::Completions
    } else if path.contains("enerateContent") {
        Dialect::Gemini
    } else {
        Dialect::Messages
    }
}

fn text(dialect: Dialect, text: &str) -> Answer {
    match dialect {
        Dialect::Messages => Answer::text(text),
        Dialect::Responses => responses::text(text),
        Dialect::Completions => completions::text(text),
        Dialect::Gemini => completions::gemini_text(text),
    }
}

fn call(dialect: Dialect, id: &str, tool: &str, input: &Value) -> Answer {
    match dialect {
        Dialect::Messages | Dialect::Responses => Answer::call(id, tool, input),
        Dialect::Completions => completions::call(id, tool, input),
        Dialect::Gemini => completions::gemini_call(tool, input),
    }
}

/// The names of the tools that are offered, wherever the dialect has them.
fn tools(offered: &Value) -> Vec<&str> {
    let offered = || offered.as_array().into_iter().flatten();
    let grouped = offered().filter_map(|tool| tool["functionDeclarations"].as_array()).flatten();
    offered()
        .chain(grouped)
        .filter_map(|tool| tool["name"].as_str().or_else(|| tool["function"]["name"].as_str()))
        .collect()
}

/// What a message says.
fn said(message: &Value) -> String {
    let of = if message["parts"].is_array() { "parts" } else { "content" };
    match &message[of] {
        Value::String(text) => text.clone(),
        blocks => {
            let texts = blocks.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}
