//! The thread that parses code with the grammars.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};

use syntect::parsing::{ParseState, ScopeStack, SyntaxSet};

use super::scope_styles::{self, StyleSelector};
use super::{MAX_LINE_BYTES, hash_language, hash_line};

/// Lines after which partial results are sent.
const BATCH_LINES: usize = 100;
/// Cached parser states; beyond that the cache is emptied.
const MAX_CHECKPOINTS: usize = 256;

/// A line's styles: byte lengths with their style, in order.
pub type LineStyles = Vec<(Option<StyleSelector>, usize)>;

/// Code to highlight.
pub struct HighlightJob {
    /// Its language: a name or a file extension.
    pub language: String,
    /// The code from its first line.
    pub text: String,
}

/// The result of a job, or of a part of it.
#[derive(Default)]
pub struct HighlightResult {
    /// Styles of lines, by the hash of all code up to them.
    pub lines: Vec<(u64, LineStyles)>,
    /// The language, if it has no grammar.
    pub unsupported: Option<String>,
}

/// Runs jobs until the sender is dropped.
pub fn run(jobs: &Receiver<HighlightJob>, painted: &Sender<HighlightResult>, wake: &dyn Fn()) {
    let mut places = HashMap::new();
    // They take tens of megabytes and milliseconds, so not before there is code.
    let mut grammars = None;
    while let Ok(job) = jobs.recv() {
        let grammars = grammars.get_or_insert_with(two_face::syntax::extra_newlines);
        let hand_over = |part| {
            let taken = painted.send(part).is_ok();
            wake();
            taken
        };
        if !highlight_job(&job, grammars, &mut places, hand_over) {
            return;
        }
    }
}

/// A parser state from which parsing can continue.
type ParserCheckpoint = (ParseState, ScopeStack);

/// Parses code from the last cached state on. Returns `false` if nobody receives
/// the results any more.
fn highlight_job(
    job: &HighlightJob,
    grammars: &SyntaxSet,
    places: &mut HashMap<u64, ParserCheckpoint>,
    hand_over: impl Fn(HighlightResult) -> bool,
) -> bool {
    let Some(grammar) = grammars.find_syntax_by_token(&job.language) else {
        return hand_over(HighlightResult {
            unsupported: Some(job.language.clone()),
            ..HighlightResult::default()
        });
    };
    let hashes: Vec<u64> = job
        .text
        .split('\n')
        .scan(hash_language(&job.language), |hash, line| {
            *hash = hash_line(*hash, line);
            Some(*hash)
        })
        .collect();
    let known = hashes.iter().rposition(|hash| places.contains_key(hash));
    let (mut state, mut scopes) = known
        .and_then(|at| places.get(&hashes[at]).cloned())
        .unwrap_or_else(|| (ParseState::new(grammar), ScopeStack::new()));
    if places.len() > MAX_CHECKPOINTS {
        places.clear();
    }
    let mut part = HighlightResult::default();
    let lines = job.text.split('\n').zip(&hashes).skip(known.map_or(0, |at| at + 1));
    for (line, hash) in lines {
        part.lines.push((*hash, line_styles(line, grammars, &mut state, &mut scopes)));
        if part.lines.len() == BATCH_LINES {
            places.insert(*hash, (state.clone(), scopes.clone()));
            if !hand_over(std::mem::take(&mut part)) {
                return false;
            }
        }
    }
    if let Some(last) = hashes.last() {
        places.insert(*last, (state, scopes));
    }
    hand_over(part)
}

fn line_styles(
    line: &str,
    grammars: &SyntaxSet,
    state: &mut ParseState,
    scopes: &mut ScopeStack,
) -> LineStyles {
    let plain = || vec![(None, line.len())];
    if line.len() > MAX_LINE_BYTES {
        return plain();
    }
    let Ok(steps) = state.parse_line(&format!("{line}\n"), grammars) else { return plain() };
    let mut colours = LineStyles::new();
    let mut at = 0;
    for (end, change) in steps {
        let end = end.clamp(at, line.len());
        colours.push((scope_styles::innermost(scopes), end - at));
        at = end;
        if scopes.apply(&change).is_err() {
            break;
        }
    }
    colours.push((scope_styles::innermost(scopes), line.len() - at));
    colours.retain(|(_, bytes)| *bytes > 0);
    colours
}
