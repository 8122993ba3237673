//! The agents in the menu of the screen (`@`).

use std::path::PathBuf;

use super::SwitchSummary;
use crate::slot::{AgentProgram, AgentSpec};
use crate::tui::app::AgentOffer;

/// All agents, with the program of each installed one.
pub fn agent_offers(
    all: &[AgentSpec],
    find: impl Fn(&str) -> Option<PathBuf>,
) -> Vec<(AgentOffer, Option<AgentProgram>)> {
    all.iter().map(|known| offer(known, &find)).collect()
}

fn offer(known: &AgentSpec, find: impl Fn(&str) -> Option<PathBuf>) -> (AgentOffer, Option<AgentProgram>) {
    let path = match known.program {
        None => std::env::current_exe().ok(),
        Some(program) => find(program),
    };
    let how = SwitchSummary::from_capabilities(&(known.driver)().capabilities());
    let offered = AgentOffer {
        name: known.name,
        official_transcripts: known.official_format,
        ignores_project_settings: known.ignores_project_settings,
        switch_methods: how.one_line(),
        unavailable: path.is_none().then(|| match (known.install, known.program) {
            ("", Some(program)) => format!("{program} is not on PATH"),
            (install, _) => format!("not on PATH: {install}"),
        }),
    };
    let program =
        |path| AgentProgram { driver: known.driver, path, args: known.args.iter().map(Into::into).collect() };
    (offered, path.map(program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::AGENTS;

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let offers = agent_offers(AGENTS, |_| None);
        assert!(offers[0].1.is_some(), "our own is always there");
        let (claude, other) = &offers[1];
        assert!(claude.unavailable.as_ref().unwrap().contains("npm install"));
        assert!(other.is_none());
    }
}
