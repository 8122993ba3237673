//! The copy of a conversation as a session of its own.
//!
//! Only the main chain goes along: side chains, branches left behind, progress
//! and calls that never got a result stay with the source. Every entry remembers
//! where it was copied from, and everything unknown in it is kept. Follows
//! `fork_session` of the Python SDK 0.2.186, except that it copies one chain
//! where that copies all branches.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use uuid::Uuid;

use super::SessionId;
use super::facts::{Title, fork_title};
use super::fields::{Fields, quoted};
use super::line::{Kind, Line};
use super::message::{Block, Message};
use super::salvage::salvage;
use super::transcript::{MessageIds, Reach, Transcript};

/// What would tie a copy to the state of its source.
const OF_THE_SOURCE: [&str; 3] = ["teamName", "agentName", "slug"];

/// No uuid is longer; what is, need not be looked up.
const LONGEST_NAME: usize = 64;

/// What to copy, and as what.
#[derive(Debug, Clone, Copy)]
pub struct Copy<'a> {
    /// The session that is copied.
    pub source: SessionId,
    /// The copy's id.
    pub id: SessionId,
    /// The last message to copy, by an entry's uuid; none: all up to the leaf.
    /// A reply goes along whole, with the results of its calls.
    pub at: Option<&'a str>,
    /// The copy's title; none: the source's with the next number.
    pub title: Option<&'a str>,
    /// The folder to work in from now on, where it is another one.
    pub cwd: Option<&'a str>,
    /// The time of the copy: its last entry bears it, so that lists and the
    /// official CLI take it for the newest.
    pub now: DateTime<Utc>,
    /// Goes on where a parent is missing, as [`Reach::Repaired`] does, and takes
    /// entries out of torn lines.
    pub repair: bool,
}

impl Copy<'_> {
    /// All of a session, under its own name and in its own folder.
    pub fn of(source: SessionId, id: SessionId, now: DateTime<Utc>) -> Self {
        Self { source, id, at: None, title: None, cwd: None, now, repair: false }
    }
}

/// Why there is no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCopy {
    /// The transcript has no conversation.
    Empty,
    /// [`Copy::at`] is not in it.
    NoSuchMessage,
}

/// A copy, and what was mended in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The copy's lines, without newlines.
    pub lines: Vec<String>,
    /// Places where the conversation was cut off and goes on now.
    pub cuts: usize,
    /// Entries taken out of torn lines.
    pub salvaged: usize,
}

/// One entry of the main chain.
struct Link<'t, 'a> {
    line: &'t Line<'a>,
    /// The copy keeps it.
    kept: bool,
    /// The uuid of what it is hung on, its own parent being missing.
    mended: Option<Cow<'a, str>>,
}

/// Copies the conversation in a transcript's bytes.
pub fn copy(bytes: &[u8], copy: &Copy<'_>) -> Result<Copied, NoCopy> {
    let transcript = Transcript::parse(bytes);
    if !copy.repair || transcript.health.torn == 0 {
        return copy_of(&transcript, 0, copy);
    }
    let (bytes, salvaged) = salvage(bytes);
    copy_of(&Transcript::parse(&bytes), salvaged, copy)
}

fn copy_of(transcript: &Transcript<'_>, salvaged: usize, copy: &Copy<'_>) -> Result<Copied, NoCopy> {
    let chain = chain(transcript, copy)?;
    let cuts = chain.iter().filter(|link| link.mended.is_some()).count();
    let names = new_names(&chain);
    let now = copy.now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let kept: Vec<_> = chain.iter().filter(|link| link.kept).collect();
    let mut lines = Vec::with_capacity(kept.len() + 2);
    for (at, Link { line, mended, .. }) in kept.iter().enumerate() {
        let Some(mut fields) = Fields::parse(line.json()) else { continue };
        rename(&mut fields, &names);
        if let Some(Some(parent)) = mended.as_ref().and_then(|parent| names.get(parent.as_ref())) {
            fields.set("parentUuid", quoted(parent));
        }
        fields.retain(|name| !OF_THE_SOURCE.contains(&name));
        fields.set("sessionId", quoted(&copy.id.to_string()));
        if let Some(cwd) = copy.cwd {
            fields.set("cwd", quoted(cwd));
        }
        if at + 1 == kept.len() {
            fields.set("timestamp", quoted(&now));
        }
        let origin = quoted(&line.uuid().unwrap_or_default());
        fields.set("forkedFrom", format!(r#"{{"sessionId":"{}","messageUuid":{origin}}}"#, copy.source));
        lines.push(fields.to_line());
    }
    if lines.is_empty() {
        return Err(NoCopy::Empty);
    }
    lines.extend(replacements(transcript, copy, &now));
    let title = copy.title.map(str::trim).filter(|title| !title.is_empty());
    let title = title.map_or_else(|| own_title(transcript, cuts + salvaged > 0), str::to_owned);
    lines.push(json!({"type": "custom-title", "sessionId": copy.id, "customTitle": title}).to_string());
    Ok(Copied { lines, cuts, salvaged })
}

/// What a copy is called that nobody gave a name.
fn own_title(transcript: &Transcript<'_>, repaired: bool) -> String {
    let title = Title::of(transcript).map_or_else(|| "Forked session".to_owned(), |title| title.text);
    if repaired { format!("{title} (repaired)") } else { fork_title(&title, []) }
}

/// The entries of the main chain.
fn chain<'t, 'a>(transcript: &'t Transcript<'a>, copy: &Copy<'_>) -> Result<Vec<Link<'t, 'a>>, NoCopy> {
    let leaf = match copy.at {
        Some(uuid) => {
            let at = transcript.position(uuid).filter(|&at| !transcript.lines[at].is_sidechain());
            Some(at.ok_or(NoCopy::NoSuchMessage)?)
        }
        None => transcript.leaf(),
    };
    let cuts: HashMap<_, _> =
        if copy.repair { transcript.cuts(leaf).into_iter().collect() } else { HashMap::new() };
    let reach = if copy.repair { Reach::Repaired } else { Reach::Person };
    let mut path = transcript.path(leaf, reach);
    path.retain(|&at| !transcript.lines[at].is_sidechain());
    let open = answer_open_calls(transcript, &mut path);
    // Such a line is the first or the last.
    let ends = [transcript.lines.first(), transcript.lines.last()];
    let is_foreign = ends.into_iter().flatten().any(|line| line.kind() == Kind::Mirror);
    let link = |at: usize| {
        let line = &transcript.lines[at];
        let kept =
            line.kind() != Kind::Progress && !only_calls(line, &open) && !(is_foreign && is_of_no_use(line));
        let mended = cuts.get(&at).and_then(|&before| transcript.lines[before].uuid());
        Link { line, kept, mended }
    };
    Ok(path.into_iter().map(link).collect())
}

/// Puts the results that lie elsewhere in the file behind the path, and says
/// which calls have none at all.
fn answer_open_calls(transcript: &Transcript<'_>, path: &mut Vec<usize>) -> HashSet<String> {
    let mut open = HashSet::new();
    for &at in &*path {
        let ids = MessageIds::of(&transcript.lines[at]);
        open.extend(ids.calls);
        for call in ids.results {
            open.remove(&call);
        }
    }
    if open.is_empty() {
        return open;
    }
    let on_path: HashSet<_> = path.iter().copied().collect();
    for (at, line) in transcript.lines.iter().enumerate() {
        if on_path.contains(&at) || line.is_sidechain() || line.kind() != Kind::User {
            continue;
        }
        let results = MessageIds::of(line).results;
        if results.iter().any(|call| open.contains(call)) {
            open.retain(|call| !results.contains(call));
            path.push(at);
        }
    }
    open
}

/// Of what another agent kept, the entry holds what no model could be given:
/// tokens alone, or reasoning without a signature.
fn is_of_no_use(line: &Line<'_>) -> bool {
    let blocks = || line.message().and_then(Message::parse).map(|message| message.blocks);
    let is_thought = |block: &Block| matches!(block, Block::Thinking(_));
    line.kind() == Kind::Assistant && blocks().unwrap_or_default().iter().all(is_thought)
}

/// The entry holds nothing but calls without a result.
fn only_calls(line: &Line<'_>, open: &HashSet<String>) -> bool {
    if open.is_empty() || line.kind() != Kind::Assistant {
        return false;
    }
    let blocks = line.message().and_then(Message::parse).map(|message| message.blocks).unwrap_or_default();
    let is_open = |block: &Block| matches!(block, Block::ToolUse { id, .. } if open.contains(id));
    !blocks.is_empty() && blocks.iter().all(is_open)
}

/// The new uuid of each entry; one that is not kept goes by its parent's.
fn new_names(chain: &[Link<'_, '_>]) -> HashMap<String, Option<String>> {
    let mut names = HashMap::with_capacity(chain.len());
    for Link { line, kept, mended } in chain {
        let Some(old) = line.uuid() else { continue };
        let name = if *kept {
            Some(Uuid::new_v4().to_string())
        } else {
            let parent = mended.clone().or_else(|| line.parent());
            parent.and_then(|parent| names.get(parent.as_ref()).cloned().flatten())
        };
        names.insert(old.into_owned(), name);
    }
    names
}

/// Lets every field that names an entry of the chain name its copy. A parent
/// that stays behind is none.
fn rename(fields: &mut Fields<'_>, names: &HashMap<String, Option<String>>) {
    for (field, json) in fields.iter_mut() {
        let old = json
            .strip_prefix('"')
            .and_then(|json| json.strip_suffix('"'))
            .filter(|old| old.len() <= LONGEST_NAME);
        let new = old.and_then(|old| names.get(old));
        match (field, new) {
            (_, Some(Some(new))) => *json = Cow::Owned(quoted(new)),
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

/// What the source shows in place of long tool results, in one record.
fn replacements(transcript: &Transcript<'_>, copy: &Copy<'_>, now: &str) -> Option<String> {
    let source = copy.source.to_string();
    let mut all = Vec::new();
    for line in transcript.lines.iter().filter(|line| line.kind() == Kind::ContentReplacement) {
        let fields = Fields::parse(line.json()).filter(|_| line.session_id().as_deref() == Some(&source));
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
