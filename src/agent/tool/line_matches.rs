//! The lines of one file that match a pattern, printed as ripgrep does.
//!
//! Owns the engine's settings and the form of a line. Never walks folders.

use std::io;
use std::path::Path;

use grep_matcher::Matcher;
use grep_regex::{Error, RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkFinish, SinkMatch,
};

/// The most bytes of a line; of a longer one only the place is shown (the official
/// tool's limit).
const MAX_LINE_BYTES: usize = 500;
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
    /// Ignore case.
    pub ignore_case: bool,
    /// A match may span several lines.
    pub multiline: bool,
}

/// A pattern, ready to search with.
pub struct LineMatcher {
    matcher: RegexMatcher,
    searcher: SearcherBuilder,
    line_numbers: bool,
    only_matches: bool,
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
            .line_number(true)
            .multi_line(wanted.multiline)
            .before_context(before)
            .after_context(after)
            .heap_limit(Some(MAX_HEAP_BYTES))
            .binary_detection(BinaryDetection::quit(0));
        Ok(Self {
            matcher: regex.build(pattern)?,
            searcher,
            line_numbers: wanted.line_numbers,
            only_matches: wanted.only_matches,
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
        let _searched_or_not = searcher.build().search_path(&self.matcher, path, &mut count);
        count.0
    }

    /// Emits the file's lines, each with `name` before it unless that is empty.
    pub fn for_each_line(&mut self, path: &Path, name: &str, give: impl FnMut(String)) {
        let mut lines = MatchLineSink { matcher: self, name, emit: give, is_first: true };
        // As above.
        let _searched_or_not =
            lines.matcher.searcher.build().search_path(lines.matcher.matcher.clone(), path, &mut lines);
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

struct MatchLineSink<'a, F> {
    matcher: &'a mut LineMatcher,
    name: &'a str,
    emit: F,
    /// No line of this file was shown yet.
    is_first: bool,
}

impl<F: FnMut(String)> MatchLineSink<'_, F> {
    /// `name:12:text`, with dashes around the number of a context line.
    fn emit_line(&mut self, number: Option<u64>, text: &[u8], is_context: bool) {
        if std::mem::take(&mut self.is_first)
            && std::mem::replace(&mut self.matcher.has_output, true)
            && self.matcher.has_context
        {
            (self.emit)("--".to_owned());
        }
        let sign = if is_context { '-' } else { ':' };
        let mut line = String::new();
        if !self.name.is_empty() {
            line.push_str(self.name);
            line.push(sign);
        }
        if let Some(number) = number.filter(|_| self.matcher.line_numbers) {
            line.push_str(&number.to_string());
            line.push(sign);
        }
        let text = text.trim_ascii_end();
        if text.len() <= MAX_LINE_BYTES {
            line.push_str(&String::from_utf8_lossy(text));
        } else {
            line.push_str(if is_context {
                "[Omitted long context line]"
            } else {
                "[Omitted long matching line]"
            });
        }
        (self.emit)(line);
    }
}

impl<F: FnMut(String)> Sink for MatchLineSink<'_, F> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        for (line, number) in found.lines().zip(found.line_number().unwrap_or(1)..) {
            if self.matcher.only_matches {
                let mut parts = Vec::new();
                let matcher = self.matcher.matcher.clone();
                matcher
                    .find_iter(line, |part| {
                        parts.push(part);
                        true
                    })
                    .map_err(io::Error::other)?;
                for part in parts.iter().filter(|part| !part.is_empty()) {
                    self.emit_line(Some(number), &line[*part], false);
                }
            } else {
                self.emit_line(Some(number), line, false);
            }
        }
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> Result<bool, io::Error> {
        if *context.kind() != SinkContextKind::Other {
            self.emit_line(context.line_number(), context.bytes(), true);
        }
        Ok(true)
    }

    fn context_break(&mut self, _: &Searcher) -> Result<bool, io::Error> {
        if !self.is_first {
            (self.emit)("--".to_owned());
        }
        Ok(true)
    }
}
