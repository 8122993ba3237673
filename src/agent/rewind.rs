//! Makes file checkpoints as a session runs, and restores them for the host.
//!
//! Owns when a checkpoint is made; how it is kept is in [`super::checkpoint`].

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::frames::RequestError;
use super::runtime::AgentRuntime;
use super::tool::Access;
use super::turn::RequestedCall;
use crate::protocol::{ErrorCode, PermissionMode};

impl AgentRuntime {
    /// Makes a checkpoint for a prompt.
    pub(super) fn checkpoint_prompt(&mut self, message: &str) -> std::io::Result<()> {
        let Some(folder) = self.checkpoint_dir() else { return Ok(()) };
        let entry = self.session.checkpoints.snapshot_prompt(message, &self.session.cwd, &folder);
        self.session.append_metadata(&entry)?;
        self.send_mirror(entry);
        Ok(())
    }

    /// Backs up the file that a call is about to change. A failure is reported and does not stop the
    /// call.
    pub(super) fn checkpoint_call(&mut self, call: &RequestedCall) {
        let Some(folder) = self.checkpoint_dir() else { return };
        let need = self.find_tool(&call.tool).map(|tool| tool.access(&call.input, &self.tool_context()));
        let Some(Access::Edit(path)) = need else { return };
        // The file that the call will write, also if the path leads elsewhere by now.
        let held = call.target.as_ref().and_then(|target| target.get().ok());
        let path = held.map_or(path.resolved, |target| target.path().to_owned());
        let session = &mut self.session;
        let entry = session.checkpoints.backup_before_edit(&path, &call.entry_uuid, &session.cwd, &folder);
        let noted = entry.and_then(|entry| match entry {
            Some(entry) => self.session.append_metadata(&entry).map(|()| self.send_mirror(entry)),
            None => Ok(()),
        });
        if let Err(error) = noted {
            self.send_warning(&format!("{} cannot be brought back later: {error}", path.display()));
        }
    }

    /// Restores files, or says what that would change.
    pub(super) fn rewind_files(&self, message: &str, dry_run: bool) -> Result<Value, RequestError> {
        let refused = |code, error: String| Err(RequestError::new(code, error));
        let Some(folder) = self.checkpoint_dir() else {
            let error =
                "file checkpoints are off; CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING=true turns them on";
            return refused(ErrorCode::InvalidRequest, error.to_owned());
        };
        if self.turn.is_some() && !dry_run {
            return refused(ErrorCode::Busy, "a turn runs, and may change the files".to_owned());
        }
        if self.permissions.mode == PermissionMode::Plan && !dry_run {
            return refused(ErrorCode::InvalidRequest, "in plan mode no files are changed".to_owned());
        }
        let cwd = &self.session.cwd;
        let may_write = |path: &Path| !self.permissions.denies_edit(path, cwd);
        match self.session.checkpoints.rewind(message, cwd, &folder, dry_run, &may_write) {
            Ok(Some(rewind)) => {
                let files: Vec<_> = rewind.changed.iter().map(|(path, _)| path).collect();
                let mut answer = json!({
                    "canRewind": true, "filesChanged": files, "insertions": rewind.insertions,
                    "deletions": rewind.deletions,
                    // Additions to the protocol: what is removed, and what stays.
                    "filesRemoved": rewind.removed, "filesSkipped": rewind.skipped,
                });
                if dry_run {
                    // An addition to the protocol: what to show a person who is asked.
                    let patches = rewind.changed.iter();
                    let patches = patches.map(|(path, hunks)| (path.display().to_string(), json!(hunks)));
                    answer["patches"] = Value::Object(patches.collect());
                } else {
                    answer["skippedLinks"] = json!(rewind.skipped_links);
                }
                Ok(answer)
            }
            Ok(None) => {
                refused(ErrorCode::InvalidRequest, "No file checkpoint found for this message.".to_owned())
            }
            Err(error) => refused(ErrorCode::InvalidRequest, format!("cannot bring the files back: {error}")),
        }
    }

    /// The session's checkpoint folder; `None` if checkpoints are off.
    fn checkpoint_dir(&self) -> Option<PathBuf> {
        Some(self.settings.file_history.as_ref()?.join(self.session.id.to_string()))
    }
}
