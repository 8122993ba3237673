//! Code in the colours of the theme.
//!
//! Reading code with a grammar takes a tenth of a millisecond a line, and much
//! more the first time, so a thread of its own does it: drawing never waits.
//! Code is plain until its colours arrive; the one who started the thread is
//! then told to draw again. Colours are known by the code they belong to (all of
//! it up to the line), so code that only grew keeps what it has.

mod meaning;
mod worker;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, Sender, channel};

use ratatui::text::Span;

use self::worker::{Colours, Job, Painted};
use super::theme::Theme;

/// Bytes of a line that are coloured at most: minified files have lines of megabytes.
const LONGEST_LINE: usize = 1000;
/// Lines of a block that are coloured at most.
const MOST_LINES: usize = 2000;
/// Lines whose colours are kept.
const KEPT: usize = 40_000;

/// Colours code, as soon as its thread has read it.
#[derive(Default)]
pub struct Painter {
    thread: Option<Thread>,
    known: HashMap<u64, Colours>,
    /// Languages without a grammar.
    unknown: HashSet<String>,
    /// What was already asked for.
    asked: HashSet<u64>,
    /// Goes up when colours arrive.
    version: u64,
    missing: bool,
}

/// The way to the thread and back.
struct Thread {
    jobs: Sender<Job>,
    painted: Receiver<Painted>,
}

impl Painter {
    /// Starts the thread. `wake` is called from it whenever colours arrived. A
    /// painter by default has none: all code stays plain.
    pub fn start(wake: impl Fn() + Send + 'static) -> Self {
        let (jobs, jobs_out) = channel();
        let (painted_in, painted) = channel();
        let thread = std::thread::Builder::new().name("painter".to_owned());
        let started = thread.spawn(move || worker::run(&jobs_out, &painted_in, &wake));
        // Without a thread there is no colour, and nothing else is lost.
        Self { thread: started.ok().map(|_| Thread { jobs, painted }), ..Self::default() }
    }

    /// Takes in what has arrived. Once a frame.
    pub fn take_in(&mut self) {
        let arrived: Vec<Painted> = self.thread.iter().flat_map(|thread| thread.painted.try_iter()).collect();
        for painted in arrived {
            self.take(painted);
        }
    }

    fn take(&mut self, painted: Painted) {
        if self.known.len() > KEPT {
            self.known.clear();
            self.asked.clear();
        }
        self.version += 1;
        self.known.extend(painted.lines);
        self.unknown.extend(painted.unknown);
    }

    /// Goes up when colours arrive: what was laid out without may now have them.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether colours were missing since [`Self::take_missing`].
    pub fn is_missing(&self) -> bool {
        self.missing
    }

    /// Whether colours were missing since this was asked last.
    pub fn take_missing(&mut self) -> bool {
        std::mem::take(&mut self.missing)
    }

    /// The lines of a block of code in spans. Of code that is still growing the
    /// last line has to wait until it is complete.
    pub fn paint(
        &mut self,
        language: &str,
        code: &str,
        growing: bool,
        theme: &Theme,
    ) -> Vec<Vec<Span<'static>>> {
        let colourful = self.thread.is_some() && !language.is_empty() && !self.unknown.contains(language);
        let complete = if growing { code.rfind('\n').map_or("", |end| &code[..end]) } else { code };
        let complete = if complete.is_empty() { 0 } else { complete.split('\n').count() };
        let mut hash = begin(language);
        let mut missing = None;
        let lines = code.split('\n').enumerate().map(|(at, line)| {
            if !colourful || at >= complete.min(MOST_LINES) {
                return plain(line);
            }
            hash = step(hash, line);
            let Some(colours) = self.known.get(&hash) else {
                missing = Some(hash);
                return plain(line);
            };
            coloured(line, colours, theme)
        });
        let lines = lines.collect();
        if let Some(last) = missing {
            self.missing = true;
            if self.asked.insert(last) {
                let text = code.split('\n').take(complete.min(MOST_LINES)).collect::<Vec<_>>().join("\n");
                self.ask(Job { language: language.to_owned(), text });
            }
        }
        lines
    }

    fn ask(&mut self, job: Job) {
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
        let painted = thread.painted.recv_timeout(timeout).expect("colours within half a minute");
        self.take(painted);
    }
}

/// The hash of no code yet.
fn begin(language: &str) -> u64 {
    step(0, language)
}

/// The hash of code and one more line.
fn step(before: u64, line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (before, line).hash(&mut hasher);
    hasher.finish()
}

fn plain(line: &str) -> Vec<Span<'static>> {
    vec![Span::raw(line.to_owned())]
}

fn coloured(line: &str, colours: &Colours, theme: &Theme) -> Vec<Span<'static>> {
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
    fn settled(painter: &mut Painter, language: &str, code: &str, growing: bool) -> Vec<Vec<Span<'static>>> {
        loop {
            let lines = painter.paint(language, code, growing, &Theme::dark());
            assert_eq!(text(&lines), code);
            if !painter.take_missing() {
                return lines;
            }
            painter.wait();
        }
    }

    #[test]
    fn code_gets_the_meanings_of_the_theme() {
        let theme = Theme::dark();
        let mut painter = Painter::start(|| ());
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
        let mut painter = Painter::start(|| ());
        for end in (0..code.len()).step_by(400) {
            settled(&mut painter, "rs", &code[..end], true);
        }
        let grown = settled(&mut painter, "rs", &code, false);
        assert_eq!(grown, settled(&mut Painter::start(|| ()), "rs", &code, false));
    }

    #[test]
    fn what_cannot_be_coloured_is_plain_and_not_asked_for_again() {
        let long = "let ".repeat(1000);
        let mut painter = Painter::start(|| ());
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
        let mut painter = Painter::default();
        assert_eq!(painter.paint("rust", "let x", false, &Theme::dark()), [plain("let x")]);
        assert!(!painter.take_missing());
    }
}
