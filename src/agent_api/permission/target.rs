//! The files that a tool call names, and what they really are: links are
//! resolved, so that a person sees which file would be changed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sys::real_path::resolve;

/// Input fields that name a file.
const PATH_FIELDS: [&str; 5] = ["file_path", "notebook_path", "path", "move_to", "grant_root"];
/// Input fields that hold a list of changes, each with a file of its own.
const LIST_FIELDS: [&str; 2] = ["changes", "edits"];

/// A file that a tool call names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionTarget {
    /// As the call names it. Untrusted text.
    pub named: String,
    /// The path that would be opened, links resolved as far as it exists.
    pub real: PathBuf,
    /// Whether `real` lies in the session's folder.
    pub inside: bool,
    /// Whether it is a file that runs code or grants rights, such as
    /// `.git/hooks/…` or a shell's start-up file: never covered by "all edits".
    pub protected: bool,
}

impl PermissionTarget {
    /// Whether the name does not show what would be opened.
    pub fn is_redirected(&self, folder: &Path) -> bool {
        folder.join(&self.named) != self.real
    }
}

/// Resolves every file that an input names, in a session of this folder.
pub fn resolve_targets(input: &Value, folder: &Path) -> Vec<PermissionTarget> {
    let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut targets: Vec<PermissionTarget> = Vec::new();
    for named in named_paths(input) {
        if targets.iter().all(|target| target.named != named) {
            let real = resolve(&root, Path::new(named));
            let inside = real.starts_with(&root);
            let protected = crate::sys::protected_paths::is_protected(&real);
            targets.push(PermissionTarget { named: named.to_owned(), real, inside, protected });
        }
    }
    targets
}

fn named_paths(input: &Value) -> impl Iterator<Item = &str> {
    let lists = LIST_FIELDS.iter().filter_map(|field| input[*field].as_array()).flatten();
    std::iter::once(input)
        .chain(lists)
        .flat_map(|of| PATH_FIELDS.iter().filter_map(|field| of[*field].as_str()))
}
