//! Patterns with stars. Matching takes at most the pattern's length times the
//! text's, whatever they hold.

/// Whether a pattern matches a whole text. `*` stands for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    match_tokens(&tokenize(pattern, false), text)
}

/// The same for a path: `*` stays within one name, `**` does not, and `**/`
/// may also stand for no folder at all.
pub fn matches_path(pattern: &str, path: &str) -> bool {
    match_tokens(&tokenize(pattern, true), path)
}

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WildcardToken {
    Char(char),
    /// Anything but a slash.
    WithinName,
    /// Anything.
    AnyText,
    /// Whole folders, or none.
    AnyFolders,
}

fn tokenize(pattern: &str, is_path: bool) -> Vec<WildcardToken> {
    let chars: Vec<_> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let run = chars[at..].iter().take_while(|&&char| char == '*').count();
        let starts_a_name = at == 0 || chars[at - 1] == '/';
        let (token, length) = match run {
            0 => (WildcardToken::Char(chars[at]), 1),
            2.. if is_path && starts_a_name && chars.get(at + run) == Some(&'/') => {
                (WildcardToken::AnyFolders, run + 1)
            }
            1 if is_path => (WildcardToken::WithinName, 1),
            _ => (WildcardToken::AnyText, run),
        };
        tokens.push(token);
        at += length;
    }
    tokens
}

/// Whether the tokens match the whole text. Keeps every place in the pattern that
/// the text so far can have reached.
fn match_tokens(tokens: &[WildcardToken], text: &str) -> bool {
    let mut places = vec![false; tokens.len() + 1];
    mark_reachable(tokens, &mut places, 0);
    for char in text.chars() {
        let mut next = vec![false; places.len()];
        for (at, token) in tokens.iter().enumerate().filter(|&(at, _)| places[at]) {
            let (stays, goes_on) = match token {
                WildcardToken::Char(wanted) => (false, *wanted == char),
                WildcardToken::WithinName => (char != '/', char != '/'),
                WildcardToken::AnyText => (true, true),
                WildcardToken::AnyFolders => (true, char == '/'),
            };
            next[at] |= stays;
            if goes_on {
                mark_reachable(tokens, &mut next, at + 1);
            }
        }
        places = next;
    }
    places[tokens.len()]
}

/// Marks a place as reached, and those past the stars there, which may stand for
/// nothing.
fn mark_reachable(tokens: &[WildcardToken], places: &mut [bool], mut at: usize) {
    places[at] = true;
    while tokens.get(at).is_some_and(|token| !matches!(token, WildcardToken::Char(_))) {
        at += 1;
        places[at] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_in_a_text() {
        for (pattern, text, expected) in [
            ("git * main", "git push main", true),
            ("git * main", "git push origin/x main", true),
            ("git * main", "git main", false),
            ("*", "", true),
            ("a*b*c", "a/b/b/c", true),
            ("a*b*c", "a/b/b/d", false),
            ("a", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_star_stays_in_a_name_and_two_do_not() {
        for (pattern, path, expected) in [
            ("/a/*.rs", "/a/b.rs", true),
            ("/a/*.rs", "/a/b/c.rs", false),
            ("/a/**", "/a/b/c.rs", true),
            ("/a/**", "/ab", false),
            ("/a/**/c.rs", "/a/c.rs", true),
            ("/a/**/c.rs", "/a/b/b/c.rs", true),
            ("/a/**/c.rs", "/a/b/xc.rs", false),
            ("/a/**/*.rs", "/a/b/b/c.rs", true),
            ("/a/b", "/a/b/c", false),
        ] {
            assert_eq!(matches_path(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let (pattern, text) = ("a*".repeat(200), "a".repeat(5_000) + "b");
        assert!(matches(&pattern, &text));
        assert!(!matches(&(pattern + "c"), &text));
    }
}
