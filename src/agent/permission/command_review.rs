//! What the rules say of a command line, part by part.
//!
//! Denying and asking read a line generously: one part, in one of its
//! spellings, is enough. Allowing reads it narrowly: every part has to be
//! allowed, and known. Decides nothing by itself; [`super::Permissions`] puts
//! the answers in order.

use std::path::{Path, PathBuf};

use super::command_files::{self, FileEffect, NamedFile, NamedFiles};
use super::command_text::CommandPattern;
use super::path_pattern::PathDenial;
use super::rule::{PermissionRule, RulePattern, ToolUse};
use super::shell::{Code, NotUnderstood, ShellScript, SimpleCommand, StartedBy, Wrapping};
use super::traversal::{self, DeniedInside, TraversedFolder};
use super::{AskReason, AskReasonKind, reach, read_only, removal, repository_programs};
use crate::sys::protected_paths::is_protected;

/// The tool that runs commands.
const BASH: &str = "Bash";

/// A command line that is looked at.
pub struct CommandReview<'a> {
    line: &'a str,
    cwd: &'a Path,
    parts: Result<Parts, NotUnderstood>,
}

/// What it consists of.
struct Parts {
    script: ShellScript,
    /// The files of each command.
    named: Vec<NamedFiles>,
    /// The files that redirections open.
    opened: Vec<NamedFile>,
    /// The folders that it goes through.
    gone_through: Vec<TraversedFolder>,
    /// Some files are only known when it runs.
    has_unknown_files: bool,
    /// Where relative paths may start from.
    folders: Vec<PathBuf>,
    /// All of these folders are known.
    knows_folders: bool,
}

/// What a rule that forbids, or wants a question, has to do with the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    /// It means a part of it.
    Part,
    /// It may mean it: the line is not understood.
    NotUnderstood(String),
    /// It may mean a file that is only known when the line runs.
    UnknownFile,
    /// It means a file in a folder that the line goes through.
    Inside(DeniedInside),
}

/// What may be done with a file without asking.
pub trait FileAccess {
    /// Whether it may be read.
    fn may_read(&self, path: &Path) -> bool;
    /// Whether it may be written, as an edit.
    fn may_edit(&self, path: &Path) -> bool;
    /// Whether it lies where the session works.
    fn is_inside(&self, path: &Path) -> bool;
}

impl<'a> CommandReview<'a> {
    /// Reads a line that is to run in `cwd`.
    pub fn new(line: &'a str, cwd: &'a Path) -> Self {
        let parts = ShellScript::parse(line, cwd).map(|script| Parts::new(script, cwd));
        Self { line: line.trim(), cwd, parts }
    }

    /// Whether a rule that forbids or wants a question is about this line.
    pub fn hit_by(&self, rule: &PermissionRule) -> Option<Hit> {
        if rule.covers_tool(BASH) {
            return match rule.pattern() {
                None => Some(Hit::Part),
                Some(pattern) => self.hit_by_command_pattern(pattern.text()),
            };
        }
        let pattern = rule.pattern()?;
        let covers_edit = rule.covers_tool("Edit") || rule.covers_tool("Write");
        let covers_read = rule.covers_tool("Read");
        if !covers_edit && !covers_read {
            return None;
        }
        let parts = match &self.parts {
            Ok(parts) => parts,
            Err(why) => return Some(Hit::NotUnderstood(why.0.clone())),
        };
        let names = |path: &Path| {
            let file = ToolUse::File { path, cwd: self.cwd };
            rule.denies(
                if covers_read {
                    "Read"
                } else if rule.covers_tool("Edit") {
                    "Edit"
                } else {
                    "Write"
                },
                file,
            )
        };
        // Whoever only reads may read what must not be edited.
        let concerns = |effect: FileEffect| covers_read || effect != FileEffect::Reads;
        let is_hit = parts.all_files().any(|file| concerns(file.effect) && names(&file.path))
            || parts.has_unknown_files && parts.assigned_files().any(|path| names(&path));
        if is_hit {
            return Some(Hit::Part);
        }
        let denial = PathDenial::new(pattern.text(), self.cwd);
        let mut contents = parts.gone_through.iter().filter(|contents| concerns(contents.effect));
        if let Some(inside) = contents.find_map(|contents| contents.denied_by(&denial)) {
            return Some(Hit::Inside(inside));
        }
        parts.has_unknown_files.then_some(Hit::UnknownFile)
    }

    fn hit_by_command_pattern(&self, text: &str) -> Option<Hit> {
        let pattern = CommandPattern::new(text);
        if pattern.fits(self.line) {
            return Some(Hit::Part);
        }
        match &self.parts {
            Ok(parts) => parts
                .script
                .commands
                .iter()
                .any(|command| pattern.may_mean(command, self.cwd))
                .then_some(Hit::Part),
            Err(why) => Some(Hit::NotUnderstood(why.0.clone())),
        }
    }

    /// Why a person has to be asked whatever the mode and the rules say: it
    /// removes what nobody means to remove.
    pub fn critical_removal(&self) -> Option<String> {
        let parts = self.parts.as_ref().ok()?;
        removal::critical(&parts.script, &parts.folders)
    }

    /// Why a person has to be asked unless one agreed to this very line: it is
    /// not understood, or writes a protected file.
    pub fn concern(&self) -> Option<AskReason> {
        let parts = match &self.parts {
            Ok(parts) => parts,
            Err(why) => return Some(AskReasonKind::Other.because(why.0.clone())),
        };
        let protected = parts.written_files().find(|file| is_protected(&file.path))?;
        let why = format!("it writes {}, which decides what runs later", protected.path.display());
        Some(AskReasonKind::SafetyCheck.because(why))
    }

    /// Whether the line only reads and reports, in folders that may be read.
    pub fn is_read_only(&self, access: &dyn FileAccess) -> bool {
        let Ok(parts) = &self.parts else { return false };
        let script = &parts.script;
        script.is_plain
            && !script.in_background
            && !parts.git_may_run_programs()
            && parts.knows_folders
            && !script.commands.is_empty()
            && parts.folders.iter().all(|folder| access.is_inside(folder))
            && script.commands.iter().zip(&parts.named).all(|(command, named)| {
                command.started_by != StartedBy::Launcher && reads_inside(command, named, access)
            })
            && parts.opened.iter().all(|file| file.effect == FileEffect::Reads && access.may_read(&file.path))
            && !parts.has_unknown_files
    }

    /// Whether the rules allow the whole line.
    pub fn is_allowed_by(&self, rules: &[&PermissionRule], access: &dyn FileAccess) -> bool {
        let rules: Vec<_> = rules.iter().filter(|rule| rule.covers_tool(BASH)).collect();
        let whole_line = rules.iter().any(|rule| match rule.pattern() {
            None => true,
            Some(pattern) => pattern.text() == self.line,
        });
        if whole_line {
            return true;
        }
        let patterns: Vec<_> = rules
            .iter()
            .filter_map(|rule| match rule.pattern()? {
                RulePattern::Glob(text) => Some(CommandPattern::new(text)),
                // Means one line, to the letter.
                RulePattern::Literal(_) => None,
            })
            .collect();
        let Ok(parts) = &self.parts else { return false };
        let stays_inside = parts.folders.iter().all(|folder| access.is_inside(folder));
        if parts.script.in_background || !parts.knows_folders || !stays_inside || patterns.is_empty() {
            return false;
        }
        let mut has_rule = false;
        let mut commands = parts.script.commands.iter().zip(&parts.named).peekable();
        while let Some((command, named)) = commands.next() {
            match allowed(command, named, &patterns, access) {
                Allowed::AsReadOnly if parts.git_may_run_programs() => return false,
                Allowed::No => return false,
                Allowed::AsReadOnly | Allowed::AsWrapper => {}
                Allowed::ByRule => {
                    has_rule = true;
                    while commands.next_if(|(next, _)| next.started_by == StartedBy::Launcher).is_some() {}
                }
            }
        }
        // Without a rule it is for `is_read_only` to say, which knows what is unusual.
        has_rule
            && !parts.has_unknown_redirect()
            && parts.opened.iter().all(|file| match file.effect {
                FileEffect::Reads => access.may_read(&file.path),
                _ => access.may_edit(&file.path),
            })
    }

    /// The file that a question is about: the first that is written where it
    /// should not be, or that lies elsewhere.
    pub fn blocked_path(&self, access: &dyn FileAccess) -> Option<PathBuf> {
        let parts = self.parts.as_ref().ok()?;
        let outside = |file: &&NamedFile| !access.is_inside(&file.path) && file.effect != FileEffect::Unknown;
        let protected = parts.written_files().find(|file| is_protected(&file.path));
        protected.or_else(|| parts.all_files().find(outside)).map(|file| file.path.clone())
    }
}

/// Whether a part is allowed.
enum Allowed {
    No,
    AsReadOnly,
    /// It adds nothing to the command behind it.
    AsWrapper,
    /// A rule means it, with the commands that it starts.
    ByRule,
}

fn allowed(
    command: &SimpleCommand,
    named: &NamedFiles,
    patterns: &[CommandPattern<'_>],
    access: &dyn FileAccess,
) -> Allowed {
    if is_meant_by_rule(command, named, patterns, access) {
        return Allowed::ByRule;
    }
    if reads_inside(command, named, access) {
        return Allowed::AsReadOnly;
    }
    if command.wraps == Some(Wrapping::Transparent) && command.assignments.is_empty() {
        return Allowed::AsWrapper;
    }
    Allowed::No
}

/// Whether a rule for commands means this one, with nothing in it that goes
/// beyond what the rule says.
fn is_meant_by_rule(
    command: &SimpleCommand,
    named: &NamedFiles,
    patterns: &[CommandPattern<'_>],
    access: &dyn FileAccess,
) -> bool {
    let variables =
        command.assignments.iter().all(|(name, value)| read_only::is_harmless_variable(name, value));
    if !variables || command.words.is_empty() || command.wraps == Some(Wrapping::Transparent) {
        return false;
    }
    let name = command.name().unwrap_or_default();
    let effect = command_files::effect_of(&name);
    let launches = command.wraps == Some(Wrapping::Launching)
        || command.code.iter().any(|code| matches!(code, Code::Unknown));
    let is_meant = patterns.iter().any(|pattern| {
        pattern.allows(command, effect == FileEffect::Text)
            && (!launches || pattern.is_exact())
            && reach::beyond(command, pattern).is_none()
    });
    is_meant && files_allow(&name, effect, named, access)
}

/// Whether the files that a command names let a rule for its name allow it.
fn files_allow(name: &str, effect: FileEffect, named: &NamedFiles, access: &dyn FileAccess) -> bool {
    if effect != FileEffect::Text && effect != FileEffect::Unknown && named.has_unknown {
        return false;
    }
    named.files.iter().all(|file| match file.effect {
        FileEffect::Text => true,
        FileEffect::Reads => access.may_read(&file.path),
        FileEffect::Writes => access.is_inside(&file.path) && !is_protected(&file.path),
        FileEffect::Copies => access.may_read(&file.path) && (name == "cp" || !is_protected(&file.path)),
        // What becomes of these is not known: git has its own ways into them.
        FileEffect::Unknown => effect != FileEffect::Unknown || name == "git" || !is_protected(&file.path),
    })
}

fn reads_inside(command: &SimpleCommand, named: &NamedFiles, access: &dyn FileAccess) -> bool {
    read_only::is_read_only(command)
        && !named.has_unknown
        && named.files.iter().all(|file| access.may_read(&file.path))
}

impl Parts {
    fn new(script: ShellScript, cwd: &Path) -> Self {
        let (folders, knows_folders) = command_files::folders(&script, cwd);
        let named: Vec<_> =
            script.commands.iter().map(|command| command_files::named_files(command, &folders)).collect();
        let gone_through = script.commands.iter().zip(&named);
        let gone_through = gone_through
            .flat_map(|(command, named)| traversal::gone_through(command, named, &folders))
            .collect();
        let mut opened = NamedFiles::default();
        for redirect in &script.redirects {
            opened.add(
                &redirect.target,
                if redirect.writes { FileEffect::Writes } else { FileEffect::Reads },
                &folders,
            );
        }
        let has_unknown_files = opened.has_unknown || named.iter().any(|named| named.has_unknown);
        Self { script, named, opened: opened.files, gone_through, has_unknown_files, folders, knows_folders }
    }

    fn all_files(&self) -> impl Iterator<Item = &NamedFile> {
        self.named.iter().flat_map(|named| &named.files).chain(&self.opened)
    }

    fn written_files(&self) -> impl Iterator<Item = &NamedFile> {
        self.all_files().filter(|file| file.effect == FileEffect::Writes)
    }

    /// Files that words which are only assigned, or gone through, may name.
    fn assigned_files(&self) -> impl Iterator<Item = PathBuf> {
        let mut named = NamedFiles::default();
        for word in &self.script.assigned_words {
            named.add(word, FileEffect::Unknown, &self.folders);
        }
        named.files.into_iter().map(|file| file.path)
    }

    fn has_unknown_redirect(&self) -> bool {
        self.script.redirects.iter().any(|redirect| redirect.target.is_unknown())
    }

    /// Another folder's repository may run programs of its own, and so may this one's.
    fn git_may_run_programs(&self) -> bool {
        let has = |wanted: &str| {
            self.script.commands.iter().any(|command| command.name().as_deref() == Some(wanted))
        };
        has("git")
            && (has("cd") || self.folders.iter().any(|folder| repository_programs::names_programs(folder)))
    }
}
