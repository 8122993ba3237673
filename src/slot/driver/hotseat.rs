//! The driver for `hotseat agent`: the stream-json dialect with the three
//! switches in it, so there is nothing to work around.

use super::stream_json::{StreamJson, arguments};
use super::{Ask, Driver, Heard, Known, Line, Origin, Start};
use crate::session::SessionId;
use crate::slot::{Abilities, Launch, PermissionRequest, Verdict};

/// Our own agent: this very program.
pub const OURS: Known = Known {
    name: "hotseat",
    program: None,
    install: "",
    arguments: &["agent"],
    official: true,
    driver: || Box::<Hotseat>::default(),
};

/// One process of our own agent.
#[derive(Debug, Default)]
struct Hotseat {
    dialect: StreamJson,
}

impl Driver for Hotseat {
    fn abilities(&self) -> Abilities {
        Abilities::WHOLE
    }

    fn start(&mut self, launch: &Launch, origin: &Origin) -> Start {
        arguments(launch, origin)
    }

    fn ask(&mut self, id: &str, ask: Ask) -> Vec<Heard> {
        vec![self.dialect.ask(id, ask)]
    }

    fn prompt(&mut self, uuid: &str, text: &str) -> Vec<Heard> {
        vec![StreamJson::prompt(uuid, text)]
    }

    fn verdict(&mut self, request: PermissionRequest, verdict: Verdict) -> Vec<Heard> {
        vec![StreamJson::verdict(request, verdict)]
    }

    fn hear(&mut self, line: Line) -> (Option<SessionId>, Vec<Heard>) {
        self.dialect.hear(line)
    }
}
