//! Commands that people write down as prompts: `.claude/commands/**/*.md`.
//!
//! Owns where they are looked for, their front matter and how arguments and
//! `@file` mentions are filled in (facts from CLI 2.1.332). Runs nothing: a
//! command that wants the output of a shell command says that it cannot be used.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::settings_files::SettingsSource;

/// Bytes of a command's file.
const MAX_COMMAND_BYTES: u64 = 256 * 1024;
/// Bytes of a file that a command mentions.
const MAX_MENTION_BYTES: u64 = 256 * 1024;

/// A command of a person or a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomCommand {
    /// Its name without the slash; `folder:name` if it lies in a folder.
    pub name: String,
    /// What it does, for a list.
    pub description: String,
    /// What its arguments are, for a list.
    pub argument_hint: String,
    /// What has no effect here yet, for a person.
    pub problems: Vec<String>,
    body: String,
}

/// All commands of the person (`root`) and of the project; a project's takes precedence.
pub fn custom_commands(root: &Path, folder: &Path, includes: &[SettingsSource]) -> Vec<CustomCommand> {
    let mut found: Vec<CustomCommand> = Vec::new();
    for (source, at) in
        [(SettingsSource::User, root.to_owned()), (SettingsSource::Project, folder.join(".claude"))]
    {
        if includes.contains(&source) {
            let base = at.join("commands");
            for path in command_files(&base) {
                if let Some(command) = CustomCommand::read(&base, &path) {
                    found.retain(|other| other.name != command.name);
                    found.push(command);
                }
            }
        }
    }
    found
}

fn command_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let files = paths.into_iter().flat_map(|path| {
        // A link to a folder may lead into a circle.
        if path.is_dir() && !path.is_symlink() { command_files(&path) } else { vec![path] }
    });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

impl CustomCommand {
    fn read(base: &Path, path: &Path) -> Option<Self> {
        let relative = path.strip_prefix(base).ok()?.with_extension("");
        let parts: Option<Vec<_>> = relative.components().map(|part| part.as_os_str().to_str()).collect();
        let name = parts?.join(":");
        let is_small = fs::metadata(path).is_ok_and(|about| about.len() <= MAX_COMMAND_BYTES);
        let text = fs::read_to_string(path).ok().filter(|_| is_small)?;
        let mut problems = Vec::new();
        let (head, body) = match text.strip_prefix("---\n").map(|rest| rest.split_once("\n---\n")) {
            Some(Some((head, body))) => (head, body),
            Some(None) => {
                problems
                    .push(format!("the front matter of {} has no end; it counts as text", path.display()));
                ("", text.as_str())
            }
            None => ("", text.as_str()),
        };
        let field = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let found = lines.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim()).next();
            found.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
        };
        for unsupported in ["allowed-tools", "model", "context", "agent", "hooks"] {
            if !field(unsupported).is_empty() {
                problems.push(format!("“{unsupported}” of the command /{name} has no effect yet"));
            }
        }
        let first_line =
            || body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
        let description =
            Some(field("description")).filter(|text| !text.is_empty()).unwrap_or_else(first_line);
        Some(Self {
            name,
            description,
            argument_hint: field("argument-hint"),
            problems,
            body: body.trim().to_owned(),
        })
    }

    /// The prompt that the command stands for; an error says why it cannot be used. `may_read` decides
    /// about files that it mentions: those that may not be read stay mentions.
    pub fn expand(
        &self,
        arguments: &str,
        folder: &Path,
        may_read: impl Fn(&Path) -> bool,
    ) -> Result<Value, String> {
        if self.body.contains("!`") {
            return Err(format!(
                "/{} includes the output of a shell command (!`…`), which hotseat cannot do yet; nothing was sent",
                self.name
            ));
        }
        let mut body = self.body.clone();
        let words: Vec<_> = arguments.split_whitespace().collect();
        let takes_arguments =
            body.contains("$ARGUMENTS") || (1..=9).any(|at| body.contains(&format!("${at}")));
        for at in (1..=9).rev() {
            body = body.replace(&format!("${at}"), words.get(at - 1).copied().unwrap_or_default());
        }
        body = body.replace("$ARGUMENTS", arguments);
        if !takes_arguments && !arguments.is_empty() {
            body.push_str("\n\nARGUMENTS: ");
            body.push_str(arguments);
        }
        let head = format!(
            "<command-message>{name}</command-message>\n<command-name>/{name}</command-name>\n<command-args>{arguments}\
             </command-args>",
            name = self.name
        );
        let mut blocks = vec![json!({"type": "text", "text": head})];
        for mention in mentions(&body) {
            let path = folder.join(mention);
            let is_readable =
                fs::metadata(&path).is_ok_and(|about| about.is_file() && about.len() <= MAX_MENTION_BYTES);
            if is_readable
                && may_read(&path)
                && let Ok(text) = fs::read_to_string(&path)
            {
                let text = format!("Contents of {}:\n\n{text}", path.display());
                blocks.push(json!({"type": "text", "text": text}));
            }
        }
        blocks.push(json!({"type": "text", "text": body}));
        Ok(Value::Array(blocks))
    }
}

/// The paths behind an `@` at the beginning of a word.
fn mentions(body: &str) -> impl Iterator<Item = &str> {
    let words = body.split_whitespace().filter_map(|word| word.strip_prefix('@'));
    words.map(|path| path.trim_end_matches([',', ';', ':', ')', '.'])).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = temp.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        temp
    }

    const ALL: [SettingsSource; 2] = [SettingsSource::User, SettingsSource::Project];

    #[test]
    fn commands_are_found_and_a_projects_takes_precedence() {
        let temp = tree(&[
            ("root/commands/review.md", "mine"),
            (
                "root/commands/git/sync.md",
                "---\ndescription: Sync it\nargument-hint: \"[branch]\"\nmodel: opus\n---\nsync $1",
            ),
            ("work/.claude/commands/review.md", "ours"),
            ("work/.claude/commands/broken.md", "---\ndescription: x\nno end"),
        ]);
        let (root, folder) = (temp.path().join("root"), temp.path().join("work"));
        let commands = custom_commands(&root, &folder, &ALL);
        let names: Vec<_> = commands.iter().map(|command| command.name.as_str()).collect();
        assert_eq!(names, ["git:sync", "broken", "review"]);
        assert_eq!(
            (commands[0].description.as_str(), commands[0].argument_hint.as_str()),
            ("Sync it", "[branch]")
        );
        assert!(commands[0].problems[0].contains("“model” of the command /git:sync has no effect yet"));
        assert!(commands[1].problems[0].contains("has no end"), "{:?}", commands[1].problems);
        assert_eq!(commands[2].description, "ours");
        assert_eq!(custom_commands(&root, &folder, &ALL[..1]).len(), 2);
    }

    #[test]
    fn arguments_and_mentions_are_filled_in() {
        let temp = tree(&[
            ("root/commands/a.md", "first $1, all: $ARGUMENTS. See @note.txt and @secret.txt"),
            ("root/commands/b.md", "plain"),
            ("root/commands/c.md", "now !`date`"),
            ("note.txt", "NOTE-1"),
            ("secret.txt", "SECRET"),
        ]);
        let commands = custom_commands(&temp.path().join("root"), temp.path(), &ALL);
        let expand = |at: usize| commands[at].expand("x y", temp.path(), |path| path.ends_with("note.txt"));
        let a = expand(0).unwrap();
        assert_eq!(a[2]["text"], "first x, all: x y. See @note.txt and @secret.txt");
        assert!(a[1]["text"].as_str().unwrap().ends_with("NOTE-1") && !a.to_string().contains("SECRET"));
        assert!(expand(1).unwrap()[1]["text"].as_str().unwrap().ends_with("ARGUMENTS: x y"));
        assert!(expand(2).unwrap_err().contains("cannot do yet"));
    }
}
