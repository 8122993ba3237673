//! The figures over thousands of sessions: `cargo bench --bench many`, or only
//! some of its parts: `cargo bench --bench many -- list text mirror field`.
//!
//! The trees of transcripts are made once, in `target/trees` or where
//! `HOTSEAT_TREES` says. Nothing else is left behind.

#[path = "../../tests/support"]
#[allow(dead_code, reason = "each takes what it needs")]
mod support {
    pub mod chance;
    pub mod pty;
}
#[path = "../support/peer.rs"]
mod peer;

mod field;
mod list;
mod mirror;
mod prose;
mod text;
mod transcript;
mod tree;

use std::path::{Path, PathBuf};

use tree::Tree;

/// What a heavy user has.
const LARGE: Tree = Tree { sessions: 5_000, bytes: 2_000_000_000, projects: 40 };

/// What the field was measured with.
const SMALL: Tree = Tree { sessions: 5_000, bytes: 490_000_000, projects: 40 };

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // `cargo test --benches` runs this too: then only to see that it builds.
    if asked.iter().any(|argument| argument == "--test") {
        return;
    }
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|argument| argument == part);
    let trees = std::env::var_os("HOTSEAT_TREES").map_or_else(|| "target/trees".into(), PathBuf::from);
    let trees = std::path::absolute(trees).unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("hotseat {}, {cores} cores, release build\n", env!("CARGO_PKG_VERSION"));
    let scratch = || {
        std::fs::create_dir_all(&trees).unwrap();
        tempfile::tempdir_in(&trees).unwrap()
    };
    if wants("list") || wants("text") {
        let large = made(&LARGE, &trees.join("large"));
        if wants("list") {
            list::measure(&large, scratch().path());
        }
        if wants("text") {
            text::measure(&large, scratch().path());
        }
    }
    if wants("mirror") {
        mirror::measure(scratch().path());
    }
    if wants("field") {
        field::measure(&made(&SMALL, &trees.join("small")), scratch().path());
    }
}

/// The folder of a tree, made if it is not there.
fn made(tree: &Tree, root: &Path) -> PathBuf {
    std::fs::create_dir_all(root).unwrap();
    tree.write(root).unwrap();
    let transcripts = tree::transcripts(root).unwrap();
    let bytes: u64 = transcripts.iter().map(|(size, _)| size).sum();
    println!(
        "{}: {} sessions, {} MB, the largest {} MB\n",
        root.display(),
        transcripts.len(),
        bytes / 1_000_000,
        transcripts[0].0 / 1_000_000
    );
    root.to_owned()
}
