//! A progress bar on stderr.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar if stderr is a terminal, else nothing; removed on drop.
pub fn progress_bar(what: &'static str) -> ProgressGuard {
    if !std::io::stderr().is_terminal() {
        return ProgressGuard(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    ProgressGuard(bar.with_message(what))
}

/// Removes the bar on drop.
pub struct ProgressGuard(ProgressBar);

impl ProgressGuard {
    /// Shows `done` of `of`.
    pub fn set(&self, done: usize, of: usize) {
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
