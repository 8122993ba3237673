//! The reports of the program's hooks. They are untrusted: an invalid id is
//! rejected.

use std::path::PathBuf;

use serde::Deserialize;

use crate::protocol::PermissionMode;
use crate::session::SessionId;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct HookReport {
    /// The session it is about.
    pub session_id: SessionId,
    /// The session's transcript.
    pub transcript_path: PathBuf,
    /// The folder the agent works in.
    pub cwd: PathBuf,
    /// The permission mode, if reported.
    #[serde(default, deserialize_with = "lenient_mode")]
    pub permission_mode: Option<PermissionMode>,
    /// What happened.
    #[serde(flatten)]
    pub event: ReportedEvent,
}

/// What happened in the program.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "hook_event_name")]
pub(super) enum ReportedEvent {
    /// It works on this session from now on.
    SessionStart {
        /// `startup`, `resume`, `clear` or `fork`; `compact` changes nothing.
        source: String,
        /// The model, if reported.
        #[serde(default)]
        model: Option<String>,
    },
    /// It left this session.
    SessionEnd {},
    /// A turn begins.
    UserPromptSubmit {
        /// The prompt's id.
        #[serde(default)]
        prompt_id: String,
    },
    /// The turn has ended.
    Stop {},
    /// It waits for the person.
    Notification {
        /// `idle_prompt`, `permission_prompt`, …
        #[serde(default)]
        notification_type: String,
    },
    /// Something newer than this program.
    #[serde(other)]
    Other,
}

/// Ignores a mode that this version does not know.
fn lenient_mode<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PermissionMode>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    Ok(name.and_then(|name| name.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_as_the_official_program_writes_them() {
        let common = r#""session_id":"a285f1d0-cf5d-476b-98c6-093bb815f530","transcript_path":"/p/a.jsonl","cwd":"/w","#;
        let report = |rest: &str| serde_json::from_str::<HookReport>(&format!("{{{common}{rest}}}")).unwrap();
        let start = report(r#""hook_event_name":"SessionStart","source":"fork","session_title":"side way""#);
        assert_eq!(start.event, ReportedEvent::SessionStart { source: "fork".into(), model: None });
        let stop = report(r#""permission_mode":"plan","hook_event_name":"Stop","stop_hook_active":false"#);
        assert_eq!((stop.event, stop.permission_mode), (ReportedEvent::Stop {}, Some(PermissionMode::Plan)));
        assert_eq!(report(r#""hook_event_name":"FromTheFuture","x":1"#).event, ReportedEvent::Other);
        let hostile = r#"{"session_id":"../../etc","transcript_path":"","cwd":"","hook_event_name":"Stop"}"#;
        assert!(serde_json::from_str::<HookReport>(hostile).is_err());
    }
}
