//! The lines of one file that match a pattern, printed as ripgrep does.
//!
//! Owns the engine's settings and the form of a line. Never walks folders.

use std::io;
use std::path::Path;

use grep_printer::StandardBuilder;
use grep_regex::{Error, RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkFinish, SinkMatch};

/// The most bytes of a line; of a longer one only the place is shown (the official
/// tool's limit).
const MAX_LINE_BYTES: u64 = 500;
/// The most bytes in memory of one file. A longer line, or file with `multiline`,
/// is skipped.
const MAX_HEAP_BYTES: usize = 64 * 1024 * 1024;

/// How lines are matched and shown.
pub struct LineMatchOptions {
    /// Context lines before a match.
    pub before: usize,
    /// Context lines after it.
    pub after: usize,
    /// Show line numbers.
    pub line_numbers: bool,
    /// Show only what matched.
    pub only_matches: bool,
    pub ignore_case: bool,
    /// A match may span several lines.
    pub multiline: bool,
}

/// A pattern, ready to search with.
pub struct LineMatcher {
    matcher: RegexMatcher,
    searcher: SearcherBuilder,
    printer: StandardBuilder,
    has_context: bool,
    /// Lines of a file were shown already.
    has_output: bool,
}

impl LineMatcher {
    /// Compiles the pattern.
    pub fn new(pattern: &str, wanted: &LineMatchOptions) -> Result<Self, Error> {
        let mut regex = RegexMatcherBuilder::new();
        regex.case_insensitive(wanted.ignore_case).multi_line(true).dot_matches_new_line(wanted.multiline);
        if !wanted.multiline {
            regex.line_terminator(Some(b'\n'));
        }
        let mut searcher = SearcherBuilder::new();
        let (before, after) = if wanted.only_matches { (0, 0) } else { (wanted.before, wanted.after) };
        searcher
            .line_number(wanted.line_numbers)
            .multi_line(wanted.multiline)
            .before_context(before)
            .after_context(after)
            .heap_limit(Some(MAX_HEAP_BYTES))
            .binary_detection(BinaryDetection::quit(0));
        let mut printer = StandardBuilder::new();
        printer.only_matching(wanted.only_matches).max_columns(Some(MAX_LINE_BYTES));
        Ok(Self {
            matcher: regex.build(pattern)?,
            searcher,
            printer,
            has_context: before + after > 0,
            has_output: false,
        })
    }

    /// How many lines of the file match.
    pub fn count(&self, path: &Path) -> u64 {
        let mut count = MatchCountSink(0);
        let mut searcher = self.searcher.clone();
        searcher.before_context(0).after_context(0);
        // What cannot be read, or not in this memory, has no matches.
        let _ = searcher.build().search_path(&self.matcher, path, &mut count);
        count.0
    }

    /// Emits the file's lines, each with `name` before it unless that is empty.
    pub fn for_each_line(&mut self, path: &Path, name: &str, mut emit: impl FnMut(String)) {
        let mut separator = (self.has_output && self.has_context).then(|| "--".to_owned());
        let mut has_output = false;
        let emit_line = |line| {
            has_output = true;
            separator.take().into_iter().chain([line]).for_each(&mut emit);
        };
        let mut printer = self.printer.build_no_color(LineWriter { emit: emit_line, partial: Vec::new() });
        let mut searcher = self.searcher.build();
        // As above.
        let _ = if name.is_empty() {
            searcher.search_path(&self.matcher, path, printer.sink(&self.matcher))
        } else {
            searcher.search_path(&self.matcher, path, printer.sink_with_path(&self.matcher, name))
        };
        drop(printer);
        self.has_output |= has_output;
    }
}

struct MatchCountSink(u64);

impl Sink for MatchCountSink {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        self.0 += found.lines().count() as u64;
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> Result<(), io::Error> {
        if end.binary_byte_offset().is_some() {
            self.0 = 0;
        }
        Ok(())
    }
}

/// Splits what is printed into lines and emits each.
struct LineWriter<F> {
    emit: F,
    /// The start of a line whose end is still to come.
    partial: Vec<u8>,
}

impl<F: FnMut(String)> io::Write for LineWriter<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                (self.emit)(String::from_utf8_lossy(self.partial.trim_ascii_end()).into_owned());
                self.partial.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
