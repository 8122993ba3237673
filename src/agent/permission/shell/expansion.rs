//! From a word as it is written to the words it becomes.
//!
//! What only the shell can know becomes a gap; the commands of substitutions
//! are handed back to be read like any other.

use std::path::Path;

use brush_parser::ParserOptions;
use brush_parser::word::{
    self as grammar, Parameter, ParameterExpr, TildeExpr, WordPiece, WordPieceWithSource,
};

use super::word::{Atom, ShellWord};
use super::{NotUnderstood, ansi_c, braces, prescan};

/// What a written word comes to.
#[derive(Debug, Default)]
pub struct Expanded {
    /// The words, after braces and `$IFS`.
    pub words: Vec<ShellWord>,
    /// The scripts of its command substitutions.
    pub substitutions: Vec<String>,
    /// Quoted text of it holds what would be a substitution elsewhere.
    pub hides_substitution: bool,
    /// Variables are evaluated as arithmetic.
    pub evaluates: bool,
}

/// How bash reads a script without being told otherwise.
pub fn options() -> ParserOptions {
    ParserOptions { enable_extended_globbing: false, ..ParserOptions::default() }
}

/// Reads a word. `cwd` is what `$PWD` and `~+` mean.
pub fn expand(written: &str, cwd: &Path) -> Result<Expanded, NotUnderstood> {
    let pieces = grammar::parse(written, &options()).map_err(|_| unreadable(written))?;
    let mut reader = Reader { cwd, atoms: Vec::new(), found: Expanded::default() };
    reader.pieces(&pieces, false)?;
    let Reader { atoms, mut found, .. } = reader;
    // An empty quoted word is a word all the same.
    let words = braces::expand(ShellWord { atoms }).into_iter().flat_map(ShellWord::split);
    found.words = words.collect();
    Ok(found)
}

/// Reads the text of a here-document, or what is to be in double quotes.
pub fn expand_document(text: &str, cwd: &Path) -> Result<Expanded, NotUnderstood> {
    let pieces = grammar::parse_heredoc(text, &options()).map_err(|_| unreadable(text))?;
    let mut reader = Reader { cwd, atoms: Vec::new(), found: Expanded::default() };
    reader.pieces(&pieces, true)?;
    let Reader { atoms, mut found, .. } = reader;
    found.words = vec![ShellWord { atoms }];
    Ok(found)
}

fn unreadable(text: &str) -> NotUnderstood {
    let shown: String = text.chars().take(40).collect();
    NotUnderstood(format!("the word “{shown}” cannot be read"))
}

struct Reader<'a> {
    cwd: &'a Path,
    atoms: Vec<Atom>,
    found: Expanded,
}

impl Reader<'_> {
    fn pieces(&mut self, pieces: &[WordPieceWithSource], quoted: bool) -> Result<(), NotUnderstood> {
        for piece in pieces {
            self.piece(&piece.piece, quoted)?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: &WordPiece, quoted: bool) -> Result<(), NotUnderstood> {
        match piece {
            WordPiece::Text(text) => self.push(text, quoted),
            WordPiece::SingleQuotedText(text) => self.push_quoted(text),
            WordPiece::AnsiCQuotedText(text) => match ansi_c::decode(text) {
                Some(text) => self.push_quoted(&text),
                None => self.atoms.push(Atom::Unknown),
            },
            WordPiece::DoubleQuotedSequence(pieces) | WordPiece::GettextDoubleQuotedSequence(pieces) => {
                self.pieces(pieces, true)?;
            }
            WordPiece::EscapeSequence(text) => {
                // A line that goes on on the next one.
                if text != "\\\n" {
                    self.push(text.strip_prefix('\\').unwrap_or(text), true);
                }
            }
            WordPiece::TildeExpansion(TildeExpr::Home) => self.push_path(home().as_deref()),
            WordPiece::TildeExpansion(TildeExpr::WorkingDir) => self.push_path(Some(self.cwd)),
            WordPiece::TildeExpansion(_) => self.atoms.push(Atom::Unknown),
            WordPiece::ParameterExpansion(expression) => self.parameter(expression, quoted),
            WordPiece::CommandSubstitution(script) | WordPiece::BackquotedCommandSubstitution(script) => {
                self.substitution(script);
            }
            WordPiece::ArithmeticExpression(expression) => {
                if !prescan::is_plain_arithmetic(&expression.value) {
                    return Err(NotUnderstood(
                        "the command has arithmetic that cannot be checked".to_owned(),
                    ));
                }
                self.found.evaluates |= expression.value.chars().any(char::is_alphabetic);
                self.atoms.push(Atom::Unknown);
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str, quoted: bool) {
        self.atoms.extend(text.chars().map(|char| Atom::Char { char, quoted }));
    }

    fn push_quoted(&mut self, text: &str) {
        self.found.hides_substitution |= text.contains("$(") || text.contains('`');
        self.push(text, true);
    }

    fn push_path(&mut self, path: Option<&Path>) {
        match path.and_then(Path::to_str) {
            Some(path) => self.push(path, true),
            None => self.atoms.push(Atom::Unknown),
        }
    }

    /// Variables that a line sets itself may hold anything: only those that
    /// every shell starts with are taken to be what they are.
    fn parameter(&mut self, expression: &ParameterExpr, quoted: bool) {
        match expression {
            ParameterExpr::Parameter { parameter: Parameter::Named(name), indirect: false } => {
                match name.as_str() {
                    "HOME" => self.push_path(home().as_deref()),
                    "PWD" => self.push_path(Some(self.cwd)),
                    "IFS" if !quoted => self.atoms.push(Atom::Split),
                    _ => self.atoms.push(Atom::Unknown),
                }
            }
            ParameterExpr::Parameter { parameter: Parameter::NamedWithIndex { .. }, .. }
            | ParameterExpr::Substring { .. } => {
                self.found.evaluates = true;
                self.atoms.push(Atom::Unknown);
            }
            _ => self.atoms.push(Atom::Unknown),
        }
    }

    fn substitution(&mut self, script: &str) {
        match quoted_document(script) {
            Some(text) => self.push_quoted(&text),
            None => {
                self.found.substitutions.push(script.to_owned());
                self.atoms.push(Atom::Unknown);
            }
        }
    }
}

/// The text of `cat <<'EOF' … EOF` and nothing else, which is how long
/// messages are written: nothing in it is expanded.
fn quoted_document(script: &str) -> Option<String> {
    let (head, rest) = script.trim().split_once('\n')?;
    let delimiter = head.trim().strip_prefix("cat")?.trim().strip_prefix("<<")?.trim();
    let name = delimiter.strip_prefix('\'')?.strip_suffix('\'')?;
    if !prescan::is_plain_delimiter(name) {
        return None;
    }
    let end = if rest == name { "" } else { rest.strip_suffix(name)?.strip_suffix('\n')? };
    (!end.lines().any(|line| line == name)).then(|| end.to_owned())
}

/// The person's home folder, as the shell will be told it.
pub fn home() -> Option<std::path::PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(Into::into)
        .or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()))
}
