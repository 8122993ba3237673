//! What a `.mcp.json` said of a server when it first ran with an approval.
//!
//! The official files keep approvals by name only, and a project may change what
//! the name runs. The first command that runs under an approval is remembered,
//! and another one needs a new look. Owns the one file that remembers it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::agent::tool::{atomic_write, canonical};

/// The file, in the official tools' folder.
const FILE_NAME: &str = "hotseat-mcp-approvals.json";

/// The remembered servers of one `.mcp.json`.
#[derive(Debug)]
pub struct ApprovalPins {
    path: PathBuf,
    /// `{FILE: {SERVER: CONFIGURATION}}`.
    all: Value,
    file: String,
    is_changed: bool,
}

impl ApprovalPins {
    /// Reads what is remembered of this `.mcp.json`. A file that makes no sense
    /// remembers nothing.
    pub fn read(root: &Path, mcp_json: &Path) -> Self {
        let path = root.join(FILE_NAME);
        let all = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let all = all.filter(Value::is_object).unwrap_or_else(|| json!({}));
        Self { path, all, file: canonical(mcp_json).display().to_string(), is_changed: false }
    }

    /// Whether the approval of a server holds for this configuration; the first
    /// one is remembered.
    pub fn hold(&mut self, server: &str, config: &Value) -> bool {
        let pinned = &mut self.all[&self.file];
        if !pinned.is_object() {
            *pinned = json!({});
        }
        match &pinned[server] {
            Value::Null => {
                pinned[server] = config.clone();
                self.is_changed = true;
                true
            }
            known => known == config,
        }
    }

    /// Where it is remembered.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is new. A folder that does not exist or takes no files is no
    /// error: the approval holds for this start.
    pub fn write(&self) -> io::Result<()> {
        if !self.is_changed || !self.path.parent().is_some_and(Path::is_dir) {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(&self.all).map_err(io::Error::other)?;
        match atomic_write(&self.path, format!("{text}\n").as_bytes()) {
            Err(error)
                if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
            {
                Ok(())
            }
            written => written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_is_for_one_file_and_one_command() {
        let temp = tempfile::tempdir().unwrap();
        let pins = |file: &str| ApprovalPins::read(temp.path(), &temp.path().join(file));
        let (srv, evil) = (json!({"command": "srv"}), json!({"command": "evil"}));
        let mut first = pins("a/.mcp.json");
        assert!(first.hold("s", &srv) && first.hold("s", &srv) && !first.hold("s", &evil));
        first.write().unwrap();
        assert!(!pins("a/.mcp.json").hold("s", &evil) && pins("a/.mcp.json").hold("s", &srv));
        assert!(pins("a/b/.mcp.json").hold("s", &evil), "another file has approvals of its own");
    }
}
