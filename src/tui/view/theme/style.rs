//! Parses styles of theme files: `bold underline yellow on black`.

use ratatui::style::{Color, Modifier, Style};

const ATTRIBUTES: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("strike", Modifier::CROSSED_OUT),
];

const COLORS: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// Parses a style. Named colors are those of the terminal's palette; `default`
/// keeps the terminal's own.
pub fn parse(text: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some((_, attribute)) = ATTRIBUTES.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*attribute);
        } else if word == "on" {
            style.bg = parse_color(words.next().ok_or("expected a colour behind “on”")?)?;
        } else {
            style.fg = parse_color(word)?;
        }
    }
    Ok(style)
}

/// Parses a color. `None` for `default`: no color set, so the style can be patched
/// over another one.
fn parse_color(word: &str) -> Result<Option<Color>, String> {
    if let Some((_, colour)) = COLORS.iter().find(|(name, _)| *name == word) {
        return Ok(Some(*colour).filter(|colour| *colour != Color::Reset));
    }
    if let Some(rgb) = word.strip_prefix('#').filter(|digits| digits.len() == 6)
        && let Ok(rgb) = u32::from_str_radix(rgb, 16)
    {
        let [_, red, green, blue] = rgb.to_be_bytes();
        return Ok(Some(Color::Rgb(red, green, blue)));
    }
    if let Ok(index) = word.parse() {
        return Ok(Some(Color::Indexed(index)));
    }
    let known = ATTRIBUTES.iter().map(|(name, _)| *name).chain(COLORS.iter().map(|(name, _)| *name));
    Err(unknown_name("colour", word, known))
}

/// The message for an unknown name, with the nearest known one.
pub fn unknown_name<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|known| (known, strsim::jaro_winkler(known, name)))
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    match nearest {
        Some((nearest, similarity)) if similarity > 0.6 => {
            format!("unknown {what} “{name}”; did you mean “{nearest}”?")
        }
        _ => format!("unknown {what} “{name}”"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_read_as_they_are_written() {
        let check = |text, style: Style| assert_eq!(parse(text), Ok(style), "{text:?}");
        check("", Style::new());
        check("default", Style::new());
        check("bold red", Style::new().red().bold());
        check("dim italic", Style::new().dim().italic());
        check("bright-white on 17", Style::new().white().bg(Color::Indexed(17)));
        check("#010203", Style::new().fg(Color::Rgb(1, 2, 3)));
    }

    #[test]
    fn mistakes_name_what_is_nearest() {
        let check = |text, problem: &str| assert_eq!(parse(text), Err(problem.to_owned()), "{text:?}");
        check("bolt", "unknown colour “bolt”; did you mean “bold”?");
        check("red on", "expected a colour behind “on”");
        check("#12345", "unknown colour “#12345”");
        check("256", "unknown colour “256”");
    }
}
