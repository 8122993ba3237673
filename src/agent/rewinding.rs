//! When files are kept, and how a host brings them back.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::frames::Refusal;
use super::process::Process;
use super::tool::Need;
use super::turn::Call;
use crate::protocol::ErrorCode;

impl Process {
    /// A prompt came: a point to come back to.
    pub(super) fn checkpoint_prompt(&mut self, message: &str) -> std::io::Result<()> {
        let Some(folder) = self.kept_files() else { return Ok(()) };
        let entry = self.session.checkpoints.prompt(message, &self.session.cwd, &folder);
        self.session.note(&entry)?;
        self.send_mirror(entry);
        Ok(())
    }

    /// A tool is about to run: keeps the file that it changes. What cannot be
    /// kept is told, and hinders nothing.
    pub(super) fn checkpoint_call(&mut self, call: &Call) {
        let Some(folder) = self.kept_files() else { return };
        let need = self.tool(&call.tool).map(|tool| tool.need(&call.input, &self.place()));
        let Some(Need::Edit(path)) = need else { return };
        let session = &mut self.session;
        let entry = session.checkpoints.before(&path, &call.entry, &session.cwd, &folder);
        let noted = entry.and_then(|entry| match entry {
            Some(entry) => self.session.note(&entry).map(|()| self.send_mirror(entry)),
            None => Ok(()),
        });
        if let Err(error) = noted {
            self.tell(&format!("{} cannot be brought back later: {error}", path.display()));
        }
    }

    /// Brings files back, or says what that would change.
    pub(super) fn rewind_files(&self, message: &str, dry_run: bool) -> Result<Value, Refusal> {
        let refused = |code, error: String| Err(Refusal::new(code, error));
        let Some(folder) = self.kept_files() else {
            let error =
                "file checkpoints are off; CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING=true turns them on";
            return refused(ErrorCode::InvalidRequest, error.to_owned());
        };
        if self.turn.is_some() && !dry_run {
            return refused(ErrorCode::Busy, "a turn runs, and may change the files".to_owned());
        }
        match self.session.checkpoints.rewind(message, &self.session.cwd, &folder, dry_run) {
            Ok(Some(rewind)) => {
                let files: Vec<_> = rewind.changed.iter().map(|(path, _)| path).collect();
                let mut answer = json!({
                    "canRewind": true, "filesChanged": files, "insertions": rewind.insertions,
                    "deletions": rewind.deletions,
                });
                if dry_run {
                    // An addition to the protocol: what to show a person who is asked.
                    let patches = rewind.changed.iter();
                    let patches = patches.map(|(path, hunks)| (path.display().to_string(), json!(hunks)));
                    answer["patches"] = Value::Object(patches.collect());
                } else {
                    answer["skippedLinks"] = json!(rewind.links);
                }
                Ok(answer)
            }
            Ok(None) => {
                refused(ErrorCode::InvalidRequest, "No file checkpoint found for this message.".to_owned())
            }
            Err(error) => refused(ErrorCode::InvalidRequest, format!("cannot bring the files back: {error}")),
        }
    }

    /// Where the session's files are kept; none where they are not.
    fn kept_files(&self) -> Option<PathBuf> {
        Some(self.settings.file_history.as_ref()?.join(self.session.id.to_string()))
    }
}
