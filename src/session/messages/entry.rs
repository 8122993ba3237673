//! One entry, as far as the official functions look at it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::session::line::{Raw, text};

/// Entries that hang together by their uuids.
const KINDS: [&str; 5] = ["user", "assistant", "progress", "system", "attachment"];

/// An entry of a conversation.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub kind: Cow<'a, str>,
    pub uuid: Cow<'a, str>,
    pub parent: Option<Cow<'a, str>>,
    pub timestamp: Cow<'a, str>,
    pub session_id: Raw<'a>,
    pub message: Raw<'a>,
    pub is_meta: bool,
    pub is_sidechain: bool,
    /// Written by a member of a team.
    pub is_of_team: bool,
    /// The sub-agent that wrote it.
    agent: Option<&'a str>,
    /// The entry of the call whose result this is.
    pub asked_by: Option<Cow<'a, str>>,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    uuid: Raw<'a>,
    #[serde(borrow)]
    parent_uuid: Raw<'a>,
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    session_id: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    is_meta: Raw<'a>,
    #[serde(borrow)]
    is_sidechain: Raw<'a>,
    #[serde(borrow)]
    team_name: Raw<'a>,
    #[serde(borrow)]
    agent_id: Raw<'a>,
    #[serde(borrow, rename = "sourceToolAssistantUUID")]
    asked_by: Raw<'a>,
}

impl<'a> Entry<'a> {
    /// None where the line is no entry of a conversation.
    pub fn read(line: &'a str) -> Option<Self> {
        let wire: Wire<'a> = line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()?;
        let kind = text(wire.kind).filter(|kind| KINDS.contains(&kind.as_ref()))?;
        Some(Self {
            kind,
            uuid: text(wire.uuid)?,
            parent: text(wire.parent_uuid).filter(|parent| !parent.is_empty()),
            timestamp: text(wire.timestamp).unwrap_or_default(),
            session_id: wire.session_id,
            message: wire.message,
            is_meta: holds(wire.is_meta),
            is_sidechain: holds(wire.is_sidechain),
            is_of_team: holds(wire.team_name),
            agent: wire.agent_id.map(RawValue::get),
            asked_by: text(wire.asked_by),
        })
    }

    /// Both are of the main conversation, or of the same sub-agent.
    pub fn has_same_writer(&self, other: &Self) -> bool {
        self.is_sidechain == other.is_sidechain && self.agent == other.agent
    }

    /// The id of a reply: its blocks are entries that share it.
    pub fn reply(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            id: Raw<'a>,
        }
        let raw = self.message.filter(|_| self.kind == "assistant")?;
        let message: Message<'_> = serde_json::from_str(raw.get()).ok()?;
        text(message.id).filter(|id| !id.is_empty()).map(Cow::into_owned)
    }

    /// The blocks of its content that are of a kind, by the id they name; none
    /// for one that names none.
    pub fn blocks(&self, kind: &str) -> Vec<Option<String>> {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            content: Raw<'a>,
        }
        #[derive(Deserialize)]
        struct Block<'a> {
            #[serde(borrow, rename = "type")]
            kind: Raw<'a>,
            #[serde(borrow)]
            id: Raw<'a>,
            #[serde(borrow)]
            tool_use_id: Raw<'a>,
        }
        let content =
            self.message.and_then(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok()?.content);
        let content = content.map(RawValue::get).filter(|content| content.starts_with('['));
        let blocks: Vec<&RawValue> =
            content.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let blocks = blocks.into_iter().filter_map(|raw| serde_json::from_str::<Block<'_>>(raw.get()).ok());
        let of_kind = blocks.filter(|block| text(block.kind).as_deref() == Some(kind));
        of_kind
            .map(|block| text(if kind == "tool_use" { block.id } else { block.tool_use_id }))
            .map(|id| id.map(Cow::into_owned))
            .collect()
    }
}

/// Whether a flag is set, as Python sees it: `null`, `false`, zero and what is
/// empty are not.
fn holds(raw: Raw<'_>) -> bool {
    raw.is_some_and(|raw| !matches!(raw.get(), "null" | "false" | "0" | "0.0" | "\"\"" | "[]" | "{}"))
}
