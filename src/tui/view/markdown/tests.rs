use super::super::spans::spans_width;
use super::*;

const TOUR: &str = r#"# One reply of everything

I'll gate it behind `legacy_grammar`. *Two* **places** change, ~~three~~:

1. `lexer.rs` - the token table, which is [documented](https://example.org/lexer) at length
2. `parse.rs` - recovery after `Unexpected`
   - nested, and long enough that it has to go on in the next line of the item
     - deeper

## Tasks

- [x] done
- [ ] not done, see <https://example.org>

> A quotation that is long enough to go on in a second line, with **weight**.
>
> - and a list

| file | what it is for | lines |
|:-----|:--------------:|------:|
| src/lexer.rs | the token table, a long description of it | 214 |
| src/parse.rs | recovery | 1,204 |

```rust
fn main() {
    let a_line = "that is longer than the screen on which it is shown, so it goes on below";
}
```

### Left
a line
its next line

<details>
<summary>HTML &amp; such</summary>
</details>

---

10. ten
11. eleven

![a picture](pic.png) and e&#27;[31mscape
"#;

/// Texts that are hard on a renderer.
const NASTY: &[&str] = &[
    "",
    "\n\n\n",
    "# ",
    "- ",
    "> > > > > > > > > > > > > > > > > > > > > > deep",
    "- - - - - - - - - - - - - - - - - - - - - - deep",
    "| a |\n|---|\n",
    "|a|b|c|d|e|f|g|h|i|j|k|l|m|\n|-|-|-|-|-|-|-|-|-|-|-|-|-|\n|1|2|3|4|5|6|7|8|9|10|11|12|13|14|\n|x|",
    "| 日本語の長い見出し | b |\n|---|---|\n| 日本語 | `code` |",
    "```\nunclosed",
    "```rust,ignore\n\tlet x = 1;\r\n```",
    "``` ```",
    "    indented\n\n    code\n\ntext",
    "[link](",
    "[link](http://x\u{1b}[31m) ![](y)",
    "[![image](a)](b)",
    "**bold *both** italic*",
    "&#0; &#27; &#155; &#8238; &zwj;",
    "<div>\n\n<b>x</b>\n<!-- \u{1b} -->",
    "99999999999. list\n999999999. list\n",
    "a\\\nb  \nc",
    "\u{1b}]0;title\u{7}\u{9b}31m",
    "- [ ]\n- [x]\n",
    "> ```\n> quoted code\n> ```\n- ```\n  code in a list\n  ```",
];

fn format(width: usize, theme: &Theme) -> MarkdownFormat<'_> {
    MarkdownFormat { width, base: theme.reply, theme, growing: false }
}

fn rendered(text: &str, format: MarkdownFormat<'_>) -> Vec<Line<'static>> {
    render(text, format, &mut Highlighter::default())
}

fn plain(lines: &[Line<'_>]) -> String {
    let texts = lines.iter().map(|line| line.spans.iter().map(|span| span.content.as_ref()).collect());
    texts.collect::<Vec<String>>().join("\n")
}

#[test]
fn everything_there_is_at_three_widths() {
    for width in [72, 40, 20] {
        let lines = rendered(TOUR, format(width, &Theme::dark()));
        insta::assert_snapshot!(format!("tour_at_{width}"), plain(&lines));
    }
}

#[test]
fn lines_fit_and_hold_nothing_that_acts_on_a_terminal() {
    let theme = Theme::dark();
    for text in NASTY.iter().copied().chain([TOUR]) {
        for width in 1..=50 {
            for line in rendered(text, format(width, &theme)) {
                assert!(spans_width(&line.spans) <= width, "{text:?} at {width}: {line:?}");
                assert!(!plain(&[line]).contains(char::is_control), "{text:?} at {width}");
            }
        }
    }
}

#[test]
fn nesting_without_end_is_cut_off() {
    for open in ["> ", "- ", "1. ", "*a _b ", "[", "<b>"] {
        let text = open.repeat(3000);
        assert!(rendered(&text, format(40, &Theme::dark())).len() < 4000, "{open:?}");
    }
}

/// However it arrives, a text ends up looking as if it had come at once.
#[test]
fn a_stream_ends_as_the_whole() {
    let theme = Theme::dark();
    let highlighter = &mut Highlighter::default();
    for text in NASTY.iter().copied().chain([TOUR]) {
        let mut stream = MarkdownStream::default();
        for (end, _) in text.char_indices() {
            let written = &text[..end];
            let lines = plain(stream.lines(written, format(40, &theme), highlighter));
            if end % 7 == 0 {
                assert_eq!(lines, plain(&rendered(written, format(40, &theme))), "{written:?}");
            }
        }
        let lines = stream.lines(text, format(40, &theme), highlighter);
        assert_eq!(lines, rendered(text, format(40, &theme)), "{text:?}");
    }
}

#[test]
fn colours_that_come_late_are_taken_up() {
    let text = "before\n\n```rust\nlet x = 1;\n```\n\nbetween\n\n```rust\nlet y = 2;\n```\n\nafter\n";
    let theme = Theme::dark();
    let mut highlighter = Highlighter::start(|| ());
    let mut stream = MarkdownStream::default();
    loop {
        let lines = stream.lines(text, format(40, &theme), &mut highlighter).to_vec();
        assert_eq!(plain(&lines), plain(&rendered(text, format(40, &theme))));
        if !highlighter.take_pending() {
            let keywords =
                lines.iter().flat_map(|line| &line.spans).filter(|span| span.style == theme.keyword);
            assert_eq!(keywords.count(), 2);
            assert_eq!(lines, render(text, format(40, &theme), &mut highlighter));
            return;
        }
        highlighter.wait();
    }
}

#[test]
fn a_stream_starts_anew_when_its_text_or_width_changes() {
    let theme = Theme::dark();
    let highlighter = &mut Highlighter::default();
    let mut stream = MarkdownStream::default();
    let one = "first\n\nsecond\n\nthird";
    stream.lines(one, format(40, &theme), highlighter);
    assert_eq!(plain(stream.lines("other\n\ntext", format(40, &theme), highlighter)), "other\n\ntext");
    assert_eq!(plain(stream.lines("other\n\ntext", format(4, &theme), highlighter)), "othe\nr\n\ntext");
}

#[test]
fn words_are_marked_up() {
    let theme = Theme::dark();
    let lines = rendered("**b** `c` ~~d~~ [e](f)", format(40, &theme));
    let style_of = |text: &str| {
        lines.iter().flat_map(|line| &line.spans).find(|span| span.content.contains(text)).unwrap().style
    };
    assert_eq!(style_of("b"), theme.reply.bold());
    assert_eq!(style_of("c"), theme.code);
    assert_eq!(style_of("d"), theme.reply.crossed_out());
    assert_eq!((style_of("e"), style_of("(f)")), (theme.link, theme.dim));
}
