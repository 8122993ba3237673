//! Memory files: what people write down for the model in `CLAUDE.md` and its kin.
//!
//! Owns where they are looked for, in which order they count, and what an
//! `@import` may reach (facts from CLI 2.1.332). Reads files and nothing else;
//! a file that cannot be read is as if it were not there. A project's file comes
//! with the project, from whoever wrote it: it cannot draw in files from
//! elsewhere on this machine.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::settings_files::SettingsSource;
use super::tool::canonical;

/// Imports of imports that are followed.
const MAX_IMPORT_DEPTH: usize = 5;
/// Bytes of one file; a longer one is left out, and said so.
const MAX_FILE_BYTES: u64 = 512 * 1024;
/// Files in all, so that a folder of rules cannot fill the context.
const MAX_FILES: usize = 200;

/// The official CLI's words in front of them.
const HEAD: &str = "Codebase and user instructions are shown below. Be sure to adhere to these instructions. \
    IMPORTANT: These instructions OVERRIDE any default behavior and you MUST follow them exactly as written.";

/// What the model is told of one session's memory files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryFiles {
    files: Vec<MemoryFile>,
    /// What was left out and why, for a person.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct MemoryFile {
    path: PathBuf,
    source: SettingsSource,
    text: String,
}

impl MemoryFiles {
    /// Reads those of a session that works in `folder`: the person's in `root`
    /// (the official tools' folder), then those of each folder from the outermost
    /// down to `folder`. `includes` says which sources count.
    pub fn read(root: &Path, folder: &Path, includes: impl Fn(SettingsSource) -> bool) -> Self {
        let mut reader = MemoryReader { found: Self::default(), seen: HashSet::new() };
        if includes(SettingsSource::User) {
            reader.push(&root.join("CLAUDE.md"), SettingsSource::User, None, 0);
            reader.push_rules(&root.join("rules"), SettingsSource::User, None);
        }
        let mut folders: Vec<_> = folder.ancestors().collect();
        folders.reverse();
        let repository = folder.ancestors().find(|folder| folder.join(".git").exists());
        for at in folders {
            // Within a repository, a file may import from all of it.
            let scope = Some(repository.filter(|repository| at.starts_with(repository)).unwrap_or(at));
            if includes(SettingsSource::Project) {
                let named = at.join("CLAUDE.md");
                let hidden = at.join(".claude/CLAUDE.md");
                if named.is_file() || hidden.is_file() {
                    reader.push(&named, SettingsSource::Project, scope, 0);
                    reader.push(&hidden, SettingsSource::Project, scope, 0);
                } else {
                    reader.push(&at.join("AGENTS.md"), SettingsSource::Project, scope, 0);
                }
                reader.push_rules(&at.join(".claude/rules"), SettingsSource::Project, scope);
            }
            if includes(SettingsSource::Local) {
                reader.push(&at.join("CLAUDE.local.md"), SettingsSource::Local, scope, 0);
            }
        }
        reader.found
    }

    /// Path and text of each, in the order in which they are told.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files.iter().map(|file| (file.path.as_path(), file.text.as_str()))
    }

    /// All of them in the official CLI's form; `None` if there are none.
    pub fn text(&self) -> Option<String> {
        let file = |file: &MemoryFile| {
            let whose = match file.source {
                SettingsSource::User => "user's private global instructions for all projects",
                SettingsSource::Local => "user's private project instructions, not checked in",
                SettingsSource::Project | SettingsSource::Flag | SettingsSource::Managed => {
                    "project instructions, checked into the codebase"
                }
            };
            format!("\n\nContents of {} ({whose}):\n\n{}", file.path.display(), file.text.trim_end())
        };
        (!self.files.is_empty()).then(|| HEAD.to_owned() + &self.files.iter().map(file).collect::<String>())
    }
}

struct MemoryReader {
    found: MemoryFiles,
    /// Files that were read already: an import may come twice, or in a circle.
    seen: HashSet<PathBuf>,
}

impl MemoryReader {
    /// Reads a file and what it imports. `scope` is the folder that it and its
    /// imports must lie in; `None` for the person's own, which may reach anywhere.
    fn push(&mut self, path: &Path, source: SettingsSource, scope: Option<&Path>, depth: usize) {
        let real = canonical(path);
        let is_outside = scope.is_some_and(|scope| !real.starts_with(canonical(scope)));
        if is_outside || !real.is_file() || self.found.files.len() >= MAX_FILES || self.seen.contains(&real) {
            return;
        }
        self.seen.insert(real.clone());
        if fs::metadata(&real).is_ok_and(|about| about.len() > MAX_FILE_BYTES) {
            let limit = MAX_FILE_BYTES / 1024;
            let problem =
                format!("{} is longer than {limit} KiB, so the model is not told of it", path.display());
            return self.found.problems.push(problem);
        }
        let Ok(text) = fs::read_to_string(&real) else { return };
        let (is_scoped, text) = without_front_matter(&text);
        if is_scoped {
            return;
        }
        let imports = imports(text);
        self.found.files.push(MemoryFile { path: path.to_owned(), source, text: text.to_owned() });
        if depth == MAX_IMPORT_DEPTH {
            return;
        }
        let near = path.parent().unwrap_or(path);
        for import in imports {
            let target = match import.strip_prefix("~/") {
                Some(rest) => match std::env::home_dir() {
                    Some(home) => home.join(rest),
                    None => continue,
                },
                None => near.join(&import),
            };
            self.push(&normalized(&target), source, scope, depth + 1);
        }
    }

    /// The rules in a folder and the folders in it, by name.
    fn push_rules(&mut self, folder: &Path, source: SettingsSource, scope: Option<&Path>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            // A link to a folder may lead into a circle.
            if path.is_dir() && !path.is_symlink() {
                self.push_rules(&path, source, scope);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                self.push(&path, source, scope, 0);
            }
        }
    }
}

/// A path without `.` and `..`, as it is told.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// The text behind a file's front matter, and whether that says `paths:`: such a
/// rule counts only for certain files, and is not told with every conversation.
fn without_front_matter(text: &str) -> (bool, &str) {
    let Some(rest) = text.strip_prefix("---\n") else { return (false, text) };
    let Some((head, body)) = rest.split_once("\n---\n") else { return (false, text) };
    (head.lines().any(|line| line.trim_start().starts_with("paths:")), body)
}

/// The paths behind an `@` at the beginning of a word, outside of code.
fn imports(text: &str) -> Vec<String> {
    let mut imports = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => imports.extend(imports_of_line(line)),
            _ => {}
        }
    }
    imports
}

fn imports_of_line(line: &str) -> Vec<String> {
    // Every second part between backticks is code.
    let prose = line.split('`').step_by(2);
    let words = prose.flat_map(str::split_whitespace);
    let path = |word: &str| {
        let path = word.strip_prefix('@')?.trim_end_matches([',', ';', ':', ')', '.']);
        let looks_like_one =
            path.chars().next().is_some_and(|first| first.is_alphanumeric() || "~/._".contains(first));
        looks_like_one.then(|| path.to_owned())
    };
    words.filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let temp = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = temp.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(temp)
        }

        /// The texts that a session in `a/b` gets, for these sources.
        fn texts(&self, sources: &[SettingsSource]) -> Vec<String> {
            let root = self.0.path().join("root");
            let read =
                MemoryFiles::read(&root, &self.0.path().join("a/b"), |source| sources.contains(&source));
            read.files.iter().map(|file| file.text.trim().to_owned()).collect()
        }
    }

    const ALL: [SettingsSource; 3] = [SettingsSource::User, SettingsSource::Project, SettingsSource::Local];

    #[test]
    fn the_outermost_comes_first_and_sources_count_as_chosen() {
        let tree = Tree::new(&[
            ("root/CLAUDE.md", "user"),
            ("root/rules/deep/r.md", "user rule"),
            ("a/CLAUDE.md", "parent"),
            ("a/b/CLAUDE.md", "project"),
            ("a/b/AGENTS.md", "not beside CLAUDE.md"),
            ("a/b/.claude/CLAUDE.md", "hidden"),
            ("a/b/.claude/rules/1.md", "rule"),
            ("a/b/.claude/rules/2.md", "---\npaths: src/**\n---\nonly for some files"),
            ("a/b/CLAUDE.local.md", "local"),
        ]);
        let project = ["parent", "project", "hidden", "rule"];
        assert_eq!(tree.texts(&[SettingsSource::Project]), project);
        let all = [&["user", "user rule"][..], &project, &["local"]].concat();
        assert_eq!(tree.texts(&ALL), all);
        assert!(tree.texts(&[]).is_empty());
    }

    #[test]
    fn where_there_is_no_claude_md_agents_md_counts() {
        let tree = Tree::new(&[("a/CLAUDE.md", "one"), ("a/b/AGENTS.md", "two")]);
        assert_eq!(tree.texts(&ALL), ["one", "two"]);
    }

    #[test]
    fn imports_follow_their_file_once_and_stay_in_the_project() {
        let tree = Tree::new(&[
            (
                "a/b/CLAUDE.md",
                "see @docs/x.md, `@docs/code.md` me@docs/mail.md @../../secret.md @docs\n```\n@docs/code.md\n```",
            ),
            ("a/b/docs/x.md", "x @y.md"),
            ("a/b/docs/y.md", "y @x.md @../CLAUDE.md"),
            ("a/b/docs/code.md", "code"),
            ("secret.md", "secret"),
            ("root/CLAUDE.md", "user @../secret.md"),
        ]);
        assert_eq!(tree.texts(&[SettingsSource::Project])[1..], ["x @y.md", "y @x.md @../CLAUDE.md"]);
        // A person's own file may reach anywhere.
        assert_eq!(tree.texts(&[SettingsSource::User]), ["user @../secret.md", "secret"]);
    }

    #[test]
    fn a_link_out_of_the_project_and_an_endless_file_are_left_out() {
        let tree = Tree::new(&[("secret.md", "secret"), ("a/b/docs/big.md", &"x".repeat(600 * 1024))]);
        std::os::unix::fs::symlink(tree.0.path().join("secret.md"), tree.0.path().join("a/b/CLAUDE.md"))
            .unwrap();
        assert!(tree.texts(&ALL).is_empty());
        fs::remove_file(tree.0.path().join("a/b/CLAUDE.md")).unwrap();
        fs::write(tree.0.path().join("a/b/CLAUDE.md"), "@docs/big.md").unwrap();
        let read = MemoryFiles::read(&tree.0.path().join("root"), &tree.0.path().join("a/b"), |_| true);
        assert_eq!(read.files.len(), 1);
        assert!(read.problems[0].contains("big.md is longer than 512 KiB"), "{:?}", read.problems);
    }

    #[test]
    fn the_model_is_told_whose_each_is() {
        let tree = Tree::new(&[("root/CLAUDE.md", "mine\n"), ("a/b/CLAUDE.md", "ours\n")]);
        let root = tree.0.path().join("root");
        let text = MemoryFiles::read(&root, &tree.0.path().join("a/b"), |_| true).text().unwrap();
        let user = format!(
            "Contents of {} (user's private global instructions for all projects):\n\nmine",
            root.join("CLAUDE.md").display()
        );
        assert!(
            text.starts_with(HEAD)
                && text.contains(&user)
                && text.ends_with("checked into the codebase):\n\nours"),
            "{text}"
        );
        assert_eq!(MemoryFiles::default().text(), None);
    }
}
