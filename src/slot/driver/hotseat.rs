//! The driver for `hotseat agent`: the stream-json protocol, including the three
//! switches.

use super::stream_json::{StreamJson, spawn_args};
use super::{AgentSpec, Driver, DriverOutput, JsonLine, SlotRequest, SpawnArgs, StartSession};
use crate::session::SessionId;
use crate::slot::{Capabilities, Launch, PermissionRequest};

/// Our own agent: this very program.
pub const HOTSEAT_AGENT: AgentSpec = AgentSpec {
    name: "hotseat",
    program: None,
    install: "",
    args: &["agent"],
    official_format: true,
    ignores_project_settings: true,
    driver: || Box::<HotseatDriver>::default(),
};

/// One process of our own agent.
#[derive(Debug, Default)]
struct HotseatDriver {
    dialect: StreamJson,
}

impl Driver for HotseatDriver {
    fn capabilities(&self) -> Capabilities {
        Capabilities::FULL
    }

    fn start(&mut self, launch: &Launch, origin: &StartSession) -> SpawnArgs {
        let mut arguments = spawn_args(launch, origin);
        // A person may switch to any mode on the screen.
        arguments.args.push("--allow-dangerously-skip-permissions".into());
        arguments
    }

    fn request(&mut self, id: &str, ask: SlotRequest) -> Vec<DriverOutput> {
        vec![self.dialect.request(id, ask)]
    }

    fn send_prompt(&mut self, uuid: &str, text: &str) -> Vec<DriverOutput> {
        vec![StreamJson::queued_prompt_line(uuid, text)]
    }

    fn answer_permission(&mut self, request: PermissionRequest, denied: Option<String>) -> Vec<DriverOutput> {
        vec![StreamJson::permission_line(request, denied)]
    }

    fn handle_message(&mut self, line: JsonLine) -> (Option<SessionId>, Vec<DriverOutput>) {
        self.dialect.handle_message(line)
    }
}
