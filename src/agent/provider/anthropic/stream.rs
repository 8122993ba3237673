//! Decodes the stream events of Anthropic's Messages API.
//!
//! Owns what is known of the reply's end before it comes. A block, delta or event
//! of an unknown kind is handed on or skipped, never an error.

use serde::Deserialize;
use serde_json::Value;

use crate::agent::provider::http_stream::ReplyDecoder;
use crate::agent::provider::{BlockStart, ProviderError, ProviderErrorKind, ReplyEvent};
use crate::session::message::Usage;

/// One reply, so far.
#[derive(Debug, Default)]
pub struct MessagesDecoder {
    begun: bool,
    usage: Usage,
    stop_reason: Option<String>,
    ended: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum SseEvent {
    MessageStart {
        message: MessageStartBody,
    },
    ContentBlockStart {
        content_block: Value,
    },
    ContentBlockDelta {
        delta: Value,
    },
    ContentBlockStop,
    MessageDelta {
        delta: MessageDeltaBody,
        #[serde(default)]
        usage: Value,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageStartBody {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct MessageDeltaBody {
    #[serde(default)]
    stop_reason: Option<String>,
}

impl ReplyDecoder for MessagesDecoder {
    fn decode(&mut self, data: &str) -> Result<Vec<ReplyEvent>, ProviderError> {
        let event: SseEvent = serde_json::from_str(data).map_err(|error| {
            ProviderError::new(
                ProviderErrorKind::Malformed,
                format!("the reply holds an event that is no JSON: {error}"),
            )
        })?;
        Ok(match event {
            SseEvent::MessageStart { message } => {
                self.begun = true;
                self.add_usage(&message.usage);
                vec![ReplyEvent::MessageStart { id: message.id, model: message.model, usage: self.usage }]
            }
            SseEvent::ContentBlockStart { content_block } => {
                vec![ReplyEvent::BlockStart(BlockStart::Raw(content_block))]
            }
            SseEvent::ContentBlockDelta { delta } => vec![decode_delta(delta)],
            SseEvent::ContentBlockStop => vec![ReplyEvent::BlockEnd],
            SseEvent::MessageDelta { delta, usage } => {
                self.add_usage(&usage);
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                Vec::new()
            }
            SseEvent::MessageStop => self.finish(),
            SseEvent::Error { error } => return Err(stream_error(&error)),
            SseEvent::Other => Vec::new(),
        })
    }

    fn finish_stream(&mut self) -> Result<Vec<ReplyEvent>, ProviderError> {
        match (self.ended, &self.stop_reason) {
            (true, _) => Ok(Vec::new()),
            // Everything that counts has arrived.
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
        let kind = body["error"]["type"].as_str().unwrap_or_default();
        let reason = body["error"]["message"].as_str().unwrap_or_default();
        match ProviderErrorKind::from_status(status) {
            ProviderErrorKind::InvalidRequest if reason.contains("prompt is too long") => {
                ProviderErrorKind::ContextTooLong
            }
            ProviderErrorKind::InvalidRequest if reason.contains("credit balance") => {
                ProviderErrorKind::Billing
            }
            _ if kind == "billing_error" => ProviderErrorKind::Billing,
            fault => fault,
        }
    }
}

impl MessagesDecoder {
    fn finish(&mut self) -> Vec<ReplyEvent> {
        self.ended = true;
        let stop_reason = self.stop_reason.take().unwrap_or_else(|| "end_turn".to_owned());
        vec![ReplyEvent::MessageEnd { stop_reason, usage: self.usage }]
    }

    /// Usage is cumulative; figures that an event leaves out stay.
    fn add_usage(&mut self, usage: &Value) {
        let figures = serde_json::to_value(self.usage).unwrap_or_default();
        let (Value::Object(mut figures), Value::Object(news)) = (figures, usage) else { return };
        for (name, figure) in news {
            if !figure.is_null() {
                figures.insert(name.clone(), figure.clone());
            }
        }
        self.usage = serde_json::from_value(Value::Object(figures)).unwrap_or(self.usage);
    }
}

fn decode_delta(delta: Value) -> ReplyEvent {
    let text = |key: &str| delta[key].as_str().map(str::to_owned);
    let known = match delta["type"].as_str().unwrap_or_default() {
        "text_delta" => text("text").map(ReplyEvent::TextDelta),
        "thinking_delta" => text("thinking").map(ReplyEvent::ThinkingDelta),
        "signature_delta" => text("signature").map(ReplyEvent::Signature),
        "input_json_delta" => text("partial_json").map(ReplyEvent::InputDelta),
        _ => None,
    };
    known.unwrap_or(ReplyEvent::OtherDelta(delta))
}

/// An error in the middle of a stream; its kind is told by name.
fn stream_error(error: &Value) -> ProviderError {
    let fault = match error["type"].as_str().unwrap_or_default() {
        "overloaded_error" => ProviderErrorKind::Overloaded,
        "rate_limit_error" => ProviderErrorKind::RateLimited,
        "authentication_error" | "permission_error" => ProviderErrorKind::Auth,
        "billing_error" => ProviderErrorKind::Billing,
        "not_found_error" => ProviderErrorKind::ModelNotFound,
        "invalid_request_error" => ProviderErrorKind::InvalidRequest,
        "timeout_error" => ProviderErrorKind::ConnectionLost,
        _ => ProviderErrorKind::Server,
    };
    let reason = error["message"].as_str().unwrap_or("without a reason");
    ProviderError::new(fault, format!("the provider stopped the reply: {reason}"))
}

#[cfg(test)]
mod tests;
