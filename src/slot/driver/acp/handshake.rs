//! The handshake: identity and capabilities, then the first session.

use agent_client_protocol_schema::ProtocolVersion;
use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, AuthMethod, ClientCapabilities, Error, FileSystemCapabilities, Implementation,
    InitializeRequest, InitializeResponse,
};
use serde_json::Value;

use super::connection::AcpPending;
use super::open_session::{OpenRequest, OpenTarget};
use super::{AcpDriver, refusal, respond_to};
use crate::slot::driver::{Driver, DriverOutput, StartSession};
use crate::slot::{AgentInfo, SlotError};

/// Maximum number of login hints that are shown.
const MAX_LOGIN_HINTS: usize = 4;

impl AcpDriver {
    pub(super) fn send_initialize(&mut self, id: &str) -> Vec<DriverOutput> {
        let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
        let request = InitializeRequest::new(ProtocolVersion::V1)
            .client_capabilities(ClientCapabilities::new().fs(files).terminal(true))
            .client_info(Implementation::new("hotseat", env!("CARGO_PKG_VERSION")));
        let step = AcpPending::Hello(id.to_owned());
        vec![self.send_request(AGENT_METHOD_NAMES.initialize, &request, step)]
    }

    /// The agent has identified itself; opens the first session.
    pub(super) fn initialized(&mut self, id: String, result: Result<Value, Error>) -> Vec<DriverOutput> {
        let hello = result.map_err(|error| error_reason(&error)).and_then(|hello| {
            serde_json::from_value::<InitializeResponse>(hello).map_err(|error| {
                SlotError::InvalidReply(format!("the agent's handshake is invalid: {error}"))
            })
        });
        let hello = match hello {
            Ok(hello) => hello,
            Err(error) => return vec![respond_to(&id, Err(error))],
        };
        if hello.protocol_version != ProtocolVersion::V1 {
            let version = hello.protocol_version.as_u16();
            let reason = format!(
                "it speaks version {version} of the Agent Client Protocol, hotseat speaks version 1: \
                 install a version of it that speaks that"
            );
            return vec![respond_to(&id, Err(refusal(&reason)))];
        }
        if let Some(agent) = hello.agent_info {
            self.name = agent.title.unwrap_or(agent.name);
            self.version = agent.version;
        }
        self.agent_capabilities = Some(hello.agent_capabilities);
        let login = |method: &AuthMethod| method.description().unwrap_or(method.name()).to_owned();
        self.login_hints = hello.auth_methods.iter().take(MAX_LOGIN_HINTS).map(login).collect();
        let goal = match self.start_session.take() {
            None | Some(StartSession::New) => OpenTarget::New,
            Some(StartSession::WithId(session)) => OpenTarget::Recover(session),
            Some(StartSession::Stored(session)) => OpenTarget::Stored(session),
            Some(StartSession::Fork { source, .. }) => OpenTarget::Fork { source, cwd: None },
        };
        self.open_session(OpenRequest { request_id: id, target: goal, is_handshake: true })
    }

    /// What the handshake reports, for the active session.
    pub(super) fn agent_info(&self) -> Option<AgentInfo> {
        let active = self.active.as_ref()?;
        Some(AgentInfo {
            name: self.name.clone(),
            version: self.version.clone(),
            // The slot knows it.
            pid: 0,
            model: self.options.model().unwrap_or_default().to_owned(),
            notice: None,
            session: active.session,
            transcript: std::path::PathBuf::new(),
            cwd: active.remote.cwd.clone(),
            permission_mode: self.mode(),
            commands: Vec::new(),
            models: self.options.models(),
            mcp_servers: (0, 0),
            repaired: None,
            capabilities: self.capabilities(),
        })
    }
}

impl AcpDriver {
    /// The agent's reason for a refusal. If a login is missing, the agent's login
    /// hints are added.
    pub(super) fn explain_error(&self, error: &Error) -> SlotError {
        let why = error_reason(error);
        match why {
            SlotError::Refused { message, .. } if needs_login(error) && !self.login_hints.is_empty() => {
                refusal(&format!("{message} ({})", self.login_hints.join("; or: ")))
            }
            why => why,
        }
    }
}

/// The agent's reason for a refusal, in its own words.
pub(super) fn error_reason(error: &Error) -> SlotError {
    let more = error.data.as_ref().and_then(|data| match data {
        Value::String(more) => Some(more.as_str()),
        data => ["details", "message"].iter().find_map(|key| data[*key].as_str()),
    });
    let mut message = match more.filter(|more| !more.is_empty() && **more != error.message) {
        Some(more) => format!("{}: {more}", error.message),
        None => error.message.clone(),
    };
    if needs_login(error) {
        message = format!("not logged in: {message}");
    }
    refusal(&message)
}

fn needs_login(error: &Error) -> bool {
    error.code == Error::auth_required().code
}
