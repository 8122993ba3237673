//! Files that decide what runs later, or as whom: writing one is a way to run
//! anything. They are asked for in every mode that edits by itself, whichever
//! agent wants to write.
//!
//! The one list, explained in `docs/permissions.md`. Compared on the resolved
//! path, at any depth, and without regard to upper and lower case, since some
//! file systems make no difference there.

use std::path::Path;

/// Folders of which everything is protected.
const FOLDERS: [&str; 22] = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".claude",
    ".codex",
    ".gemini",
    ".opencode",
    ".cursor",
    ".vscode",
    ".idea",
    ".husky",
    ".devcontainer",
    ".cargo",
    ".yarn",
    ".mvn",
    ".gradle",
    ".circleci",
    ".ssh",
    ".gnupg",
    ".aws",
    ".kube",
];

/// Folders within others of which everything is protected.
const NESTED: [[&str; 2]; 9] = [
    [".github", "workflows"],
    [".github", "actions"],
    [".config", "git"],
    [".config", "fish"],
    [".config", "autostart"],
    [".config", "systemd"],
    [".config", "hotseat"],
    ["library", "launchagents"],
    [".local", "bin"],
];

/// Folders of Claude Code that hold work, not settings.
const CLAUDE_WORK: [&str; 1] = ["worktrees"];

/// Files by their names.
const FILES: [&str; 60] = [
    // Shells.
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".logout",
    ".inputrc",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
    ".pam_environment",
    "config.fish",
    // Agents.
    ".mcp.json",
    ".claude.json",
    ".ripgreprc",
    // Version control.
    ".gitconfig",
    ".gitmodules",
    ".hgrc",
    ".pre-commit-config.yaml",
    ".pre-commit-config.yml",
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    "lefthook.toml",
    "lefthook-local.yml",
    ".gitlab-ci.yml",
    ".travis.yml",
    // Package managers and build tools.
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "bunfig.toml",
    ".bunfig.toml",
    ".pypirc",
    "pip.conf",
    ".condarc",
    ".gemrc",
    ".bazelrc",
    ".bazeliskrc",
    "gradle-wrapper.properties",
    "maven-wrapper.properties",
    ".netrc",
    // Environments and editors.
    ".envrc",
    ".direnvrc",
    ".mise.toml",
    ".exrc",
    ".vimrc",
    ".tmux.conf",
];

/// Whether a file is one of them. The path is resolved: absolute, without links
/// and dots.
pub fn is_protected(path: &Path) -> bool {
    let names: Vec<String> =
        path.components().map(|part| folded(&part.as_os_str().to_string_lossy())).collect();
    let in_folder = names.iter().enumerate().any(|(at, name)| {
        FOLDERS.contains(&name.as_str())
            && !(name == ".claude"
                && names.get(at + 1).is_some_and(|next| CLAUDE_WORK.contains(&next.as_str())))
    });
    let in_nested = names.windows(2).any(|two| NESTED.iter().any(|nested| *two == *nested));
    let is_file = names.last().is_some_and(|name| FILES.contains(&name.as_str()));
    in_folder || in_nested || is_file
}

/// Without what a file system may not tell apart: case, and the blanks, dots
/// and invisible characters that some drop.
fn folded(name: &str) -> String {
    let visible = name.chars().filter(|char| !is_ignorable(*char)).flat_map(char::to_lowercase);
    let folded: String = visible.collect();
    folded.trim_end_matches([' ']).to_owned()
}

/// Characters that HFS+ leaves out when it compares names.
fn is_ignorable(char: char) -> bool {
    matches!(char, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_files_are_known_at_any_depth_and_in_any_case() {
        for path in [
            "/w/.git/hooks/pre-commit",
            "/w/.git",
            "/w/sub/.git/config",
            "/w/.GIT/hooks/pre-commit",
            "/w/.g\u{200c}it/config",
            "/w/.claude/settings.json",
            "/w/.claude/settings.local.json",
            "/w/.mcp.json",
            "/w/a/b/.MCP.json",
            "/w/.vscode/tasks.json",
            "/w/.idea/workspace.xml",
            "/w/.husky/pre-commit",
            "/w/.devcontainer/devcontainer.json",
            "/home/u/.bashrc",
            "/home/u/.zshenv",
            "/home/u/.gitconfig",
            "/home/u/.npmrc",
            "/w/.envrc",
            "/w/.github/workflows/ci.yml",
            "/home/u/.ssh/authorized_keys",
            "/home/u/.config/git/config",
        ] {
            assert!(is_protected(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn other_files_are_not() {
        for path in [
            "/w/.gitignore",
            "/w/git/hooks/x",
            "/w/src/main.rs",
            "/w/.github/CODEOWNERS",
            "/w/bashrc",
            "/w/.claude/worktrees/a/src/x.rs",
            "/w/.env",
            "/w/src/git.rs",
        ] {
            assert!(!is_protected(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn the_documentation_names_each_folder() {
        let docs =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md")).unwrap();
        let docs = docs.to_lowercase();
        for folder in
            FOLDERS.iter().map(|name| (*name).to_owned()).chain(NESTED.iter().map(|two| two.join("/")))
        {
            assert!(docs.contains(&format!("`{folder}`")), "{folder}");
        }
    }
}
