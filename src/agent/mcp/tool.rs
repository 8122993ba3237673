//! A tool of an MCP server, as a tool of the agent.
//!
//! Owns the tool's name among all tools and what its result becomes. Must never
//! decide whether it may run.

use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, ResourceContents};
use rmcp::service::{Peer, RoleClient};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::supervisor::ReadyServer;
use crate::agent::tool::{Access, Tool, ToolContext, ToolFuture, ToolOutcome, media_block};

/// What is kept of an answer's text, in bytes (the official CLI's limit is
/// 25,000 tokens, about four bytes each).
const MAX_TEXT_BYTES: usize = 100_000;

/// The official CLI's limit for a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(100_000);

/// A tool that a connected server offers.
#[derive(Debug, Clone)]
pub struct McpTool {
    /// `mcp__server__tool`.
    name: String,
    /// The server's name as it stands in the tool's. The tool's name alone does
    /// not say where it ends.
    server: String,
    tool: rmcp::model::Tool,
    peer: Peer<RoleClient>,
    /// Cancelled once the connection is over.
    over: CancellationToken,
}

impl McpTool {
    /// All tools of a server.
    pub(super) fn all_of(server: &str, connected: &ReadyServer) -> Vec<Self> {
        let tools = connected.tools.iter();
        tools
            .map(|tool| Self {
                name: format!("mcp__{}__{}", api_name(server), api_name(&tool.name)),
                server: api_name(server),
                tool: tool.clone(),
                peer: connected.peer.clone(),
                over: connected.over.clone(),
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
        let call = self.peer.call_tool(request);
        // A request that is sent while the connection ends can be lost without an answer, so the call
        // does not rely on the connection to report that.
        let answered = tokio::select! {
            biased;
            answered = tokio::time::timeout(call_timeout(), call) => answered,
            () = self.over.cancelled() => {
                return ToolOutcome::error(format!("{}: the server ended before it answered", self.name));
            }
        };
        let Ok(answered) = answered else {
            let limit = call_timeout().as_secs_f32();
            return ToolOutcome::error(format!(
                "{}: no answer within {limit} s (MCP_TOOL_TIMEOUT)",
                self.name
            ));
        };
        match answered {
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

    fn is_read_only(&self, _input: &Value) -> bool {
        self.tool.annotations.as_ref().is_some_and(|hints| hints.read_only_hint == Some(true))
    }

    /// A longer text is stored whole, and the model is told where.
    fn max_output(&self) -> usize {
        MAX_TEXT_BYTES
    }

    fn access(&self, _input: &Value, _place: &ToolContext) -> Access {
        Access::McpServer(self.server.clone())
    }

    fn run(&self, input: Value, _place: ToolContext) -> ToolFuture {
        Box::pin(self.clone().call(input))
    }
}

/// How long a call may take: `MCP_TOOL_TIMEOUT`, in milliseconds, else nearly 28 hours, as in the
/// official CLI.
fn call_timeout() -> Duration {
    let millis = std::env::var("MCP_TOOL_TIMEOUT").ok().and_then(|millis| millis.parse().ok());
    millis.filter(|&millis| millis > 0).map_or(CALL_TIMEOUT, Duration::from_millis)
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
    let has_media = answer.content.iter().any(|block| media(block).is_some());
    let blocks: Option<Vec<_>> = has_media.then(|| {
        let block =
            |block| media(block).unwrap_or_else(|| json!({"type": "text", "text": block_text(block)}));
        answer.content.iter().map(block).filter(|block| block["text"] != "").collect()
    });
    let detail =
        blocks.as_ref().map_or_else(|| json!([{"type": "text", "text": text}]), |blocks| json!(blocks));
    ToolOutcome { is_error, blocks, ..ToolOutcome::success(text, detail) }
}

/// An image or a PDF, as the model can be shown it.
fn media(block: &ContentBlock) -> Option<Value> {
    let (media_type, data) = match block {
        ContentBlock::Image(image) => (image.mime_type.as_str(), image.data.as_str()),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::BlobResourceContents { blob, mime_type: Some(media_type), .. } => {
                (media_type.as_str(), blob.as_str())
            }
            _ => return None,
        },
        _ => return None,
    };
    match media_type {
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" => {
            Some(media_block("image", media_type, data))
        }
        "application/pdf" => Some(media_block("document", media_type, data)),
        _ => None,
    }
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
    }

    #[test]
    fn images_and_documents_stay_what_they_are() {
        let answer = json!({"content": [
            {"type": "text", "text": "see"},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "x:y", "mimeType": "application/pdf", "blob": "BBBB"}},
            {"type": "image", "data": "CCCC", "mimeType": "image/tiff"},
        ]});
        let outcome = to_outcome(&serde_json::from_value(answer).unwrap());
        let blocks = outcome.blocks.unwrap();
        assert_eq!(blocks[0], json!({"type": "text", "text": "see"}));
        assert_eq!(blocks[1], media_block("image", "image/png", "AAAA"));
        assert_eq!(blocks[2], media_block("document", "application/pdf", "BBBB"));
        assert_eq!(blocks[3]["text"], "[image, image/tiff, 3 bytes]");
    }

    #[test]
    fn names_are_what_the_api_takes() {
        assert_eq!(api_name("my server.v2/x"), "my_server_v2_x");
    }
}
