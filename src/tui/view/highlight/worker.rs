//! The thread that reads code with the grammars.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};

use syntect::parsing::{ParseState, ScopeStack, SyntaxSet};

use super::meaning::{self, Meaning};
use super::{LONGEST_LINE, begin, step};

/// Lines after which what is done so far is handed over.
const BATCH: usize = 100;
/// Places in code from which it can be read on, at most.
const MOST_PLACES: usize = 256;

/// A line's colours: how many bytes have which meaning, in order.
pub type Colours = Vec<(Option<Meaning>, usize)>;

/// Code to be read.
pub struct Job {
    /// Its language, by name or by a file's ending.
    pub language: String,
    /// Its lines, from the first.
    pub text: String,
}

/// What became of a job, or of a part of it.
#[derive(Default)]
pub struct Painted {
    /// Lines by the hash of all code up to them.
    pub lines: Vec<(u64, Colours)>,
    /// There is no grammar for this language.
    pub unknown: Option<String>,
}

/// Does jobs until nobody can give any more.
pub fn run(jobs: &Receiver<Job>, painted: &Sender<Painted>, wake: &dyn Fn()) {
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
        if !read(&job, grammars, &mut places, hand_over) {
            return;
        }
    }
}

/// Where reading can go on.
type Place = (ParseState, ScopeStack);

/// Reads code on from the last place that is known. `false` when nobody wants
/// to know any more.
fn read(
    job: &Job,
    grammars: &SyntaxSet,
    places: &mut HashMap<u64, Place>,
    hand_over: impl Fn(Painted) -> bool,
) -> bool {
    let Some(grammar) = grammars.find_syntax_by_token(&job.language) else {
        return hand_over(Painted { unknown: Some(job.language.clone()), ..Painted::default() });
    };
    let hashes: Vec<u64> = job
        .text
        .split('\n')
        .scan(begin(&job.language), |hash, line| {
            *hash = step(*hash, line);
            Some(*hash)
        })
        .collect();
    let known = hashes.iter().rposition(|hash| places.contains_key(hash));
    let (mut state, mut scopes) = known
        .and_then(|at| places.get(&hashes[at]).cloned())
        .unwrap_or_else(|| (ParseState::new(grammar), ScopeStack::new()));
    if places.len() > MOST_PLACES {
        places.clear();
    }
    let mut part = Painted::default();
    let lines = job.text.split('\n').zip(&hashes).skip(known.map_or(0, |at| at + 1));
    for (line, hash) in lines {
        part.lines.push((*hash, colours(line, grammars, &mut state, &mut scopes)));
        if part.lines.len() == BATCH {
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

fn colours(line: &str, grammars: &SyntaxSet, state: &mut ParseState, scopes: &mut ScopeStack) -> Colours {
    let plain = || vec![(None, line.len())];
    if line.len() > LONGEST_LINE {
        return plain();
    }
    let Ok(steps) = state.parse_line(&format!("{line}\n"), grammars) else { return plain() };
    let mut colours = Colours::new();
    let mut at = 0;
    for (end, change) in steps {
        let end = end.clamp(at, line.len());
        colours.push((meaning::of(scopes), end - at));
        at = end;
        if scopes.apply(&change).is_err() {
            break;
        }
    }
    colours.push((meaning::of(scopes), line.len() - at));
    colours.retain(|(_, bytes)| *bytes > 0);
    colours
}
