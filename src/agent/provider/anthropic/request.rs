//! A conversation as a request to Anthropic's Messages API.
//!
//! Owns the bytes: the same conversation gives the same bytes, whether it was just
//! held or read back from its transcript, so that the provider's cache stays warm
//! across switches. Blocks are sent as they came.

use serde::Serialize;
use serde::ser::Serializer;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::models::ModelTraits;
use crate::agent::context::{ContextBlock, ContextMessage, MessageRole};
use crate::agent::provider::{CompletionRequest, Thinking, is_same_model};

/// The least the API lets a model think, in tokens.
const MIN_THINKING_TOKENS: u64 = 1024;
/// Kept free for the answer behind the thinking.
const ANSWER_TOKENS: u64 = 4096;

#[derive(Serialize)]
struct MessagesBody<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Value>,
    messages: Vec<AnthropicMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    stream: bool,
}

#[derive(Serialize)]
struct AnthropicMessage<'a> {
    role: &'static str,
    content: Vec<WireBlock<'a>>,
}

/// A block as it came, or one made here: with a mark up to which the provider caches, or facts.
enum WireBlock<'a> {
    Raw(&'a RawValue),
    Made(Value),
}

impl Serialize for WireBlock<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(raw) => raw.serialize(serializer),
            Self::Made(value) => value.serialize(serializer),
        }
    }
}

/// The body of the request; `model` without what only we understand in it.
pub fn body(request: &CompletionRequest, model: &str, traits: ModelTraits, most: Option<u64>) -> Vec<u8> {
    let max_tokens = most.unwrap_or(traits.max_tokens).max(1);
    let body = MessagesBody {
        model,
        max_tokens,
        tools: tools(request),
        system: request
            .system_prompt
            .iter()
            .map(|text| with_cache_mark(json!({"type": "text", "text": text})))
            .collect(),
        messages: messages(request, model, traits),
        thinking: thinking(request, traits, max_tokens),
        output_config: request.effort.as_ref().map(|effort| json!({"effort": effort})),
        stream: true,
    };
    // All of it is JSON already.
    serde_json::to_vec(&body).unwrap_or_default()
}

fn tools(request: &CompletionRequest) -> Vec<Value> {
    let tool = |tool: &crate::agent::provider::ToolDefinition| json!({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema});
    let mut tools: Vec<_> = request.tools.iter().map(tool).collect();
    if let Some(last) = tools.pop() {
        tools.push(with_cache_mark(last));
    }
    tools
}

fn messages<'a>(
    request: &'a CompletionRequest,
    model: &str,
    traits: ModelTraits,
) -> Vec<AnthropicMessage<'a>> {
    let mut messages = conversation(request.context.messages(), model, traits);
    if let (Some(first), Some(facts)) = (messages.first_mut(), &request.facts) {
        first.content.insert(0, WireBlock::Made(json!({"type": "text", "text": facts})));
    }
    messages
}

/// A message of which something is sent.
struct SentMessage<'a> {
    message: &'a ContextMessage,
    blocks: Vec<&'a ContextBlock>,
    /// It goes by the role `system`.
    is_system: bool,
}

fn conversation<'a>(
    messages: &'a [std::sync::Arc<ContextMessage>],
    model: &str,
    traits: ModelTraits,
) -> Vec<AnthropicMessage<'a>> {
    let sendable = |message: &'a std::sync::Arc<ContextMessage>| {
        // A model takes back its own reasoning only.
        let is_own = message.model.as_deref().map(|wrote| is_same_model(wrote, model));
        let mut blocks: Vec<_> = message.blocks.iter().filter(|block| is_sendable(block, is_own)).collect();
        // No reply may end in reasoning, which one does that was cut off.
        while message.role == MessageRole::Assistant && blocks.last().is_some_and(|last| last.is_thinking()) {
            blocks.pop();
        }
        (!blocks.is_empty()).then_some(SentMessage { message, blocks, is_system: false })
    };
    // The API wants a person to begin.
    let mut kept: Vec<_> = messages
        .iter()
        .filter_map(sendable)
        .skip_while(|sent| sent.message.role == MessageRole::Assistant)
        .collect();
    if traits.takes_system_messages {
        put_context_behind_prompts(&mut kept);
    }
    // Cache marks on the last two user messages: the next request hits the later one, this request hits
    // the earlier one.
    let marks: Vec<_> = kept
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, sent)| sent.message.role == MessageRole::User && !sent.is_system)
        .map(|(at, _)| at)
        .take(2)
        .collect();
    kept.iter().enumerate().map(|(at, sent)| sent.to_wire(marks.contains(&at))).collect()
}

/// Words of hooks and files move behind the prompt that they came with, if there is
/// one before the next reply.
fn put_context_behind_prompts(messages: &mut Vec<SentMessage<'_>>) {
    let mut ordered = Vec::with_capacity(messages.len());
    let mut waiting: Vec<SentMessage<'_>> = Vec::new();
    let mut has_prompt = false;
    for sent in messages.drain(..) {
        if sent.message.role == MessageRole::Assistant {
            settle(&mut ordered, &mut waiting, has_prompt);
        }
        if sent.message.is_context {
            has_prompt = false;
            waiting.push(sent);
        } else {
            has_prompt = true;
            ordered.push(sent);
        }
    }
    settle(&mut ordered, &mut waiting, has_prompt);
    *messages = ordered;
}

fn settle<'a>(ordered: &mut Vec<SentMessage<'a>>, waiting: &mut Vec<SentMessage<'a>>, has_prompt: bool) {
    ordered.extend(waiting.drain(..).map(|sent| SentMessage { is_system: has_prompt, ..sent }));
}

impl<'a> SentMessage<'a> {
    /// On the wire, with a mark up to which the provider caches where `is_marked`.
    fn to_wire(&self, is_marked: bool) -> AnthropicMessage<'a> {
        if self.is_system {
            let texts = self.blocks.iter().map(|block| block.text_in_reminder());
            let text = texts.collect::<Vec<_>>().join("\n");
            let content = vec![WireBlock::Made(json!({"type": "text", "text": text}))];
            return AnthropicMessage { role: "system", content };
        }
        let mut content: Vec<_> = self.blocks.iter().map(|block| WireBlock::Raw(block.raw())).collect();
        if is_marked
            && let Some(last) = self.blocks.last()
            && let Ok(value @ Value::Object(_)) = serde_json::from_str(last.json())
        {
            content.pop();
            content.push(WireBlock::Made(with_cache_mark(value)));
        }
        let role = if self.message.role == MessageRole::User { "user" } else { "assistant" };
        AnthropicMessage { role, content }
    }
}

/// Whether the API accepts the block: it refuses empty text, and the reasoning of
/// other models than the one that is asked (`is_own`). Where the writer is not
/// known, somebody must have signed it.
fn is_sendable(block: &ContextBlock, is_own: Option<bool>) -> bool {
    #[derive(serde::Deserialize)]
    struct SendableFields<'a> {
        #[serde(rename = "type", borrow)]
        kind: std::borrow::Cow<'a, str>,
        #[serde(borrow, default)]
        text: Option<&'a RawValue>,
        #[serde(borrow, default)]
        signature: Option<&'a RawValue>,
    }
    let Ok(head) = serde_json::from_str::<SendableFields<'_>>(block.json()) else { return false };
    match &*head.kind {
        "text" => head
            .text
            .and_then(|text| serde_json::from_str::<std::borrow::Cow<'_, str>>(text.get()).ok())
            .is_some_and(|text| !text.trim().is_empty()),
        "thinking" => {
            is_own.unwrap_or_else(|| head.signature.is_some_and(|signature| signature.get().len() > 2))
        }
        "redacted_thinking" => is_own.unwrap_or(true),
        _ => true,
    }
}

fn with_cache_mark(mut block: Value) -> Value {
    block["cache_control"] = json!({"type": "ephemeral"});
    block
}

fn thinking(request: &CompletionRequest, traits: ModelTraits, max_tokens: u64) -> Option<Value> {
    let mut thinking = match request.thinking {
        Thinking::Adaptive => json!({"type": "adaptive"}),
        // Newer models take no budget and adapt.
        Thinking::Default | Thinking::Budget(_) if traits.adapts => json!({"type": "adaptive"}),
        Thinking::Off | Thinking::Default => return None,
        Thinking::Budget(tokens) => {
            let budget = tokens.min(max_tokens.saturating_sub(ANSWER_TOKENS)).max(MIN_THINKING_TOKENS);
            json!({"type": "enabled", "budget_tokens": budget})
        }
    };
    if let Some(display) = &request.thinking_display {
        thinking["display"] = json!(display);
    }
    Some(thinking)
}
