//! The handshake: who it is and what it can, then the session it starts in.

use agent_client_protocol_schema::ProtocolVersion;
use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, AuthMethod, ClientCapabilities, Error, FileSystemCapabilities, Implementation,
    InitializeRequest, InitializeResponse,
};
use serde_json::Value;

use super::connection::Step;
use super::opening::{Goal, Opening};
use super::{Acp, answer, refused};
use crate::slot::driver::{Driver, Heard, Origin};
use crate::slot::{Agent, SlotError};

/// Ways to log in that are told at most.
const LOGINS: usize = 4;

impl Acp {
    pub(super) fn greet(&mut self, id: &str) -> Vec<Heard> {
        let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
        let request = InitializeRequest::new(ProtocolVersion::V1)
            .client_capabilities(ClientCapabilities::new().fs(files).terminal(true))
            .client_info(Implementation::new("hotseat", env!("CARGO_PKG_VERSION")));
        let step = Step::Hello(id.to_owned());
        vec![self.connection.request(AGENT_METHOD_NAMES.initialize, &request, step)]
    }

    /// It said who it is: now its first session.
    pub(super) fn greeted(&mut self, id: String, result: Result<Value, Error>) -> Vec<Heard> {
        let hello = result.map_err(|error| reason(&error)).and_then(|hello| {
            serde_json::from_value::<InitializeResponse>(hello)
                .map_err(|error| SlotError::Nonsense(format!("its handshake makes no sense: {error}")))
        });
        let hello = match hello {
            Ok(hello) => hello,
            Err(error) => return vec![answer(&id, Err(error))],
        };
        if hello.protocol_version != ProtocolVersion::V1 {
            let version = hello.protocol_version.as_u16();
            let reason = format!(
                "it speaks version {version} of the Agent Client Protocol, and hotseat version 1: \
                 install a version of it that speaks that"
            );
            return vec![answer(&id, Err(refused(&reason)))];
        }
        if let Some(agent) = hello.agent_info {
            self.name = agent.title.unwrap_or(agent.name);
            self.version = agent.version;
        }
        self.can = Some(hello.agent_capabilities);
        let login = |method: &AuthMethod| method.description().unwrap_or(method.name()).to_owned();
        self.logins = hello.auth_methods.iter().take(LOGINS).map(login).collect();
        let goal = match self.origin.take() {
            None | Some(Origin::New) => Goal::New,
            Some(Origin::Named(session)) => Goal::Lost(session),
            Some(Origin::Stored(session)) => Goal::Stored(session),
            Some(Origin::Copy { source, .. }) => Goal::Copy { source, cwd: None },
        };
        self.open(Opening { ask: id, goal, greets: true })
    }

    /// Who came through the handshake, in the session that is active now.
    pub(super) fn agent(&self) -> Option<Agent> {
        let active = self.active.as_ref()?;
        Some(Agent {
            name: self.name.clone(),
            version: self.version.clone(),
            // The slot knows it.
            pid: 0,
            model: self.options.model().unwrap_or_default().to_owned(),
            notice: None,
            session: active.session,
            transcript: std::path::PathBuf::new(),
            cwd: active.place.cwd.clone(),
            permission_mode: self.mode(),
            commands: Vec::new(),
            models: self.options.models(),
            mcp: (0, 0),
            repaired: None,
            abilities: self.abilities(),
        })
    }
}

impl Acp {
    /// The agent's reason for a refusal; where nobody is logged in, with the
    /// ways to do so that it named.
    pub(super) fn why(&self, error: &Error) -> SlotError {
        let why = reason(error);
        match why {
            SlotError::Refused { message, .. } if needs_login(error) && !self.logins.is_empty() => {
                refused(&format!("{message} ({})", self.logins.join("; or: ")))
            }
            why => why,
        }
    }
}

/// The agent's reason for a refusal, in its own words.
pub(super) fn reason(error: &Error) -> SlotError {
    let more = error.data.as_ref().and_then(|data| match data {
        Value::String(more) => Some(more.as_str()),
        data => ["details", "message"].iter().find_map(|key| data[*key].as_str()),
    });
    let mut message = match more.filter(|more| !more.is_empty() && **more != error.message) {
        Some(more) => format!("{}: {more}", error.message),
        None => error.message.clone(),
    };
    if needs_login(error) {
        message = format!("not logged in - {message}");
    }
    refused(&message)
}

fn needs_login(error: &Error) -> bool {
    error.code == Error::auth_required().code
}
