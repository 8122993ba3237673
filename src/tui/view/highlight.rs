//! Code in the colours of the theme.
//!
//! Reading code with a grammar takes a tenth of a millisecond a line, and much
//! more the first time, so a thread of its own does it: drawing never waits.
//! Code is plain until its colours arrive; the one who started the thread is
//! then told to draw again. Colours are known by the code they belong to (all of
//! it up to the line), so code that only grew keeps what it has.

mod scope_styles;
mod worker;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, Sender, channel};

use ratatui::text::Span;

use self::worker::{HighlightJob, HighlightResult, LineStyles};
use super::theme::Theme;

/// Bytes of a line that are coloured at most: minified files have lines of megabytes.
const MAX_LINE_BYTES: usize = 1000;
/// Lines of a block that are coloured at most.
const MAX_BLOCK_LINES: usize = 2000;
/// Lines whose colours are kept.
const MAX_CACHED_LINES: usize = 40_000;

/// Colours code, as soon as its thread has read it.
#[derive(Default)]
pub struct Highlighter {
    thread: Option<WorkerThread>,
    line_styles: HashMap<u64, LineStyles>,
    /// Languages without a grammar.
    unsupported: HashSet<String>,
    /// What was already asked for.
    requested: HashSet<u64>,
    /// Goes up when colours arrive.
    version: u64,
    pending: bool,
}

/// The way to the thread and back.
struct WorkerThread {
    jobs: Sender<HighlightJob>,
    results: Receiver<HighlightResult>,
}

impl Highlighter {
    /// Starts the thread. `wake` is called from it whenever colours arrived. A
    /// painter by default has none: all code stays plain.
    pub fn start(wake: impl Fn() + Send + 'static) -> Self {
        let (jobs, jobs_out) = channel();
        let (painted_in, painted) = channel();
        let thread = std::thread::Builder::new().name("painter".to_owned());
        let started = thread.spawn(move || worker::run(&jobs_out, &painted_in, &wake));
        // Without a thread there is no colour, and nothing else is lost.
        Self { thread: started.ok().map(|_| WorkerThread { jobs, results: painted }), ..Self::default() }
    }

    /// Takes in what has arrived. Once a frame.
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

    /// Goes up when colours arrive: what was laid out without may now have them.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether colours were missing since [`Self::take_missing`].
    pub fn has_pending(&self) -> bool {
        self.pending
    }

    /// Whether colours were missing since this was asked last.
    pub fn take_pending(&mut self) -> bool {
        std::mem::take(&mut self.pending)
    }

    /// The lines of a block of code in spans. Of code that is still growing the
    /// last line has to wait until it is complete.
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

    /// Waits until colours arrive.
    #[cfg(test)]
    pub fn wait(&mut self) {
        let timeout = std::time::Duration::from_secs(30);
        let thread = self.thread.as_ref().expect("a painter with a thread");
        let painted = thread.results.recv_timeout(timeout).expect("colours within half a minute");
        self.store(painted);
    }
}

/// The hash of no code yet.
fn hash_language(language: &str) -> u64 {
    hash_line(0, language)
}

/// The hash of code and one more line.
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
        painter: &mut Highlighter,
        language: &str,
        code: &str,
        growing: bool,
    ) -> Vec<Vec<Span<'static>>> {
        loop {
            let lines = painter.highlight(language, code, growing, &Theme::dark());
            assert_eq!(text(&lines), code);
            if !painter.take_pending() {
                return lines;
            }
            painter.wait();
        }
    }

    #[test]
    fn code_gets_the_meanings_of_the_theme() {
        let theme = Theme::dark();
        let mut painter = Highlighter::start(|| ());
        let lines = settled(&mut painter, "rust", "let x = \"é\"; // why\n/* a\nb */", false);
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
        let mut painter = Highlighter::start(|| ());
        for end in (0..code.len()).step_by(400) {
            settled(&mut painter, "rs", &code[..end], true);
        }
        let grown = settled(&mut painter, "rs", &code, false);
        assert_eq!(grown, settled(&mut Highlighter::start(|| ()), "rs", &code, false));
    }

    #[test]
    fn what_cannot_be_coloured_is_plain_and_not_asked_for_again() {
        let long = "let ".repeat(1000);
        let mut painter = Highlighter::start(|| ());
        for (language, code) in [("klingon", "let x"), ("", "let x"), ("rs", long.as_str())] {
            let lines = settled(&mut painter, language, code, false);
            assert_eq!(lines, [plain(code)], "{language:?}");
            let version = painter.version();
            settled(&mut painter, language, code, false);
            assert_eq!(painter.version(), version);
        }
    }

    #[test]
    fn without_a_thread_nothing_is_missing() {
        let mut painter = Highlighter::default();
        assert_eq!(painter.highlight("rust", "let x", false, &Theme::dark()), [plain("let x")]);
        assert!(!painter.take_pending());
    }
}
