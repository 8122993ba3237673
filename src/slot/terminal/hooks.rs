//! Receives the reports of the program in the terminal, sent by the hooks it is
//! started with. Its state is never guessed from its screen.
//!
//! Owns a private folder with the socket the hooks report to and the settings
//! file that configures them. It must never interpret a report: the driver does.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::slot::driver::JsonLine;
use crate::slot::machine::ProcessId;
use crate::slot::process::ProcessOutput;

/// Maximum size of a report. A longer one is truncated and fails to parse.
const MAX_REPORT_BYTES: u64 = 4 << 20;
/// Timeout for reading a report.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The hook events that are reported.
const HOOK_NAMES: [&str; 5] = ["SessionStart", "SessionEnd", "UserPromptSubmit", "Stop", "Notification"];

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

    /// Forwards reports in order, as lines of this process, until it has `ended`.
    pub(super) async fn listen(
        self,
        id: ProcessId,
        output_tx: mpsc::Sender<(ProcessId, ProcessOutput)>,
        mut ended: oneshot::Receiver<()>,
    ) {
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = &mut ended => return,
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
                && output_tx.send((id, ProcessOutput::Line(report))).await.is_err()
            {
                return;
            }
        }
    }
}

async fn read_report(stream: UnixStream) -> Option<JsonLine> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_holds_any_path() {
        assert_eq!(shell_quote(Path::new("/it's here")).unwrap(), r"'/it'\''s here'");
    }
}
