//! Replaces keys, tokens and passwords in a text.
//!
//! When in doubt it redacts: nobody finds a bug by reading a key.

use std::borrow::Cow;

/// Prefixes of the keys of common services.
const PREFIXES: [&str; 15] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "AIza",
    "eyJ",
];

/// Shorter words with such a prefix are no keys, in bytes.
const SHORTEST_KEY: usize = 16;

/// Suffixes of names with a secret value: `api_key`, `PGPASSWORD`.
const NAMES: [&str; 8] =
    ["key", "token", "secret", "password", "passwd", "authorization", "credentials", "cookie"];

/// Words between a name and its value, as in `Authorization: Bearer …`.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

const REDACTED: &str = "[redacted]";

/// The text with secrets replaced; borrowed if there are none.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut before = "";
    while let Some((start, end)) = next_word(text, at) {
        let (gap, word) = (&text[at..start], &text[start..end]);
        at = end;
        if is_value_of(before, gap, word) || looks_like_a_key(word) || is_url_password(text, start, end) {
            at = end_of_value(text, start);
            clean.push_str(&text[copied..start]);
            clean.push_str(REDACTED);
            copied = at;
            before = "";
        } else {
            before = word;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

/// The next run of letters, digits, `-` and `_` from `from` on.
fn next_word(text: &str, from: usize) -> Option<(usize, usize)> {
    let in_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let start = from + text[from..].find(in_word)?;
    let length = text[start..].find(|c| !in_word(c)).unwrap_or(text.len() - start);
    Some((start, start + length))
}

/// A value may contain more than a word does, such as `/` and `+` of base64.
fn end_of_value(text: &str, start: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || "\"'`,;&@)}]\\".contains(c);
    text[start..].find(ends).map_or(text.len(), |length| start + length)
}

fn looks_like_a_key(word: &str) -> bool {
    word.len() >= SHORTEST_KEY && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

fn is_value_of(name: &str, gap: &str, value: &str) -> bool {
    let (name, value) = (name.to_lowercase(), value.to_lowercase());
    if SCHEMES.contains(&name.as_str()) {
        return gap == " ";
    }
    let joins = gap.contains([':', '=']) && gap.chars().all(|c| ":=\"'\\ ".contains(c));
    joins && NAMES.iter().any(|end| name.ends_with(end)) && !SCHEMES.contains(&value.as_str())
}

/// The `pass` of `https://user:pass@host`.
fn is_url_password(text: &str, start: usize, end: usize) -> bool {
    let user = text[..start].strip_suffix(':').and_then(|before| before.rsplit_once("://"));
    text[end..].starts_with('@') && user.is_some_and(|(_, user)| !user.contains(['/', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_out() {
        for (text, clean) in [
            ("with sk-ant-api03-AbC_012345 set", "with [redacted] set"),
            ("ghp_0123456789abcdef0123", "[redacted]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln sent", "[redacted] sent"),
            ("ANTHROPIC_API_KEY=abc/def+gh== next", "ANTHROPIC_API_KEY=[redacted] next"),
            (r#"{"token":"abc","a":1}"#, r#"{"token":"[redacted]","a":1}"#),
            (r#""{\"password\": \"abc\"}""#, r#""{\"password\": \"[redacted]\"}""#),
            ("Authorization: Bearer a.b/c", "Authorization: Bearer [redacted]"),
            ("authorization: Basic dXNlcg==", "authorization: Basic [redacted]"),
            ("postgres://me:hunter2@db/x", "postgres://me:[redacted]@db/x"),
            ("password = ü密码, then", "password = [redacted], then"),
        ] {
            assert_eq!(redact(text), clean);
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for text in [
            "",
            "resume 3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1 took 2.1 ms",
            "812 tokens: 38 %",
            "the key of the matter",
            "sk-1",
            "https://host:8080/a@b",
            "ünïcode ⑂2 会话",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
