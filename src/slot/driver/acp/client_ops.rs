//! `fs/*` and `terminal/*`: the agent's requests for files and terminals of this
//! machine. Reads in the session's folder need no permission; writes and
//! programs need the mode or a person.

mod results;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use agent_client_protocol_schema::v1::{
    CLIENT_METHOD_NAMES, CreateTerminalRequest, Error, ReadTextFileRequest, TerminalOutputRequest,
    WriteTextFileRequest,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::AcpDriver;
use super::command_line::{argv, spellings};
use super::connection::{respond, respond_error};
use super::grants::GrantStore;
use super::line_diff::changed_lines;
use super::permissions::MAX_PENDING;
use crate::protocol::PermissionMode;
use crate::protocol::json_rpc::RequestId;
use crate::session::SessionId;
use crate::slot::PermissionRequest;
use crate::slot::driver::{AgentEvent, ClientOp, CreateTerminal, DriverOutput};
use crate::sys::protected_paths::is_protected;
use crate::sys::real_path::resolve;

/// Bytes of a terminal's output that are kept: the default, and the maximum an
/// agent can request.
const DEFAULT_OUTPUT_LIMIT: u64 = 1024 * 1024;
const MAX_OUTPUT_LIMIT: u64 = 16 * 1024 * 1024;

/// What an operation's result is for, with the id of the agent's request.
#[derive(Debug)]
enum PendingOp {
    /// Return lines of a file: from `line` (1-based), at most `limit`.
    Read {
        id: RequestId,
        line: Option<u32>,
        limit: Option<u32>,
    },
    /// The file's present text, needed to show or check a write.
    ReadBeforeWrite {
        id: RequestId,
        real: PathBuf,
        text: String,
    },
    Write {
        id: RequestId,
    },
    Run {
        id: RequestId,
        terminal: String,
    },
    Output {
        id: RequestId,
    },
    Wait {
        id: RequestId,
    },
    Kill {
        id: RequestId,
    },
    Release {
        id: RequestId,
    },
    /// The response is ignored.
    Ignored,
}

/// A question to a person about an operation.
#[derive(Debug)]
struct OpQuestion {
    id: RequestId,
    requested: RequestedOp,
}

/// An operation that needs permission.
#[derive(Debug)]
enum RequestedOp {
    /// Write this text to this real path.
    Write {
        real: PathBuf,
        text: String,
    },
    Run {
        run: CreateTerminal,
        spellings: Vec<String>,
    },
}

/// The state of the agent's client operations.
#[derive(Debug, Default)]
pub(super) struct AcpClientOps {
    last_op_id: u64,
    terminals_opened: u64,
    pending: BTreeMap<u64, PendingOp>,
    /// Open questions, by the id of the permission request.
    questions: BTreeMap<String, OpQuestion>,
    /// The open terminals of the active session.
    terminals: Vec<String>,
    pub grants: GrantStore,
}

impl AcpDriver {
    /// Handles a client request; `None` if the method is another.
    pub(super) fn handle_client_request(
        &mut self,
        method: &str,
        id: &RequestId,
        params: Value,
    ) -> Option<Vec<DriverOutput>> {
        let names = &CLIENT_METHOD_NAMES;
        let events = if method == names.fs_read_text_file {
            self.read_file(id, params)
        } else if method == names.fs_write_text_file {
            self.write_file(id, params)
        } else if method == names.terminal_create {
            self.create_terminal(id, params)
        } else {
            let id = id.clone();
            let (pending, op): (PendingOp, fn(String) -> ClientOp) = if method == names.terminal_output {
                (PendingOp::Output { id }, ClientOp::TerminalOutput)
            } else if method == names.terminal_wait_for_exit {
                (PendingOp::Wait { id }, ClientOp::WaitForExit)
            } else if method == names.terminal_kill {
                (PendingOp::Kill { id }, ClientOp::KillTerminal)
            } else if method == names.terminal_release {
                (PendingOp::Release { id }, ClientOp::ReleaseTerminal)
            } else {
                return None;
            };
            self.terminal_op(params, pending, op)
        };
        Some(events.unwrap_or_else(|error| vec![respond_error(id, &error)]))
    }

    fn read_file(&mut self, id: &RequestId, params: Value) -> Result<Vec<DriverOutput>, Error> {
        let request: ReadTextFileRequest = parse_params(params)?;
        self.require_active(&request.session_id.0)?;
        let pending = PendingOp::Read { id: id.clone(), line: request.line, limit: request.limit };
        Ok(vec![self.client_op(pending, ClientOp::ReadFile(request.path))])
    }

    /// A write goes to the file that its path leads to now: that is shown, and a
    /// link that is put there later makes it fail.
    fn write_file(&mut self, id: &RequestId, params: Value) -> Result<Vec<DriverOutput>, Error> {
        let request: WriteTextFileRequest = parse_params(params)?;
        self.require_active(&request.session_id.0)?;
        let real = resolve(&self.session_folder(), &request.path);
        let (id, text) = (id.clone(), request.content);
        let by_mode = match self.mode() {
            PermissionMode::BypassPermissions | PermissionMode::AcceptEdits => !is_protected(&real),
            PermissionMode::Default | PermissionMode::Plan | PermissionMode::DontAsk => false,
        };
        if by_mode {
            return Ok(vec![self.perform_op(id, RequestedOp::Write { real, text })]);
        }
        if let Some(why) = self.refusal_by_mode().filter(|_| !self.client_ops.grants.has_write(&real)) {
            return Err(not_permitted(why));
        }
        let pending = PendingOp::ReadBeforeWrite { id, real: real.clone(), text };
        Ok(vec![self.client_op(pending, ClientOp::ReadFile(real))])
    }

    /// The file holds `now`: writes it if exactly this was allowed, else asks.
    fn write_over(&mut self, id: RequestId, real: PathBuf, text: String, now: Option<&str>) -> DriverOutput {
        let requested = RequestedOp::Write { real, text };
        let RequestedOp::Write { real, text } = &requested else {
            return respond_error(&id, &not_permitted(""));
        };
        if self.client_ops.grants.take_write(real, now.unwrap_or_default(), text) {
            return self.perform_op(id, requested);
        }
        match self.refusal_by_mode() {
            Some(why) => respond_error(&id, &not_permitted(why)),
            None => self.ask_person(id, requested, now),
        }
    }

    /// Why nobody is asked in this mode.
    fn refusal_by_mode(&self) -> Option<&'static str> {
        match self.mode() {
            PermissionMode::Plan => Some("plan mode allows no writes and no commands"),
            PermissionMode::DontAsk => Some("it is not allowed, and this mode does not ask"),
            _ => None,
        }
    }

    fn create_terminal(&mut self, id: &RequestId, params: Value) -> Result<Vec<DriverOutput>, Error> {
        let request: CreateTerminalRequest = parse_params(params)?;
        self.require_active(&request.session_id.0)?;
        let folder = self.session_folder();
        let root = resolve(&folder, Path::new(""));
        let cwd = request.cwd.map_or_else(|| root.clone(), |cwd| resolve(&root, &cwd));
        if !cwd.starts_with(&root) {
            return Err(invalid_params(&format!(
                "{} is outside the session's folder {}; hotseat gives agents no access there",
                cwd.display(),
                folder.display()
            )));
        }
        let env: Vec<_> = request.env.into_iter().map(|variable| (variable.name, variable.value)).collect();
        let spellings = spellings(&request.command, &request.args, &env);
        self.client_ops.terminals_opened += 1;
        let was_allowed = self.client_ops.grants.take_command(&spellings, &cwd);
        let output_limit = request.output_byte_limit.unwrap_or(DEFAULT_OUTPUT_LIMIT).min(MAX_OUTPUT_LIMIT);
        let run = CreateTerminal {
            terminal: format!("terminal-{}", self.client_ops.terminals_opened),
            command: argv(request.command, request.args),
            env,
            cwd,
            output_limit: usize::try_from(output_limit).unwrap_or_default(),
        };
        let requested = RequestedOp::Run { run, spellings };
        let id = id.clone();
        if was_allowed || self.mode() == PermissionMode::BypassPermissions {
            return Ok(vec![self.perform_op(id, requested)]);
        }
        match self.refusal_by_mode() {
            Some(why) => Err(not_permitted(why)),
            None => Ok(vec![self.ask_person(id, requested, None)]),
        }
    }

    fn terminal_op(
        &mut self,
        params: Value,
        pending: PendingOp,
        op: fn(String) -> ClientOp,
    ) -> Result<Vec<DriverOutput>, Error> {
        // All terminal requests have the same parameters.
        let request: TerminalOutputRequest = parse_params(params)?;
        self.require_active(&request.session_id.0)?;
        let terminal = request.terminal_id.0.to_string();
        if matches!(pending, PendingOp::Release { .. }) {
            self.client_ops.terminals.retain(|open| *open != terminal);
        }
        Ok(vec![self.client_op(pending, op(terminal))])
    }

    /// The active session; an error if the request names another.
    fn require_active(&self, id: &str) -> Result<SessionId, Error> {
        let session = SessionId::from_external(id);
        let active = self.active.as_ref().filter(|active| active.session == session);
        active.map(|active| active.session).ok_or_else(|| invalid_params("this session is not active"))
    }

    pub(super) fn session_folder(&self) -> PathBuf {
        self.active.as_ref().map_or(&self.cwd, |active| &active.remote.cwd).clone()
    }

    fn client_op(&mut self, pending: PendingOp, op: ClientOp) -> DriverOutput {
        self.client_ops.last_op_id += 1;
        self.client_ops.pending.insert(self.client_ops.last_op_id, pending);
        DriverOutput::ClientOp { op_id: self.client_ops.last_op_id, folder: self.session_folder(), op }
    }

    fn perform_op(&mut self, id: RequestId, requested: RequestedOp) -> DriverOutput {
        match requested {
            RequestedOp::Write { real, text } => {
                self.client_op(PendingOp::Write { id }, ClientOp::WriteFile { path: real, text })
            }
            RequestedOp::Run { run, .. } => self.client_op(
                PendingOp::Run { id, terminal: run.terminal.clone() },
                ClientOp::CreateTerminal(run),
            ),
        }
    }

    /// Asks a person, showing the change against the file's present text.
    fn ask_person(&mut self, id: RequestId, requested: RequestedOp, now: Option<&str>) -> DriverOutput {
        if self.client_ops.questions.len() >= MAX_PENDING {
            return respond_error(&id, &not_permitted("too many permission requests are open"));
        }
        self.client_ops.last_op_id += 1;
        // Not valid JSON, so it cannot collide with the ids of the agent's requests.
        let name = format!("operation {}", self.client_ops.last_op_id);
        let root = resolve(&self.session_folder(), Path::new(""));
        let request = match &requested {
            RequestedOp::Write { real, text } => {
                let path = real.display().to_string();
                match now.filter(|now| !now.is_empty()) {
                    Some(now) => {
                        let (old, new) = changed_lines(now, text);
                        let input = json!({"file_path": path, "old_string": old, "new_string": new});
                        PermissionRequest::new(name.clone(), "Edit", input)
                    }
                    None => {
                        let input = json!({"file_path": path, "content": text});
                        PermissionRequest::new(name.clone(), "Write", input)
                    }
                }
            }
            RequestedOp::Run { run, spellings } => PermissionRequest {
                cwd: Some(run.cwd.clone()).filter(|cwd| *cwd != root),
                ..PermissionRequest::new(name.clone(), "Bash", json!({"command": spellings.first()}))
            },
        };
        self.client_ops.questions.insert(name, OpQuestion { id, requested });
        DriverOutput::Event(AgentEvent::PermissionRequested(request))
    }

    /// Handles a person's answer; `None` if the question is not of this module.
    pub(super) fn answer_question(&mut self, name: &str, denied: Option<&str>) -> Option<DriverOutput> {
        let OpQuestion { id, requested } = self.client_ops.questions.remove(name)?;
        Some(match denied {
            Some("") => respond_error(&id, &not_permitted("denied by the user")),
            Some(why) => respond_error(&id, &not_permitted(why)),
            None => self.perform_op(id, requested),
        })
    }

    /// Cancels all open questions and the reads that would become questions.
    pub(super) fn cancel_questions(&mut self) -> Vec<DriverOutput> {
        let cancelled = |id: &RequestId| respond_error(id, &Error::request_cancelled());
        let mut events = Vec::new();
        for (name, asked) in std::mem::take(&mut self.client_ops.questions) {
            events.extend([cancelled(&asked.id), DriverOutput::Event(AgentEvent::PermissionDropped(name))]);
        }
        // These would have become questions.
        let looks = self
            .client_ops
            .pending
            .extract_if(.., |_, pending| matches!(pending, PendingOp::ReadBeforeWrite { .. }));
        events.extend(looks.filter_map(|(_, pending)| match pending {
            PendingOp::ReadBeforeWrite { id, .. } => Some(cancelled(&id)),
            _ => None,
        }));
        events
    }

    /// Leaves the session: cancels its questions and releases its terminals.
    pub(super) fn release_session(&mut self) -> Vec<DriverOutput> {
        let mut events = self.cancel_questions();
        self.client_ops.grants.clear();
        for terminal in std::mem::take(&mut self.client_ops.terminals) {
            events.push(self.client_op(PendingOp::Ignored, ClientOp::ReleaseTerminal(terminal)));
        }
        events
    }
}

fn parse_params<T: DeserializeOwned>(params: Value) -> Result<T, Error> {
    serde_json::from_value(params).map_err(|error| invalid_params(&error.to_string()))
}

/// An error whose message is shown: agents display `message` and hide `data`.
fn invalid_params(why: &str) -> Error {
    Error::new(Error::invalid_params().code.into(), why)
}

fn not_permitted(why: &str) -> Error {
    Error::new(Error::invalid_request().code.into(), format!("not permitted: {why}"))
}
