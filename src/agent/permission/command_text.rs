//! Whether a pattern of a rule and a command of a line mean the same.
//!
//! Denying asks whether they *may*: a gap in the command stands for any text.
//! Allowing asks whether they *must*: a gap fits nothing.

use std::path::Path;

use super::shell::{Code, HoleText, SimpleCommand};
use super::wildcard;

/// Stands in an allowed text for a blank that is part of one argument, so that
/// a pattern of several words does not fit it.
const INNER_BLANK: char = '\u{1}';

/// A rule's pattern for commands: `git log:*`, `npm run *`, `make`.
#[derive(Debug, Clone)]
pub struct CommandPattern<'a>(&'a str);

impl<'a> CommandPattern<'a> {
    /// The pattern of a rule, without the tool's name.
    pub fn new(pattern: &'a str) -> Self {
        Self(pattern)
    }

    /// Whether the whole text is meant: with `:*` or ` *` behind the words,
    /// more may follow them.
    pub fn fits(&self, text: &str) -> bool {
        let fits = |pattern: &str| wildcard::matches(pattern, text);
        match self.words() {
            Some(words) => fits(words) || fits(&format!("{words} *")),
            None => fits(self.0),
        }
    }

    /// The words before a star that stands for any arguments.
    fn words(&self) -> Option<&'a str> {
        self.0.strip_suffix(":*").or_else(|| self.0.strip_suffix(" *"))
    }

    /// Whether the pattern itself names this option.
    pub fn names_option(&self, option: &str) -> bool {
        self.0.trim_end_matches(":*").split_whitespace().any(|word| word == option)
    }

    /// It fits one text only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether the rule allows this command: all of it has to be known.
    pub fn allows(&self, command: &SimpleCommand, unknown_arguments: bool) -> bool {
        let mut text = String::new();
        for (number, word) in command.words.iter().enumerate() {
            if word.is_unknown() && !(unknown_arguments && number > 0) {
                return false;
            }
            if number > 0 {
                text.push(' ');
            }
            let blank = |char: char| if char.is_whitespace() { INNER_BLANK } else { char };
            text.extend(word.text().chars().map(blank));
        }
        self.fits(&text)
    }

    /// Whether the rule may mean this command, or code that it runs. A program
    /// that is named by a path is looked up from `cwd`.
    pub fn may_mean(&self, command: &SimpleCommand, cwd: &Path) -> bool {
        let texts = spellings(command, cwd);
        let patterns = self.spellings();
        patterns.iter().any(|pattern| texts.iter().any(|text| CommandPattern(pattern).may_fit(text)))
            || patterns.iter().any(|pattern| has_words_and_options(pattern, &texts))
            || command.code.iter().any(|code| match code {
                Code::Unknown => true,
                Code::Text(code) => patterns.iter().any(|pattern| is_named_in(pattern, code)),
            })
    }

    fn may_fit(&self, text: &HoleText) -> bool {
        match self.words() {
            Some(words) => may_match(words, text) || may_match(&format!("{words} *"), text),
            None => may_match(self.0, text),
        }
    }

    /// The pattern as it is, without its quotes, and with the bare name of its
    /// program.
    fn spellings(&self) -> Vec<String> {
        let spaced = self.0.split_whitespace().collect::<Vec<_>>().join(" ");
        let unquoted = spaced.replace(['\'', '"', '\\'], "");
        let bare = unquoted.split_once(' ').map_or_else(
            || base_name(&unquoted).to_owned(),
            |(name, rest)| format!("{} {rest}", base_name(name)),
        );
        let mut all = vec![spaced];
        for spelling in [unquoted, bare] {
            if !all.contains(&spelling) {
                all.push(spelling);
            }
        }
        all
    }
}

fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The ways to write a command: as it is, by its program's bare name, by the
/// name of the program that a link leads to, and `git` without what stands
/// before its subcommand.
fn spellings(command: &SimpleCommand, cwd: &Path) -> Vec<HoleText> {
    let mut words: Vec<HoleText> = command.words.iter().map(super::shell::ShellWord::hole_text).collect();
    let Some(name) = words.first().cloned() else { return Vec::new() };
    let mut all = vec![joined(&words)];
    if let Some(slash) = name.iter().rposition(|char| *char == Some('/')) {
        words[0] = name[slash + 1..].to_vec();
        all.push(joined(&words));
        let target = command.words[0].literal().and_then(|name| std::fs::canonicalize(cwd.join(name)).ok());
        if let Some(target) = target.as_ref().and_then(|path| path.file_name()?.to_str()) {
            words[0] = known(target);
            all.push(joined(&words));
        }
    }
    if command.name().as_deref() == Some("git") {
        let rest = git_subcommand(&words[1..]);
        all.push(joined(&[&[known("git")], rest].concat()));
    }
    // A name that differs only in case is the same file for some systems.
    if cfg!(target_os = "macos") {
        let folded = all
            .iter()
            .map(|text| text.iter().map(|char| char.map(|char| char.to_ascii_lowercase())).collect());
        let folded: Vec<_> = folded.collect();
        all.extend(folded);
    }
    all
}

/// The arguments from the subcommand on: `-C folder`, `-c name=value` and the
/// like stand before it.
fn git_subcommand(words: &[HoleText]) -> &[HoleText] {
    let mut rest = words;
    while let Some(word) =
        rest.first().map(|word| word.iter().map(|char| char.unwrap_or('\0')).collect::<String>())
    {
        let takes_value = matches!(
            word.as_str(),
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path" | "--config-env"
        );
        if !word.starts_with('-') {
            break;
        }
        rest = rest.get(if takes_value { 2 } else { 1 }..).unwrap_or_default();
    }
    rest
}

fn known(text: &str) -> HoleText {
    text.chars().map(Some).collect()
}

fn joined(words: &[HoleText]) -> HoleText {
    words.join(&Some(' '))
}

/// Whether a pattern with stars and a text with gaps can mean the same text.
fn may_match(pattern: &str, text: &HoleText) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // Whether the rest of the pattern, from each place on, fits the rest of the
    // text; filled from the end.
    let mut below = vec![false; text.len() + 1];
    for at in (0..=pattern.len()).rev() {
        let mut row = vec![false; text.len() + 1];
        for place in (0..=text.len()).rev() {
            let wanted = pattern.get(at);
            row[place] = match (wanted, text.get(place)) {
                (None, None) => true,
                (Some('*'), there) => below[place] || there.is_some() && row[place + 1],
                (wanted, Some(None)) => row[place + 1] || wanted.is_some() && below[place],
                (Some(wanted), Some(Some(char))) => wanted == char && below[place + 1],
                (Some(_), None) | (None, Some(Some(_))) => false,
            };
        }
        below = row;
    }
    below[0]
}

/// Whether a text has the words of a pattern in order, and its options anywhere:
/// `rm -rf:*` means `rm -f -r x` and `rm x --recursive --force`, too.
fn has_words_and_options(pattern: &str, texts: &[HoleText]) -> bool {
    let Some(words) = CommandPattern(pattern).words().filter(|words| !words.contains('*')) else {
        return false;
    };
    let (options, words): (Vec<&str>, Vec<&str>) = words.split(' ').partition(|word| word.starts_with('-'));
    if options.is_empty() && words.len() < 2 {
        return false;
    }
    texts.iter().any(|text| {
        let parts: Vec<&[Option<char>]> = text.split(|char| *char == Some(' ')).collect();
        let (given, operands): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| part.first() == Some(&Some('-')));
        let given: Vec<String> =
            given.iter().map(|part| part.iter().map(|char| char.unwrap_or('?')).collect()).collect();
        let is_word = |(word, part): (&&str, &&[Option<char>])| may_match(word, &part.to_vec());
        operands.len() >= words.len()
            && words.iter().zip(&operands).all(is_word)
            && options.iter().all(|option| gives_option(&given, option))
    })
}

/// Whether an option is given: bundled, shortened, or by its other name.
fn gives_option(given: &[String], option: &str) -> bool {
    const OTHER_NAMES: [(char, &str); 3] = [('r', "--recursive"), ('f', "--force"), ('R', "--recursive")];
    let has_letter =
        |letter: char| given.iter().any(|word| !word.starts_with("--") && word[1..].contains(letter));
    let has_name = |name: &str| {
        given.iter().any(|word| {
            let word = word.split('=').next().unwrap_or_default();
            word.len() > 3 && word.starts_with("--") && name.starts_with(word)
        })
    };
    if option.starts_with("--") {
        let letter = OTHER_NAMES.iter().find(|(_, name)| *name == option).map(|(letter, _)| *letter);
        return has_name(option) || letter.is_some_and(has_letter);
    }
    option[1..].chars().all(|letter| {
        let name = OTHER_NAMES.iter().find(|(known, _)| *known == letter).map(|(_, name)| *name);
        let either = |other: char| letter == other && has_letter(if other == 'r' { 'R' } else { 'r' });
        has_letter(letter) || either('r') || either('R') || name.is_some_and(has_name)
    })
}

/// Whether code in another language names the program of a pattern.
fn is_named_in(pattern: &str, code: &str) -> bool {
    let name = pattern.split([' ', ':']).next().unwrap_or_default();
    let name = name.trim_matches('*');
    if name.is_empty() {
        return true;
    }
    let is_inside = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let behind = code[at + name.len()..].chars().next();
        !before.is_some_and(is_inside) && !behind.is_some_and(is_inside)
    })
}
