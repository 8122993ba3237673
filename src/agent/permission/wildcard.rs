//! Patterns with stars, for everything but paths.

/// Whether a pattern matches a whole text. `*` stands for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_prefix(start).and_then(|text| text.strip_suffix(end)) else {
        return false;
    };
    // The first place of each part leaves the most room for those behind it.
    for part in middle.split('*') {
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    true
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
    fn no_pattern_takes_long() {
        let (pattern, text) = ("a*".repeat(200), "a".repeat(5_000) + "b");
        assert!(matches(&pattern, &text));
        assert!(!matches(&(pattern + "c"), &text));
    }
}
