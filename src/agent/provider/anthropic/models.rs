//! What is known of Anthropic's models (CLI 2.1.329): short names, how long
//! their replies may be, how they think. Prices and windows are elsewhere.

/// The short names and what they stand for, with the variables that say otherwise.
pub const ALIASES: [(&str, &str, &str); 4] = [
    ("sonnet", "claude-sonnet-5-5", "ANTHROPIC_DEFAULT_SONNET_MODEL"),
    ("opus", "claude-opus-5-5", "ANTHROPIC_DEFAULT_OPUS_MODEL"),
    ("haiku", "claude-haiku-5-5", "ANTHROPIC_DEFAULT_HAIKU_MODEL"),
    ("fable", "claude-fable-5-2", "ANTHROPIC_DEFAULT_FABLE_MODEL"),
];

/// Asks for the large window; no part of the name on the wire.
pub const LARGE_WINDOW_SUFFIX: &str = "[1m]";

/// How a model is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelTraits {
    /// Tokens of a reply, at most.
    pub max_tokens: u64,
    /// It decides itself how much to think, and wants to be told so.
    pub adapts: bool,
    /// It takes messages of the role `system` in the conversation.
    pub takes_system_messages: bool,
    /// It can be told how hard to try; others refuse a request that does.
    pub takes_effort: bool,
}

/// The full name behind a short one.
pub fn full_name(name: &str) -> String {
    let (short, window) = match name.strip_suffix(LARGE_WINDOW_SUFFIX) {
        Some(short) => (short, LARGE_WINDOW_SUFFIX),
        None => (name, ""),
    };
    let Some((_, full, variable)) = ALIASES.iter().find(|(alias, ..)| alias.eq_ignore_ascii_case(short))
    else {
        return name.to_owned();
    };
    let full =
        std::env::var(variable).ok().filter(|name| !name.is_empty()).unwrap_or_else(|| (*full).to_owned());
    format!("{full}{window}")
}

/// What a model's name tells of it.
pub fn traits(model: &str) -> ModelTraits {
    let version = version(model);
    let adapts = version.is_some_and(|version| version >= (4, 6));
    let max_tokens = match version {
        Some((3, 5)) => 8192,
        Some((3, minor)) if minor < 5 => 4096,
        _ if adapts => 64_000,
        _ => 32_000,
    };
    let takes_effort = adapts || (version == Some((4, 5)) && model.contains("opus"));
    let takes_system_messages = version.is_some_and(|version| version >= (4, 8));
    ModelTraits { max_tokens, adapts, takes_system_messages, takes_effort }
}

/// The version in `claude-opus-4-5-20251101` or `claude-3-5-haiku-20241022`.
fn version(model: &str) -> Option<(u32, u32)> {
    let rest = &model[model.find("claude-")?..];
    let mut numbers = rest
        .split(|char: char| !char.is_ascii_alphanumeric())
        .map(str::parse::<u32>)
        .skip_while(Result::is_err)
        .map_while(Result::ok)
        // A date is no version.
        .take_while(|&number| number < 1000);
    let major = numbers.next()?;
    Some((major, numbers.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_version() {
        for (name, expected) in [
            ("claude-opus-4-5-20251101", Some((4, 5))),
            ("claude-opus-4-20250514", Some((4, 0))),
            ("claude-3-5-haiku-20241022", Some((3, 5))),
            ("claude-sonnet-5", Some((5, 0))),
            ("us.anthropic.claude-haiku-5-5", Some((5, 5))),
            ("claude-next", None),
            ("llama", None),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
        assert!(traits("claude-sonnet-5-5").adapts && !traits("claude-haiku-4-5").adapts);
    }

    #[test]
    fn short_names_have_full_ones() {
        assert_eq!(full_name("opus"), "claude-opus-5-5");
        assert_eq!(full_name("sonnet[1m]"), "claude-sonnet-5-5[1m]");
        assert_eq!(full_name("claude-opus-4-5"), "claude-opus-4-5");
    }
}
