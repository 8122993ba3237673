//! What needs to know a thread's turns: a fork up to one of them, and taking the
//! last one back.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Asked, Codex};
use crate::session::SessionId;
use crate::session::conversation::{Change, Notice};
use crate::slot::driver::Heard;
use crate::slot::{PromptState, SlotError};

/// The prompt that takes the last turn back.
pub(super) const REVERT: &str = "/revert";

/// Turns that are asked for at once.
const PAGE: u32 = 50;

/// A fork up to a message, whose turn is being looked for.
#[derive(Debug)]
pub(super) struct Cut {
    /// Under which it was asked for.
    pub ask: String,
    pub source: SessionId,
    /// The message's uuid.
    pub at: String,
    /// The fork's.
    pub title: Option<String>,
    pub cwd: Option<PathBuf>,
}

impl Codex {
    /// A fork up to a message. One that was read from a copy bears its turn before
    /// a slash; of any other the turn is looked for.
    pub(super) fn fork_at(&mut self, cut: Cut) -> Heard {
        match cut.at.split_once('/') {
            Some((turn, _)) if !turn.is_empty() => {
                let turn = json!(turn);
                self.fork_through(cut, turn)
            }
            _ => self.look_for(cut, &Value::Null),
        }
    }

    fn fork_through(&mut self, cut: Cut, turn: Value) -> Heard {
        let mut params = self.fork(cut.source, cut.cwd.as_deref());
        params["lastTurnId"] = turn;
        self.request(&cut.ask, Asked::Switch(self.thread, cut.title), "thread/fork", &params)
    }

    /// Looks for the turn of a message, from the end on.
    fn look_for(&mut self, cut: Cut, cursor: &Value) -> Heard {
        let params = json!({"threadId": cut.source, "limit": PAGE, "itemsView": "full", "cursor": cursor});
        let step = format!("{}/turns/{cursor}", cut.ask);
        self.request(&step, Asked::Turns(cut), "thread/turns/list", &params)
    }

    /// Turns came: the fork, or the next ones.
    pub(super) fn looked(&mut self, cut: Cut, turns: Result<&Value, SlotError>) -> Vec<Heard> {
        let turns = match turns {
            Ok(turns) => turns,
            Err(error) => return vec![Heard::Answer { id: cut.ask, answer: Err(error) }],
        };
        let mut list = turns["data"].as_array().into_iter().flatten();
        let turn = list.find(|turn| ids_of(turn).any(|id| id == cut.at));
        match (turn, &turns["nextCursor"]) {
            (Some(turn), _) => vec![self.fork_through(cut, turn["id"].clone())],
            (None, Value::Null) => {
                let message = format!("codex knows no message {} in this session", cut.at);
                let error = SlotError::Refused { code: "message_not_found".to_owned(), message };
                vec![Heard::Answer { id: cut.ask, answer: Err(error) }]
            }
            (None, cursor) => vec![self.look_for(cut, cursor)],
        }
    }

    /// Takes the last turn back: first asks which that is.
    pub(super) fn revert(&mut self, uuid: &str) -> Vec<Heard> {
        let params = json!({"threadId": self.thread, "limit": 1, "itemsView": "full"});
        let asked = Asked::LastTurn(uuid.to_owned());
        let started = Heard::Prompt { uuid: uuid.to_owned(), state: PromptState::Started };
        vec![started, self.request(&format!("last-{uuid}"), asked, "thread/turns/list", &params)]
    }

    /// The last turn is known.
    pub(super) fn revert_to(&mut self, uuid: String, turns: Result<&Value, SlotError>) -> Vec<Heard> {
        let turn = match turns.map(|turns| &turns["data"][0]) {
            Ok(turn) if turn["id"].is_string() => turn,
            Ok(_) => return self.revert_ended(uuid, told(Notice::Info, "there is no turn to take back")),
            Err(error) => return self.revert_ended(uuid, told(Notice::Error, &error.to_string())),
        };
        // What bears no id of its own belongs to the turn it stands in.
        let gone = ids_of(turn).map(str::to_owned).chain([String::new(), uuid.clone()]).collect();
        let params = json!({"threadId": self.thread, "beforeTurnId": turn["id"]});
        let asked = Asked::Reverted(uuid.clone(), gone);
        vec![self.request(&format!("revert-{uuid}"), asked, "thread/revert", &params)]
    }

    /// It is taken back, or stays.
    pub(super) fn reverted(
        &mut self,
        uuid: String,
        gone: Vec<String>,
        result: Result<&Value, SlotError>,
    ) -> Vec<Heard> {
        match result {
            Ok(_) => {
                let dropped = Heard::Grew { uuid: String::new(), change: Change::Dropped(gone) };
                let said = told(Notice::Info, "the last turn is taken back; files stay as they are");
                std::iter::once(dropped).chain(self.revert_ended(uuid, said)).collect()
            }
            Err(error) => self.revert_ended(uuid, told(Notice::Error, &error.to_string())),
        }
    }

    fn revert_ended(&mut self, uuid: String, change: Change) -> Vec<Heard> {
        self.turn = None;
        vec![
            Heard::Grew { uuid: String::new(), change },
            Heard::Prompt { uuid, state: PromptState::Completed },
            Heard::Quiet,
        ]
    }

    /// Puts a thread aside, or brings it back.
    pub(super) fn archive(&mut self, id: &str, session: SessionId, back: bool) -> Heard {
        let method = if back { "thread/unarchive" } else { "thread/archive" };
        self.request(id, Asked::Plain, method, &json!({"threadId": session}))
    }
}

/// The ids by which a turn and its items are known: codex's, and ours of a prompt.
fn ids_of(turn: &Value) -> impl Iterator<Item = &str> {
    let items = turn["items"].as_array().into_iter().flatten();
    let of_items = items.flat_map(|item| [&item["id"], &item["clientId"]]);
    std::iter::once(&turn["id"]).chain(of_items).filter_map(Value::as_str)
}

fn told(notice: Notice, text: &str) -> Change {
    Change::Notice(notice, text.to_owned())
}
