//! The changed lines between two versions of a file.

/// Unchanged lines kept before and after.
const CONTEXT: usize = 3;

/// The part of `old` and the part of `new` from the first differing line to the
/// last, with some context around them.
pub(super) fn changed_lines<'a>(old: &'a str, new: &'a str) -> (&'a str, &'a str) {
    let before = old.split_inclusive('\n').zip(new.split_inclusive('\n'));
    let same: Vec<_> = before.take_while(|(old, new)| old == new).map(|(line, _)| line.len()).collect();
    let start: usize = same[..same.len().saturating_sub(CONTEXT)].iter().sum();
    let changed_at: usize = same.iter().sum();
    // A line must not be counted from both ends.
    let (rest_of_old, rest_of_new) = (&old[changed_at..], &new[changed_at..]);
    let after = rest_of_old.split_inclusive('\n').rev().zip(rest_of_new.split_inclusive('\n').rev());
    let same: Vec<_> = after.take_while(|(old, new)| old == new).map(|(line, _)| line.len()).collect();
    let end: usize = same[..same.len().saturating_sub(CONTEXT)].iter().sum();
    (&old[start..old.len() - end], &new[start..new.len() - end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_with_some_lines_around_it() {
        let check = |old: &str, new: &str, expected: (&str, &str)| {
            let lines = |text: &str| text.replace(' ', "\n");
            let (old, new) = (lines(old), lines(new));
            let (shown_old, shown_new) = changed_lines(&old, &new);
            assert_eq!((shown_old, shown_new), (&*lines(expected.0), &*lines(expected.1)), "{old} {new}");
        };
        check("a b c", "a x c", ("a b c", "a x c"));
        check("1 2 3 4 5 a 6 7 8 9 ", "1 2 3 4 5 b 6 7 8 9 ", ("3 4 5 a 6 7 8 ", "3 4 5 b 6 7 8 "));
        check("1 2 3 4 ", "1 2 3 4 5 ", ("2 3 4 ", "2 3 4 5 "));
        check("1 1 1 1 1 ", "1 1 1 1 ", ("1 1 1 1 ", "1 1 1 "));
        check("a", "", ("a", ""));
        check("1 2 3 4 5 ", "1 2 3 4 5 ", ("3 4 5 ", "3 4 5 "));
    }
}
