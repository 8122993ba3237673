//! The chat completions API of OpenAI, which Ollama, llama.cpp, vLLM, LM Studio and
//! OpenRouter speak too.
//!
//! Owns the address and the headers. Fields that a server leaves out or adds are no
//! error.

mod request;
mod stream;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::http_stream::{self, ApiKey, HttpRequest, Timeouts};
use super::{CompletionRequest, ModelInfo, Provider, ProviderError, ProviderErrorKind, ReplyStream};
use stream::ChatDecoder;

/// OpenAI's own.
const BASE_URL: &str = "https://api.openai.com/v1";

/// The provider `openai`.
#[derive(Debug)]
pub struct OpenAi {
    base_url: String,
    key: Option<ApiKey>,
    default_model: Option<String>,
    timeouts: Timeouts,
}

impl OpenAi {
    /// As the environment says; none where it has neither a key nor an address.
    pub fn from_env(base_url: Option<&str>) -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let key = ApiKey::from_env("OPENAI_API_KEY");
        let own_url = base_url.map(str::to_owned).or_else(|| variable("OPENAI_BASE_URL"));
        if key.is_none() && own_url.is_none() {
            return None;
        }
        Some(Self {
            base_url: own_url.unwrap_or_else(|| BASE_URL.to_owned()),
            key,
            default_model: variable("OPENAI_MODEL"),
            timeouts: Timeouts::from_env(),
        })
    }

    fn headers(&self) -> Result<HeaderMap, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if let Some(key) = &self.key {
            let unusable =
                || ProviderError::new(ProviderErrorKind::Auth, "the API key holds signs that no key has");
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

    fn models(&self) -> Vec<ModelInfo> {
        let model = |name: &String| ModelInfo {
            name: name.clone(),
            title: name.clone(),
            description: "the default".to_owned(),
        };
        self.default_model.iter().map(model).collect()
    }

    fn complete(&self, request: CompletionRequest) -> ReplyStream {
        let headers = match self.headers() {
            Ok(headers) => headers,
            Err(error) => return super::failed_reply(error),
        };
        let call = HttpRequest {
            url: format!("{}/chat/completions", self.base_url.trim_end_matches('/')),
            headers,
            body: request::body(&request),
            key: self.key.clone(),
            timeouts: self.timeouts,
        };
        http_stream::stream_reply(call, ChatDecoder::new(request.model))
    }
}
