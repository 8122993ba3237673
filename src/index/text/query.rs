//! What a person types to search messages.
//!
//! Words that must all occur, `"phrases"`, `-words` that must not, `prefix*`. Every input
//! is a valid query. A word with punctuation (`foo_bar::baz`, `src/parse.rs`) or in CJK
//! (登录) is a phrase of its pieces. Only quoted words ever reach the database.

use super::tokenizer;

/// The most terms, and the most words of a term: more was pasted, not asked.
const MAX_TERMS: usize = 32;

/// A shorter prefix counts as a whole word: it would match a large part of all messages.
const MIN_PREFIX_CHARS: usize = 3;

/// A parsed search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FullTextQuery {
    /// All of these must occur in one message.
    pub(super) wanted: Vec<Phrase>,
    /// None of these may occur in it.
    pub(super) unwanted: Vec<Phrase>,
    /// Search tool input and output too.
    pub(super) tools: bool,
}

/// Words next to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Phrase {
    pub words: Vec<String>,
    /// The last word is only a prefix.
    pub last_is_prefix: bool,
}

impl FullTextQuery {
    /// Parses a complete query.
    pub fn parse(typed: &str) -> Self {
        Self::parse_terms(typed, false)
    }

    /// Parses a query that is still being typed: its last word may go on.
    pub fn typing(typed: &str) -> Self {
        Self::parse_terms(typed, true)
    }

    /// Searches tool input and output too.
    #[must_use]
    pub fn with_tools(self, tools: bool) -> Self {
        Self { tools, ..self }
    }

    /// Whether there is nothing to look for. A query of unwanted words alone finds nothing
    /// either.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    fn parse_terms(typed: &str, typing: bool) -> Self {
        let mut query = Self::default();
        let mut rest = typed.trim_start();
        while !rest.is_empty() && query.wanted.len() + query.unwanted.len() < MAX_TERMS {
            // `--flag` is a word, `-flag` is an unwanted word.
            let not = rest.starts_with('-') && !rest.starts_with("--");
            // An unwanted word excludes nothing before it is complete.
            let (phrase, after) = next_term(&rest[usize::from(not)..], typing && !not);
            if !phrase.words.is_empty() {
                if not { &mut query.unwanted } else { &mut query.wanted }.push(phrase);
            }
            rest = after.trim_start();
        }
        query
    }

    /// All wanted words as one phrase, in the order they were typed; `None` if that is the
    /// same query.
    pub(super) fn as_one_phrase(&self) -> Option<Self> {
        let (last, before) = self.wanted.split_last().filter(|(_, before)| !before.is_empty())?;
        if before.iter().any(|phrase| phrase.last_is_prefix) {
            return None;
        }
        let words = self.wanted.iter().flat_map(|phrase| phrase.words.clone()).collect();
        let wanted = vec![Phrase { words, last_is_prefix: last.last_is_prefix }];
        // Only the table of messages knows positions.
        Some(Self { wanted, unwanted: self.unwanted.clone(), tools: false })
    }

    /// The query in the language of FTS5.
    pub(super) fn fts_expression(&self) -> String {
        join_terms(&self.wanted, &self.unwanted)
    }

    /// As [`fts_expression`](Self::fts_expression), for a table without word positions.
    /// Finds too much rather than too little.
    pub(super) fn fts_expression_without_positions(&self) -> String {
        let single = |phrase: &Phrase| {
            let mut single: Vec<Phrase> = phrase
                .words
                .iter()
                .map(|word| Phrase { words: vec![word.clone()], last_is_prefix: false })
                .collect();
            if let Some(last) = single.last_mut() {
                // That table has no prefix index either, so the shortest prefixes would be
                // slow.
                last.last_is_prefix =
                    phrase.last_is_prefix && last.words[0].chars().count() > MIN_PREFIX_CHARS;
            }
            single
        };
        let wanted: Vec<Phrase> = self.wanted.iter().flat_map(single).collect();
        let unwanted: Vec<Phrase> =
            self.unwanted.iter().filter(|phrase| phrase.words.len() == 1).cloned().collect();
        join_terms(&wanted, &unwanted)
    }
}

fn join_terms(wanted: &[Phrase], unwanted: &[Phrase]) -> String {
    let all =
        |phrases: &[Phrase], by: &str| phrases.iter().map(Phrase::expression).collect::<Vec<_>>().join(by);
    let wanted = format!("({})", all(wanted, " AND "));
    if unwanted.is_empty() { wanted } else { format!("{wanted} NOT ({})", all(unwanted, " OR ")) }
}

/// The first term of the input, and what follows it.
fn next_term(typed: &str, typing: bool) -> (Phrase, &str) {
    let (inside, after, closed) = match typed.strip_prefix('"') {
        Some(quoted) => match quoted.split_once('"') {
            Some((inside, after)) => (inside, after, true),
            None => (quoted, "", false),
        },
        None => {
            let end = typed.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(typed.len());
            (&typed[..end], &typed[end..], end < typed.len())
        }
    };
    let starred = after.strip_prefix('*').filter(|_| typed.starts_with('"'));
    let begins = inside.ends_with('*') || starred.is_some();
    let typing = typing && !closed && inside.ends_with(char::is_alphanumeric);
    let mut phrase = Phrase::default();
    tokenizer::for_each_word(inside, |word, _| {
        if phrase.words.len() < MAX_TERMS {
            phrase.words.push(word.to_owned());
        }
    });
    phrase.last_is_prefix = (begins || typing) && phrase.words.last().is_some_and(|last| can_be_prefix(last));
    (phrase, starred.unwrap_or(after))
}

/// Whether a word may be searched by its prefix.
fn can_be_prefix(word: &str) -> bool {
    !tokenizer::is_single_char_word(word) && word.chars().count() >= MIN_PREFIX_CHARS
}

impl Phrase {
    /// Whether a sequence of words starts with this phrase.
    pub fn is_prefix_of<'a>(&self, mut text: impl Iterator<Item = &'a str>) -> bool {
        let last = self.words.len().saturating_sub(1);
        self.words.iter().enumerate().all(|(at, word)| {
            text.next().is_some_and(|other| {
                if self.last_is_prefix && at == last {
                    other.starts_with(word.as_str())
                } else {
                    other == word
                }
            })
        })
    }

    fn expression(&self) -> String {
        // The words hold neither quotes nor blanks: the tokenizer made them.
        format!("\"{}\"{}", self.words.join(" "), if self.last_is_prefix { " *" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: &str) {
        let query = FullTextQuery::parse(typed);
        assert_eq!(if query.is_empty() { "()".into() } else { query.fts_expression() }, expected, "{typed}");
    }

    #[test]
    fn words_phrases_and_what_is_not_wanted() {
        check("", "()");
        check("Old  grammar", r#"("old" AND "grammar")"#);
        check(r#""old grammar" flag"#, r#"("old grammar" AND "flag")"#);
        check("flag -old -\"the grammar\"", r#"("flag") NOT ("old" OR "the grammar")"#);
        check("gram* \"the gram\"*", r#"("gram" * AND "the gram" *)"#);
    }

    #[test]
    fn what_punctuation_divides_is_a_phrase() {
        check("foo_bar::baz src/parse.rs", r#"("foo bar baz" AND "src parse rs")"#);
        check("--flag", r#"("flag")"#);
        check("登录 a登录b", r#"("登 录" AND "a 登 录 b")"#);
    }

    #[test]
    fn whatever_is_typed_means_something() {
        check(r#"" "" - * -* () AND:"#, r#"("and")"#);
        check(
            r#"a"b c"d OR NEAR(x, 5) ^y {z}: col:w"#,
            r#"("a" AND "b c" AND "d" AND "or" AND "near x" AND "5" AND "y" AND "z" AND "col w")"#,
        );
        check("it's \0 \u{7} 'x'; --", r#"("it s" AND "x")"#);
        check("-only", "()");
        check("\"never closed", r#"("never closed")"#);
    }

    #[test]
    fn the_last_word_may_go_on_while_it_is_typed() {
        let check =
            |typed: &str, expected: &str| assert_eq!(FullTextQuery::typing(typed).fts_expression(), expected);
        check("old gram", r#"("old" AND "gram" *)"#);
        check("old gram ", r#"("old" AND "gram")"#);
        check("\"old gram", r#"("old gram" *)"#);
        check("\"old gram\"", r#"("old gram")"#);
        check("foo_bar", r#"("foo bar" *)"#);
        // Too short to say anything, or complete already.
        check("gr", r#"("gr")"#);
        check("登录", r#"("登 录")"#);
        check("old -gram", r#"("old") NOT ("gram")"#);
    }

    #[test]
    fn where_words_stand_can_be_left_open() {
        let query = FullTextQuery::parse(r#""old gram"* fla* -"a b" -c"#);
        assert_eq!(query.fts_expression_without_positions(), r#"("old" AND "gram" * AND "fla") NOT ("c")"#);
    }

    #[test]
    fn a_pasted_book_is_cut() {
        let query = FullTextQuery::parse(&"word ".repeat(10_000));
        assert_eq!(query.wanted.len(), MAX_TERMS);
        assert_eq!(FullTextQuery::parse(&"x.".repeat(10_000)).wanted[0].words.len(), MAX_TERMS);
    }

    #[test]
    fn words_typed_in_order_are_looked_for_together() {
        let together =
            |typed| FullTextQuery::typing(typed).as_one_phrase().map(|query| query.fts_expression());
        assert_eq!(together("the old gram").as_deref(), Some(r#"("the old gram" *)"#));
        assert_eq!(together("old"), None);
    }
}
