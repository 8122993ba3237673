//! Requests as the program's own commands.

use super::{CAPABILITIES, unsupported};
use crate::agent_api::{AgentCall, AgentReply, AgentRequest, RenameSession, SetModel, SlotError};

/// A request as the program's own command, with the reply to it.
pub(super) fn command_for(request: AgentRequest) -> Result<(String, AgentReply), SlotError> {
    match request {
        AgentRequest::RenameSession(RenameSession { title, .. }) => {
            Ok((format!("/rename {}", one_line(&title)), RenameSession::respond(())))
        }
        AgentRequest::SetModel(SetModel { model: Some(model) }) => {
            Ok((format!("/model {}", one_line(&model)), SetModel::respond(None)))
        }
        AgentRequest::SetModel(SetModel { model: None }) => Err(unsupported("choose a model with /model")),
        AgentRequest::ArchiveSession(_) => {
            Err(unsupported("delete moves its sessions to hotseat's own trash"))
        }
        request => {
            let missing = CAPABILITIES.unsupported(request.feature());
            Err(unsupported(missing.unwrap_or("do it in the terminal")))
        }
    }
}

pub(super) fn branch_command(title: Option<&str>) -> String {
    title.map_or_else(|| "/branch".to_owned(), |title| format!("/branch {}", one_line(title)))
}

/// The text with control characters replaced: they would act as keys.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
