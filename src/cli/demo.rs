//! `hotseat demo`: hotseat on the offline model and made-up sessions in a scratch
//! folder. Never writes to the user's own files.

mod demo_folder;
mod tour;

use std::io::IsTerminal;

use anyhow::Result;

use super::arguments::LaunchArgs;
use super::config::{self, Settings};
use super::exit::CliExit;
use super::paths::Paths;
use super::screen::{self, ScreenContext};
use crate::store::LocalStore;
use demo_folder::DemoFolder;

/// Opens the screen; without a terminal, plays the tour as text.
pub fn run() -> Result<CliExit> {
    let scratch = DemoFolder::create()?;
    let exit = if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        screen::run_screen(
            room(&scratch),
            &LaunchArgs { agent: Some("hotseat".to_owned()), ..LaunchArgs::default() },
            settings(),
        )
    } else {
        tour::play(&scratch)
    };
    scratch.remove()?;
    exit
}

/// The user's keys and colours with the demo's agent and permissions.
fn settings() -> Settings {
    let Settings { agent, model, permission_mode, all, .. } = Settings::default();
    let own = config::read_file(&Paths::from_env().config_file()).settings;
    Settings { agent, model, permission_mode, all, ..own }
}

fn room(scratch: &DemoFolder) -> ScreenContext {
    ScreenContext {
        store: LocalStore::new(scratch.claude()),
        cwd: scratch.project(),
        state: scratch.root().join("state"),
        index: scratch.root().join("cache/index.db"),
        env: scratch.env(),
        trust: scratch.trust(),
        is_persistent: false,
        welcome: Some(
            "Demo: made-up sessions in a scratch folder, your own are not touched. F1 shows the keys"
                .to_owned(),
        ),
    }
}
