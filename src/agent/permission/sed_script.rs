//! Whether a `sed` script only edits the text that goes through it. `w` and
//! `r` open files, and `e` runs commands.

use std::iter::Peekable;
use std::str::Chars;

/// `sed -n 5,10p file`: prints lines, and nothing else.
pub fn only_prints(texts: &[String]) -> bool {
    let [quiet, script, files @ ..] = texts else { return false };
    let is_address =
        |text: &str| !text.is_empty() && (text == "$" || text.chars().all(|char| char.is_ascii_digit()));
    let is_print = |part: &str| {
        part.trim().strip_suffix('p').is_some_and(|lines| match lines.split_once(',') {
            Some((first, last)) => is_address(first) && is_address(last),
            None => lines.is_empty() || is_address(lines),
        })
    };
    matches!(quiet.as_str(), "-n" | "--quiet" | "--silent" | "-nE" | "-En" | "-nr")
        && script.split(';').all(is_print)
        && files.iter().all(|file| !file.starts_with('-'))
}

/// Whether the script is understood, and opens and runs nothing.
pub fn is_harmless(script: &str) -> bool {
    read(&mut script.chars().peekable()).is_some()
}

/// Reads to the end; `None` at the first thing that is not known to be harmless.
fn read(chars: &mut Peekable<Chars<'_>>) -> Option<()> {
    loop {
        while chars.next_if(|char| char.is_whitespace() || matches!(char, ';' | '{' | '}' | '!')).is_some() {}
        if chars.peek().is_none() {
            return Some(());
        }
        address(chars)?;
        if chars.next_if_eq(&',').is_some() {
            while chars.next_if(|char| char.is_whitespace() || matches!(char, '+' | '~')).is_some() {}
            address(chars)?;
        }
        while chars.next_if(|char| char.is_whitespace() || *char == '!').is_some() {}
        match chars.next() {
            None
            | Some(
                '{' | '}' | 'p' | 'd' | 'D' | 'n' | 'N' | 'g' | 'G' | 'h' | 'H' | 'x' | 'P' | '=' | 'z' | 'F',
            ) => {}
            Some('q' | 'Q' | 'l') => while chars.next_if(char::is_ascii_digit).is_some() {},
            Some('s') => {
                let delimiter = chars.next().filter(|char| !matches!(char, '\n' | '\\'))?;
                delimited(chars, delimiter)?;
                delimited(chars, delimiter)?;
                while chars
                    .next_if(|char| matches!(char, 'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9'))
                    .is_some()
                {}
                if !chars.peek().is_none_or(|char| matches!(char, ';' | '}' | ' ' | '\n')) {
                    return None;
                }
            }
            Some('y') => {
                let delimiter = chars.next().filter(|char| !matches!(char, '\n' | '\\'))?;
                delimited(chars, delimiter)?;
                delimited(chars, delimiter)?;
            }
            Some('a' | 'i' | 'c' | '#' | ':' | 'b' | 't' | 'T') => {
                while chars.next_if(|char| *char != '\n').is_some() {}
            }
            Some(_) => return None,
        }
    }
}

fn address(chars: &mut Peekable<Chars<'_>>) -> Option<()> {
    match chars.peek() {
        Some('0'..='9') => while chars.next_if(|char| char.is_ascii_digit() || *char == '~').is_some() {},
        Some('$') => _ = chars.next(),
        Some('/') => {
            chars.next();
            delimited(chars, '/')?;
            while chars.next_if(|char| matches!(char, 'I' | 'M')).is_some() {}
        }
        Some('\\') => {
            chars.next();
            let delimiter = chars.next()?;
            delimited(chars, delimiter)?;
        }
        _ => {}
    }
    Some(())
}

/// Reads behind the next delimiter that is not escaped. A delimiter in brackets
/// ends the text for some versions and not for others: it is not understood.
fn delimited(chars: &mut Peekable<Chars<'_>>, delimiter: char) -> Option<()> {
    let mut in_brackets = false;
    loop {
        match chars.next()? {
            '\\' => _ = chars.next()?,
            char if char == delimiter => return (!in_brackets).then_some(()),
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn scripts_that_edit_text_are_harmless() {
        for script in [
            "1p",
            "1,5p",
            "$d",
            "s/a/b/",
            "s/a/b/g; s|x|y|2",
            "/a/d",
            "/a/,/b/p",
            "s/w/e/",
            "y/abc/xyz/",
            "5q",
            "/x/{s/a/b/;p}",
            "a text",
            "",
        ] {
            assert!(is_harmless(script), "{script}");
        }
    }

    #[test]
    fn scripts_that_open_or_run_are_not() {
        for script in [
            "1e touch pwn",
            "w x",
            "1w x",
            "s/a/b/w x",
            "s/a/b/e",
            "s/a/b/ge",
            "r /etc/passwd",
            "R x",
            "W x",
            "e",
            "p;e id",
            "/a/{w x\n}",
            "s/[/]/b/e",
            "1!e id",
            "1~2e id",
            "\\,a,e id",
            "s\u{1}a\u{1}b\u{1}e",
            "v",
            "s/a/b",
        ] {
            assert!(!is_harmless(script), "{script}");
        }
    }
}
