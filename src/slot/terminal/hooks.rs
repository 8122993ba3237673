//! Receives the reports of the program in the terminal, sent by the hooks it is
//! started with. Its state is never guessed from its screen.
//!
//! Owns a private folder with the socket the hooks report to and the settings
//! file that configures them. Reports are untrusted: an invalid id is rejected.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// Maximum size of a report. A longer one is truncated and fails to parse.
const MAX_REPORT_BYTES: u64 = 4 << 20;
/// Timeout for reading a report.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The hook events that are reported.
const HOOK_NAMES: [&str; 5] = ["SessionStart", "SessionEnd", "UserPromptSubmit", "Stop", "Notification"];

/// One report.
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
    /// An input of the state machine.
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

/// The socket that hooks report to. Dropping it removes the folder.
pub(super) struct HookListener {
    folder: TempDir,
    listener: UnixListener,
}

impl HookListener {
    /// Creates folder, socket and settings. `reporter` is the hotseat executable,
    /// whose `hook` command forwards a report to the socket.
    pub(super) fn new(reporter: &Path) -> Result<Self> {
        let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let mut builder = tempfile::Builder::new();
        builder.prefix("hotseat-").permissions(std::fs::Permissions::from_mode(0o700));
        let folder = builder.tempdir_in(&base).or_else(|_| builder.tempdir());
        let folder = folder.context("making a private folder for the agent's reports")?;
        let socket = folder.path().join("hooks");
        let listener = UnixListener::bind(&socket).context("listening for the agent's reports")?;
        let command = format!("{} hook {}", shell_quote(reporter)?, shell_quote(&socket)?);
        let hook = json!([{"hooks": [{"type": "command", "command": command, "timeout": 5}]}]);
        let hooks: serde_json::Map<_, _> =
            HOOK_NAMES.map(|event| (event.to_owned(), hook.clone())).into_iter().collect();
        std::fs::write(folder.path().join("settings.json"), json!({"hooks": hooks}).to_string())
            .context("writing the agent's hooks")?;
        Ok(Self { folder, listener })
    }

    /// The settings file that the program is started with.
    pub(super) fn settings_path(&self) -> PathBuf {
        self.folder.path().join("settings.json")
    }

    /// Forwards reports in order until the receiver is dropped.
    pub(super) async fn listen(self, reports: mpsc::Sender<HookReport>) {
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = reports.closed() => return,
            };
            let report = match stream {
                Ok((stream, _)) => {
                    tokio::time::timeout(REPORT_TIMEOUT, read_report(stream)).await.unwrap_or(None)
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a hook report");
                    return;
                }
            };
            if let Some(report) = report
                && reports.send(report).await.is_err()
            {
                return;
            }
        }
    }
}

async fn read_report(stream: UnixStream) -> Option<HookReport> {
    let mut bytes = Vec::new();
    stream.take(MAX_REPORT_BYTES).read_to_end(&mut bytes).await.ok()?;
    serde_json::from_slice(&bytes)
        .inspect_err(|error| tracing::warn!(%error, "dropped an invalid hook report"))
        .ok()
}

/// A path as a word of the shell, which runs hooks.
fn shell_quote(path: &Path) -> Result<String> {
    let path = path.to_str().context("the path is not UTF-8, so the agent's hooks cannot name it")?;
    Ok(format!("'{}'", path.replace('\'', "'\\''")))
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

    #[test]
    fn a_word_of_the_shell_holds_any_path() {
        assert_eq!(shell_quote(Path::new("/it's here")).unwrap(), r"'/it'\''s here'");
    }
}
