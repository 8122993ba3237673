//! Background agents that a session started and never heard of again.
//!
//! The model was told that a report will come. If the session ended first, it
//! has to learn that none will, or it waits for it.

use std::collections::HashMap;

use memchr::memmem;
use serde::Deserialize;

use super::raw_entry::RawEntry;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BackgroundLaunch {
    #[serde(default)]
    status: String,
    agent_id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    output_file: Option<String>,
}

/// The reports that these entries still owe, in the order of the launches.
pub(super) fn missing_reports<'t, 'a: 't>(entries: impl Iterator<Item = &'t RawEntry<'a>>) -> Vec<String> {
    let mut order = Vec::new();
    let mut open: HashMap<String, BackgroundLaunch> = HashMap::new();
    for entry in entries {
        if let Some(launch) = launch(entry) {
            order.push(launch.agent_id.clone());
            open.insert(launch.agent_id.clone(), launch);
        } else if !open.is_empty() && holds(entry, b"<task-id>") {
            open.retain(|id, _| !holds(entry, format!("<task-id>{id}</task-id>").as_bytes()));
        }
    }
    order.into_iter().filter_map(|id| open.remove(&id)).map(|launch| report(&launch)).collect()
}

fn launch(entry: &RawEntry<'_>) -> Option<BackgroundLaunch> {
    let result = entry.tool_use_result().filter(|result| result.contains("async_launched"))?;
    serde_json::from_str::<BackgroundLaunch>(result).ok().filter(|launch| launch.status == "async_launched")
}

fn holds(entry: &RawEntry<'_>, text: &[u8]) -> bool {
    memmem::find(entry.json().as_bytes(), text).is_some()
}

fn report(launch: &BackgroundLaunch) -> String {
    let BackgroundLaunch { agent_id, description, output_file, .. } = launch;
    let file =
        output_file.as_ref().map(|path| format!("<output-file>{path}</output-file>\n")).unwrap_or_default();
    // In Claude Code's words, so that both give the model the same bytes.
    format!(
        "<task-notification>\n<task-id>{agent_id}</task-id>\n{file}<status>failed</status>\n\
         <summary>Background agent \"{description}\" didn't finish before the previous session ended</summary>\n\
         <note>It was running when the previous Claude Code process exited and did not complete. Its in-process \
         state was lost. Check its worktree/output for partial work before assuming the task landed.</note>\n\
         </task-notification>"
    )
}
