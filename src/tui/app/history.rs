//! The search in the prompts that were sent, as shells have it on Ctrl-R.

use tui_textarea::TextArea;

use super::text_input::single_line;

/// The search, and the prompts that match so far.
#[derive(Debug)]
pub struct HistorySearch {
    /// What is looked for.
    pub line: TextArea<'static>,
    /// The prompts that hold every word of it, the newest first.
    pub matches: Vec<String>,
    /// The one under the cursor.
    pub cursor: usize,
}

impl HistorySearch {
    /// Begins with all prompts, oldest first, and with a text to look for.
    pub fn new(history: &[String], text: &str) -> Self {
        let mut search = Self { line: single_line(text), matches: Vec::new(), cursor: 0 };
        search.update(history);
        search
    }

    /// Runs the search again, ignoring case.
    pub fn update(&mut self, history: &[String]) {
        let query = self.line.lines().first().map_or("", String::as_str).to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        let holds = |prompt: &&String| {
            let prompt = prompt.to_lowercase();
            words.iter().all(|word| prompt.contains(word))
        };
        self.matches = history.iter().rev().filter(holds).cloned().collect();
        self.cursor = 0;
    }

    /// Moves the cursor; down leads to older prompts.
    pub fn step(&mut self, step: isize) {
        let last = self.matches.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(step).min(last);
    }

    /// The prompt under the cursor.
    pub fn selected(&self) -> Option<&str> {
        self.matches.get(self.cursor).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_counts_and_the_newest_comes_first() {
        let history = ["fix the parser", "Run the Tests", "fix the tests"].map(str::to_owned);
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(HistorySearch::new(&history, text).matches, expected, "{text}");
        };
        check("", &["fix the tests", "Run the Tests", "fix the parser"]);
        check("tests", &["fix the tests", "Run the Tests"]);
        check("test fix", &["fix the tests"]);
        check("nothing", &[]);
    }
}
