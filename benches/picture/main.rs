//! Makes `assets/screen.svg`, the picture in the README, from the program
//! itself: `hotseat demo` in a pseudo-terminal, worked as a person would.
//!
//! `cargo bench --bench picture` writes it to `target/screen.svg`;
//! `cargo bench --bench picture -- --write` into `assets/`.

#[path = "../../tests/support"]
#[allow(dead_code, reason = "each takes what it needs")]
mod support {
    pub mod pty;
}
mod svg;

use std::path::Path;

use support::pty;
use support::pty::Pty;

/// What is typed, and what must be on the screen before the next.
const STEPS: [(&str, &str); 6] = [
    ("", "Parser rewrite ⑂2"),
    ("", "● warm"),
    ("jj", "read only"),
    ("", "Nothing is dropped in silence"),
    ("\r", "same pid"),
    ("run: ls -l fixtures\r", "wants to run"),
];

fn main() {
    let folder = if std::env::args().any(|argument| argument == "--write") { "assets" } else { "target" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("screen.svg");
    let home = tempfile::tempdir().expect("a scratch folder");
    let mut screen = Pty::start(pty::hotseat(home.path(), &["demo"]), 120, 34);
    for (keys, expected) in STEPS {
        screen.keys(keys);
        screen.wait_for(expected);
    }
    let picture = screen.with_screen(svg::draw);
    std::fs::write(&path, picture).expect("the picture can be written");
    println!("{}\nwrote {folder}/screen.svg", screen.screen());
}
