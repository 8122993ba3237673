//! A bar for what takes long, where somebody watches.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal's stderr, nothing elsewhere; gone when it is dropped.
pub fn progress_bar(what: &'static str) -> ProgressGuard {
    if !std::io::stderr().is_terminal() {
        return ProgressGuard(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    ProgressGuard(bar.with_message(what))
}

/// A bar that leaves the terminal as it was.
pub struct ProgressGuard(ProgressBar);

impl ProgressGuard {
    /// So much of so much is done.
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
