//! Decodes the chunks of a chat completion.
//!
//! Owns the calls that are still being assembled: their parts may arrive
//! interleaved, so a call is handed on only once it is complete.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::agent::provider::http_stream::ReplyDecoder;
use crate::agent::provider::{BlockStart, ProviderError, ProviderErrorKind, ReplyEvent};
use crate::session::message::Usage;

/// One reply, so far.
#[derive(Debug, Default)]
pub struct ChatDecoder {
    /// The model that was asked for; servers may name another, or none.
    model: String,
    begun: bool,
    open: Option<OpenBlock>,
    calls: BTreeMap<u64, PartialCall>,
    finish: Option<String>,
    usage: Usage,
    ended: bool,
}

/// The block that text goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenBlock {
    Text,
    Thinking,
}

#[derive(Debug, Default)]
struct PartialCall {
    id: String,
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
struct ChatChunk {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<ChunkChoice>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct ChunkChoice {
    #[serde(default)]
    delta: Option<ChatDelta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct ChatDelta {
    #[serde(default)]
    content: Option<String>,
    /// What DeepSeek, vLLM and llama.cpp call it.
    #[serde(default)]
    reasoning_content: Option<String>,
    /// What OpenRouter and Ollama call it.
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallPart>>,
}

#[derive(Deserialize)]
struct CallPart {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionPart>,
}

#[derive(Deserialize)]
struct FunctionPart {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
}

impl ChatDecoder {
    /// A reply that this model is asked for.
    pub fn new(model: String) -> Self {
        Self { model, ..Self::default() }
    }

    fn begin(&mut self, id: Option<String>, model: Option<String>, events: &mut Vec<ReplyEvent>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("msg_{}", Uuid::new_v4().simple()));
        let model = model.filter(|model| !model.is_empty()).unwrap_or_else(|| self.model.clone());
        events.push(ReplyEvent::MessageStart { id, model, usage: self.usage });
    }

    fn push_text(&mut self, kind: OpenBlock, text: Option<String>, events: &mut Vec<ReplyEvent>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        if self.open != Some(kind) {
            self.close_block(events);
            self.open = Some(kind);
            events.push(ReplyEvent::BlockStart(match kind {
                OpenBlock::Text => BlockStart::Text,
                OpenBlock::Thinking => BlockStart::Thinking,
            }));
        }
        events.push(match kind {
            OpenBlock::Text => ReplyEvent::TextDelta(text),
            OpenBlock::Thinking => ReplyEvent::ThinkingDelta(text),
        });
    }

    fn close_block(&mut self, events: &mut Vec<ReplyEvent>) {
        if self.open.take().is_some() {
            events.push(ReplyEvent::BlockEnd);
        }
    }

    fn push_call_part(&mut self, part: CallPart) {
        let last = self.calls.last_key_value().map(|(&index, call)| (index, call.id.clone()));
        // Some servers number no calls, or all alike: another id is another call.
        let is_another = |known: &str| part.id.as_deref().is_some_and(|id| !id.is_empty() && id != known);
        let index = match (part.index, last) {
            (Some(index), _)
                if self.calls.get(&index).is_none_or(|call| call.id.is_empty() || !is_another(&call.id)) =>
            {
                index
            }
            (_, Some((last, id))) => {
                if is_another(&id) {
                    last + 1
                } else {
                    last
                }
            }
            (index, None) => index.unwrap_or(0),
        };
        let call = self.calls.entry(index).or_default();
        if let Some(id) = part.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        let Some(function) = part.function else { return };
        call.name.push_str(&function.name.unwrap_or_default());
        match function.arguments {
            Some(Value::String(more)) => call.arguments.push_str(&more),
            Some(Value::Null) | None => {}
            Some(whole) => call.arguments = whole.to_string(),
        }
    }

    fn finish(&mut self) -> Vec<ReplyEvent> {
        let mut events = Vec::new();
        if std::mem::replace(&mut self.ended, true) {
            return events;
        }
        self.close_block(&mut events);
        let calls = std::mem::take(&mut self.calls);
        let stop_reason = match self.finish.take().as_deref() {
            _ if !calls.is_empty() => "tool_use",
            Some("length") => "max_tokens",
            Some("content_filter") => "refusal",
            _ => "end_turn",
        };
        for call in calls.into_values() {
            let id = if call.id.is_empty() { format!("call_{}", Uuid::new_v4().simple()) } else { call.id };
            events.push(ReplyEvent::BlockStart(BlockStart::ToolUse { id, name: call.name }));
            events.push(ReplyEvent::InputDelta(call.arguments));
            events.push(ReplyEvent::BlockEnd);
        }
        events.push(ReplyEvent::MessageEnd { stop_reason: stop_reason.to_owned(), usage: self.usage });
        events
    }
}

impl ReplyDecoder for ChatDecoder {
    fn decode(&mut self, data: &str) -> Result<Vec<ReplyEvent>, ProviderError> {
        if data.trim() == "[DONE]" {
            return if self.begun { Ok(self.finish()) } else { self.finish_stream() };
        }
        let chunk: ChatChunk = serde_json::from_str(data).map_err(|error| {
            ProviderError::new(
                ProviderErrorKind::Malformed,
                format!("the reply holds a chunk that makes no sense: {error}"),
            )
        })?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
            let fault = self.classify_error(status, &serde_json::json!({"error": error}));
            let reason = error["message"].as_str().or(error.as_str()).unwrap_or("without a reason");
            return Err(ProviderError::new(fault, format!("the provider stopped the reply: {reason}")));
        }
        let mut events = Vec::new();
        if let Some(usage) = chunk.usage.filter(Value::is_object) {
            self.usage = usage_from(&usage);
        }
        self.begin(chunk.id, chunk.model, &mut events);
        for choice in chunk.choices.into_iter().take(1) {
            if let Some(delta) = choice.delta {
                self.push_text(OpenBlock::Thinking, delta.reasoning_content.or(delta.reasoning), &mut events);
                self.push_text(OpenBlock::Text, delta.content, &mut events);
                self.push_text(OpenBlock::Text, delta.refusal, &mut events);
                for part in delta.tool_calls.into_iter().flatten() {
                    self.push_call_part(part);
                }
            }
            self.finish = choice.finish_reason.or(self.finish.take());
        }
        Ok(events)
    }

    fn finish_stream(&mut self) -> Result<Vec<ReplyEvent>, ProviderError> {
        match (self.ended, &self.finish) {
            (true, _) => Ok(Vec::new()),
            (false, Some(_)) => Ok(self.finish()),
            (false, None) if self.begun => {
                Err(ProviderError::new(ProviderErrorKind::ConnectionLost, "the reply ended in the middle"))
            }
            (false, None) => Err(ProviderError::new(
                ProviderErrorKind::Malformed,
                "the answer is empty: it holds no reply",
            )),
        }
    }

    fn classify_error(&self, status: u16, body: &Value) -> ProviderErrorKind {
        let error = &body["error"];
        let reason = error["message"].as_str().or(error.as_str()).unwrap_or_default();
        match (ProviderErrorKind::from_status(status), error["code"].as_str().or(error["type"].as_str())) {
            (_, Some("insufficient_quota")) => ProviderErrorKind::Billing,
            (_, Some("context_length_exceeded" | "exceed_context_size_error")) => {
                ProviderErrorKind::ContextTooLong
            }
            (ProviderErrorKind::InvalidRequest, _)
                if reason.contains("context length") || reason.contains("context size") =>
            {
                ProviderErrorKind::ContextTooLong
            }
            (fault, _) => fault,
        }
    }
}

/// `prompt_tokens` include cached ones here; the Messages API counts them apart.
fn usage_from(usage: &Value) -> Usage {
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let cached = count(&usage["prompt_tokens_details"]["cached_tokens"]);
    Usage {
        input_tokens: count(&usage["prompt_tokens"]).saturating_sub(cached),
        output_tokens: count(&usage["completion_tokens"]),
        cache_read_input_tokens: cached,
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests;
