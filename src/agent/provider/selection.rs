//! Selects the provider: from flags, else from the environment.
//!
//! Owns the order of precedence. A provider that was asked for by name and cannot
//! be used is an error; without one and without a key it is the offline model,
//! which says so.

use super::Provider;
use super::anthropic::Anthropic;
use super::offline::Offline;
use super::openai::OpenAi;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct ProviderChoice<'a> {
    /// The provider's name.
    pub provider: Option<&'a str>,
    /// The model's name, perhaps with the provider's in front: `openai/gpt-5`.
    pub model: Option<&'a str>,
    /// Where the provider is.
    pub base_url: Option<&'a str>,
    /// Anthropic's names for what is not everybody's yet.
    pub betas: &'a [String],
    /// Whether the offline model may stand in where there is no key. A program that hosts us must not take
    /// its words for a model's.
    pub needs_model: bool,
}

/// Why no provider can be selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// There is no provider of this name.
    #[error("there is no provider “{0}”; there are anthropic, openai and offline")]
    Unknown(String),
    #[error("{provider} needs a key: set {variable}, or an address that needs none with --base-url")]
    NoKey {
        /// The provider that was asked for.
        provider: &'static str,
        /// What to set.
        variable: &'static str,
    },
    /// Nobody was asked for, and nobody has a key.
    #[error(
        "no API key: set ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or OPENAI_API_KEY, or the base URL of a server that \
         needs none; --provider offline (or HOTSEAT_PROVIDER=offline) chooses the built-in offline model"
    )]
    NoKeyAtAll,
    /// It serves many models and has no default.
    #[error("openai needs to know which model: --model NAME, or OPENAI_MODEL")]
    NoModel,
}

/// The names that a model's name can begin with.
const PROVIDERS: [&str; 3] = ["anthropic", "openai", "offline"];

/// The provider that shall reply.
pub fn select_provider(choice: &ProviderChoice<'_>) -> Result<Box<dyn Provider>, ChoiceError> {
    // Hosts send `default` for "no preference".
    let model = choice.model.filter(|model| !model.is_empty() && *model != "default");
    // Whoever names the provider may mean a model `anthropic/…` of OpenRouter's.
    let provider: Box<dyn Provider> = match choice.provider.or_else(|| model.and_then(provider_prefix)) {
        Some("anthropic") => Box::new(
            Anthropic::from_env(choice.base_url, choice.betas)
                .ok_or(ChoiceError::NoKey { provider: "anthropic", variable: "ANTHROPIC_API_KEY" })?,
        ),
        Some("openai") => openai_from_env(choice.base_url, model)?
            .ok_or(ChoiceError::NoKey { provider: "openai", variable: "OPENAI_API_KEY" })?,
        Some("offline") => Box::new(Offline::from_env()),
        Some(other) => return Err(ChoiceError::Unknown(other.to_owned())),
        None => match Anthropic::from_env(choice.base_url, choice.betas) {
            Some(anthropic) => Box::new(anthropic),
            None => match openai_from_env(choice.base_url, model)? {
                Some(openai) => openai,
                None if choice.needs_model => return Err(ChoiceError::NoKeyAtAll),
                None => Box::new(Offline::from_env()),
            },
        },
    };
    Ok(provider)
}

fn openai_from_env(
    base_url: Option<&str>,
    model: Option<&str>,
) -> Result<Option<Box<dyn Provider>>, ChoiceError> {
    let Some(openai) = OpenAi::from_env(base_url) else { return Ok(None) };
    if model.is_none() && openai.models().is_empty() {
        return Err(ChoiceError::NoModel);
    }
    Ok(Some(Box::new(openai)))
}

/// The provider that a model's name begins with, or is.
fn provider_prefix(model: &str) -> Option<&str> {
    let prefix = match model.split_once('/') {
        Some((_, "")) => return None,
        Some((prefix, _)) => prefix,
        None => return (model == "offline").then_some(model),
    };
    PROVIDERS.contains(&prefix).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_may_begin_with_its_provider() {
        for (model, expected) in [
            ("openai/gpt-5", Some("openai")),
            ("anthropic/claude-opus-5", Some("anthropic")),
            ("hf.co/some/model", None),
            ("offline", Some("offline")),
            ("opus", None),
            ("openai/", None),
        ] {
            assert_eq!(provider_prefix(model), expected, "{model}");
        }
    }

    #[test]
    fn whoever_is_named_is_taken_whatever_the_model_is_called() {
        let chosen = |provider| {
            let (model, base_url) = (Some("anthropic/claude-opus-5"), Some("http://127.0.0.1:9"));
            select_provider(&ProviderChoice { provider, model, base_url, ..ProviderChoice::default() })
                .map(|provider| provider.name())
        };
        assert_eq!(chosen(Some("openai")), Ok("openai"));
        assert_eq!(chosen(Some("offline")), Ok("offline"));
        assert_eq!(chosen(None), Ok("anthropic"));
        assert_eq!(chosen(Some("nobody")), Err(ChoiceError::Unknown("nobody".into())));
    }
}
