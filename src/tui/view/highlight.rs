//! Code in the colours of the theme.
//!
//! The grammars are loaded once, by the shell and off the draw path, since that
//! takes tens of milliseconds; until then code is plain. Only meanings are
//! looked up here, so code has the terminal's own palette, or none.

use std::sync::{LazyLock, OnceLock};

use ratatui::style::Style;
use ratatui::text::Span;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::theme::Theme;

/// Bytes of a line that are coloured at most: minified files have lines of megabytes.
const LONGEST_LINE: usize = 1000;
/// Lines of a block that are coloured at most.
const MOST_LINES: usize = 2000;

static GRAMMARS: OnceLock<SyntaxSet> = OnceLock::new();

/// Loads the grammars. Takes tens of milliseconds the first time.
pub fn load() {
    GRAMMARS.get_or_init(two_face::syntax::extra_newlines);
}

/// The grammars are there: what was laid out before may now be coloured.
pub fn is_loaded() -> bool {
    GRAMMARS.get().is_some()
}

/// Colours the lines of one block of code, in order.
#[derive(Debug, Clone)]
pub struct Highlighter {
    grammars: &'static SyntaxSet,
    state: ParseState,
    scopes: ScopeStack,
    lines: usize,
}

impl Highlighter {
    /// For a language by its name or by a file's ending; none where it is not
    /// known, or the grammars are not loaded yet.
    pub fn new(language: &str) -> Option<Self> {
        let grammars = GRAMMARS.get()?;
        let grammar = grammars.find_syntax_by_token(language)?;
        Some(Self { grammars, state: ParseState::new(grammar), scopes: ScopeStack::new(), lines: 0 })
    }

    /// The next line, without its newline, in spans.
    pub fn line(&mut self, line: &str, theme: &Theme) -> Vec<Span<'static>> {
        let plain = || vec![Span::raw(line.to_owned())];
        self.lines += 1;
        if line.len() > LONGEST_LINE || self.lines > MOST_LINES {
            return plain();
        }
        let Ok(steps) = self.state.parse_line(&format!("{line}\n"), self.grammars) else { return plain() };
        let mut spans: Vec<Span<'static>> = Vec::new();
        let mut at = 0;
        for (end, step) in steps {
            let end = end.min(line.len());
            push(&mut spans, &line[at..end], self.style(theme));
            at = end;
            if self.scopes.apply(&step).is_err() {
                break;
            }
        }
        push(&mut spans, &line[at..], self.style(theme));
        spans
    }

    /// The style of the innermost scope that has a meaning.
    fn style(&self, theme: &Theme) -> Style {
        let meaning = self.scopes.as_slice().iter().rev().find_map(|scope| {
            MEANINGS.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, style)| style)
        });
        meaning.map_or_else(Style::new, |style| style(theme))
    }
}

fn push(spans: &mut Vec<Span<'static>>, text: &str, style: Style) {
    match spans.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.style == style => last.content.to_mut().push_str(text),
        _ => spans.push(Span::styled(text.to_owned(), style)),
    }
}

/// Takes a style out of a theme.
type Meaning = fn(&Theme) -> Style;

/// What the scopes of grammars mean; the first prefix that fits counts.
static MEANINGS: LazyLock<Vec<(Scope, Meaning)>> = LazyLock::new(|| {
    let table: [(&str, Meaning); 22] = [
        ("comment", |theme| theme.comment),
        ("string", |theme| theme.string),
        ("constant", |theme| theme.constant),
        ("keyword.operator", |_| Style::new()),
        ("keyword", |theme| theme.keyword),
        ("storage", |theme| theme.keyword),
        ("variable.language", |theme| theme.keyword),
        ("variable.function", |theme| theme.function),
        ("entity.name.function", |theme| theme.function),
        ("entity.other.attribute-name", |theme| theme.function),
        ("support.function", |theme| theme.function),
        ("support.macro", |theme| theme.function),
        ("entity.name.tag", |theme| theme.type_name),
        ("entity.name.type", |theme| theme.type_name),
        ("entity.name.class", |theme| theme.type_name),
        ("entity.name.struct", |theme| theme.type_name),
        ("entity.name.enum", |theme| theme.type_name),
        ("entity.name.trait", |theme| theme.type_name),
        ("support.type", |theme| theme.type_name),
        ("support.class", |theme| theme.type_name),
        ("markup.inserted", |theme| theme.add),
        ("markup.deleted", |theme| theme.remove),
    ];
    let known = |(scope, style): (&str, _)| Some((Scope::new(scope).ok()?, style));
    table.into_iter().filter_map(known).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_gets_the_meanings_of_the_theme() {
        load();
        let theme = Theme::dark();
        let mut rust = Highlighter::new("rust").unwrap();
        let spans = rust.line("let x = \"é\"; // why", &theme);
        let style_of = |text: &str| spans.iter().find(|span| span.content.contains(text)).unwrap().style;
        assert_eq!(style_of("let"), theme.keyword);
        assert_eq!(style_of("é"), theme.string);
        assert_eq!(style_of("why"), theme.comment);
        let text: String = spans.iter().map(|span| span.content.as_ref()).collect();
        assert_eq!(text, "let x = \"é\"; // why");
    }

    #[test]
    fn every_meaning_is_a_scope() {
        assert_eq!(MEANINGS.len(), 22);
    }

    #[test]
    fn an_unknown_language_and_a_line_without_end_are_plain() {
        load();
        assert!(Highlighter::new("klingon").is_none());
        let line = "let ".repeat(1000);
        let spans = Highlighter::new("rs").unwrap().line(&line, &Theme::dark());
        assert_eq!(spans, [Span::raw(line)]);
    }
}
