//! A slot with the fake agent in it.

use std::path::Path;

use hotseat::slot::{AgentInfo, HOTSEAT_AGENT, Launch};

use super::fake;
use crate::support::slot::Slot;

pub fn launch(folder: &Path, manners: &str) -> Launch {
    Launch {
        args: fake::ARGUMENTS.map(Into::into).into(),
        env: vec![(fake::FOLDER.into(), folder.into()), (fake::MANNERS.into(), manners.into())],
        guard: Some(env!("CARGO_BIN_EXE_hotseat").into()),
        ..Launch::new(HOTSEAT_AGENT.driver, std::env::current_exe().unwrap(), folder)
    }
}

impl Slot {
    pub fn start(manners: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let launch = launch(folder.path(), manners);
        Self::launch(folder, launch)
    }

    /// A started one, through its handshake.
    pub async fn warm() -> (Self, AgentInfo) {
        let mut slot = Self::start("");
        let agent = slot.ready().await;
        (slot, agent)
    }

    /// What the fake took note of.
    pub fn log(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}
