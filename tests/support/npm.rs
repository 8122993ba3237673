//! Agents that come by npm: programs on the PATH.

use std::path::PathBuf;

/// The program of this name.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|at| at.is_file())
}
