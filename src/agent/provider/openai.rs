//! Chat completions, as OpenAI has them and Ollama, llama.cpp, vLLM, LM Studio
//! and OpenRouter speak them too.
//!
//! Owns the address and the headers. What a server leaves out or adds is not an
//! error.

mod request;
mod stream;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::wire::{self, Call, Key, Patience};
use super::{Events, Fault, Model, Provider, ProviderError, Request};
use stream::ChatStream;

/// OpenAI's own.
const BASE_URL: &str = "https://api.openai.com/v1";

/// The provider `openai`.
#[derive(Debug)]
pub struct OpenAi {
    base_url: String,
    key: Option<Key>,
    default_model: Option<String>,
    patience: Patience,
}

impl OpenAi {
    /// As the environment says; none where it has neither a key nor an address.
    pub fn from_env(base_url: Option<&str>) -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let key = Key::of("OPENAI_API_KEY");
        let own_url = base_url.map(str::to_owned).or_else(|| variable("OPENAI_BASE_URL"));
        if key.is_none() && own_url.is_none() {
            return None;
        }
        Some(Self {
            base_url: own_url.unwrap_or_else(|| BASE_URL.to_owned()),
            key,
            default_model: variable("OPENAI_MODEL"),
            patience: Patience::from_env(),
        })
    }

    fn headers(&self) -> Result<HeaderMap, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if let Some(key) = &self.key {
            let unusable = || ProviderError::new(Fault::Key, "the API key holds signs that no key has");
            let value = key.header("Bearer ").ok_or_else(unusable)?;
            headers.insert(HeaderName::from_static("authorization"), value);
        }
        Ok(headers)
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn notice(&self) -> Option<&'static str> {
        None
    }

    fn key_source(&self) -> &'static str {
        if self.key.is_some() { "OPENAI_API_KEY" } else { "none" }
    }

    fn models(&self) -> Vec<Model> {
        let model = |name: &String| Model {
            name: name.clone(),
            title: name.clone(),
            description: "the default".to_owned(),
        };
        self.default_model.iter().map(model).collect()
    }

    fn complete(&self, request: Request) -> Events {
        let headers = match self.headers() {
            Ok(headers) => headers,
            Err(error) => return super::failed(error),
        };
        let call = Call {
            url: format!("{}/chat/completions", self.base_url.trim_end_matches('/')),
            headers,
            body: request::body(&request),
            key: self.key.clone(),
            patience: self.patience,
        };
        wire::events(call, ChatStream::new(request.model))
    }
}
