use ratatui::buffer::CellWidth;

use super::*;
use crate::text::clean_line;
use crate::text::tests::NASTY;

fn plain(line: &Line<'_>) -> String {
    line.spans.iter().map(|span| span.content.as_ref()).collect()
}

#[test]
fn no_line_is_wider_than_asked_and_no_word_is_lost() {
    for text in NASTY {
        let text = clean_line(text);
        for most in 1..=24 {
            for line in wrap(&[Span::raw(text.as_ref())], most) {
                assert!(width(&plain(&line)) <= most, "{text:?} at {most}: {:?}", plain(&line));
            }
            for line in hard_wrap(vec![Span::raw(text.clone().into_owned())], most) {
                assert!(width(&plain(&line)) <= most, "{text:?} at {most}: {:?}", plain(&line));
            }
            assert!(spans_width(&clip(vec![Span::raw(text.clone().into_owned())], most)) <= most);
        }
        let kept = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
        let wrapped: String = wrap(&[Span::raw(text.as_ref())], 12).iter().map(plain).collect();
        assert_eq!(kept(&wrapped), kept(&text));
    }
}

#[test]
fn lines_break_between_words() {
    let check = |text: &str, most, lines: &[&str]| {
        let wrapped: Vec<String> = wrap(&[Span::raw(text)], most).iter().map(plain).collect();
        assert_eq!(wrapped, lines, "{text:?} at {most}");
    };
    check("", 10, &[""]);
    check("one two three", 7, &["one two", "three"]);
    check("one  two", 4, &["one", "two"]);
    check("  deep indentation", 8, &["  deep", "indentat", "ion"]);
    check("see abcdefghij", 6, &["see", "abcdef", "ghij"]);
    check("日本語です", 4, &["日本", "語で", "す"]);
    check("日本", 1, &["…", "…"]);
    check("one ", 3, &["one"]);
}

#[test]
fn styles_stay_with_their_words() {
    let (red, blue) = (Style::new().red(), Style::new().blue());
    let lines = wrap(&[Span::styled("one t", red), Span::styled("wo", blue), Span::styled(" x", red)], 4);
    let expected = [
        Line::from(vec![Span::styled("one", red)]),
        Line::from(vec![Span::styled("t", red), Span::styled("wo", blue)]),
    ];
    assert_eq!(lines[..2], expected);
}

#[test]
fn the_right_end_of_a_line_stays() {
    let spread = |cells| plain(&left_and_right(vec![Span::raw("Sessions")], vec![Span::raw("12")], cells));
    assert_eq!(spread(14), "Sessions    12");
    assert_eq!(spread(8), "Sess… 12");
    assert_eq!(spread(2), "12");
    assert_eq!(spread(0), "");
}

#[test]
fn hits_are_lit_across_spans_whatever_their_case() {
    let lit = Style::new().bold();
    let line = Line::from(vec![Span::raw("The Gra"), Span::raw("mmar grammar ÄRA")]);
    let lit_parts = |query| -> Vec<String> {
        let line = highlight_matches(line.clone(), query, lit);
        let spans = line.spans.iter().filter(|span| span.style == lit);
        spans.map(|span| span.content.to_string()).collect()
    };
    assert_eq!(lit_parts("grammar"), ["Gra", "mmar", "grammar"]);
    assert_eq!(lit_parts("ära"), ["ÄRA"]);
    assert_eq!(lit_parts(""), [""; 0]);
    assert_eq!(lit_parts("zzz"), [""; 0]);
}

/// `text::width` must count as ratatui draws, or lines would be cut or overlap.
#[test]
fn widths_are_those_of_ratatui() {
    for text in NASTY {
        for (grapheme, cells) in graphemes(&clean_line(text)) {
            assert_eq!(cells, usize::from(grapheme.cell_width()), "{grapheme:?} in {text:?}");
        }
    }
}
