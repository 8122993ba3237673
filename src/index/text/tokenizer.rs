//! Splits text into the words that a search compares.
//!
//! Used for what is indexed, what is typed and what is highlighted, so the three always
//! agree: lower case, no diacritics, compatibility forms unified (NFKD). Each CJK character
//! is a word of its own, since nothing separates words there. Everything that is neither
//! letter nor digit separates words, and so does the `0x` of a number in code: the digits
//! are found without it.

use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// How many bytes of a word count. A longer one is a blob, and its start tells it apart.
const MAX_WORD_BYTES: usize = 64;

/// Passes each word of a text to `found`, with the range of bytes it was made of.
pub fn for_each_word(text: &str, found: impl FnMut(&str, Range<usize>)) {
    let mut words = Tokenizer { word: String::new(), start: 0, end: 0, alone: false, found };
    for (at, c) in text.char_indices() {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                words.push_letter(c.to_ascii_lowercase(), at..at + 1);
                let is_next_a_digit = text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_hexdigit);
                if words.word == "0x" && is_next_a_digit {
                    words.finish();
                }
            } else {
                words.finish();
            }
            continue;
        }
        let place = at..at + c.len_utf8();
        for lower in c.to_lowercase() {
            decompose_compatible(lower, |part| words.push_decomposed(part, place.clone()));
        }
    }
    words.finish();
}

/// The words separated by blanks, as the index stores them.
pub fn fold_words(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for_each_word(text, |word, _| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    });
    folded
}

/// Whether this word is a single CJK character, which never continues.
pub fn is_single_char_word(word: &str) -> bool {
    word.chars().next().is_some_and(is_cjk_letter)
}

/// The word that is being read.
struct Tokenizer<F> {
    word: String,
    start: usize,
    end: usize,
    /// It is a CJK character, so the next one starts another word.
    alone: bool,
    found: F,
}

impl<F: FnMut(&str, Range<usize>)> Tokenizer<F> {
    fn push_letter(&mut self, letter: char, place: Range<usize>) {
        if self.alone {
            self.finish();
        }
        self.push(letter, place);
    }

    /// One character of the decomposition of a non-ASCII character.
    fn push_decomposed(&mut self, part: char, place: Range<usize>) {
        if is_accent(part) {
            // It belongs to its letter and is highlighted with it.
            self.end = if self.word.is_empty() { self.end } else { place.end };
        } else if is_cjk_letter(part) {
            self.finish();
            self.push(part, place);
            self.alone = true;
        } else if self.alone && extends_cjk_letter(part) {
            self.push(part, place);
        } else if part.is_alphanumeric() || is_combining_mark(part) {
            let part = part.to_ascii_lowercase();
            self.push_letter(part, place);
        } else {
            self.finish();
        }
    }

    fn push(&mut self, letter: char, place: Range<usize>) {
        if self.word.is_empty() {
            self.start = place.start;
        }
        self.end = place.end;
        if self.word.len() + letter.len_utf8() <= MAX_WORD_BYTES {
            self.word.push(letter);
        }
    }

    fn finish(&mut self) {
        if !self.word.is_empty() {
            (self.found)(&self.word, self.start..self.end);
            self.word.clear();
        }
        self.alone = false;
    }
}

/// Marks that a search ignores. Not those of Indic scripts, where they are vowels, nor the
/// voicing marks of kana.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}'..='\u{200d}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Han, kana, bopomofo, and the initial consonants of Hangul syllables.
fn is_cjk_letter(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3105}'..='\u{312f}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// What completes such a character: voicing marks, Hangul vowels and final consonants.
fn extends_cjk_letter(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309a}' | '\u{1160}'..='\u{11ff}')
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn check(text: &str, expected: &str) {
        let expected: String = expected.nfkd().collect();
        assert_eq!(fold_words(text), expected, "{text}");
        assert_eq!(fold_words(&text.nfd().collect::<String>()), expected, "{text}, decomposed");
        assert_eq!(fold_words(&fold_words(text)), expected, "{text}, twice");
    }

    #[test]
    fn what_is_neither_letter_nor_digit_divides() {
        check("", "");
        check("foo_bar::baz(), src/parse.rs --flag", "foo bar baz src parse rs flag");
        check("don’t “quote” 3.14", "don t quote 3 14");
        check("ERR_0x12345678 0Xff 0xg 10x1 0x", "err 0x 12345678 0x ff 0xg 10x1 0x");
    }

    #[test]
    fn case_accents_and_forms_make_no_difference() {
        check("Éclair ÀÉÎ Straße İstanbul Ｆｕｌｌ ﬁne", "eclair aei straße istanbul full fine");
        check("Ёлка ΐ", "елка ι");
    }

    #[test]
    fn each_cjk_character_is_a_word() {
        check("修复登录page页面", "修 复 登 录 page 页 面");
        check("ログがX", "ロ ク\u{3099} か\u{3099} x");
        check("한국어 ab", "한 국 어 ab");
    }

    #[test]
    fn vowel_signs_stay() {
        check("हिन्दी", "हिन्दी");
    }

    #[test]
    fn a_blob_is_cut() {
        check(&"a".repeat(1000), &"a".repeat(MAX_WORD_BYTES));
    }

    #[test]
    fn places_are_those_of_the_source() {
        let text = "x Ée\u{301}t 修";
        let mut places = Vec::new();
        for_each_word(text, |word, place| places.push((word.to_owned(), &text[place])));
        let expected = [("x", "x"), ("eet", "Ée\u{301}t"), ("修", "修")];
        assert_eq!(places, expected.map(|(word, place)| (word.to_owned(), place)));
    }
}
