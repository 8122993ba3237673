//! `fs/*` and `terminal/*`: the agent asks for files and terminals of this
//! machine, and gets them once whoever has a say has said yes. Reads are free.

use std::collections::BTreeMap;
use std::path::{Component, PathBuf};

use agent_client_protocol_schema::v1::{
    CLIENT_METHOD_NAMES, CreateTerminalRequest, CreateTerminalResponse, Error, KillTerminalResponse,
    ReadTextFileRequest, ReadTextFileResponse, ReleaseTerminalResponse, TerminalExitStatus,
    TerminalOutputRequest, TerminalOutputResponse, WaitForTerminalExitResponse, WriteTextFileRequest,
    WriteTextFileResponse,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Acp;
use super::changed::changed_lines;
use super::command::{program, spellings};
use super::connection::{fail, respond};
use super::grants::{Deed, Grants, Say};
use super::permit::MOST;
use crate::session::SessionId;
use crate::slot::driver::{Ending, Heard, Lent, Loan, LoanNews, Run};
use crate::slot::{PermissionRequest, Verdict};

/// Bytes of a terminal's output that are kept: where the agent does not say, and
/// the most it can say.
const KEPT: u64 = 1024 * 1024;
const MOST_KEPT: u64 = 16 * 1024 * 1024;

/// What an outcome is for; each with the agent's request, by its id on the wire.
#[derive(Debug)]
enum For {
    /// Lines of a file, from the first, so many at most.
    Read {
        id: Value,
        line: Option<u32>,
        limit: Option<u32>,
    },
    /// What a file holds before a person is asked whether it may be written.
    Look {
        id: Value,
        path: PathBuf,
        text: String,
    },
    Write {
        id: Value,
    },
    Run {
        id: Value,
        terminal: String,
    },
    Output {
        id: Value,
    },
    Wait {
        id: Value,
    },
    Kill {
        id: Value,
    },
    Release {
        id: Value,
    },
    /// Nobody waits for it.
    Nobody,
}

/// What waits for a person.
#[derive(Debug)]
struct Question {
    id: Value,
    wanted: Wanted,
}

/// What needs a permission.
#[derive(Debug)]
enum Wanted {
    Write { path: PathBuf, text: String },
    Run { run: Run, spellings: Vec<String> },
}

impl Wanted {
    fn deed(&self) -> Deed<'_> {
        match self {
            Self::Write { path, .. } => Deed::Write(path),
            Self::Run { spellings, .. } => Deed::Run(spellings),
        }
    }
}

/// What is lent, and what is asked for.
#[derive(Debug, Default)]
pub(super) struct Lending {
    ticket: u64,
    opened: u64,
    under_way: BTreeMap<u64, For>,
    /// By the name the question bears here.
    questions: BTreeMap<String, Question>,
    /// The open terminals of the session in the seat.
    terminals: Vec<String>,
    pub grants: Grants,
}

impl Acp {
    /// Takes a request; none where it is of another kind.
    pub(super) fn lend(&mut self, method: &str, id: &Value, params: Value) -> Option<Vec<Heard>> {
        let names = &CLIENT_METHOD_NAMES;
        let heard = if method == names.fs_read_text_file {
            self.read_file(id, params)
        } else if method == names.fs_write_text_file {
            self.write_file(id, params)
        } else if method == names.terminal_create {
            self.create_terminal(id, params)
        } else {
            let id = id.clone();
            let (purpose, loan): (For, fn(String) -> Loan) = if method == names.terminal_output {
                (For::Output { id }, Loan::Output)
            } else if method == names.terminal_wait_for_exit {
                (For::Wait { id }, Loan::Wait)
            } else if method == names.terminal_kill {
                (For::Kill { id }, Loan::Kill)
            } else if method == names.terminal_release {
                (For::Release { id }, Loan::Release)
            } else {
                return None;
            };
            self.of_terminal(params, purpose, loan)
        };
        Some(heard.unwrap_or_else(|error| vec![fail(id, &error)]))
    }

    fn read_file(&mut self, id: &Value, params: Value) -> Result<Vec<Heard>, Error> {
        let request: ReadTextFileRequest = understood(params)?;
        self.seated_in(&request.session_id.0)?;
        let purpose = For::Read { id: id.clone(), line: request.line, limit: request.limit };
        Ok(vec![self.borrow(purpose, Loan::Read(request.path))])
    }

    fn write_file(&mut self, id: &Value, params: Value) -> Result<Vec<Heard>, Error> {
        let request: WriteTextFileRequest = understood(params)?;
        let session = self.seated_in(&request.session_id.0)?;
        let (path, text) = (request.path, request.content);
        let id = id.clone();
        Ok(match self.lending.grants.judge(self.mode(), session, Deed::Write(&path)) {
            Say::Yes => vec![self.borrow(For::Write { id }, Loan::Write { path, text })],
            Say::No(why) => return Err(said_no(why)),
            Say::Ask => vec![self.borrow(For::Look { id, path: path.clone(), text }, Loan::Read(path))],
        })
    }

    fn create_terminal(&mut self, id: &Value, params: Value) -> Result<Vec<Heard>, Error> {
        let request: CreateTerminalRequest = understood(params)?;
        let session = self.seated_in(&request.session_id.0)?;
        let folder = self.folder();
        let cwd = request.cwd.unwrap_or_else(|| folder.clone());
        // Where it truly leads is seen when it runs.
        if !cwd.starts_with(&folder) || cwd.components().any(|part| part == Component::ParentDir) {
            return Err(invalid(&format!(
                "{} lies outside of the session's folder {}, and hotseat lends nothing there",
                cwd.display(),
                folder.display()
            )));
        }
        let env: Vec<_> = request.env.into_iter().map(|variable| (variable.name, variable.value)).collect();
        let spellings = spellings(&request.command, &request.args, &env);
        self.lending.opened += 1;
        let run = Run {
            terminal: format!("terminal-{}", self.lending.opened),
            command: program(request.command, request.args),
            env,
            cwd,
            keep: usize::try_from(request.output_byte_limit.unwrap_or(KEPT).min(MOST_KEPT))
                .unwrap_or_default(),
        };
        let wanted = Wanted::Run { run, spellings };
        Ok(match self.lending.grants.judge(self.mode(), session, wanted.deed()) {
            Say::Yes => vec![self.grant(id.clone(), wanted)],
            Say::No(why) => return Err(said_no(why)),
            Say::Ask => vec![self.question(id.clone(), wanted, None)],
        })
    }

    fn of_terminal(
        &mut self,
        params: Value,
        purpose: For,
        loan: fn(String) -> Loan,
    ) -> Result<Vec<Heard>, Error> {
        // They are all alike.
        let request: TerminalOutputRequest = understood(params)?;
        self.seated_in(&request.session_id.0)?;
        let terminal = request.terminal_id.0.to_string();
        if matches!(purpose, For::Release { .. }) {
            self.lending.terminals.retain(|open| *open != terminal);
        }
        Ok(vec![self.borrow(purpose, loan(terminal))])
    }

    /// The session in the seat; an error where the agent speaks for another.
    fn seated_in(&self, id: &str) -> Result<SessionId, Error> {
        let session = SessionId::named(id);
        let active = self.active.as_ref().filter(|active| active.session == session);
        active.map(|active| active.session).ok_or_else(|| invalid("this session does not have the seat"))
    }

    fn folder(&self) -> PathBuf {
        self.active.as_ref().map_or(&self.cwd, |active| &active.place.cwd).clone()
    }

    fn borrow(&mut self, purpose: For, loan: Loan) -> Heard {
        self.lending.ticket += 1;
        self.lending.under_way.insert(self.lending.ticket, purpose);
        Heard::Lend { ticket: self.lending.ticket, folder: self.folder(), loan }
    }

    fn grant(&mut self, id: Value, wanted: Wanted) -> Heard {
        match wanted {
            Wanted::Write { path, text } => self.borrow(For::Write { id }, Loan::Write { path, text }),
            Wanted::Run { run, .. } => {
                self.borrow(For::Run { id, terminal: run.terminal.clone() }, Loan::Run(run))
            }
        }
    }

    /// Puts it to a person, beside what the file holds now.
    fn question(&mut self, id: Value, wanted: Wanted, now: Option<&str>) -> Heard {
        if self.lending.questions.len() >= MOST {
            return fail(&id, &said_no("too many questions wait for an answer"));
        }
        self.lending.ticket += 1;
        // The agent's own questions bear names in JSON, which this is not.
        let name = format!("loan {}", self.lending.ticket);
        let folder = self.folder();
        let (tool, input, description) = match &wanted {
            Wanted::Write { path, text } => {
                let path = path.display().to_string();
                match now.filter(|now| !now.is_empty()) {
                    Some(now) => {
                        let (old, new) = changed_lines(now, text);
                        ("Edit", json!({"file_path": path, "old_string": old, "new_string": new}), None)
                    }
                    None => ("Write", json!({"file_path": path, "content": text}), None),
                }
            }
            Wanted::Run { run, spellings } => {
                let elsewhere = (run.cwd != folder).then(|| format!("in {}", run.cwd.display()));
                ("Bash", json!({"command": spellings.first()}), elsewhere)
            }
        };
        self.lending.questions.insert(name.clone(), Question { id, wanted });
        Heard::Permission(PermissionRequest {
            id: name,
            tool: tool.to_owned(),
            input,
            description,
            suggestions: Vec::new(),
        })
    }

    /// A person answered; none where the question was not ours.
    pub(super) fn lend_by(&mut self, name: &str, verdict: &Verdict) -> Option<Heard> {
        let Question { id, wanted } = self.lending.questions.remove(name)?;
        if let Verdict::Deny(why) = verdict {
            let why = if why.is_empty() { "the person said no" } else { why };
            return Some(fail(&id, &said_no(why)));
        }
        if let (Verdict::Session, Some(active)) = (verdict, &self.active) {
            self.lending.grants.allow_always(active.session, wanted.deed());
        }
        Some(self.grant(id, wanted))
    }

    /// Nobody is to answer any more.
    pub(super) fn drop_questions(&mut self) -> Vec<Heard> {
        let cancelled = |id: &Value| fail(id, &Error::request_cancelled());
        let mut heard = Vec::new();
        for (name, asked) in std::mem::take(&mut self.lending.questions) {
            heard.extend([cancelled(&asked.id), Heard::PermissionDropped(name)]);
        }
        // These were to become questions.
        let looks = self.lending.under_way.extract_if(.., |_, purpose| matches!(purpose, For::Look { .. }));
        heard.extend(looks.filter_map(|(_, purpose)| match purpose {
            For::Look { id, .. } => Some(cancelled(&id)),
            _ => None,
        }));
        heard
    }

    /// The session is left, and its terminals with it.
    pub(super) fn take_back(&mut self) -> Vec<Heard> {
        let mut heard = self.drop_questions();
        self.lending.grants.end_turn();
        for terminal in std::mem::take(&mut self.lending.terminals) {
            heard.push(self.borrow(For::Nobody, Loan::Release(terminal)));
        }
        heard
    }

    /// What comes of what was lent.
    pub(super) fn loan_moved(&mut self, news: LoanNews) -> Vec<Heard> {
        match news {
            LoanNews::Said { terminal, text } => self.said.heard_of(&terminal, &text),
            LoanNews::Answer { ticket, outcome } => match self.lending.under_way.remove(&ticket) {
                Some(purpose) => self.loan_done(purpose, outcome),
                None => Vec::new(),
            },
        }
    }

    fn loan_done(&mut self, purpose: For, outcome: Result<Lent, String>) -> Vec<Heard> {
        let heard = match (purpose, outcome) {
            (For::Nobody, _) => return Vec::new(),
            (For::Look { id, path, text }, Ok(Lent::Text(now))) => {
                self.question(id, Wanted::Write { path, text }, now.as_deref())
            }
            (For::Read { id, line, limit }, Ok(Lent::Text(Some(text)))) => {
                respond(&id, &ReadTextFileResponse::new(lines(&text, line, limit)))
            }
            (For::Read { id, .. }, Ok(Lent::Text(None))) => fail(&id, &Error::resource_not_found(None)),
            (For::Write { id }, Ok(_)) => respond(&id, &WriteTextFileResponse::new()),
            (For::Run { id, terminal }, Ok(_)) => {
                self.lending.terminals.push(terminal.clone());
                respond(&id, &CreateTerminalResponse::new(terminal))
            }
            (For::Output { id }, Ok(Lent::Output { text, truncated, ended })) => {
                let ended = ended.map(status);
                respond(&id, &TerminalOutputResponse::new(text, truncated).exit_status(ended))
            }
            (For::Wait { id }, Ok(Lent::Ended(ended))) => {
                respond(&id, &WaitForTerminalExitResponse::new(status(ended)))
            }
            (For::Kill { id }, Ok(_)) => respond(&id, &KillTerminalResponse::new()),
            (For::Release { id }, Ok(_)) => respond(&id, &ReleaseTerminalResponse::new()),
            (
                For::Look { id, .. }
                | For::Read { id, .. }
                | For::Write { id }
                | For::Run { id, .. }
                | For::Output { id }
                | For::Wait { id }
                | For::Kill { id }
                | For::Release { id },
                outcome,
            ) => fail(&id, &invalid(&outcome.err().unwrap_or_else(|| "this could not be done".to_owned()))),
        };
        vec![heard]
    }
}

fn understood<T: DeserializeOwned>(params: Value) -> Result<T, Error> {
    serde_json::from_value(params).map_err(|error| invalid(&error.to_string()))
}

/// The agents show the message and hide the rest.
fn invalid(why: &str) -> Error {
    Error::new(Error::invalid_params().code.into(), why)
}

fn said_no(why: &str) -> Error {
    Error::new(Error::invalid_request().code.into(), format!("not permitted: {why}"))
}

fn status(ended: Ending) -> TerminalExitStatus {
    TerminalExitStatus::new().exit_code(ended.code).signal(ended.signal)
}

/// So many lines of a text, from this one on; the first is line 1.
fn lines(text: &str, line: Option<u32>, limit: Option<u32>) -> String {
    let before = line.unwrap_or(1).saturating_sub(1) as usize;
    let most = limit.map_or(usize::MAX, |limit| limit as usize);
    text.split_inclusive('\n').skip(before).take(most).collect()
}
