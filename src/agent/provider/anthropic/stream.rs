//! The Messages API's stream events as steps of a reply.
//!
//! Owns what is known of the reply's end before it comes. A kind of block,
//! step or event that this version does not know is handed on or passed over,
//! never an error.

use serde::Deserialize;
use serde_json::Value;

use crate::agent::provider::wire::Decoder;
use crate::agent::provider::{BlockStart, Event, Fault, ProviderError};
use crate::session::message::Usage;

/// One reply, as far as it was told.
#[derive(Debug, Default)]
pub struct MessageStream {
    begun: bool,
    usage: Usage,
    stop_reason: Option<String>,
    ended: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        content_block: Value,
    },
    ContentBlockDelta {
        delta: Value,
    },
    ContentBlockStop,
    MessageDelta {
        delta: End,
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
struct Start {
    #[serde(default)]
    id: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    stop_reason: Option<String>,
}

impl Decoder for MessageStream {
    fn take(&mut self, data: &str) -> Result<Vec<Event>, ProviderError> {
        let told: Told = serde_json::from_str(data).map_err(|error| {
            ProviderError::new(Fault::Malformed, format!("the reply holds an event that is no JSON: {error}"))
        })?;
        Ok(match told {
            Told::MessageStart { message } => {
                self.begun = true;
                self.count(&message.usage);
                vec![Event::Start { id: message.id, model: message.model, usage: self.usage }]
            }
            Told::ContentBlockStart { content_block } => vec![Event::Block(BlockStart::Whole(content_block))],
            Told::ContentBlockDelta { delta } => vec![step(delta)],
            Told::ContentBlockStop => vec![Event::BlockEnd],
            Told::MessageDelta { delta, usage } => {
                self.count(&usage);
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                Vec::new()
            }
            Told::MessageStop => self.finish(),
            Told::Error { error } => return Err(failure(&error)),
            Told::Other => Vec::new(),
        })
    }

    fn end(&mut self) -> Result<Vec<Event>, ProviderError> {
        match (self.ended, &self.stop_reason) {
            (true, _) => Ok(Vec::new()),
            // All that counts was told.
            (false, Some(_)) => Ok(self.finish()),
            (false, None) if self.begun => {
                Err(ProviderError::new(Fault::Dropped, "the reply ended in the middle"))
            }
            (false, None) => {
                Err(ProviderError::new(Fault::Malformed, "the answer is empty: it holds no reply"))
            }
        }
    }

    fn fault(&self, status: u16, body: &Value) -> Fault {
        let kind = body["error"]["type"].as_str().unwrap_or_default();
        let said = body["error"]["message"].as_str().unwrap_or_default();
        match Fault::of_status(status) {
            Fault::Request if said.contains("prompt is too long") => Fault::TooLong,
            Fault::Request if said.contains("credit balance") => Fault::Money,
            _ if kind == "billing_error" => Fault::Money,
            fault => fault,
        }
    }
}

impl MessageStream {
    fn finish(&mut self) -> Vec<Event> {
        self.ended = true;
        let stop_reason = self.stop_reason.take().unwrap_or_else(|| "end_turn".to_owned());
        vec![Event::End { stop_reason, usage: self.usage }]
    }

    /// Figures are cumulative; what an event does not say stays.
    fn count(&mut self, usage: &Value) {
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

fn step(delta: Value) -> Event {
    let text = |key: &str| delta[key].as_str().map(str::to_owned);
    let known = match delta["type"].as_str().unwrap_or_default() {
        "text_delta" => text("text").map(Event::Text),
        "thinking_delta" => text("thinking").map(Event::Thinking),
        "signature_delta" => text("signature").map(Event::Signature),
        "input_json_delta" => text("partial_json").map(Event::Input),
        _ => None,
    };
    known.unwrap_or(Event::Delta(delta))
}

/// An error in the middle of a stream; its kind is told by name.
fn failure(error: &Value) -> ProviderError {
    let fault = match error["type"].as_str().unwrap_or_default() {
        "overloaded_error" => Fault::Overloaded,
        "rate_limit_error" => Fault::Busy,
        "authentication_error" | "permission_error" => Fault::Key,
        "billing_error" => Fault::Money,
        "not_found_error" => Fault::Model,
        "invalid_request_error" => Fault::Request,
        "timeout_error" => Fault::Dropped,
        _ => Fault::Server,
    };
    let said = error["message"].as_str().unwrap_or("without a reason");
    ProviderError::new(fault, format!("the provider stopped the reply: {said}"))
}

#[cfg(test)]
mod tests;
