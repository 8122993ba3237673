//! The official CLI's registry of its live processes: which has which session open.
//!
//! The files are `<root>/sessions/<pid>.json`, written by CLI 2.1.329. hotseat only reads
//! them.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::Holder;
use crate::session::SessionId;
use crate::sys::process_liveness;

/// The fields of a registry file that hotseat needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistryEntry {
    pid: u32,
    session_id: String,
    #[serde(default)]
    proc_start: Value,
    #[serde(default)]
    status: Value,
}

/// The sessions that live processes of the official CLI have open.
pub fn live_sessions(root: &Path) -> Vec<(SessionId, Holder)> {
    let Ok(entries) = root.join("sessions").read_dir() else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
        .filter_map(|entry| live_holder(&fs::read(entry.path()).ok()?))
        .collect()
}

fn live_holder(json: &[u8]) -> Option<(SessionId, Holder)> {
    let entry: RegistryEntry = serde_json::from_slice(json).ok()?;
    let start = match entry.proc_start {
        Value::String(start) => Some(start),
        Value::Number(start) => Some(start.to_string()),
        _ => None,
    };
    let live = entry.pid != std::process::id() && process_liveness::is_alive(entry.pid, start.as_deref());
    let status = entry.status.as_str().unwrap_or_default().to_owned();
    let id = entry.session_id.parse().ok()?;
    live.then(|| (id, Holder { pid: entry.pid, program: "claude".to_owned(), status }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pid: u32, start: &str, live: bool) {
        let json = format!(
            r#"{{"pid":{pid},"sessionId":"3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1","procStart":{start},"status":"busy"}}"#
        );
        let holder = live_holder(json.as_bytes()).map(|(_, holder)| holder);
        let expected = Holder { pid, program: "claude".into(), status: "busy".into() };
        assert_eq!(holder, live.then_some(expected), "{json}");
    }

    #[test]
    fn only_a_live_process_holds() {
        let parent = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get().unsigned_abs());
        check(parent, "null", true);
        if let Some(start) = process_liveness::process_start(parent) {
            check(parent, &start, true);
            check(parent, &format!("{start:?}"), true);
            check(parent, "\"7\"", false);
        }
        check(u32::MAX, "null", false);
        check(std::process::id(), "null", false);
        assert!(live_holder(b"{").is_none());
    }
}
