//! Brace expansion: `{rm,b}` is two words.

use super::word::{Atom, ShellWord};

/// Words that one word may become; beyond that, nothing is known of it.
const MAX_WORDS: usize = 64;

/// The words that braces make of one.
pub fn expand(word: ShellWord) -> Vec<ShellWord> {
    let mut done = Vec::new();
    let mut open = vec![word.atoms];
    while let Some(atoms) = open.pop() {
        if done.len() + open.len() > MAX_WORDS {
            return vec![ShellWord::unknown()];
        }
        match first_group(&atoms) {
            None => done.push(ShellWord { atoms }),
            Some(group) => {
                // Last first, so that they come off in order.
                for member in group.members.iter().rev() {
                    let (before, behind) = (&atoms[..group.start], &atoms[group.end..]);
                    open.push([before, member, behind].concat());
                }
            }
        }
    }
    done
}

struct Group {
    /// Of the opening brace.
    start: usize,
    /// Behind the closing one.
    end: usize,
    members: Vec<Vec<Atom>>,
}

fn is(atom: Atom, wanted: char) -> bool {
    atom == Atom::Char { char: wanted, quoted: false }
}

/// The first pair of braces that is one: with a comma, or two dots, in it.
fn first_group(atoms: &[Atom]) -> Option<Group> {
    (0..atoms.len()).filter(|&start| is(atoms[start], '{')).find_map(|start| group_at(atoms, start))
}

fn group_at(atoms: &[Atom], start: usize) -> Option<Group> {
    let (mut depth, mut member, mut members) = (0usize, start + 1, Vec::new());
    for at in start..atoms.len() {
        if is(atoms[at], '{') {
            depth += 1;
        } else if is(atoms[at], ',') && depth == 1 {
            members.push(atoms[member..at].to_vec());
            member = at + 1;
        } else if is(atoms[at], '}') {
            depth -= 1;
            if depth > 0 {
                continue;
            }
            members.push(atoms[member..at].to_vec());
            if members.len() == 1 {
                let has_dots = members[0].windows(2).any(|two| is(two[0], '.') && is(two[1], '.'));
                // A sequence: its members are not counted out here.
                return has_dots.then(|| Group { start, end: at + 1, members: vec![vec![Atom::Unknown]] });
            }
            return Some(Group { start, end: at + 1, members });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_make_words_as_in_bash() {
        for (text, expected) in [
            ("rm", "rm"),
            ("{rm,b}", "rm b"),
            ("a{b,c{d,e}}f", "abf acdf acef"),
            ("{,x}rm", "rm xrm"),
            ("{rm}", "{rm}"),
            ("{a", "{a"),
            ("a}{b,c}", "a}b a}c"),
            ("{{a,b}", "{a {b"),
        ] {
            let atoms = text.chars().map(|char| Atom::Char { char, quoted: false }).collect();
            let words: Vec<_> = expand(ShellWord { atoms }).iter().map(ShellWord::text).collect();
            assert_eq!(words.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_much_or_counted_is_unknown() {
        for text in ["{r..r}m", "{a,b}".repeat(7).as_str()] {
            let atoms = text.chars().map(|char| Atom::Char { char, quoted: false }).collect();
            assert!(expand(ShellWord { atoms }).iter().all(ShellWord::is_unknown), "{text}");
        }
    }
}
