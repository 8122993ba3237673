//! The results of client operations, as responses to the agent.

use agent_client_protocol_schema::v1::{
    CreateTerminalResponse, Error, KillTerminalResponse, ReadTextFileResponse, ReleaseTerminalResponse,
    TerminalExitStatus, TerminalOutputResponse, WaitForTerminalExitResponse, WriteTextFileResponse,
};

use super::{AcpDriver, PendingOp, invalid_params, respond, respond_error};
use crate::slot::driver::{ClientOpEvent, ClientOpResult, DriverOutput, TerminalExit};

impl AcpDriver {
    /// The result of an operation, or output of a terminal.
    pub(in crate::slot::driver::acp) fn handle_op_event(
        &mut self,
        event: ClientOpEvent,
    ) -> Vec<DriverOutput> {
        match event {
            ClientOpEvent::TerminalOutput { terminal, text } => {
                self.assembler.push_terminal_output(&terminal, &text)
            }
            ClientOpEvent::Completed { op_id, outcome } => match self.client_ops.pending.remove(&op_id) {
                Some(pending) => self.op_completed(pending, outcome),
                None => Vec::new(),
            },
        }
    }

    fn op_completed(
        &mut self,
        pending: PendingOp,
        outcome: Result<ClientOpResult, String>,
    ) -> Vec<DriverOutput> {
        let events = match (pending, outcome) {
            (PendingOp::Ignored, _) => return Vec::new(),
            (PendingOp::ReadBeforeWrite { id, real, text }, Ok(ClientOpResult::FileText(now))) => {
                self.write_over(id, real, text, now.as_deref())
            }
            (PendingOp::Read { id, line, limit }, Ok(ClientOpResult::FileText(Some(text)))) => {
                respond(&id, &ReadTextFileResponse::new(line_range(&text, line, limit)))
            }
            (PendingOp::Read { id, .. }, Ok(ClientOpResult::FileText(None))) => {
                respond_error(&id, &Error::resource_not_found(None))
            }
            (PendingOp::Write { id }, Ok(_)) => respond(&id, &WriteTextFileResponse::new()),
            (PendingOp::Run { id, terminal }, Ok(_)) => {
                self.client_ops.terminals.push(terminal.clone());
                respond(&id, &CreateTerminalResponse::new(terminal))
            }
            (PendingOp::Output { id }, Ok(ClientOpResult::TerminalOutput { text, truncated, ended })) => {
                let ended = ended.map(exit_status);
                respond(&id, &TerminalOutputResponse::new(text, truncated).exit_status(ended))
            }
            (PendingOp::Wait { id }, Ok(ClientOpResult::Exited(ended))) => {
                respond(&id, &WaitForTerminalExitResponse::new(exit_status(ended)))
            }
            (PendingOp::Kill { id }, Ok(_)) => respond(&id, &KillTerminalResponse::new()),
            (PendingOp::Release { id }, Ok(_)) => respond(&id, &ReleaseTerminalResponse::new()),
            (
                PendingOp::ReadBeforeWrite { id, .. }
                | PendingOp::Read { id, .. }
                | PendingOp::Write { id }
                | PendingOp::Run { id, .. }
                | PendingOp::Output { id }
                | PendingOp::Wait { id }
                | PendingOp::Kill { id }
                | PendingOp::Release { id },
                outcome,
            ) => respond_error(
                &id,
                &invalid_params(&outcome.err().unwrap_or_else(|| "the operation failed".to_owned())),
            ),
        };
        vec![events]
    }
}

fn exit_status(ended: TerminalExit) -> TerminalExitStatus {
    TerminalExitStatus::new().exit_code(ended.code).signal(ended.signal)
}

/// At most `limit` lines of a text from `line` on; the first is line 1.
fn line_range(text: &str, line: Option<u32>, limit: Option<u32>) -> String {
    let before = line.unwrap_or(1).saturating_sub(1) as usize;
    let most = limit.map_or(usize::MAX, |limit| limit as usize);
    text.split_inclusive('\n').skip(before).take(most).collect()
}
