//! A word of a command line: characters that are known, and gaps that only the
//! shell will fill.

/// One piece of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atom {
    /// A character; an unquoted one may still mean something to the shell.
    Char {
        /// The character.
        char: char,
        /// It stands for itself.
        quoted: bool,
    },
    /// Any text, of several words or none: a variable, a substitution.
    Unknown,
    /// The word ends here and another begins: `$IFS` outside of quotes.
    Split,
}

/// A text with gaps (`None`), each of which may stand for any text.
pub type HoleText = Vec<Option<char>>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShellWord {
    pub(super) atoms: Vec<Atom>,
}

impl ShellWord {
    /// A word that stands for itself.
    pub fn quoted(text: &str) -> Self {
        Self { atoms: text.chars().map(|char| Atom::Char { char, quoted: true }).collect() }
    }

    /// A word of which nothing is known.
    pub fn unknown() -> Self {
        Self { atoms: vec![Atom::Unknown] }
    }

    /// Its text, if all of it is known and no file names come in for it.
    pub fn literal(&self) -> Option<String> {
        (!self.is_unknown() && !self.has_glob()).then(|| self.text())
    }

    /// Its text, with nothing where it is unknown and patterns as they are
    /// written.
    pub fn text(&self) -> String {
        let chars = self.atoms.iter().filter_map(|atom| match atom {
            Atom::Char { char, .. } => Some(*char),
            Atom::Unknown | Atom::Split => None,
        });
        chars.collect()
    }

    /// What is known of it behind the last gap.
    pub fn known_end(&self) -> String {
        let behind = self.atoms.iter().rposition(|atom| *atom == Atom::Unknown).map_or(0, |gap| gap + 1);
        Self { atoms: self.atoms[behind..].to_vec() }.text()
    }

    /// Some of it is only known when it runs.
    pub fn is_unknown(&self) -> bool {
        self.atoms.contains(&Atom::Unknown)
    }

    /// File names may come in for it: it has an unquoted `*`, `?` or `[`.
    pub fn has_glob(&self) -> bool {
        let unquoted = |wanted: &[char]| {
            self.atoms
                .iter()
                .position(|atom| matches!(atom, Atom::Char { char, quoted: false } if wanted.contains(char)))
        };
        let closes =
            |from: usize| self.atoms[from..].iter().any(|atom| matches!(atom, Atom::Char { char: ']', .. }));
        unquoted(&['*', '?']).is_some() || unquoted(&['[']).is_some_and(closes)
    }

    /// The pattern that file names have to fit, where quoted characters stand
    /// for themselves.
    pub fn glob_pattern(&self) -> String {
        let mut pattern = String::new();
        for atom in &self.atoms {
            match atom {
                Atom::Char { char, quoted: true } if "*?[]{}!\\".contains(*char) => {
                    pattern.push('\\');
                    pattern.push(*char);
                }
                // Braces were expanded before; a pattern must not do it again.
                Atom::Char { char: char @ ('{' | '}'), .. } => {
                    pattern.push('\\');
                    pattern.push(*char);
                }
                Atom::Char { char, .. } => pattern.push(*char),
                Atom::Unknown => pattern.push('*'),
                Atom::Split => {}
            }
        }
        pattern
    }

    /// Its text with gaps where it is unknown, and where file names may come in.
    pub fn hole_text(&self) -> HoleText {
        let mut text = HoleText::new();
        let mut atoms = self.atoms.iter().peekable();
        while let Some(atom) = atoms.next() {
            match atom {
                Atom::Char { char: '*' | '?', quoted: false } | Atom::Unknown => text.push(None),
                Atom::Char { char: '[', quoted: false } => {
                    let is_end = |atom: &&&Atom| matches!(atom, Atom::Char { char: ']', .. });
                    if atoms.clone().any(|atom| is_end(&&atom)) {
                        while atoms.next_if(|atom| !is_end(&atom)).is_some() {}
                        atoms.next();
                        text.push(None);
                    } else {
                        text.push(Some('['));
                    }
                }
                Atom::Char { char, .. } => text.push(Some(*char)),
                Atom::Split => {}
            }
        }
        text
    }

    /// The words that it is once `$IFS` parts it.
    pub(super) fn split(self) -> Vec<Self> {
        if !self.atoms.contains(&Atom::Split) {
            return vec![self];
        }
        let parts = self.atoms.split(|atom| *atom == Atom::Split);
        parts.filter(|atoms| !atoms.is_empty()).map(|atoms| Self { atoms: atoms.to_vec() }).collect()
    }
}
