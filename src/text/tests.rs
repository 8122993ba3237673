use super::*;

/// Texts that break layouts and take terminals over.
pub(crate) const NASTY: &[&str] = &[
    "",
    "plain",
    "two words",
    "  indented  and   spaced  ",
    "a-word-that-is-longer-than-any-line-it-could-stand-on",
    "日本語のテキストは空白なしで書かれる",
    "e\u{301}clair a\u{308}\u{301} \u{301}at the start",
    "👨‍👩‍👧‍👦 family 🇩🇪🇫🇷 flags 👍🏽 tone",
    "Z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}\u{30c}\u{30d}algo",
    "ｶﾞｷﾞ halfwidth",
    "한국어 ᄀᄀᄀ각ᆨᆨ",
    "नमस्ते दुनिया क्षत्रिय",
    "עברית \u{202e}override\u{202c} العربية",
    "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7} \u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]0;never ends",
    "\u{1b}Pq#0\u{1b}\\ \u{9b}2J \u{90}x\u{9c} \u{1b}",
    "back\u{8}\u{8}\u{8}\u{8}space \u{7f} bell\u{7} null\0",
    "over\rwritten\r\nnext",
    "tab\there\tand\t\tthere",
    "\u{200b}\u{200b}\u{feff}\u{2060}zero\u{ad}width",
    "\u{e0041}\u{e0042}tags",
    "\u{2028}\u{2029}\u{85}",
];

fn acts_on_a_terminal(text: &str) -> bool {
    text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
    })
}

#[test]
fn nothing_that_acts_on_a_terminal_gets_through() {
    for text in NASTY {
        for safe in [clean(text), strip(text), clean_line(text)] {
            assert!(!acts_on_a_terminal(&safe), "{text:?} became {safe:?}");
        }
        assert!(!clean_line(text).contains('\n'));
        assert_eq!(clean(&clean(text)), clean(text), "{text:?} is clean after one time");
    }
}

#[test]
fn clean_shows_what_was_written() {
    let check = |text: &str, shown: &str| assert_eq!(clean(text), shown, "{text:?}");
    check("plain\ntext", "plain\ntext");
    check("rm -rf /\rls", "rm -rf /␍ls");
    check("\u{1b}]0;x\u{7}", "␛]0;x␇");
    check("a\tb\n\tc", "a   b\n    c");
    check("日\tb", "日  b");
    check("a\r\nb", "a\nb");
    check("user\u{202e}txt.exe", "user\u{FFFD}txt.exe");
    check("👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦");
    check("می\u{200c}خواهم", "می\u{200c}خواهم");
}

#[test]
fn strip_shows_what_a_terminal_would_show() {
    let check = |text: &str, shown: &str| assert_eq!(strip(text), shown, "{text:?}");
    check("\u{1b}[1;31mred\u{1b}[0m", "red");
    check("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
    check("\u{1b}(B\u{1b}=x\u{9b}2Ky", "xy");
    check("10 %\r100 %\r\ndone\r", "100 %\ndone");
    check("N\u{8}NA\u{8}A", "NA");
    check("\u{1b}]0;never ends\nvisible", "␛]0;never ends\nvisible");
    check("\u{1b}[31", "␛[31");
}

#[test]
fn stacked_accents_are_capped() {
    let zalgo = format!("Z{}!", "\u{301}".repeat(500));
    let cleaned = clean(&zalgo);
    assert!(cleaned.chars().count() < 20, "{}", cleaned.chars().count());
    assert!(cleaned.ends_with('!'));
}

#[test]
fn nothing_is_wider_than_asked() {
    for text in NASTY {
        let text = clean_line(text);
        for most in 1..=24 {
            assert!(width(&truncate(&text, most)) <= most, "{text:?} at {most}");
            assert!(width(&truncate_start(&text, most)) <= most, "{text:?} at {most}");
            assert_eq!(width(&pad(&text, most)), most, "{text:?} at {most}");
            assert_eq!(width(&pad_start(&text, most)), most, "{text:?} at {most}");
        }
    }
}

#[test]
fn cutting_says_that_it_cut() {
    assert_eq!(truncate("Parser rewrite", 14), "Parser rewrite");
    assert_eq!(truncate("Parser rewrite", 10), "Parser re…");
    assert_eq!(truncate("Parser rewrite", 8), "Parser…");
    assert_eq!(truncate("日本語", 4), "日…");
    assert_eq!(truncate("abc", 0), "");
    assert_eq!(truncate_start("/home/a/src/lexer.rs", 10), "…/lexer.rs");
}
