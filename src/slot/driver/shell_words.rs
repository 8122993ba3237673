//! An argument vector as a command line that a shell would read the same way.

/// The words as one line, quoted where a shell needs it. No byte is left out.
pub(super) fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(shell_quote).collect::<Vec<_>>().join(" ")
}

/// A word as a shell reads it literally.
pub(super) fn shell_quote(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a shell takes this character literally.
pub(super) fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "-_./:=@%+,".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real shell makes of a line.
    fn read_by_a_shell(line: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {line}");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn a_shell_reads_the_words_back() {
        let letters =
            ["a", " ", "'", "\"", "$(x)", "\n", ";", "|", "`", "\\", "ü", "*", "~", "#", "-", "=", ""];
        let mut seed = 7_usize;
        for _ in 0..60 {
            let mut next = |below: usize| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 33) % below
            };
            let mut words: Vec<String> = Vec::new();
            for _ in 0..=next(4) {
                let count = next(6);
                words.push((0..count).map(|_| letters[next(letters.len())]).collect());
            }
            let line = join(words.iter().map(String::as_str));
            assert_eq!(read_by_a_shell(&line), words, "{line}");
        }
    }
}
