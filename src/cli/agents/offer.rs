//! The agents that the screen offers for the seat.

use std::path::PathBuf;

use super::Switches;
use crate::slot::{Known, Program};
use crate::tui::app::Offered;

/// Every agent that has a driver, and how to start those that are there.
pub fn others(all: &[Known], find: impl Fn(&str) -> Option<PathBuf>) -> Vec<(Offered, Option<Program>)> {
    all.iter().map(|known| offer(known, &find)).collect()
}

fn offer(known: &Known, find: impl Fn(&str) -> Option<PathBuf>) -> (Offered, Option<Program>) {
    let path = match known.program {
        None => std::env::current_exe().ok(),
        Some(program) => find(program),
    };
    let how = Switches::of(&(known.driver)().abilities());
    let offered = Offered {
        name: known.name,
        official: known.official,
        how: how.told(),
        missing: path.is_none().then(|| match (known.install, known.program) {
            ("", Some(program)) => format!("no program named {program} is on the PATH"),
            (install, _) => format!("not on the PATH: {install}"),
        }),
    };
    let program =
        |path| Program { driver: known.driver, path, args: known.arguments.iter().map(Into::into).collect() };
    (offered, path.map(program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::KNOWN;

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let offers = others(KNOWN, |_| None);
        assert!(offers[0].1.is_some(), "our own is always there");
        let (claude, other) = &offers[1];
        assert!(claude.missing.as_ref().unwrap().contains("npm install"));
        assert!(other.is_none());
    }
}
