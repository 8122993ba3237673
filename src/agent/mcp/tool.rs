//! A tool of an MCP server, as a tool of the agent.
//!
//! Owns the tool's name among all tools and what its result becomes. Must never
//! decide whether it may run.

use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, ResourceContents};
use rmcp::service::{Peer, RoleClient};
use serde_json::{Map, Value, json};

use super::supervisor::ReadyServer;
use crate::agent::tool::{Access, Tool, ToolContext, ToolFuture, ToolOutcome};

/// What is kept of an answer's text, in bytes (the official CLI's limit is
/// 25,000 tokens, about four bytes each).
const MAX_TEXT_BYTES: usize = 100_000;

/// A tool that a connected server offers.
#[derive(Debug, Clone)]
pub struct McpTool {
    /// `mcp__server__tool`.
    name: String,
    tool: rmcp::model::Tool,
    peer: Peer<RoleClient>,
}

impl McpTool {
    /// All tools of a server.
    pub(super) fn all_of(server: &str, connected: &ReadyServer) -> Vec<Self> {
        let tools = connected.tools.iter();
        tools
            .map(|tool| Self {
                name: format!("mcp__{}__{}", api_name(server), api_name(&tool.name)),
                tool: tool.clone(),
                peer: connected.peer.clone(),
            })
            .collect()
    }

    /// Calls the tool. Dropping the future cancels the call at the server.
    async fn call(self, input: Value) -> ToolOutcome {
        let arguments = match input {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        let request = CallToolRequestParams::new(self.tool.name.clone()).with_arguments(arguments);
        match self.peer.call_tool(request).await {
            Ok(answer) => to_outcome(&answer),
            Err(error) => ToolOutcome::error(format!("{}: {error}", self.name)),
        }
    }
}

impl Tool for McpTool {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &str {
        self.tool.description.as_deref().unwrap_or_default()
    }

    fn input_schema(&self) -> Value {
        Value::Object((*self.tool.input_schema).clone())
    }

    fn access(&self, _input: &Value, _place: &ToolContext) -> Access {
        Access::McpServer
    }

    fn run(&self, input: Value, _place: ToolContext) -> ToolFuture {
        Box::pin(self.clone().call(input))
    }
}

/// A tool in a status report.
pub(super) fn describe(tool: &rmcp::model::Tool) -> Value {
    let mut shown = json!({"name": tool.name});
    if let Some(description) = &tool.description {
        shown["description"] = json!(description);
    }
    if let Some(hints) = &tool.annotations {
        shown["annotations"] = json!({
            "readOnly": hints.read_only_hint.unwrap_or(false),
            "destructive": hints.destructive_hint.unwrap_or(false),
            "openWorld": hints.open_world_hint.unwrap_or(false),
        });
    }
    shown
}

fn to_outcome(answer: &CallToolResult) -> ToolOutcome {
    let is_error = answer.is_error.unwrap_or(false);
    let mut text = answer.content.iter().map(block_text).collect::<Vec<_>>().join("\n");
    if text.is_empty()
        && let Some(structured) = &answer.structured_content
    {
        text = structured.to_string();
    }
    if text.len() > MAX_TEXT_BYTES {
        let kept = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        text = format!("{kept}\n… {} more bytes", text.len() - kept.len());
    }
    let detail = json!([{"type": "text", "text": text}]);
    ToolOutcome { text, is_error, detail }
}

/// The text of a block, or a description of one without text.
fn block_text(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => {
            format!("[image, {}, {} bytes]", image.mime_type, image.data.len() / 4 * 3)
        }
        ContentBlock::Audio(audio) => {
            format!("[audio, {}, {} bytes]", audio.mime_type, audio.data.len() / 4 * 3)
        }
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text.clone(),
            ResourceContents::BlobResourceContents { uri, .. } => format!("[resource {uri}]"),
            _ => "[resource]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[resource {}]", link.uri),
        _ => "[content of an unknown kind]".to_owned(),
    }
}

/// A name as the Messages API takes it.
fn api_name(name: &str) -> String {
    let letter =
        |char: char| if char.is_ascii_alphanumeric() || matches!(char, '_' | '-') { char } else { '_' };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: Value, text: &str, is_error: bool) {
        let outcome = to_outcome(&serde_json::from_value(answer).unwrap());
        assert_eq!((outcome.text.as_str(), outcome.is_error), (text, is_error));
    }

    #[test]
    fn an_answer_becomes_text() {
        check(
            json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            "a\nb",
            false,
        );
        check(json!({"content": [{"type": "text", "text": "no"}], "isError": true}), "no", true);
        check(json!({"content": [], "structuredContent": {"a": 1}}), r#"{"a":1}"#, false);
        let image = json!({"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]});
        check(image, "[image, image/png, 3 bytes]", false);
    }

    #[test]
    fn a_flood_is_cut() {
        let long = "é".repeat(MAX_TEXT_BYTES);
        let answer = json!({"content": [{"type": "text", "text": long}]});
        let outcome = to_outcome(&serde_json::from_value(answer).unwrap());
        assert!(outcome.text.len() < MAX_TEXT_BYTES + 100 && outcome.text.ends_with("more bytes"));
    }

    #[test]
    fn names_are_what_the_api_takes() {
        assert_eq!(api_name("my server.v2/x"), "my_server_v2_x");
    }
}
