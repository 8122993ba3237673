//! One line of a transcript, read without copying and without judging.
//!
//! Every field is optional and kept raw, so a field of an unexpected type is
//! an absent field, never a failed line: the official format grows with every
//! release (seen up to CLI 2.1.329).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::entry_kind::EntryKind;

/// A field as it was written, or none.
pub type RawField<'a> = Option<&'a RawValue>;

/// A transcript line's known fields, borrowed from the file's bytes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawEntry<'a> {
    #[serde(borrow, rename = "type")]
    kind: RawField<'a>,
    #[serde(borrow)]
    uuid: RawField<'a>,
    #[serde(borrow)]
    parent_uuid: RawField<'a>,
    #[serde(borrow)]
    logical_parent_uuid: RawField<'a>,
    #[serde(borrow)]
    timestamp: RawField<'a>,
    #[serde(borrow)]
    session_id: RawField<'a>,
    #[serde(borrow)]
    cwd: RawField<'a>,
    #[serde(borrow)]
    git_branch: RawField<'a>,
    #[serde(borrow)]
    subtype: RawField<'a>,
    #[serde(borrow)]
    is_sidechain: RawField<'a>,
    #[serde(borrow)]
    is_meta: RawField<'a>,
    #[serde(borrow)]
    is_compact_summary: RawField<'a>,
    #[serde(borrow)]
    message: RawField<'a>,
    #[serde(borrow)]
    content: RawField<'a>,
    #[serde(borrow)]
    tool_use_result: RawField<'a>,
    #[serde(borrow)]
    forked_from: RawField<'a>,
    #[serde(borrow)]
    custom_title: RawField<'a>,
    #[serde(borrow)]
    ai_title: RawField<'a>,
    #[serde(borrow)]
    last_prompt: RawField<'a>,
    #[serde(borrow)]
    leaf_uuid: RawField<'a>,
    #[serde(borrow)]
    summary: RawField<'a>,
    #[serde(borrow)]
    tag: RawField<'a>,
    #[serde(borrow)]
    agent: RawField<'a>,
    #[serde(borrow)]
    partial: RawField<'a>,
    #[serde(borrow, rename = "totalCostUSD")]
    total_cost_usd: RawField<'a>,
    #[serde(skip)]
    json: &'a str,
}

/// A JSON string's text; borrowed where it has no escapes.
pub fn json_text(raw: RawField<'_>) -> Option<Cow<'_, str>> {
    let json = raw?.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

fn is_true(raw: RawField<'_>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}

impl<'a> RawEntry<'a> {
    /// Reads one line; `None` where it is not a JSON object (torn or foreign).
    pub fn parse(line: &'a str) -> Option<Self> {
        let fields: Self = line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()?;
        Some(Self { json: line, ..fields })
    }

    /// Reads the entry that a line begins with, whatever stands behind it.
    pub fn parse_leading(line: &'a str) -> Option<Self> {
        if !line.starts_with('{') {
            return None;
        }
        let mut entries = serde_json::Deserializer::from_str(line).into_iter::<Self>();
        let fields = entries.next()?.ok()?;
        Some(Self { json: &line[..entries.byte_offset()], ..fields })
    }

    /// The whole line, as it lies in the file.
    pub fn json(&self) -> &'a str {
        self.json
    }

    /// An entry has a type, known or not.
    pub fn has_type(&self) -> bool {
        json_text(self.kind).is_some()
    }

    /// What the line is.
    pub fn kind(&self) -> EntryKind {
        match json_text(self.kind).as_deref() {
            Some("user") => EntryKind::User,
            Some("assistant") => EntryKind::Assistant,
            Some("system") => EntryKind::System,
            Some("attachment") => EntryKind::Attachment,
            Some("progress") => EntryKind::Progress,
            Some("custom-title") => EntryKind::CustomTitle,
            Some("ai-title") => EntryKind::AiTitle,
            Some("summary") => EntryKind::Summary,
            Some("tag") => EntryKind::Tag,
            Some("last-prompt") => EntryKind::LastPrompt,
            Some("cost-state") => EntryKind::CostState,
            Some("permission-mode") => EntryKind::PermissionMode,
            Some("content-replacement") => EntryKind::ContentReplacement,
            Some("mirror") => EntryKind::Imported,
            _ => EntryKind::Other,
        }
    }

    /// The entry's own uuid.
    pub fn uuid(&self) -> Option<Cow<'a, str>> {
        json_text(self.uuid)
    }

    /// The uuid of the entry before this one, for what the model is given.
    pub fn parent_uuid(&self) -> Option<Cow<'a, str>> {
        json_text(self.parent_uuid)
    }

    /// Where a compaction continues, for showing only.
    pub fn logical_parent_uuid(&self) -> Option<Cow<'a, str>> {
        json_text(self.logical_parent_uuid)
    }

    /// When the entry was written.
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        json_text(self.timestamp)?.parse().ok()
    }

    /// The session the line says it belongs to.
    pub fn session_id(&self) -> Option<Cow<'a, str>> {
        json_text(self.session_id)
    }

    /// The folder the agent worked in.
    pub fn cwd(&self) -> Option<Cow<'a, str>> {
        json_text(self.cwd)
    }

    /// The git branch of that folder, where it had one.
    pub fn git_branch(&self) -> Option<Cow<'a, str>> {
        self.git_branch_or_empty().filter(|branch| !branch.is_empty())
    }

    /// The same as it was written, which may be empty.
    pub(crate) fn git_branch_or_empty(&self) -> Option<Cow<'a, str>> {
        json_text(self.git_branch)
    }

    /// What kind of `system` entry this is.
    pub fn subtype(&self) -> Option<Cow<'a, str>> {
        json_text(self.subtype)
    }

    /// Written by a sub-agent: not part of the main conversation.
    pub fn is_sidechain(&self) -> bool {
        is_true(self.is_sidechain)
    }

    /// Put there by the agent, not typed by a person.
    pub fn is_meta(&self) -> bool {
        is_true(self.is_meta)
    }

    /// The summary a compaction left in place of what came before.
    pub fn is_compact_summary(&self) -> bool {
        is_true(self.is_compact_summary)
    }

    /// The Messages API message, still raw.
    pub fn message(&self) -> Option<&'a str> {
        self.message.map(RawValue::get)
    }

    /// The text of a `system` entry.
    pub fn content(&self) -> Option<Cow<'a, str>> {
        json_text(self.content)
    }

    /// What a tool returned besides its text, still raw.
    pub fn tool_use_result(&self) -> Option<&'a str> {
        self.tool_use_result.map(RawValue::get)
    }

    /// The session and message that a fork copied this entry from.
    pub fn forked_from(&self) -> Option<ForkedFrom> {
        serde_json::from_str(self.forked_from?.get()).ok()
    }

    /// The title of a `custom-title` line.
    pub fn custom_title(&self) -> Option<Cow<'a, str>> {
        json_text(self.custom_title)
    }

    /// The title of an `ai-title` line.
    pub fn ai_title(&self) -> Option<Cow<'a, str>> {
        json_text(self.ai_title)
    }

    /// The prompt of a `last-prompt` line.
    pub fn last_prompt(&self) -> Option<Cow<'a, str>> {
        json_text(self.last_prompt)
    }

    /// The leaf a `last-prompt` or `summary` line points at.
    pub fn leaf_uuid(&self) -> Option<Cow<'a, str>> {
        json_text(self.leaf_uuid)
    }

    /// The text of a `summary` line.
    pub fn summary(&self) -> Option<Cow<'a, str>> {
        json_text(self.summary)
    }

    /// The tag of a `tag` line; empty where it was taken away.
    pub fn tag(&self) -> Option<Cow<'a, str>> {
        json_text(self.tag)
    }

    /// Who keeps the session that a `mirror` line is in a copy of.
    pub fn agent(&self) -> Option<Cow<'a, str>> {
        json_text(self.agent)
    }

    /// What is kept there does not end with this `mirror` line.
    pub fn is_partial(&self) -> bool {
        is_true(self.partial)
    }

    /// What that one calls the session, where a `mirror` line says so. Few lines
    /// are such, so it is not looked for in the others.
    pub fn agent_session_id(&self) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Called {
            agent_session: Option<String>,
        }
        serde_json::from_str::<Called>(self.json).ok()?.agent_session
    }

    /// What a `compact_boundary` says about the compaction, still raw.
    pub fn compact_metadata(&self) -> Option<&'a str> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct CompactionFields<'a> {
            #[serde(borrow, default)]
            compact_metadata: RawField<'a>,
        }
        serde_json::from_str::<CompactionFields<'a>>(self.json).ok()?.compact_metadata.map(RawValue::get)
    }

    /// Who a user message is from, if it is not from the user.
    pub fn origin_kind(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct From {
            #[serde(default)]
            origin: Option<Origin>,
        }
        #[derive(Deserialize)]
        struct Origin {
            #[serde(default)]
            kind: Option<String>,
        }
        serde_json::from_str::<From>(self.json).ok()?.origin?.kind
    }

    /// A reply that only says why there is none.
    pub fn is_api_error(&self) -> bool {
        ErrorReply::of(self).is_some_and(|reply| is_true(reply.is_api_error_message))
    }

    /// The same: the API refused what was sent, and no second try helps.
    pub fn is_refusal(&self) -> bool {
        let error = |reply: ErrorReply<'_>| json_text(reply.error).map(Cow::into_owned);
        ErrorReply::of(self).and_then(error).as_deref() == Some("invalid_request")
    }

    /// US dollars so far, of a `cost-state` line.
    pub fn total_cost_usd(&self) -> Option<f64> {
        self.total_cost_usd?.get().parse().ok()
    }
}

/// What an entry says that stands for a failed reply.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorReply<'a> {
    #[serde(borrow, default)]
    is_api_error_message: RawField<'a>,
    #[serde(borrow, default)]
    error: RawField<'a>,
}

impl<'a> ErrorReply<'a> {
    fn of(entry: &RawEntry<'a>) -> Option<Self> {
        serde_json::from_str(entry.json).ok()
    }
}

/// Where an entry of a fork was copied from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForkedFrom {
    /// The parent session's id, as written there.
    pub session_id: String,
    /// The uuid of the entry in the parent.
    #[serde(default)]
    pub message_uuid: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_wrong_type_is_absent() {
        let line = RawEntry::parse(r#"{"type":"user","uuid":7,"isSidechain":"yes","cwd":null}"#).unwrap();
        assert_eq!(line.kind(), EntryKind::User);
        assert_eq!(line.uuid(), None);
        assert!(!line.is_sidechain());
        assert_eq!(line.cwd(), None);
    }

    #[test]
    fn escapes_are_resolved() {
        let line = RawEntry::parse(r#"{"type":"custom-title","customTitle":"a \"b\" ⑂"}"#).unwrap();
        assert_eq!(line.custom_title().unwrap(), "a \"b\" ⑂");
    }

    #[test]
    fn a_torn_line_is_no_line() {
        assert!(RawEntry::parse(r#"{"type":"user","uu"#).is_none());
        assert!(RawEntry::parse("[1,2]").is_none());
        assert!(RawEntry::parse("").is_none());
    }
}
