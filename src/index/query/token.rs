//! Splits the input into words, `"phrases"` and `key:value`, each with an optional `-`.

use std::ops::Range;

/// One piece of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryToken<'a> {
    /// Its bytes in the input.
    pub span: Range<usize>,
    /// It starts with `-`: matches are unwanted.
    pub negated: bool,
    /// What is before the first colon, if that can be the name of a filter.
    pub key: Option<&'a str>,
    /// The rest, without quotes.
    pub value: &'a str,
    pub is_quoted: bool,
}

/// All pieces, in order. A quote that is not closed reaches to the end.
pub fn tokenize(typed: &str) -> Vec<QueryToken<'_>> {
    let mut tokens = Vec::new();
    let mut from = 0;
    while let Some(start) = typed[from..].find(|c: char| !c.is_whitespace()).map(|at| from + at) {
        let token = next_token(typed, start);
        from = token.span.end;
        tokens.push(token);
    }
    tokens
}

fn next_token(typed: &str, start: usize) -> QueryToken<'_> {
    let rest = &typed[start..];
    // `--flag` and a lone dash are words.
    let not = rest
        .strip_prefix('-')
        .is_some_and(|rest| rest.chars().next().is_some_and(|next| next != '-' && !next.is_whitespace()));
    let body = &rest[usize::from(not)..];
    let key = key(body);
    let value = &body[key.map_or(0, |key| key.len() + 1)..];
    let (inside, length, quoted) = match value.strip_prefix('"') {
        Some(quoted) => match quoted.split_once('"') {
            Some((inside, _)) => (inside, inside.len() + 2, true),
            None => (quoted, value.len(), true),
        },
        None => {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            (&value[..end], end, false)
        }
    };
    let end = typed.len() - value.len() + length;
    let (key, value) = match key {
        Some(key) if !quoted && (inside.starts_with(':') || inside.starts_with("//")) => {
            (None, &body[..key.len() + 1 + length])
        }
        key => (key, inside),
    };
    QueryToken { span: start..end, negated: not, key, value, is_quoted: quoted }
}

/// The letters before a colon.
fn key(text: &str) -> Option<&str> {
    let letters = text.find(|c: char| !c.is_ascii_alphabetic()).filter(|letters| *letters > 0)?;
    text[letters..].starts_with(':').then(|| &text[..letters])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: &[(&str, &str)]) {
        let found: Vec<(String, &str)> = tokenize(typed)
            .into_iter()
            .map(|token| {
                let not = if token.negated { "-" } else { "" };
                (
                    format!("{not}{}", token.key.unwrap_or(if token.is_quoted { "\"" } else { "" })),
                    token.value,
                )
            })
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        assert_eq!(found, expected, "{typed}");
        assert!(tokenize(typed).windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    }

    #[test]
    fn words_phrases_and_filters() {
        check("  old grammar ", &[("", "old"), ("", "grammar")]);
        check("\"old grammar\" x", &[("\"", "old grammar"), ("", "x")]);
        check("tag:keep -tag:\"two words\" tag:", &[("tag", "keep"), ("-tag", "two words"), ("tag", "")]);
        check("-not --flag - ", &[("-", "not"), ("", "--flag"), ("", "-")]);
        check("\"never closed", &[("\"", "never closed")]);
        check("tag:\"登录 ", &[("tag", "登录 ")]);
    }

    #[test]
    fn a_colon_alone_makes_no_filter() {
        check("foo_bar::baz http://x std::fs", &[("", "foo_bar::baz"), ("", "http://x"), ("", "std::fs")]);
        check("src/a.rs:12 :x 登:录", &[("", "src/a.rs:12"), ("", ":x"), ("", "登:录")]);
    }
}
