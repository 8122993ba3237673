//! Fuzzy matching, behind one function so that the matcher can be changed.

use std::sync::LazyLock;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

/// How well a text matches, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Higher is better.
    pub score: i64,
    /// The matched characters, by position in characters, in order.
    pub positions: Vec<usize>,
}

/// Smart case: a capital in the query wants that capital.
static MATCHER: LazyLock<SkimMatcherV2> = LazyLock::new(|| SkimMatcherV2::default().smart_case());

/// Matches a text against a query. The words of the query must all match, in
/// any order; an empty query matches everything.
pub fn matches(query: &str, text: &str) -> Option<Match> {
    let mut all = Match::default();
    for word in query.split_whitespace() {
        let (score, positions) = MATCHER.fuzzy_indices(text, word)?;
        all.score += score;
        all.positions.extend(positions);
    }
    all.positions.sort_unstable();
    all.positions.dedup();
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, text: &str, lit: Option<&str>) {
        let found = matches(query, text).map(|found| {
            let chars: Vec<char> = text.chars().collect();
            found.positions.iter().map(|&at| chars[at]).collect::<String>()
        });
        assert_eq!(found.as_deref(), lit, "{query} in {text}");
    }

    #[test]
    fn words_match_in_any_order() {
        check("", "Parser rewrite", Some(""));
        check("pars", "Parser rewrite", Some("Pars"));
        check("rew pars", "Parser rewrite", Some("Parsrew"));
        check("pars zzz", "Parser rewrite", None);
    }

    #[test]
    fn a_capital_wants_a_capital() {
        check("P", "parser", None);
        check("p", "Parser", Some("P"));
    }

    #[test]
    fn an_exact_word_beats_scattered_letters() {
        let score = |text| matches("tag", text).unwrap().score;
        assert!(score("a tag here") > score("straining"));
    }
}
