//! The text of `$'…'`.

/// What bash makes of the text between the quotes; `None` if an escape in it
/// is not known here.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut utf8 = [0; 4];
    while let Some(char) = chars.next() {
        if char != '\\' {
            bytes.extend_from_slice(char.encode_utf8(&mut utf8).as_bytes());
            continue;
        }
        let escape = chars.next()?;
        let byte = match escape {
            'a' => 7,
            'b' => 8,
            'e' | 'E' => 27,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '?' => escape as u8,
            'x' => u8::try_from(number(&mut chars, 16, 2)?).ok()?,
            'u' | 'U' => {
                let most = if escape == 'u' { 4 } else { 8 };
                let char = char::from_u32(number(&mut chars, 16, most)?)?;
                bytes.extend_from_slice(char.encode_utf8(&mut utf8).as_bytes());
                continue;
            }
            '0'..='7' => {
                let first = escape.to_digit(8)?;
                let rest = std::iter::from_fn(|| chars.next_if(|char| char.is_digit(8))).take(2);
                let value =
                    rest.filter_map(|char| char.to_digit(8)).fold(first, |value, digit| value * 8 + digit);
                // As bash: only the lowest byte counts.
                (value & 0xff) as u8
            }
            _ => return None,
        };
        if byte == 0 {
            // bash ends the text here; what would be behind is not worth guessing.
            return None;
        }
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, most: usize) -> Option<u32> {
    let mut value = None;
    for _ in 0..most {
        let Some(digit) = chars.next_if(|char| char.is_digit(radix)).and_then(|char| char.to_digit(radix))
        else {
            break;
        };
        value = Some(value.unwrap_or(0u32).checked_mul(radix)?.checked_add(digit)?);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_become_what_bash_makes_of_them() {
        for (text, expected) in [
            ("rm", Some("rm")),
            ("\\x72\\x6d", Some("rm")),
            ("\\162m", Some("rm")),
            ("\\u0072m", Some("rm")),
            ("a\\'b\\\\c\\n", Some("a'b\\c\n")),
            ("\\x", None),
            ("\\q", None),
            ("a\\0b", None),
            ("\\", None),
            ("\\xff", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        }
    }
}
