//! How well a word stands in a text, and on which of its letters.
//!
//! Of our own, and no crate's: one that ranks by a score alone cannot say that
//! a text *begins a word* with what was typed, which is what makes an order that
//! a person finds right, and over 50,000 titles each was slower than a frame.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A word to look for. A capital in it wants that capital; accents do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    letters: Vec<char>,
    /// The same where all letters are ASCII: most texts are, and quick to go through.
    ascii: Option<Vec<u8>>,
    exact_case: bool,
}

/// How a word stands in a text, the better the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// In the middle of a word.
    Inside,
    /// It begins a word.
    Start,
    /// It is a word.
    Whole,
}

/// What [`Needle::scattered`] gives at most.
pub const MOST_SCATTERED: u32 = 30;

impl Needle {
    /// A needle; none of an empty word, which would stand everywhere.
    pub fn new(word: &str) -> Option<Self> {
        let exact_case = word.chars().any(char::is_uppercase);
        let letters: Vec<char> = folded(word, exact_case).map(|(_, letter)| letter).collect();
        let ascii = letters.iter().map(|letter| u8::try_from(*letter).ok().filter(u8::is_ascii)).collect();
        (!letters.is_empty()).then_some(Self { letters, ascii, exact_case })
    }

    /// Whether this is the other needle with more typed: no text holds this one
    /// that does not hold the other.
    pub fn is_longer_than(&self, other: &Self) -> bool {
        let starts = self.letters.len() >= other.letters.len()
            && self.letters.iter().zip(&other.letters).all(|(mine, theirs)| {
                mine == theirs || (self.exact_case && mine.to_lowercase().eq([*theirs]))
            });
        starts && (self.exact_case || !other.exact_case)
    }

    /// The best place where the word stands in one piece.
    pub fn within(&self, text: &str) -> Option<Fit> {
        match &self.ascii {
            Some(ascii) if text.is_ascii() => self.within_ascii(ascii, text.as_bytes()),
            _ => self.place(&self.fold(text)).map(|(_, fit)| fit),
        }
    }

    /// How well the letters stand in the text, in order but not in one piece:
    /// up to [`MOST_SCATTERED`] where each begins a word or follows the one before.
    pub fn scattered(&self, text: &str) -> Option<u32> {
        if let Some(ascii) = self.ascii.as_ref().filter(|_| text.is_ascii()) {
            // Most texts fall here, before anything is made of them.
            let mut rest = text.as_bytes();
            for letter in ascii {
                let at = self.find(*letter, rest)?;
                rest = &rest[at + 1..];
            }
        }
        let text = self.fold(text);
        let taken = self.take(&text)?;
        let good = |(nth, at): &(usize, &usize)| {
            begins(&text, **at) || nth.checked_sub(1).is_some_and(|before| taken[before] + 1 == **at)
        };
        let good = taken.iter().enumerate().filter(good).count() as u32;
        Some(good * MOST_SCATTERED / self.letters.len() as u32)
    }

    /// The characters that are lit, by position in characters, in order: of the
    /// best place in one piece, or else of the scattered letters.
    pub fn lit(&self, text: &str, scattered: bool) -> Vec<usize> {
        let text = self.fold(text);
        let found = match self.place(&text) {
            Some((at, _)) => (at..at + self.letters.len()).collect(),
            None if scattered => self.take(&text).unwrap_or_default(),
            None => Vec::new(),
        };
        found.into_iter().map(|at| text[at].position).collect()
    }

    fn within_ascii(&self, needle: &[u8], text: &[u8]) -> Option<Fit> {
        let mut best = None;
        let mut from = 0;
        while let Some(found) = self.find(needle[0], &text[from..]) {
            let (at, end) = (from + found, from + found + needle.len());
            let Some(piece) = text.get(at..end) else { break };
            if piece == needle || (!self.exact_case && piece.eq_ignore_ascii_case(needle)) {
                let letter = |at: usize| text.get(at).map(|byte| char::from(*byte));
                let fit = fit(at.checked_sub(1).and_then(letter), piece[0].into(), letter(end));
                best = best.max(Some(fit));
                if fit == Fit::Whole {
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

    fn fold(&self, text: &str) -> Vec<Letter> {
        let written = text.chars().collect::<Vec<_>>();
        folded(text, self.exact_case)
            .map(|(position, folded)| Letter { position, folded, written: written[position] })
            .collect()
    }

    /// The best place in one piece: the index of its first letter.
    fn place(&self, text: &[Letter]) -> Option<(usize, Fit)> {
        let length = self.letters.len();
        let mut best: Option<(usize, Fit)> = None;
        for (at, piece) in text.windows(length).enumerate() {
            if piece.iter().map(|letter| &letter.folded).eq(&self.letters) {
                let before = at.checked_sub(1).map(|at| text[at].written);
                let fit = fit(before, piece[0].written, text.get(at + length).map(|letter| letter.written));
                if best.is_none_or(|(_, former)| fit > former) {
                    best = Some((at, fit));
                }
            }
        }
        best
    }

    /// The letters in order, as near to words as they can be: where it goes,
    /// each begins a word or follows the one before.
    fn take(&self, text: &[Letter]) -> Option<Vec<usize>> {
        let mut taken: Vec<usize> = Vec::with_capacity(self.letters.len());
        for letter in &self.letters {
            let from = taken.last().map_or(0, |last| last + 1);
            let next = (from..text.len())
                .find(|&at| text[at].folded == *letter && (begins(text, at) || (at == from && at > 0)));
            match next {
                Some(at) => taken.push(at),
                None => return self.take_closest(text),
            }
        }
        Some(taken)
    }

    /// The letters in order: forward to the first end there is, and back from
    /// it, so that they stand as close as they can before that end.
    fn take_closest(&self, text: &[Letter]) -> Option<Vec<usize>> {
        let mut wanted = self.letters.iter().peekable();
        let end = text.iter().position(|letter| {
            wanted.next_if_eq(&&letter.folded);
            wanted.peek().is_none()
        })?;
        let mut wanted = self.letters.iter().rev().peekable();
        let mut taken: Vec<usize> =
            (0..=end).rev().filter(|&at| wanted.next_if_eq(&&text[at].folded).is_some()).collect();
        taken.reverse();
        Some(taken)
    }
}

/// A letter of a text that is looked through.
struct Letter {
    /// Where it stands, in characters of the text as it is written.
    position: usize,
    /// What is compared.
    folded: char,
    /// What stands there.
    written: char,
}

/// Whether a word begins here.
fn begins(text: &[Letter], at: usize) -> bool {
    divides(at.checked_sub(1).map(|at| text[at].written), Some(text[at].written))
}

fn fit(before: Option<char>, first: char, after: Option<char>) -> Fit {
    match (divides(before, Some(first)), after.is_none_or(|after| !after.is_alphanumeric() || is_cjk(after)))
    {
        (true, true) => Fit::Whole,
        (true, false) => Fit::Start,
        (false, _) => Fit::Inside,
    }
}

/// Whether a word ends before `next` and another begins with it: `fooBar`,
/// `foo_bar`, and between any two characters that nothing divides in writing.
fn divides(before: Option<char>, next: Option<char>) -> bool {
    let (Some(before), Some(next)) = (before, next) else { return true };
    !before.is_alphanumeric() || (before.is_lowercase() && next.is_uppercase()) || is_cjk(next)
}

/// Ideographs, kana and hangul.
fn is_cjk(letter: char) -> bool {
    matches!(letter, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Letters as they are compared, with their position in characters: without
/// accents, and in lower case unless the case counts.
fn folded(text: &str, exact_case: bool) -> impl Iterator<Item = (usize, char)> {
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

    fn check(word: &str, text: &str, fit: Option<Fit>, lit: &str) {
        let needle = Needle::new(word).unwrap();
        let chars: Vec<char> = text.chars().collect();
        let shown: String = needle.lit(text, true).into_iter().map(|at| chars[at]).collect();
        assert_eq!((needle.within(text), shown.as_str()), (fit, lit), "{word} in {text}");
        // The quick way and the careful one agree.
        assert_eq!(needle.place(&needle.fold(text)).map(|(_, fit)| fit), fit, "{word} in {text}");
        assert_eq!(needle.scattered(text).is_some(), !lit.is_empty(), "{word} in {text}");
    }

    #[test]
    fn a_word_is_whole_or_begins_or_is_inside() {
        check("tag", "a Tag here", Some(Fit::Whole), "Tag");
        check("pars", "Unparsed parser", Some(Fit::Start), "pars");
        check("bar", "fooBar_baz", Some(Fit::Whole), "Bar");
        check("rain", "training", Some(Fit::Inside), "rain");
        check("baz", "src/foo_baz.rs", Some(Fit::Whole), "baz");
        check("x", "", None, "");
        check("long", "lon", None, "");
    }

    #[test]
    fn scattered_letters_stand_as_close_as_they_can() {
        check("flkt", "Fix a flaky test", None, "flkt");
        check("prw", "Parser rewrite", None, "Prw");
        check("zzz", "zz z", None, "zzz");
        check("zzz", "zz top", None, "");
        let score = |text| Needle::new("pr").unwrap().scattered(text);
        assert!(score("Parser rewrite") > score("a parrot"));
    }

    #[test]
    fn case_counts_where_a_capital_is_typed_and_accents_never() {
        check("P", "parser", None, "");
        check("Pa", "a Parser, Pa", Some(Fit::Whole), "Pa");
        check("resume", "My résumé", Some(Fit::Whole), "résumé");
        check("résumé", "my resume", Some(Fit::Whole), "resume");
        check("ete", "un e\u{301}te\u{301}", Some(Fit::Whole), "ete");
        check("登录", "修复登录页面", Some(Fit::Whole), "登录");
    }

    #[test]
    fn a_needle_grows_from_another() {
        let grows = |from, to| Needle::new(to).unwrap().is_longer_than(&Needle::new(from).unwrap());
        assert!(grows("pa", "pars") && grows("pa", "paR") && grows("Pa", "PaR"));
        assert!(!grows("pars", "pa") && !grows("pa", "apa") && !grows("Pa", "pa"));
    }
}
