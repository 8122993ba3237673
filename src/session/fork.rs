//! Forks: a copy of a conversation as a session of its own.
//!
//! Copies the conversation that a resume would continue
//! ([`Transcript::conversation`]), without side chains, abandoned branches,
//! progress and calls that never got a result. Every entry records where it was
//! copied from (`forkedFrom`), unknown fields stay as they are, and gaps are closed.
//! Follows `fork_session` of the Python SDK 0.2.186, which copies all branches.
//! Must never change the source. Start with [`fork_transcript`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::SessionId;
use super::message::{ApiMessage, MessageBlock};
use super::raw_object::{RawObject, json_string};
use super::summary::{SessionTitle, fork_title};
use crate::transcript::entry_encoder::{single_line, title_entry};
use crate::transcript::parallel_calls::MessageIds;
use crate::transcript::raw_entry::{EntryKind, RawEntry};
use crate::transcript::recovery::recover_entries;
use crate::transcript::{PathScope, Transcript, TranscriptText};

/// Fields that bind an entry to its session's state; a fork drops them.
const SOURCE_STATE_FIELDS: [&str; 3] = ["teamName", "agentName", "slug"];

/// Longer strings are not uuids and need no look-up.
const MAX_UUID_CHARS: usize = 64;

/// What to copy, and as what.
#[derive(Debug, Clone, Copy)]
pub struct ForkOptions<'a> {
    /// The session that is copied.
    pub source: SessionId,
    /// The copy's id.
    pub id: SessionId,
    /// The uuid of the last entry to copy; `None` copies up to the leaf. A reply is
    /// copied whole, with the results of its calls.
    pub at: Option<&'a str>,
    /// The copy's title; `None` takes the source's with the next number.
    pub title: Option<&'a str>,
    /// The folder that the copy works in, if it is another one.
    pub cwd: Option<&'a str>,
    /// The time of the copy: its last entry bears it, so that lists and the
    /// official CLI take it for the newest.
    pub now: DateTime<Utc>,
    /// Also recovers entries from malformed lines.
    pub repair: bool,
}

impl ForkOptions<'_> {
    /// All of a session, under its own name and in its own folder.
    pub fn new(source: SessionId, id: SessionId, now: DateTime<Utc>) -> Self {
        Self { source, id, at: None, title: None, cwd: None, now, repair: false }
    }
}

/// Why a session cannot be forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkError {
    /// The transcript has no conversation.
    Empty,
    /// [`ForkOptions::at`] is not in it.
    NoSuchMessage,
}

/// A fork, and what was repaired in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkedTranscript {
    /// The copy's lines, without newlines.
    pub lines: Vec<String>,
    /// Gaps that were closed.
    pub gaps: usize,
    /// Entries recovered from malformed lines.
    pub recovered: usize,
}

/// One entry of the main chain.
struct ChainEntry<'t, 'a> {
    entry: &'t RawEntry<'a>,
    /// The copy keeps it.
    kept: bool,
    /// The uuid of what it is hung on, its own parent being missing.
    reparented_to: Option<Cow<'a, str>>,
}

/// Copies the conversation in a transcript's bytes.
pub fn fork_transcript(bytes: &[u8], copy: &ForkOptions<'_>) -> Result<ForkedTranscript, ForkError> {
    let text = TranscriptText::read(bytes);
    let transcript = Transcript::read(&text);
    if !copy.repair || transcript.health.torn == 0 {
        return fork_parsed(&transcript, 0, copy);
    }
    let (text, recovered) = recover_entries(&text);
    fork_parsed(&Transcript::read(&text), recovered, copy)
}

fn fork_parsed(
    transcript: &Transcript<'_>,
    salvaged: usize,
    copy: &ForkOptions<'_>,
) -> Result<ForkedTranscript, ForkError> {
    let chain = chain(transcript, copy)?;
    let cuts = chain.iter().filter(|link| link.reparented_to.is_some()).count();
    let names = assign_uuids(&chain);
    let now = copy.now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let kept: Vec<_> = chain.iter().filter(|link| link.kept).collect();
    let mut lines = Vec::with_capacity(kept.len() + 2);
    for (at, ChainEntry { entry: line, reparented_to: mended, .. }) in kept.iter().enumerate() {
        let Some(mut fields) = RawObject::parse(line.json()) else { continue };
        remap_uuids(&mut fields, &names);
        if let Some(metadata) =
            fields.get("compactMetadata").and_then(|json| remapped_compaction(json, &names))
        {
            fields.set("compactMetadata", metadata);
        }
        if let Some(Some(parent)) = mended.as_ref().and_then(|parent| names.get(parent.as_ref())) {
            fields.set("parentUuid", json_string(parent));
        }
        fields.retain(|name| !SOURCE_STATE_FIELDS.contains(&name));
        fields.set("sessionId", json_string(&copy.id.to_string()));
        if let Some(cwd) = copy.cwd {
            fields.set("cwd", json_string(cwd));
        }
        if at + 1 == kept.len() {
            fields.set("timestamp", json_string(&now));
        }
        let origin = json_string(&line.uuid().unwrap_or_default());
        fields.set("forkedFrom", format!(r#"{{"sessionId":"{}","messageUuid":{origin}}}"#, copy.source));
        lines.push(fields.to_line());
    }
    if lines.is_empty() {
        return Err(ForkError::Empty);
    }
    lines.extend(merged_replacements(transcript, copy, &now));
    let title = copy.title.map(single_line).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| default_title(transcript, copy.repair && cuts + salvaged > 0));
    lines.push(title_entry(copy.id, &title).to_string());
    Ok(ForkedTranscript { lines, gaps: cuts, recovered: salvaged })
}

/// The title of a fork that was not given one.
fn default_title(transcript: &Transcript<'_>, repaired: bool) -> String {
    let title = SessionTitle::from_transcript(transcript)
        .map_or_else(|| "Forked session".to_owned(), |title| title.text);
    if repaired { format!("{title} (repaired)") } else { fork_title(&title, []) }
}

/// The entries of the main chain.
fn chain<'t, 'a>(
    transcript: &'t Transcript<'a>,
    copy: &ForkOptions<'_>,
) -> Result<Vec<ChainEntry<'t, 'a>>, ForkError> {
    let leaf = match copy.at {
        Some(uuid) => {
            let at = transcript.position(uuid).filter(|&at| !transcript.entries[at].is_sidechain());
            Some(at.ok_or(ForkError::NoSuchMessage)?)
        }
        None => transcript.leaf(),
    };
    let conversation = transcript.conversation(leaf, PathScope::Display);
    let gaps: HashMap<usize, usize> = conversation.gaps.iter().map(|gap| (gap.child, gap.parent)).collect();
    let mut path = conversation.entries;
    let open = append_missing_results(transcript, &mut path);
    // Such a line is the first or the last.
    let ends = [transcript.entries.first(), transcript.entries.last()];
    let is_foreign = ends.into_iter().flatten().any(|line| line.kind() == EntryKind::Imported);
    let link = |at: usize| {
        let line = &transcript.entries[at];
        let kept = line.kind() != EntryKind::Progress
            && !is_unanswered_calls_only(line, &open)
            && !(is_foreign && is_reasoning_only(line));
        let mended = gaps.get(&at).and_then(|&before| transcript.entries[before].uuid());
        ChainEntry { entry: line, kept, reparented_to: mended }
    };
    Ok(path.into_iter().map(link).collect())
}

/// Appends results that lie elsewhere in the file, and returns the calls that have
/// no result at all.
fn append_missing_results(transcript: &Transcript<'_>, path: &mut Vec<usize>) -> HashSet<String> {
    let mut open = HashSet::new();
    for &at in &*path {
        let ids = MessageIds::from_entry(&transcript.entries[at]);
        open.extend(ids.calls);
        for call in ids.results {
            open.remove(&call);
        }
    }
    if open.is_empty() {
        return open;
    }
    let on_path: HashSet<_> = path.iter().copied().collect();
    for (at, line) in transcript.entries.iter().enumerate() {
        if on_path.contains(&at) || line.is_sidechain() || line.kind() != EntryKind::User {
            continue;
        }
        let results = MessageIds::from_entry(line).results;
        if results.iter().any(|call| open.contains(call)) {
            open.retain(|call| !results.contains(call));
            path.push(at);
        }
    }
    open
}

/// Whether an imported entry holds only what no model can be given: token counts,
/// or reasoning without a signature.
fn is_reasoning_only(line: &RawEntry<'_>) -> bool {
    let blocks = || line.message().and_then(ApiMessage::parse).map(|message| message.blocks);
    let is_thought = |block: &MessageBlock| matches!(block, MessageBlock::Thinking(_));
    line.kind() == EntryKind::Assistant && blocks().unwrap_or_default().iter().all(is_thought)
}

/// Whether the entry holds only calls without a result.
fn is_unanswered_calls_only(line: &RawEntry<'_>, open: &HashSet<String>) -> bool {
    if open.is_empty() || line.kind() != EntryKind::Assistant {
        return false;
    }
    let blocks = line.message().and_then(ApiMessage::parse).map(|message| message.blocks).unwrap_or_default();
    let is_open =
        |block: &MessageBlock| matches!(block, MessageBlock::ToolUse { id, .. } if open.contains(id));
    !blocks.is_empty() && blocks.iter().all(is_open)
}

/// The new uuid of each entry; an entry that is not copied maps to its parent's.
fn assign_uuids(chain: &[ChainEntry<'_, '_>]) -> HashMap<String, Option<String>> {
    let mut names = HashMap::with_capacity(chain.len());
    for ChainEntry { entry: line, kept, reparented_to: mended } in chain {
        let Some(old) = line.uuid() else { continue };
        let name = if *kept {
            Some(Uuid::new_v4().to_string())
        } else {
            let parent = mended.clone().or_else(|| line.parent_uuid());
            parent.and_then(|parent| names.get(parent.as_ref()).cloned().flatten())
        };
        names.insert(old.into_owned(), name);
    }
    names
}

/// Replaces every uuid of a copied entry by its new one. A parent that is not
/// copied becomes `null`.
fn remap_uuids(fields: &mut RawObject<'_>, names: &HashMap<String, Option<String>>) {
    for (field, json) in fields.iter_mut() {
        let old = json
            .strip_prefix('"')
            .and_then(|json| json.strip_suffix('"'))
            .filter(|old| old.len() <= MAX_UUID_CHARS);
        let new = old.and_then(|old| names.get(old));
        match (field, new) {
            (_, Some(Some(new))) => *json = Cow::Owned(json_string(new)),
            (_, Some(None)) | ("parentUuid" | "logicalParentUuid" | "sourceToolAssistantUUID", None) => {
                *json = Cow::Borrowed("null");
            }
            _ => {}
        }
    }
    if fields.get("sourceToolAssistantUUID") == Some("null") {
        fields.retain(|name| name != "sourceToolAssistantUUID");
    }
}

/// What a compaction kept, by its new uuids. What is not in the copy keeps its
/// old one, and the compaction then keeps nothing, as in the source.
fn remapped_compaction(json: &str, names: &HashMap<String, Option<String>>) -> Option<String> {
    let mut metadata: Value = serde_json::from_str(json).ok()?;
    let remap = |value: &mut Value| {
        if let Some(Some(new)) = value.as_str().and_then(|old| names.get(old)) {
            *value = json!(new);
        }
    };
    for (kind, fields) in [
        ("preservedSegment", &["headUuid", "anchorUuid", "tailUuid"][..]),
        ("preservedMessages", &["anchorUuid"][..]),
    ] {
        for field in fields {
            metadata.get_mut(kind).and_then(|kept| kept.get_mut(field)).map(remap);
        }
    }
    for list in ["uuids", "allUuids"] {
        let list = metadata.get_mut("preservedMessages").and_then(|kept| kept.get_mut(list));
        list.and_then(Value::as_array_mut).into_iter().flatten().for_each(remap);
    }
    Some(metadata.to_string())
}

/// The source's replacements of long tool results, merged into one entry.
fn merged_replacements(transcript: &Transcript<'_>, copy: &ForkOptions<'_>, now: &str) -> Option<String> {
    let source = copy.source.to_string();
    let mut all = Vec::new();
    for line in transcript.entries.iter().filter(|line| line.kind() == EntryKind::ContentReplacement) {
        let fields = RawObject::parse(line.json()).filter(|_| line.session_id().as_deref() == Some(&source));
        let list = fields.as_ref().and_then(|fields| fields.get("replacements"));
        all.extend(
            list.and_then(|list| serde_json::from_str::<Vec<serde_json::Value>>(list).ok())
                .into_iter()
                .flatten(),
        );
    }
    let record = json!({
        "type": "content-replacement",
        "sessionId": copy.id,
        "replacements": all,
        "uuid": Uuid::new_v4(),
        "timestamp": now,
    });
    (!all.is_empty()).then(|| record.to_string())
}

#[cfg(test)]
mod tests;
