//! Anthropic's Messages API.
//!
//! Owns its headers and its address. The key comes from the environment and
//! goes nowhere but into a header.

mod models;
mod request;
mod stream;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::http_stream::{self, ApiKey, HttpRequest, Timeouts};
use super::{CompletionRequest, ModelInfo, Provider, ProviderError, ProviderErrorKind, ReplyStream};
use models::LARGE_WINDOW_SUFFIX;
use stream::MessagesDecoder;

/// Where the API is, unless the environment says otherwise.
const BASE_URL: &str = "https://api.anthropic.com";
/// The version of the API this speaks.
const VERSION: &str = "2023-06-01";
/// What a model without a large window of its own needs for it.
const LARGE_WINDOW_BETA: &str = "context-1m-2025-08-07";

/// The provider `anthropic`.
#[derive(Debug)]
pub struct Anthropic {
    base_url: String,
    key: Option<ApiKey>,
    token: Option<ApiKey>,
    betas: Vec<String>,
    max_tokens: Option<u64>,
    default_model: String,
    timeouts: Timeouts,
}

impl Anthropic {
    /// As the environment says; none where it has neither a key nor an address
    /// of its own, for then nobody would answer.
    pub fn from_env(base_url: Option<&str>, betas: &[String]) -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (key, token) = (ApiKey::from_env("ANTHROPIC_API_KEY"), ApiKey::from_env("ANTHROPIC_AUTH_TOKEN"));
        let own_url = base_url.map(str::to_owned).or_else(|| variable("ANTHROPIC_BASE_URL"));
        if key.is_none() && token.is_none() && own_url.is_none() {
            return None;
        }
        let default = variable("ANTHROPIC_MODEL").unwrap_or_else(|| models::ALIASES[0].0.to_owned());
        Some(Self {
            base_url: own_url.unwrap_or_else(|| BASE_URL.to_owned()),
            key,
            token,
            betas: betas.to_vec(),
            max_tokens: variable("CLAUDE_CODE_MAX_OUTPUT_TOKENS").and_then(|tokens| tokens.parse().ok()),
            default_model: models::full_name(&default),
            timeouts: Timeouts::from_env(),
        })
    }

    fn headers(&self, large_window: bool) -> Result<HeaderMap, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        let secrets = [
            (HeaderName::from_static("x-api-key"), &self.key, ""),
            (HeaderName::from_static("authorization"), &self.token, "Bearer "),
        ];
        for (name, key, prefix) in secrets {
            if let Some(key) = key {
                let unusable =
                    || ProviderError::new(ProviderErrorKind::Auth, "the API key holds signs that no key has");
                headers.insert(name, key.header(prefix).ok_or_else(unusable)?);
            }
        }
        let large = large_window.then_some(LARGE_WINDOW_BETA);
        let betas: Vec<_> = self.betas.iter().map(String::as_str).chain(large).collect();
        if let Ok(betas) = HeaderValue::from_str(&betas.join(","))
            && !betas.is_empty()
        {
            headers.insert("anthropic-beta", betas);
        }
        Ok(headers)
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn notice(&self) -> Option<&'static str> {
        None
    }

    fn key_source(&self) -> &'static str {
        match (&self.key, &self.token) {
            (Some(_), _) => "ANTHROPIC_API_KEY",
            (None, Some(_)) => "ANTHROPIC_AUTH_TOKEN",
            (None, None) => "none",
        }
    }

    fn models(&self) -> Vec<ModelInfo> {
        let model = |name: &str, title: &str, description: &str| ModelInfo {
            name: name.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
        };
        let mut listed = vec![model(&self.default_model, &self.default_model, "the default")];
        for (alias, ..) in models::ALIASES {
            let full = models::full_name(alias);
            listed.push(model(alias, &full, &format!("short for {full}")));
        }
        listed
    }

    fn full_name(&self, model: &str) -> String {
        models::full_name(model)
    }

    fn takes_effort(&self, model: &str) -> bool {
        models::traits(model).takes_effort
    }

    fn complete(&self, request: CompletionRequest) -> ReplyStream {
        let model = request.model.strip_suffix(LARGE_WINDOW_SUFFIX);
        let headers = match self.headers(model.is_some()) {
            Ok(headers) => headers,
            Err(error) => return super::failed_reply(error),
        };
        let model = model.unwrap_or(&request.model);
        let call = HttpRequest {
            url: format!("{}/v1/messages", self.base_url.trim_end_matches('/')),
            headers,
            body: request::body(&request, model, models::traits(model), self.max_tokens),
            key: self.key.clone().or_else(|| self.token.clone()),
            timeouts: self.timeouts,
        };
        http_stream::stream_reply(call, MessagesDecoder::default())
    }
}
