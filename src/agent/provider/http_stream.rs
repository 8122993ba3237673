//! One HTTP request and its answer as server-sent events.
//!
//! Owns the time limits, and what an answer that is no event stream means. Knows no
//! dialect: a [`ReplyDecoder`] turns each event's data into events of a reply. Must
//! never log a header or a body, or let a key into an error.

use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::bytes::Bytes;

use super::sse::{SseError, SseReader};
use super::{ProviderError, ProviderErrorKind, ReplyEvent, ReplyStream};
use crate::agent::http;

/// The time limit until an answer begins (the official CLI's default).
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_mins(10);
/// The time limit between two events of a stream.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);
/// How much of an error response is read, in bytes.
const ERROR_BYTES: usize = 64 * 1024;
/// How much of it an error message repeats, in characters.
const ERROR_CHARS: usize = 600;

/// A secret that no debug output shows.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key in this variable of the environment, unless it is empty.
    pub fn from_env(variable: &str) -> Option<Self> {
        std::env::var(variable).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).map(Self)
    }

    /// The key as a header value, behind `prefix`.
    pub fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    first_byte: Duration,
    idle: Duration,
}

impl Timeouts {
    /// As the official CLI's variables say.
    pub fn from_env() -> Self {
        let of = |variable: &str| {
            let millis = std::env::var(variable).ok().and_then(|millis| millis.parse().ok());
            millis.filter(|&millis| millis > 0).map(Duration::from_millis)
        };
        Self {
            first_byte: of("API_TIMEOUT_MS").unwrap_or(FIRST_BYTE_TIMEOUT),
            idle: of("CLAUDE_STREAM_IDLE_TIMEOUT_MS").unwrap_or(IDLE_TIMEOUT),
        }
    }
}

/// A request, ready to go.
pub struct HttpRequest {
    /// Where to.
    pub url: String,
    /// With the key in it.
    pub headers: HeaderMap,
    /// JSON.
    pub body: Vec<u8>,
    /// The key, so that no error repeats it.
    pub key: Option<ApiKey>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// Turns a dialect's events into steps of a reply.
pub trait ReplyDecoder: Send + Sync + 'static {
    /// The steps in one event's data.
    fn decode(&mut self, data: &str) -> Result<Vec<ReplyEvent>, ProviderError>;

    /// The steps that are left when the stream has ended; an error where the
    /// reply is not whole.
    fn finish_stream(&mut self) -> Result<Vec<ReplyEvent>, ProviderError>;

    /// What an answer that is an error says.
    fn classify_error(&self, status: u16, body: &Value) -> ProviderErrorKind;
}

type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;
type BodyEvents = SseReader<Body, Bytes>;

/// Where a request stands.
enum HttpStreamState<D> {
    Unsent(HttpRequest, D),
    Open { sses: BodyEvents, decoder: D, wait: Duration, idle: Duration },
    Done,
}

/// Sends the request; the reply's steps as they come.
pub fn stream_reply<D: ReplyDecoder>(call: HttpRequest, decoder: D) -> ReplyStream {
    let steps = stream::unfold(HttpStreamState::Unsent(call, decoder), async |state| match state {
        HttpStreamState::Unsent(call, decoder) => Some(match send(call, &decoder).await {
            Ok((sses, patience)) => {
                let Timeouts { first_byte: first, idle } = patience;
                (Ok(Vec::new()), HttpStreamState::Open { sses, decoder, wait: first, idle })
            }
            Err(error) => (Err(error), HttpStreamState::Done),
        }),
        HttpStreamState::Open { sses, decoder, wait, idle } => {
            Some(next_batch(sses, decoder, wait, idle).await)
        }
        HttpStreamState::Done => None,
    });
    let steps = steps.flat_map(|batch| match batch {
        Ok(steps) => stream::iter(steps.into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    });
    steps.boxed()
}

async fn next_batch<D: ReplyDecoder>(
    mut sses: BodyEvents,
    mut decoder: D,
    wait: Duration,
    idle: Duration,
) -> (Result<Vec<ReplyEvent>, ProviderError>, HttpStreamState<D>) {
    let decoded = match timeout(wait, sses.next()).await {
        Err(_late) => Err(ProviderError::new(
            ProviderErrorKind::ConnectionLost,
            format!("the reply stalled: nothing came for {} s", wait.as_secs_f32()),
        )),
        Ok(Some(Ok(data))) => {
            let decoded = decoder.decode(&data);
            if let Ok(steps) = decoded {
                return (Ok(steps), HttpStreamState::Open { sses, decoder, wait: idle, idle });
            }
            decoded
        }
        Ok(Some(Err(SseError::Body(_)))) => Err(ProviderError::new(
            ProviderErrorKind::ConnectionLost,
            "the connection broke off in the middle of the reply",
        )),
        Ok(Some(Err(error))) => Err(ProviderError::new(
            ProviderErrorKind::Malformed,
            format!("the reply is not a usable event stream: {error}"),
        )),
        Ok(None) => decoder.finish_stream(),
    };
    (decoded, HttpStreamState::Done)
}

async fn send<D: ReplyDecoder>(
    call: HttpRequest,
    decoder: &D,
) -> Result<(BodyEvents, Timeouts), ProviderError> {
    let HttpRequest { url, headers, body, key, timeouts: patience } = call;
    let request = http::client().request(Method::POST, &url).headers(headers).body(body);
    let late = |_| {
        let waited = patience.first_byte.as_secs_f32();
        ProviderError::new(
            ProviderErrorKind::ConnectionLost,
            format!("no answer from {} within {waited} s", host(&url)),
        )
    };
    let sent = timeout(patience.first_byte, request.send()).await.map_err(late)?;
    let response = sent.map_err(|error| connect_error(&url, error))?;
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_page = kind.starts_with("text/html") || kind.starts_with("application/json");
    if response.status().is_success() && !is_page {
        let body: Body = Box::pin(response.bytes_stream());
        return Ok((SseReader::new(body), patience));
    }
    let (retry_after, should_retry) = retry_advice(response.headers());
    let text = match timeout(patience.idle, read_prefix(response)).await {
        Ok(text) => key.map_or(text.clone(), |ApiKey(key)| text.replace(&key, "…")),
        Err(_late) => String::new(),
    };
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let detail = error_text(&body).unwrap_or_else(|| text.trim().to_owned());
    let detail: String = detail.chars().filter(|char| !char.is_control()).take(ERROR_CHARS).collect();
    if (200..300).contains(&status) {
        let message = format!("{} answered without a stream; is the base URL right? {detail}", host(&url));
        return Err(ProviderError::new(ProviderErrorKind::InvalidRequest, message));
    }
    let fault = decoder.classify_error(status, &body);
    let message = format!("{} answered {status}: {detail}{}", host(&url), remedy(fault));
    Err(ProviderError { kind: fault, message, status: Some(status), retry_after, should_retry })
}

/// What an error's body says, in either dialect.
fn error_text(body: &Value) -> Option<String> {
    let error = &body["error"];
    let detail = error["message"].as_str().or(error.as_str()).or(body["message"].as_str())?;
    Some(detail.to_owned())
}

fn remedy(fault: ProviderErrorKind) -> &'static str {
    match fault {
        ProviderErrorKind::Auth => " - check the API key",
        ProviderErrorKind::Billing => " - check the account's billing",
        ProviderErrorKind::ModelNotFound => " - check the model's name and the base URL",
        ProviderErrorKind::ContextTooLong => " - /compact makes the conversation shorter",
        _ => "",
    }
}

fn connect_error(url: &str, error: reqwest::Error) -> ProviderError {
    // The innermost source says what happened.
    let error = error.without_url();
    let mut reason: &dyn std::error::Error = &error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    ProviderError::new(ProviderErrorKind::ConnectionLost, format!("cannot reach {}: {reason}", host(url)))
}

/// The host of a URL, without anything secret.
fn host(url: &str) -> String {
    let parsed = reqwest::Url::parse(url).ok();
    let parsed = parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match parsed {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => "the provider (the base URL is not a URL)".to_owned(),
    }
}

fn retry_advice(headers: &HeaderMap) -> (Option<Duration>, Option<bool>) {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|millis| millis / 1000.0).or_else(|| number("retry-after"));
    let after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let should = headers.get("x-should-retry").and_then(|should| should.to_str().ok()?.parse().ok());
    (after, should)
}

/// The beginning of a body, as text.
async fn read_prefix(response: Response) -> String {
    let mut bytes = Vec::new();
    let mut chunks = response.bytes_stream();
    while bytes.len() < ERROR_BYTES
        && let Some(Ok(chunk)) = chunks.next().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(ERROR_BYTES);
    String::from_utf8_lossy(&bytes).into_owned()
}
