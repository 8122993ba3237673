//! The theme: a handful of meanings, mapped to the terminal's palette.
//!
//! The only module that names a color. Everything else asks for a meaning, and
//! no meaning is carried by color alone.

mod style;

use ratatui::style::Style;

/// Declares each meaning once, as a field of [`Theme`] and as a name in theme files.
macro_rules! meanings {
    ($($(#[doc = $doc:literal])+ $field:ident = $name:literal;)+) => {
        /// A style for each meaning.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Theme {
            $($(#[doc = $doc])+ pub $field: Style,)+
        }

        impl Theme {
            /// The names a theme file may use.
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn slot(&mut self, name: &str) -> Option<&mut Style> {
                match name {
                    $($name => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }
    };
}

meanings! {
    /// Leads the eye: the prompt's mark, the focused pane, keys.
    accent = "accent";
    /// Secondary text.
    dim = "dim";
    /// A prompt.
    prompt = "prompt";
    /// A reply.
    reply = "reply";
    /// The model's thinking.
    thinking = "thinking";
    /// A tool's name.
    tool = "tool";
    /// A heading in a reply.
    heading = "heading";
    /// Code between words.
    code = "code";
    /// The text of a link.
    link = "link";
    /// A quotation.
    quote = "quote";
    /// Success.
    ok = "ok";
    /// Needs attention.
    warn = "warn";
    /// Failure.
    error = "error";
    /// An added line.
    add = "add";
    /// A removed line.
    remove = "remove";
    /// The row under the cursor.
    selection = "selection";
    /// A search match.
    hit = "match";
    /// In code: keywords.
    keyword = "keyword";
    /// In code: string literals.
    string = "string";
    /// In code: numbers and constants.
    constant = "constant";
    /// In code: functions.
    function = "function";
    /// In code: types and tags.
    type_name = "type";
    /// In code: comments.
    comment = "comment";
}

const DARK: &str = include_str!("../../../assets/themes/dark.toml");
const LIGHT: &str = include_str!("../../../assets/themes/light.toml");
const MONO: &str = include_str!("../../../assets/themes/mono.toml");

impl Theme {
    /// For a dark background.
    pub fn dark() -> Self {
        Self::default().with(DARK).0
    }

    /// For a light background.
    pub fn light() -> Self {
        Self::default().with(LIGHT).0
    }

    /// Without color, for NO_COLOR.
    pub fn mono() -> Self {
        Self::default().with(MONO).0
    }

    /// The title of the pane that has the focus: reversed, so that it stands out
    /// without color too.
    pub fn focused(&self) -> Style {
        self.accent.patch(self.selection)
    }

    /// The theme to use when none is configured. `colorfgbg` is the variable COLORFGBG,
    /// which some terminals set to their colors (`15;0`: white on black).
    pub fn auto(colorfgbg: Option<&str>) -> Self {
        let ground = colorfgbg.and_then(|colours| colours.rsplit(';').next()?.parse::<u8>().ok());
        match ground {
            Some(7 | 9..=15) => Self::light(),
            _ => Self::dark(),
        }
    }

    /// This theme with the meanings that a theme file replaces, and what is wrong
    /// with the file. A wrong line changes nothing.
    #[must_use]
    pub fn with(mut self, toml: &str) -> (Self, Vec<String>) {
        let table: toml::Table = match toml.parse() {
            Ok(table) => table,
            Err(error) => return (self, vec![format!("not TOML: {}", error.message())]),
        };
        let mut problems = Vec::new();
        for (name, value) in &table {
            let Some(slot) = self.slot(name) else {
                problems.push(style::unknown_name("key", name, Self::NAMES.iter().copied()));
                continue;
            };
            match value.as_str().map(style::parse) {
                Some(Ok(style)) => *slot = style,
                Some(Err(problem)) => problems.push(format!("{name}: {problem}")),
                None => problems.push(format!("{name}: expected text such as \"bold red\"")),
            }
        }
        (self, problems)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn the_themes_that_come_along_are_whole_and_right() {
        for toml in [DARK, LIGHT, MONO] {
            let (_, problems) = Theme::default().with(toml);
            assert_eq!(problems, [""; 0]);
            let table: toml::Table = toml.parse().unwrap();
            for name in Theme::NAMES {
                assert!(table.contains_key(*name), "{name} is missing");
            }
        }
    }

    #[test]
    fn without_colour_there_is_none() {
        let mut mono = Theme::mono();
        for name in Theme::NAMES {
            let style = mono.slot(name).unwrap();
            assert_eq!((style.fg, style.bg), (None, None), "{name}");
        }
    }

    #[test]
    fn the_ground_is_read_from_the_terminal() {
        let check = |colours, theme: Theme| assert_eq!(Theme::auto(colours), theme, "{colours:?}");
        check(None, Theme::dark());
        check(Some("15;0"), Theme::dark());
        check(Some("0;15"), Theme::light());
        check(Some("0;default;7"), Theme::light());
        check(Some("nonsense"), Theme::dark());
    }

    #[test]
    fn a_file_replaces_single_meanings_and_its_mistakes_are_told() {
        let (theme, problems) =
            Theme::dark().with("accent = \"bold #ff8800\"\nacent = \"red\"\nok = \"gren\"\nwarn = 3");
        assert_eq!(theme.accent, Style::new().fg(Color::Rgb(0xff, 0x88, 0)).bold());
        assert_eq!(Theme { accent: Theme::dark().accent, ..theme }, Theme::dark());
        let expected = [
            "unknown key “acent”; did you mean “accent”?",
            "ok: unknown colour “gren”; did you mean “green”?",
            "warn: expected text such as \"bold red\"",
        ];
        assert_eq!(problems, expected);
        assert_eq!(Theme::dark().with("accent = ").0, Theme::dark());
    }
}
