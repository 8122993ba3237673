//! The built-in offline model: no network, no key, the same answer every time.
//!
//! It answers from the messages it is given and nothing else, so that a person can
//! see that a resumed session is remembered and a cleared one forgotten. It says
//! everywhere that it is the offline model.

mod intent;
mod reply;

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use uuid::Uuid;

use super::{BlockStart, CompletionRequest, ModelInfo, Provider, ReplyEvent, ReplyStream};
use crate::session::message::Usage;
use reply::{OfflineCall, OfflineReply};

/// The model's name, and the start of its message ids.
const NAME: &str = "offline";
/// What every place that names the model says about it.
const LABEL: &str = "offline model: it only knows this conversation";
/// Between two words, so that a person sees them come.
const DELAY: Duration = Duration::from_millis(10);
/// Sets [`DELAY`], in milliseconds; 0 for none.
const DELAY_VARIABLE: &str = "HOTSEAT_OFFLINE_DELAY_MS";

/// The offline provider.
#[derive(Debug)]
pub struct Offline {
    delay: Duration,
}

impl Offline {
    /// With the delay that the environment asks for.
    pub fn from_env() -> Self {
        let asked = std::env::var(DELAY_VARIABLE).ok().and_then(|delay| delay.parse().ok());
        Self { delay: asked.map_or(DELAY, Duration::from_millis) }
    }
}

impl Provider for Offline {
    fn name(&self) -> &'static str {
        NAME
    }

    fn notice(&self) -> Option<&'static str> {
        Some(LABEL)
    }

    fn models(&self) -> Vec<ModelInfo> {
        vec![ModelInfo { name: NAME.to_owned(), title: "Offline".to_owned(), description: LABEL.to_owned() }]
    }

    fn is_free(&self) -> bool {
        true
    }

    fn context_window(&self, _model: &str) -> Option<u64> {
        Some(200_000)
    }

    fn complete(&self, request: CompletionRequest) -> ReplyStream {
        let delay = self.delay;
        let read = request.context.estimated_tokens();
        let events = events(reply::reply_to(&request), read);
        let paced = stream::iter(events).then(move |event| async move {
            if matches!(event, ReplyEvent::TextDelta(_)) && !delay.is_zero() {
                tokio::time::sleep(delay).await;
            } else {
                tokio::task::yield_now().await;
            }
            Ok(event)
        });
        paced.boxed()
    }
}

/// An answer as the stream of a model that writes word by word.
fn events(answer: OfflineReply, read: u64) -> Vec<ReplyEvent> {
    let calls: usize = answer.calls.iter().map(|call| call.input.to_string().len()).sum();
    let written = (answer.text.len() + calls) as u64 / 4 + 1;
    let usage = |output_tokens| Usage { input_tokens: read, output_tokens, ..Usage::default() };
    let id = format!("msg_{NAME}_{}", Uuid::new_v4().simple());
    let mut events = vec![ReplyEvent::MessageStart { id, model: NAME.to_owned(), usage: usage(0) }];
    if !answer.text.is_empty() {
        events.push(ReplyEvent::BlockStart(BlockStart::Text));
        events.extend(words(&answer.text).map(|word| ReplyEvent::TextDelta(word.to_owned())));
        events.push(ReplyEvent::BlockEnd);
    }
    let stop_reason = if answer.calls.is_empty() { "end_turn" } else { "tool_use" };
    for OfflineCall { tool, input } in answer.calls {
        let id = format!("toolu_{NAME}_{}", Uuid::new_v4().simple());
        events.push(ReplyEvent::BlockStart(BlockStart::ToolUse { id, name: tool.clone() }));
        events.push(ReplyEvent::InputDelta(input.to_string()));
        events.push(ReplyEvent::BlockEnd);
    }
    events.push(ReplyEvent::MessageEnd { stop_reason: stop_reason.to_owned(), usage: usage(written) });
    events
}

/// The words of a text, each with the white space behind it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ').flat_map(|word| word.split_inclusive('\n'))
}

/// Whether this model wrote the reply with this id.
fn is_own(reply: Option<&str>) -> bool {
    reply.is_some_and(|id| id.strip_prefix("msg_").is_some_and(|rest| rest.starts_with(NAME)))
}

/// The text of a block, if it is one of text.
fn text_of(block: &Value) -> Option<&str> {
    (block["type"] == "text").then(|| block["text"].as_str()).flatten()
}

#[cfg(test)]
mod tests;
