//! Codex's tool calls and results under the names and fields of the official tools.

use serde_json::{Value, json};

/// The result of a tool call.
pub(super) struct CodexToolResult {
    pub text: String,
    pub is_error: bool,
}

/// The id, tool and input of a call; `None` if the item is no call.
pub(super) fn parse_tool_call(item: &Value) -> Option<(String, String, Value)> {
    let id = || Some(item["call_id"].as_str().or(item["id"].as_str())?.to_owned());
    match item["type"].as_str()? {
        "function_call" => {
            let input = item["arguments"].as_str().and_then(|json| serde_json::from_str(json).ok());
            let (name, input) = official_tool(item["name"].as_str()?, input.unwrap_or_default());
            Some((id()?, name, input))
        }
        "custom_tool_call" => {
            let name = item["name"].as_str()?;
            let input = json!({if name == "apply_patch" { "patch" } else { "input" }: item["input"]});
            Some((id()?, name.to_owned(), input))
        }
        "local_shell_call" => {
            Some((id()?, "Bash".to_owned(), json!({"command": shell_command(&item["action"]["command"])})))
        }
        "web_search_call" => Some((id()?, "WebSearch".to_owned(), json!({"query": item["action"]["query"]}))),
        _ => None,
    }
}

/// The id of a call and its result; `None` if the item is no result.
pub(super) fn parse_tool_result(item: &Value) -> Option<(String, CodexToolResult)> {
    if !item["type"].as_str()?.ends_with("_call_output") {
        return None;
    }
    let call = item["call_id"].as_str()?.to_owned();
    let output = match &item["output"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        object => object["content"].as_str().unwrap_or_default().to_owned(),
    };
    // Some versions wrap it: {"output": "…", "metadata": {"exit_code": 0}}.
    let wrapped = output.starts_with('{').then(|| serde_json::from_str::<Value>(&output).ok()).flatten();
    if let Some((text, code)) = wrapped.as_ref().and_then(|wrapped| {
        Some((wrapped["output"].as_str()?, wrapped["metadata"]["exit_code"].as_i64().unwrap_or_default()))
    }) {
        return Some((call, CodexToolResult { text: text.to_owned(), is_error: code != 0 }));
    }
    // Others put lines of their own first: the duration and the exit code.
    let Some((head, text)) = output.split_once("\nOutput:\n") else {
        let is_error = output.starts_with("exec_command failed") || output.ends_with("aborted by user");
        return Some((call, CodexToolResult { text: output, is_error }));
    };
    let code =
        head.lines().find_map(|line| line.rsplit_once("exited with code ")?.1.trim().parse::<i32>().ok());
    Some((call, CodexToolResult { text: text.to_owned(), is_error: code.is_some_and(|code| code != 0) }))
}

fn official_tool(name: &str, input: Value) -> (String, Value) {
    match name {
        "exec_command" => ("Bash".to_owned(), json!({"command": shell_command(&input["cmd"])})),
        "shell" | "shell_command" | "local_shell" => {
            ("Bash".to_owned(), json!({"command": shell_command(&input["command"])}))
        }
        "view_image" => ("Read".to_owned(), json!({"file_path": input["path"]})),
        "update_plan" => {
            let steps = input["plan"].as_array().into_iter().flatten();
            let todos: Vec<_> = steps
                .map(|step| json!({"content": step["step"], "status": step["status"], "activeForm": step["step"]}))
                .collect();
            ("TodoWrite".to_owned(), json!({"todos": todos}))
        }
        _ => (name.to_owned(), input),
    }
}

/// The command without the shell that runs it.
fn shell_command(command: &Value) -> String {
    match command {
        Value::String(text) => text.clone(),
        Value::Array(words) => match words.as_slice() {
            [_, flag, text] if flag.as_str().is_some_and(|flag| flag == "-lc" || flag == "-c") => {
                text.as_str().unwrap_or_default().to_owned()
            }
            words => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        },
        _ => String::new(),
    }
}
