//! Refuses command lines that the grammar is known to read differently from
//! bash, or that would take it too long.
//!
//! Each check names a construct that is legal and rare. A refused line is asked
//! for, so a check that is too strict costs a question and nothing else.

use super::NotUnderstood;

/// Bytes of a line.
const MAX_BYTES: usize = 32 * 1024;
/// Parentheses in parentheses. The grammar tries each level in several ways.
const MAX_PARENTHESES: usize = 10;
/// Substitutions in substitutions. In double quotes each level is read twice.
const MAX_SUBSTITUTIONS: usize = 4;

/// Whether the grammar may read this line.
pub fn check(line: &str) -> Result<(), NotUnderstood> {
    let refused = |why: &str| Err(NotUnderstood(why.to_owned()));
    if line.len() > MAX_BYTES {
        return refused("the command is too long to be checked");
    }
    if line.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\t')) {
        return refused("the command holds control characters");
    }
    // After an escaped or doubled dollar sign bash starts an ordinary quote
    // where the grammar starts an ANSI-C one, whose end lies elsewhere.
    for sign in ["\\$'", "$$'", "\\$\"", "$$\""] {
        if line.contains(sign) {
            return refused("the command quotes behind a dollar sign in an unusual way");
        }
    }
    // Behind `))` the grammar takes a shift for a here-document, which would
    // hide the lines below it.
    if line.contains("((") && line.contains("<<") {
        return refused("the command has arithmetic next to a here-document");
    }
    parameters(line)?;
    numbers(line)?;
    nesting(line)
}

/// Quotes in `${…}` end at other places for bash than for the grammar.
fn parameters(line: &str) -> Result<(), NotUnderstood> {
    for (at, _) in line.match_indices("${") {
        let rest = &line[at + 2..];
        let inside = rest.split_once('}').map_or(rest, |(inside, _)| inside);
        let is_odd =
            |char: char| matches!(char, '\'' | '"' | '\\' | '`' | '$' | '{' | '(' | ')' | '<' | '>' | '\n');
        if inside.contains(is_odd) || inside.contains("@P") || inside.starts_with('!') {
            return Err(NotUnderstood("the command expands a variable in an unusual way".to_owned()));
        }
    }
    Ok(())
}

/// The grammar breaks down on numbers that are too large for it.
fn numbers(line: &str) -> Result<(), NotUnderstood> {
    let bytes = line.as_bytes();
    let mut digits = 0;
    for (at, byte) in bytes.iter().enumerate() {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        let before = at.checked_sub(digits).map(|at| bytes[at]);
        let behind = bytes.get(at + 1);
        if digits > 8 && (matches!(behind, Some(b'<' | b'>')) || matches!(before, Some(b'~' | b'+' | b'-'))) {
            return Err(NotUnderstood("the command has a number where none is expected".to_owned()));
        }
    }
    Ok(())
}

fn nesting(line: &str) -> Result<(), NotUnderstood> {
    let (mut parentheses, mut substitutions, mut deepest) = (0usize, Vec::new(), (0, 0));
    let mut former = ' ';
    for char in line.chars() {
        match char {
            '(' => {
                parentheses += 1;
                if matches!(former, '$' | '<' | '>') {
                    substitutions.push(parentheses);
                }
            }
            ')' => {
                if substitutions.last() == Some(&parentheses) {
                    substitutions.pop();
                }
                parentheses = parentheses.saturating_sub(1);
            }
            _ => {}
        }
        deepest = (deepest.0.max(parentheses), deepest.1.max(substitutions.len()));
        former = char;
    }
    if deepest.0 > MAX_PARENTHESES || deepest.1 > MAX_SUBSTITUTIONS {
        return Err(NotUnderstood("the command is nested too deeply to be checked".to_owned()));
    }
    Ok(())
}

/// Whether a here-document's delimiter is one that everybody reads alike.
pub fn is_plain_delimiter(delimiter: &str) -> bool {
    let inner = delimiter
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .or_else(|| delimiter.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))
        .or_else(|| delimiter.strip_prefix('\\'))
        .unwrap_or(delimiter);
    !inner.is_empty() && inner.chars().all(|char| char == '_' || char.is_ascii_alphanumeric())
}

/// Whether an arithmetic expression has nothing but numbers, names and
/// operators. Subscripts are left out: bash expands commands in them.
pub fn is_plain_arithmetic(expression: &str) -> bool {
    expression.chars().all(|char| {
        char.is_ascii_alphanumeric()
            || matches!(char, '_' | ' ' | '\t' | '$' | '(' | ')')
            || "+-*/%<>=!&|^~?:,".contains(char)
    }) && !expression.contains("$(")
}
