//! Files whose change runs code later or grants rights: edits of them are always
//! asked about, in every mode that edits without asking.

use std::path::Path;

/// Folders in which everything is protected, at any depth.
const FOLDERS: [&str; 9] =
    [".git", ".claude", ".codex", ".husky", ".vscode", ".idea", ".devcontainer", ".ssh", ".gnupg"];
/// Files that are protected wherever they lie.
const FILES: [&str; 24] = [
    ".mcp.json",
    ".gitconfig",
    ".gitmodules",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".netrc",
    ".envrc",
    ".profile",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".inputrc",
    ".ripgreprc",
    ".pre-commit-config.yaml",
    "config.fish",
    ".tmux.conf",
];

/// Whether a path is protected. Give it the real path, with links resolved. Case
/// does not count, because on some systems it does not count for files either.
pub fn is_protected(real: &Path) -> bool {
    let is_one_of = |name: &std::ffi::OsStr, list: &[&str]| {
        let name = name.to_string_lossy().to_lowercase();
        list.contains(&name.as_str())
    };
    real.iter().any(|part| is_one_of(part, &FOLDERS))
        || real.file_name().is_some_and(|name| is_one_of(name, &FILES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_code_later_is_protected() {
        let check = |path: &str, expected: bool| {
            assert_eq!(is_protected(Path::new(path)), expected, "{path}");
        };
        check("/w/.git/hooks/pre-commit", true);
        check("/w/vendor/x/.GIT/config", true);
        check("/w/.mcp.json", true);
        check("/home/a/.bashrc", true);
        check("/home/a/.config/fish/config.fish", true);
        check("/w/.gitignore", false);
        check("/w/src/git.rs", false);
        check("/w/.github/x", false);
    }
}
