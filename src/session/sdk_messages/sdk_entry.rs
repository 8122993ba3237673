//! The fields of an entry that the SDK's functions read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::transcript::raw_entry::{RawField, json_text};

/// Entries that hang together by their uuids.
const CONVERSATION_TYPES: [&str; 5] = ["user", "assistant", "progress", "system", "attachment"];

/// An entry of a conversation.
#[derive(Debug)]
pub(super) struct SdkEntry<'a> {
    pub kind: Cow<'a, str>,
    pub uuid: Cow<'a, str>,
    pub parent: Option<Cow<'a, str>>,
    pub timestamp: Cow<'a, str>,
    pub session_id: RawField<'a>,
    pub message: RawField<'a>,
    pub is_meta: bool,
    pub is_sidechain: bool,
    /// Written by a member of a team.
    pub is_team_member: bool,
    /// The sub-agent that wrote it.
    agent_id: Option<&'a str>,
    /// The entry of the call whose result this is.
    pub source_assistant_uuid: Option<Cow<'a, str>>,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSdkEntry<'a> {
    #[serde(borrow, rename = "type")]
    kind: RawField<'a>,
    #[serde(borrow)]
    uuid: RawField<'a>,
    #[serde(borrow)]
    parent_uuid: RawField<'a>,
    #[serde(borrow)]
    timestamp: RawField<'a>,
    #[serde(borrow)]
    session_id: RawField<'a>,
    #[serde(borrow)]
    message: RawField<'a>,
    #[serde(borrow)]
    is_meta: RawField<'a>,
    #[serde(borrow)]
    is_sidechain: RawField<'a>,
    #[serde(borrow)]
    team_name: RawField<'a>,
    #[serde(borrow)]
    agent_id: RawField<'a>,
    #[serde(borrow, rename = "sourceToolAssistantUUID")]
    asked_by: RawField<'a>,
}

impl<'a> SdkEntry<'a> {
    /// None where the line is no entry of a conversation.
    pub fn read(line: &'a str) -> Option<Self> {
        let wire: WireSdkEntry<'a> =
            line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()?;
        let kind = json_text(wire.kind).filter(|kind| CONVERSATION_TYPES.contains(&kind.as_ref()))?;
        Some(Self {
            kind,
            uuid: json_text(wire.uuid)?,
            parent: json_text(wire.parent_uuid).filter(|parent| !parent.is_empty()),
            timestamp: json_text(wire.timestamp).unwrap_or_default(),
            session_id: wire.session_id,
            message: wire.message,
            is_meta: is_truthy(wire.is_meta),
            is_sidechain: is_truthy(wire.is_sidechain),
            is_team_member: is_truthy(wire.team_name),
            agent_id: wire.agent_id.map(RawValue::get),
            source_assistant_uuid: json_text(wire.asked_by),
        })
    }

    /// Both are of the main conversation, or of the same sub-agent.
    pub fn has_same_writer(&self, other: &Self) -> bool {
        self.is_sidechain == other.is_sidechain && self.agent_id == other.agent_id
    }

    /// The id of a reply: its blocks are entries that share it.
    pub fn reply_id(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            id: RawField<'a>,
        }
        let raw = self.message.filter(|_| self.kind == "assistant")?;
        let message: Message<'_> = serde_json::from_str(raw.get()).ok()?;
        json_text(message.id).filter(|id| !id.is_empty()).map(Cow::into_owned)
    }

    /// The blocks of its content that are of a kind, by the id they name; none
    /// for one that names none.
    pub fn block_ids(&self, kind: &str) -> Vec<Option<String>> {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            content: RawField<'a>,
        }
        #[derive(Deserialize)]
        struct Block<'a> {
            #[serde(borrow, rename = "type")]
            kind: RawField<'a>,
            #[serde(borrow)]
            id: RawField<'a>,
            #[serde(borrow)]
            tool_use_id: RawField<'a>,
        }
        let content =
            self.message.and_then(|raw| serde_json::from_str::<Message<'_>>(raw.get()).ok()?.content);
        let content = content.map(RawValue::get).filter(|content| content.starts_with('['));
        let blocks: Vec<&RawValue> =
            content.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let blocks = blocks.into_iter().filter_map(|raw| serde_json::from_str::<Block<'_>>(raw.get()).ok());
        let of_kind = blocks.filter(|block| json_text(block.kind).as_deref() == Some(kind));
        of_kind
            .map(|block| json_text(if kind == "tool_use" { block.id } else { block.tool_use_id }))
            .map(|id| id.map(Cow::into_owned))
            .collect()
    }
}

/// Whether a flag is set, as Python sees it: `null`, `false`, zero and what is
/// empty are not.
fn is_truthy(raw: RawField<'_>) -> bool {
    raw.is_some_and(|raw| !matches!(raw.get(), "null" | "false" | "0" | "0.0" | "\"\"" | "[]" | "{}"))
}
