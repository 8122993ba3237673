//! Highlights code in the colors of the theme.
//!
//! Parsing code with a grammar takes about 0.1 ms a line and much more the first
//! time, so a thread does it and drawing never waits: code is plain until its
//! styles arrive and a callback asks for a new frame. Styles are cached by a hash of
//! all code up to the line, so code that grows keeps what it has.

mod scope_styles;
mod worker;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, Sender, channel};

use ratatui::text::Span;

use self::worker::{HighlightJob, HighlightResult, LineStyles};
use super::theme::Theme;

/// Longer lines stay plain: minified files have lines of megabytes.
const MAX_LINE_BYTES: usize = 1000;
/// Lines of a code block that are highlighted.
const MAX_BLOCK_LINES: usize = 2000;
/// Lines whose styles are cached; beyond that the cache is emptied.
const MAX_CACHED_LINES: usize = 40_000;

/// Highlights code as soon as its worker thread has parsed it.
#[derive(Default)]
pub struct Highlighter {
    thread: Option<WorkerThread>,
    line_styles: HashMap<u64, LineStyles>,
    /// Languages that have no grammar.
    unsupported: HashSet<String>,
    /// Hashes of code already sent to the worker.
    requested: HashSet<u64>,
    /// Goes up when styles arrive.
    version: u64,
    pending: bool,
}

/// The channels to the worker thread and back.
struct WorkerThread {
    jobs: Sender<HighlightJob>,
    results: Receiver<HighlightResult>,
}

impl Highlighter {
    /// Starts the worker thread, which calls `wake` whenever styles are ready. A
    /// highlighter made by `default()` has no thread: all code stays plain.
    pub fn start(wake: impl Fn() + Send + 'static) -> Self {
        // Unbounded: a code block is sent once, when it is first seen.
        let (jobs, jobs_out) = channel();
        let (painted_in, painted) = channel();
        let thread = std::thread::Builder::new().name("highlighter".to_owned());
        let started = thread.spawn(move || worker::run(&jobs_out, &painted_in, &wake));
        // Without a thread there is no colour, and nothing else is lost.
        Self { thread: started.ok().map(|_| WorkerThread { jobs, results: painted }), ..Self::default() }
    }

    /// Stores the styles that have arrived. Called once a frame.
    pub fn receive(&mut self) {
        let arrived: Vec<HighlightResult> =
            self.thread.iter().flat_map(|thread| thread.results.try_iter()).collect();
        for painted in arrived {
            self.store(painted);
        }
    }

    fn store(&mut self, painted: HighlightResult) {
        if self.line_styles.len() > MAX_CACHED_LINES {
            self.line_styles.clear();
            self.requested.clear();
        }
        self.version += 1;
        self.line_styles.extend(painted.lines);
        self.unsupported.extend(painted.unsupported);
    }

    /// Goes up when styles arrive: a layout made at an earlier version may improve.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether styles were missing since the last [`Self::take_pending`].
    pub fn has_pending(&self) -> bool {
        self.pending
    }

    /// Whether styles were missing since the last call.
    pub fn take_pending(&mut self) -> bool {
        std::mem::take(&mut self.pending)
    }

    /// The lines of a code block as spans. The last line of `growing` code stays plain
    /// until it is complete.
    pub fn highlight(
        &mut self,
        language: &str,
        code: &str,
        growing: bool,
        theme: &Theme,
    ) -> Vec<Vec<Span<'static>>> {
        let colourful = self.thread.is_some() && !language.is_empty() && !self.unsupported.contains(language);
        let complete = if growing { code.rfind('\n').map_or("", |end| &code[..end]) } else { code };
        let complete = if complete.is_empty() { 0 } else { complete.split('\n').count() };
        let mut hash = hash_language(language);
        let mut missing = None;
        let lines = code.split('\n').enumerate().map(|(at, line)| {
            if !colourful || at >= complete.min(MAX_BLOCK_LINES) {
                return plain(line);
            }
            hash = hash_line(hash, line);
            let Some(colours) = self.line_styles.get(&hash) else {
                missing = Some(hash);
                return plain(line);
            };
            styled_spans(line, colours, theme)
        });
        let lines = lines.collect();
        if let Some(last) = missing {
            self.pending = true;
            if self.requested.insert(last) {
                let text =
                    code.split('\n').take(complete.min(MAX_BLOCK_LINES)).collect::<Vec<_>>().join("\n");
                self.submit(HighlightJob { language: language.to_owned(), text });
            }
        }
        lines
    }

    fn submit(&mut self, job: HighlightJob) {
        let gone = self.thread.as_ref().is_some_and(|thread| thread.jobs.send(job).is_err());
        if gone {
            self.thread = None;
        }
    }

    /// Waits until styles arrive.
    #[cfg(test)]
    pub fn wait(&mut self) {
        let timeout = std::time::Duration::from_secs(30);
        let thread = self.thread.as_ref().expect("a highlighter with a thread");
        let painted = thread.results.recv_timeout(timeout).expect("colours within half a minute");
        self.store(painted);
    }
}

/// The hash of an empty block of a language.
fn hash_language(language: &str) -> u64 {
    hash_line(0, language)
}

/// The hash of a block after one more line.
fn hash_line(before: u64, line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (before, line).hash(&mut hasher);
    hasher.finish()
}

fn plain(line: &str) -> Vec<Span<'static>> {
    vec![Span::raw(line.to_owned())]
}

fn styled_spans(line: &str, colours: &LineStyles, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut at = 0;
    for (meaning, bytes) in colours {
        // Another line of the same hash would have to be made on purpose.
        let Some(text) = line.get(at..at + bytes) else { return plain(line) };
        at += bytes;
        let style = meaning.map(|meaning| meaning(theme)).unwrap_or_default();
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(text),
            _ => spans.push(Span::styled(text.to_owned(), style)),
        }
    }
    if at == line.len() { spans } else { plain(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[Vec<Span<'static>>]) -> String {
        let line = |spans: &Vec<Span<'static>>| spans.iter().map(|span| span.content.as_ref()).collect();
        lines.iter().map(line).collect::<Vec<String>>().join("\n")
    }

    /// Paints until no colours are missing.
    fn settled(
        highlighter: &mut Highlighter,
        language: &str,
        code: &str,
        growing: bool,
    ) -> Vec<Vec<Span<'static>>> {
        loop {
            let lines = highlighter.highlight(language, code, growing, &Theme::dark());
            assert_eq!(text(&lines), code);
            if !highlighter.take_pending() {
                return lines;
            }
            highlighter.wait();
        }
    }

    #[test]
    fn code_gets_the_meanings_of_the_theme() {
        let theme = Theme::dark();
        let mut highlighter = Highlighter::start(|| ());
        let lines = settled(&mut highlighter, "rust", "let x = \"é\"; // why\n/* a\nb */", false);
        let style_of = |line: usize, text: &str| {
            lines[line].iter().find(|span| span.content.contains(text)).unwrap().style
        };
        assert_eq!(style_of(0, "let"), theme.keyword);
        assert_eq!(style_of(0, "é"), theme.string);
        assert_eq!(style_of(0, "why"), theme.comment);
        assert_eq!(style_of(2, "b"), theme.comment, "a comment goes on in the next line");
    }

    #[test]
    fn growing_code_keeps_its_colours_and_ends_as_the_whole() {
        let code = "fn a() {\n    /* one\n two */ let b = 1;\n}\n".repeat(60);
        let mut highlighter = Highlighter::start(|| ());
        for end in (0..code.len()).step_by(400) {
            settled(&mut highlighter, "rs", &code[..end], true);
        }
        let grown = settled(&mut highlighter, "rs", &code, false);
        assert_eq!(grown, settled(&mut Highlighter::start(|| ()), "rs", &code, false));
    }

    #[test]
    fn what_cannot_be_coloured_is_plain_and_not_asked_for_again() {
        let long = "let ".repeat(1000);
        let mut highlighter = Highlighter::start(|| ());
        for (language, code) in [("klingon", "let x"), ("", "let x"), ("rs", long.as_str())] {
            let lines = settled(&mut highlighter, language, code, false);
            assert_eq!(lines, [plain(code)], "{language:?}");
            let version = highlighter.version();
            settled(&mut highlighter, language, code, false);
            assert_eq!(highlighter.version(), version);
        }
    }

    #[test]
    fn without_a_thread_nothing_is_missing() {
        let mut highlighter = Highlighter::default();
        assert_eq!(highlighter.highlight("rust", "let x", false, &Theme::dark()), [plain("let x")]);
        assert!(!highlighter.take_pending());
    }
}
