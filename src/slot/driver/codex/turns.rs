//! What needs a thread's turns: forking at one of them, and reverting the last.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{CodexDriver, CodexPending};
use crate::session::SessionId;
use crate::session::conversation::{ConversationEvent, Notice};
use crate::slot::driver::DriverOutput;
use crate::slot::{ErrorCode, PromptState, SlotError};

/// The prompt that reverts the last turn.
pub(super) const REVERT: &str = "/revert";

/// Turns per request.
const TURN_PAGE: u32 = 50;

/// A fork at a message whose turn is being looked up.
#[derive(Debug)]
pub(super) struct ForkPoint {
    /// The id of the slot's request.
    pub request_id: String,
    pub source: SessionId,
    /// The message's uuid.
    pub at: String,
    /// The fork's.
    pub title: Option<String>,
    pub cwd: Option<PathBuf>,
}

impl CodexDriver {
    /// Forks at a message. Message ids that were read from an imported copy are
    /// `turn/item`; for any other the turn is looked up.
    pub(super) fn fork_at(&mut self, cut: ForkPoint) -> DriverOutput {
        match cut.at.split_once('/') {
            Some((turn, _)) if !turn.is_empty() => {
                let turn = json!(turn);
                self.fork_through(cut, turn)
            }
            _ => self.list_turns(cut, &Value::Null),
        }
    }

    fn fork_through(&mut self, cut: ForkPoint, turn: Value) -> DriverOutput {
        let mut params = self.fork_params(cut.source, cut.cwd.as_deref());
        params["lastTurnId"] = turn;
        let ForkPoint { request_id, title, .. } = cut;
        let then = CodexPending::Switch { request_id, left: self.thread, title };
        self.send_request("thread/fork", &params, then)
    }

    /// Looks up the turn of a message, from the last turn backwards.
    fn list_turns(&mut self, cut: ForkPoint, cursor: &Value) -> DriverOutput {
        let params =
            json!({"threadId": cut.source, "limit": TURN_PAGE, "itemsView": "full", "cursor": cursor});
        self.send_request("thread/turns/list", &params, CodexPending::Turns(cut))
    }

    /// A page of turns arrived: forks, or requests the next page.
    pub(super) fn turns_listed(
        &mut self,
        cut: ForkPoint,
        turns: Result<&Value, SlotError>,
    ) -> Vec<DriverOutput> {
        let turns = match turns {
            Ok(turns) => turns,
            Err(error) => return vec![DriverOutput::Response { id: cut.request_id, answer: Err(error) }],
        };
        let mut list = turns["data"].as_array().into_iter().flatten();
        let turn = list.find(|turn| ids_of(turn).any(|id| id == cut.at));
        match (turn, &turns["nextCursor"]) {
            (Some(turn), _) => vec![self.fork_through(cut, turn["id"].clone())],
            (None, Value::Null) => {
                let message = format!("codex has no message {} in this session", cut.at);
                let error = SlotError::refused_with(ErrorCode::MessageNotFound, message);
                vec![DriverOutput::Response { id: cut.request_id, answer: Err(error) }]
            }
            (None, cursor) => vec![self.list_turns(cut, cursor)],
        }
    }

    /// Reverts the last turn; first requests which one that is.
    pub(super) fn revert(&mut self, uuid: &str) -> Vec<DriverOutput> {
        let params = json!({"threadId": self.thread, "limit": 1, "itemsView": "full"});
        let asked = CodexPending::LastTurn(uuid.to_owned());
        let started = DriverOutput::prompt(uuid, PromptState::Started);
        vec![started, self.send_request("thread/turns/list", &params, asked)]
    }

    /// The last turn is known.
    pub(super) fn last_turn_found(
        &mut self,
        uuid: String,
        turns: Result<&Value, SlotError>,
    ) -> Vec<DriverOutput> {
        let turn = match turns.map(|turns| &turns["data"][0]) {
            Ok(turn) if turn["id"].is_string() => turn,
            Ok(_) => return self.finish_revert(uuid, notice(Notice::Info, "there is no turn to undo")),
            Err(error) => return self.finish_revert(uuid, notice(Notice::Error, &error.to_string())),
        };
        // Items without an id (empty string) belong to the turn around them.
        let gone = ids_of(turn).map(str::to_owned).chain([String::new(), uuid.clone()]).collect();
        let params = json!({"threadId": self.thread, "beforeTurnId": turn["id"]});
        let asked = CodexPending::Revert(uuid.clone(), gone);
        vec![self.send_request("thread/revert", &params, asked)]
    }

    /// The revert succeeded or failed.
    pub(super) fn reverted(
        &mut self,
        uuid: String,
        gone: Vec<String>,
        result: Result<&Value, SlotError>,
    ) -> Vec<DriverOutput> {
        match result {
            Ok(_) => {
                let dropped = DriverOutput::changed("", ConversationEvent::Retracted(gone));
                let said = notice(Notice::Info, "undid the last turn; files are not changed");
                std::iter::once(dropped).chain(self.finish_revert(uuid, said)).collect()
            }
            Err(error) => self.finish_revert(uuid, notice(Notice::Error, &error.to_string())),
        }
    }

    fn finish_revert(&mut self, uuid: String, change: ConversationEvent) -> Vec<DriverOutput> {
        self.turn = None;
        vec![
            DriverOutput::changed("", change),
            DriverOutput::prompt(uuid, PromptState::Completed),
            DriverOutput::Idle,
        ]
    }
}

/// All ids of a turn and its items: codex's own, and our uuid of the prompt.
fn ids_of(turn: &Value) -> impl Iterator<Item = &str> {
    let items = turn["items"].as_array().into_iter().flatten();
    let of_items = items.flat_map(|item| [&item["id"], &item["clientId"]]);
    std::iter::once(&turn["id"]).chain(of_items).filter_map(Value::as_str)
}

fn notice(notice: Notice, text: &str) -> ConversationEvent {
    ConversationEvent::Notice(notice, text.to_owned())
}
