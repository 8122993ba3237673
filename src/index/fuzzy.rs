//! How well a word matches a text, and which letters of the text it matches.
//!
//! Two tiers. In one piece, a match is a whole word, the start of a word or inside one
//! ([`MatchQuality`]); that order is ours, because a score alone cannot express it. Scattered
//! letters are scored and placed by the crate `fuzzy-matcher` (skim's algorithm), the lower tier.
//! Pure; knows no sessions: [`rank`](super::query) weighs fields.

use std::sync::LazyLock;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Both keep their scratch memory per thread.
static ANY_CASE: LazyLock<SkimMatcherV2> = LazyLock::new(|| SkimMatcherV2::default().ignore_case());
static EXACT_CASE: LazyLock<SkimMatcherV2> = LazyLock::new(|| SkimMatcherV2::default().respect_case());

/// The most that skim gives for a letter: a match and the start of a word.
const MAX_LETTER_SCORE: u32 = 24;
/// The start of a word counts twice for the first letter.
const FIRST_LETTER_BONUS: u32 = 8;

/// A word to look for. An upper-case letter in it matches upper case only; accents never
/// matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordMatcher {
    letters: Vec<char>,
    /// The letters as skim takes them.
    pattern: String,
    /// The same if all letters are ASCII: most texts are, and those are quick to search.
    ascii: Option<Vec<u8>>,
    exact_case: bool,
}

/// How a word stands in a text; the greater the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchQuality {
    /// Inside a word.
    Inside,
    /// At the start of a word.
    WordStart,
    WholeWord,
}

/// The greatest value of [`WordMatcher::match_scattered`].
pub const MAX_SCATTERED_SCORE: u32 = 30;

impl WordMatcher {
    /// A matcher for a word; `None` if it is empty, since that would match everything.
    pub fn new(word: &str) -> Option<Self> {
        let exact_case = word.chars().any(char::is_uppercase);
        let letters: Vec<char> = fold_letters(word, exact_case).map(|(_, letter)| letter).collect();
        let ascii = letters.iter().map(|letter| u8::try_from(*letter).ok().filter(u8::is_ascii)).collect();
        let pattern = letters.iter().collect();
        (!letters.is_empty()).then_some(Self { letters, pattern, ascii, exact_case })
    }

    /// Whether this word extends the other: every text that contains it contains the other
    /// too.
    pub fn narrows(&self, other: &Self) -> bool {
        let starts = self.letters.len() >= other.letters.len()
            && self.letters.iter().zip(&other.letters).all(|(mine, theirs)| {
                mine == theirs || (self.exact_case && mine.to_lowercase().eq([*theirs]))
            });
        starts && (self.exact_case || !other.exact_case)
    }

    /// The best place where the word stands in one piece.
    pub fn match_contiguous(&self, text: &str) -> Option<MatchQuality> {
        match &self.ascii {
            Some(ascii) if text.is_ascii() => self.match_ascii(ascii, text.as_bytes()),
            _ => self.best_position(&self.fold(text)).map(|(_, quality)| quality),
        }
    }

    /// How well the letters occur in the text, in order but not necessarily in one piece: up to
    /// [`MAX_SCATTERED_SCORE`] if each starts a word. `None` if they do not.
    pub fn match_scattered(&self, text: &str) -> Option<u32> {
        let score = match &self.ascii {
            Some(letters) if text.is_ascii() => {
                // Most texts fail here, before anything is made of them.
                let mut rest = text.as_bytes();
                for letter in letters {
                    let at = self.find(*letter, rest)?;
                    rest = &rest[at + 1..];
                }
                self.skim().fuzzy_match(text, &self.pattern)?
            }
            _ => {
                let folded: String = fold_letters(text, self.exact_case).map(|(_, letter)| letter).collect();
                self.skim().fuzzy_match(&folded, &self.pattern)?
            }
        };
        let most = self.letters.len() as u32 * MAX_LETTER_SCORE + FIRST_LETTER_BONUS;
        // Long gaps make skim's score negative.
        let score = u32::try_from(score).unwrap_or(0);
        Some((score * MAX_SCATTERED_SCORE / most).min(MAX_SCATTERED_SCORE))
    }

    fn skim(&self) -> &'static SkimMatcherV2 {
        if self.exact_case { &EXACT_CASE } else { &ANY_CASE }
    }

    /// The matched characters by position in characters, in order: the best place in one piece,
    /// or else, if `scattered` ones count, the letters as skim places them.
    pub fn match_positions(&self, text: &str, scattered: bool) -> Vec<usize> {
        let text = self.fold(text);
        let found = match self.best_position(&text) {
            Some((at, _)) => (at..at + self.letters.len()).collect(),
            None if scattered => {
                // The original letters where that makes no difference: capitals start words.
                let letter = |letter: &FoldedLetter| {
                    if letter.written.is_ascii() { letter.written } else { letter.folded }
                };
                let text: String = text.iter().map(letter).collect();
                self.skim().fuzzy_indices(&text, &self.pattern).map_or_else(Vec::new, |(_, found)| found)
            }
            None => Vec::new(),
        };
        found.into_iter().map(|at| text[at].position).collect()
    }

    fn match_ascii(&self, matcher: &[u8], text: &[u8]) -> Option<MatchQuality> {
        let mut best = None;
        let mut from = 0;
        while let Some(found) = self.find(matcher[0], &text[from..]) {
            let (at, end) = (from + found, from + found + matcher.len());
            let Some(piece) = text.get(at..end) else { break };
            if piece == matcher || (!self.exact_case && piece.eq_ignore_ascii_case(matcher)) {
                let letter = |at: usize| text.get(at).map(|byte| char::from(*byte));
                let quality = match_quality(at.checked_sub(1).and_then(letter), piece[0].into(), letter(end));
                best = best.max(Some(quality));
                if quality == MatchQuality::WholeWord {
                    break;
                }
            }
            from = at + 1;
        }
        best
    }

    fn find(&self, letter: u8, text: &[u8]) -> Option<usize> {
        if self.exact_case {
            memchr::memchr(letter, text)
        } else {
            memchr::memchr2(letter, letter.to_ascii_uppercase(), text)
        }
    }

    fn fold(&self, text: &str) -> Vec<FoldedLetter> {
        let written = text.chars().collect::<Vec<_>>();
        fold_letters(text, self.exact_case)
            .map(|(position, folded)| FoldedLetter { position, folded, written: written[position] })
            .collect()
    }

    /// The best place in one piece: the index of its first letter.
    fn best_position(&self, text: &[FoldedLetter]) -> Option<(usize, MatchQuality)> {
        let length = self.letters.len();
        let mut best: Option<(usize, MatchQuality)> = None;
        for (at, piece) in text.windows(length).enumerate() {
            if piece.iter().map(|letter| &letter.folded).eq(&self.letters) {
                let before = at.checked_sub(1).map(|at| text[at].written);
                let quality = match_quality(
                    before,
                    piece[0].written,
                    text.get(at + length).map(|letter| letter.written),
                );
                if best.is_none_or(|(_, former)| quality > former) {
                    best = Some((at, quality));
                }
            }
        }
        best
    }
}

/// A letter of a text that is searched.
struct FoldedLetter {
    /// Its position in characters of the original text.
    position: usize,
    /// The letter to compare.
    folded: char,
    /// The original letter.
    written: char,
}

fn match_quality(before: Option<char>, first: char, after: Option<char>) -> MatchQuality {
    match (
        is_word_boundary(before, Some(first)),
        after.is_none_or(|after| !after.is_alphanumeric() || is_cjk(after)),
    ) {
        (true, true) => MatchQuality::WholeWord,
        (true, false) => MatchQuality::WordStart,
        (false, _) => MatchQuality::Inside,
    }
}

/// Whether a word ends before `next` and another starts with it: `fooBar`, `foo_bar`, and
/// between two characters of a script that does not separate words.
fn is_word_boundary(before: Option<char>, next: Option<char>) -> bool {
    let (Some(before), Some(next)) = (before, next) else { return true };
    !before.is_alphanumeric() || (before.is_lowercase() && next.is_uppercase()) || is_cjk(next)
}

/// Ideographs, kana and hangul.
fn is_cjk(letter: char) -> bool {
    matches!(letter, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Letters as they are compared, with their position in characters: without accents, and in
/// lower case unless case matters.
fn fold_letters(text: &str, exact_case: bool) -> impl Iterator<Item = (usize, char)> {
    text.chars().enumerate().filter_map(move |(at, letter)| {
        if letter.is_ascii() {
            return Some((at, if exact_case { letter } else { letter.to_ascii_lowercase() }));
        }
        let letter = if exact_case { letter } else { letter.to_lowercase().next().unwrap_or(letter) };
        let mut plain = None;
        decompose_compatible(letter, |part| plain = plain.or((!is_combining_mark(part)).then_some(part)));
        plain.map(|plain| (at, plain))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, text: &str, quality: Option<MatchQuality>, highlighted: &str) {
        let matcher = WordMatcher::new(word).unwrap();
        let chars: Vec<char> = text.chars().collect();
        let shown: String = matcher.match_positions(text, true).into_iter().map(|at| chars[at]).collect();
        assert_eq!(
            (matcher.match_contiguous(text), shown.as_str()),
            (quality, highlighted),
            "{word} in {text}"
        );
        // The quick way and the careful one agree.
        assert_eq!(
            matcher.best_position(&matcher.fold(text)).map(|(_, quality)| quality),
            quality,
            "{word} in {text}"
        );
        assert_eq!(matcher.match_scattered(text).is_some(), !highlighted.is_empty(), "{word} in {text}");
    }

    #[test]
    fn a_word_is_whole_or_begins_or_is_inside() {
        check("tag", "a Tag here", Some(MatchQuality::WholeWord), "Tag");
        check("pars", "Unparsed parser", Some(MatchQuality::WordStart), "pars");
        check("bar", "fooBar_baz", Some(MatchQuality::WholeWord), "Bar");
        check("rain", "training", Some(MatchQuality::Inside), "rain");
        check("baz", "src/foo_baz.rs", Some(MatchQuality::WholeWord), "baz");
        check("x", "", None, "");
        check("long", "lon", None, "");
    }

    #[test]
    fn scattered_letters_are_placed_at_the_starts_of_words() {
        check("flkt", "Fix a flaky test", None, "flkt");
        check("prw", "Parser rewrite", None, "Prw");
        check("zzz", "zz z", None, "zzz");
        check("zzz", "zz top", None, "");
        let score = |text| WordMatcher::new("pr").unwrap().match_scattered(text);
        assert!(score("Parser rewrite") > score("a parrot"));
    }

    #[test]
    fn case_counts_where_a_capital_is_typed_and_accents_never() {
        check("P", "parser", None, "");
        check("Pa", "a Parser, Pa", Some(MatchQuality::WholeWord), "Pa");
        check("resume", "My résumé", Some(MatchQuality::WholeWord), "résumé");
        check("résumé", "my resume", Some(MatchQuality::WholeWord), "resume");
        check("ete", "un e\u{301}te\u{301}", Some(MatchQuality::WholeWord), "ete");
        check("登录", "修复登录页面", Some(MatchQuality::WholeWord), "登录");
    }

    #[test]
    fn a_needle_grows_from_another() {
        let grows = |from, to| WordMatcher::new(to).unwrap().narrows(&WordMatcher::new(from).unwrap());
        assert!(grows("pa", "pars") && grows("pa", "paR") && grows("Pa", "PaR"));
        assert!(!grows("pars", "pa") && !grows("pa", "apa") && !grows("Pa", "pa"));
    }
}
