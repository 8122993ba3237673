//! Which files a command reads and writes, as far as its words name them.
//!
//! Knows the common programs. Of any other it says which files its arguments
//! may mean, and nothing of what becomes of them.

mod programs;

use std::path::{Path, PathBuf};

use globset::GlobBuilder;

pub use self::programs::effect_of;
pub use self::programs::operands;
use self::programs::{CODE, DEVICES, writes_by_option};
use super::shell::{Code, ShellScript, ShellWord, SimpleCommand};
use crate::agent::tool::canonical;

/// File names looked at for one pattern; a pattern with more is not known.
const MAX_NAMES: usize = 2000;
/// Folders that a line may change into.
const MAX_FOLDERS: usize = 6;

/// What a command does with the files that its operands name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEffect {
    /// Its operands are no files.
    Text,
    Reads,
    /// It makes, changes or removes them.
    Writes,
    /// It reads all but the last, and writes that.
    Copies,
    /// Not known here.
    Unknown,
}

/// A file that a command names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it truly lies.
    pub path: PathBuf,
    /// What becomes of it.
    pub effect: FileEffect,
}

/// The files of a command or of a whole line.
#[derive(Debug, Clone, Default)]
pub struct NamedFiles {
    /// Each of them.
    pub files: Vec<NamedFile>,
    /// Some operands that are files are only known when it runs.
    pub has_unknown: bool,
}

/// The folders that relative paths of a line may start from: the session's, and
/// those that the line changes into. `false` if one of them is not known.
pub fn folders(script: &ShellScript, cwd: &Path) -> (Vec<PathBuf>, bool) {
    let (mut folders, mut is_known) = (vec![cwd.to_owned()], true);
    let mut enter = |word: Option<&ShellWord>| {
        let to = match word {
            None => super::shell::home(),
            Some(word) => {
                word.literal().filter(|text| text != "-" && !text.starts_with('+')).map(PathBuf::from)
            }
        };
        match to {
            Some(to) if folders.len() < MAX_FOLDERS => {
                let new: Vec<_> = folders.iter().map(|folder| canonical(folder.join(&to))).collect();
                folders.extend(new);
                folders.dedup();
                folders.truncate(MAX_FOLDERS);
            }
            _ => is_known = false,
        }
    };
    for command in &script.commands {
        let arguments = command.arguments();
        match command.name().as_deref() {
            Some("cd" | "pushd") => {
                enter(arguments.iter().find(|word| !word.text().starts_with('-') || word.text() == "-"));
            }
            Some("popd") => enter(Some(&ShellWord::unknown())),
            _ => {
                for (at, word) in arguments.iter().enumerate() {
                    let text = word.text();
                    if matches!(text.as_str(), "-C" | "--directory" | "--chdir" | "-D") {
                        enter(arguments.get(at + 1));
                    } else if let Some(folder) =
                        text.strip_prefix("--directory=").or_else(|| text.strip_prefix("--chdir="))
                    {
                        enter(Some(&ShellWord::quoted(folder)));
                    }
                }
            }
        }
    }
    // A folder nobody knows: what is denied by name is denied in it, too.
    if !is_known {
        folders.push(cwd.join(".unknown"));
    }
    (folders, is_known)
}

/// The files that a command names. `folders` are those of [`folders`].
pub fn named_files(command: &SimpleCommand, folders: &[PathBuf]) -> NamedFiles {
    let mut named = NamedFiles::default();
    let Some(name) = command.name() else {
        for word in &command.words {
            named.add(word, FileEffect::Unknown, folders);
        }
        return named;
    };
    // `python3.12` is `python`, but `base64` is what it is.
    let unversioned = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    let name = if effect_of(&name) == FileEffect::Unknown { unversioned.to_owned() } else { name };
    let arguments = command.arguments();
    let texts: Vec<String> = arguments.iter().map(ShellWord::text).collect();
    if writes_by_option(&name, &texts) {
        for word in operands(&name, arguments).into_iter().filter(|word| !word.text().contains("://")) {
            let text = word.text();
            let reads = name == "dd" && text.starts_with("if=");
            named.add(word, if reads { FileEffect::Reads } else { FileEffect::Writes }, folders);
            if let Some((_, value)) = text.split_once('=') {
                named.path(value, if reads { FileEffect::Reads } else { FileEffect::Writes }, folders);
            }
        }
        for text in texts.iter().filter(|text| text.starts_with('-')) {
            for part in parts(text) {
                named.path(part, FileEffect::Writes, folders);
            }
        }
    }
    let effect = effect_of(&name);
    let operands: Vec<&ShellWord> = operands(&name, arguments);
    match effect {
        FileEffect::Text => {}
        FileEffect::Copies => copies(arguments, &operands, folders, &mut named),
        FileEffect::Reads | FileEffect::Writes => {
            for word in &operands {
                named.add(word, effect, folders);
            }
            named.options(arguments, effect, folders);
        }
        FileEffect::Unknown => {
            for word in arguments {
                named.add(word, FileEffect::Unknown, folders);
            }
            // Unknown operands of an unknown program need not be files.
            named.has_unknown = false;
            named.options(arguments, FileEffect::Unknown, folders);
        }
    }
    if CODE.contains(&name.as_str()) {
        let texts = command.code.iter().filter_map(|code| match code {
            Code::Text(text) => Some(text.clone()),
            Code::Unknown => None,
        });
        for text in texts.chain(arguments.iter().map(ShellWord::text)) {
            let is_part = |char: char| char.is_alphanumeric() || "._/~+-@%".contains(char);
            for token in text.split(|char| !is_part(char)).filter(|token| !token.is_empty()) {
                named.path(token, FileEffect::Unknown, folders);
            }
        }
    }
    named
}

fn copies(arguments: &[ShellWord], operands: &[&ShellWord], folders: &[PathBuf], named: &mut NamedFiles) {
    let target = arguments.iter().enumerate().find_map(|(at, word)| {
        let text = word.text();
        if matches!(text.as_str(), "-t" | "--target-directory") {
            return arguments.get(at + 1).cloned();
        }
        text.strip_prefix("--target-directory=").or_else(|| text.strip_prefix("-t")).map(ShellWord::quoted)
    });
    let (sources, target) = match (target, operands) {
        (Some(target), sources) => (sources, Some(target)),
        (None, [sources @ .., target]) => (sources, Some((*target).clone())),
        (None, []) => (operands, None),
    };
    for source in sources {
        // Moving takes it away, and linking makes another way to it.
        named.add(source, FileEffect::Copies, folders);
    }
    let Some(target) = target else { return };
    named.add(&target, FileEffect::Writes, folders);
    // Into a folder, the copy has the source's name.
    for source in sources {
        let (Some(source), Some(target)) = (source.literal(), target.literal()) else { continue };
        if let Some(name) = Path::new(&source).file_name() {
            for folder in folders.iter().map(|folder| folder.join(&target)).filter(|path| path.is_dir()) {
                named.push(canonical(folder.join(name)), FileEffect::Writes);
            }
        }
    }
    if matches!(operands, [_]) && arguments.iter().any(|word| word.text().starts_with('-')) {
        // `ln -s target` alone makes a link here.
        named.push(folders[0].clone(), FileEffect::Reads);
    }
}

impl NamedFiles {
    fn push(&mut self, path: PathBuf, effect: FileEffect) {
        let file = NamedFile { path, effect };
        if !self.files.contains(&file) {
            self.files.push(file);
        }
    }

    /// A path as it is written, from each folder it may start from.
    fn path(&mut self, written: &str, effect: FileEffect, folders: &[PathBuf]) {
        if DEVICES.contains(&written) {
            return;
        }
        // The kernel's other names for the folder of a process, and for the root.
        for (alias, folder) in [("cwd", "."), ("root", "/")] {
            let aliases = [format!("/proc/self/{alias}"), format!("/proc/thread-self/{alias}")];
            if let Some(rest) = aliases.iter().find_map(|alias| written.strip_prefix(alias.as_str()))
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return self.path(&format!("{folder}/{}", rest.trim_start_matches('/')), effect, folders);
            }
        }
        for folder in folders {
            self.push(canonical(folder.join(written)), effect);
        }
    }

    /// The files that a word means.
    pub fn add(&mut self, word: &ShellWord, effect: FileEffect, folders: &[PathBuf]) {
        if word.is_unknown() {
            self.has_unknown = true;
            // Of `$DIR/.env` the name is known.
            if let Some((_, name)) = word.known_end().rsplit_once('/') {
                self.path(&format!(".unknown/{name}"), FileEffect::Unknown, folders);
            }
            return;
        }
        let text = word.text();
        if !word.has_glob() {
            if !text.is_empty() {
                self.path(&text, effect, folders);
            }
            if effect != FileEffect::Reads && effect != FileEffect::Writes {
                for part in parts(&text) {
                    self.path(part, effect, folders);
                }
            }
            return;
        }
        // What fits no file is handed on as it is written.
        self.path(&text, effect, folders);
        for folder in folders {
            match matching(word, folder) {
                Some(paths) => paths.into_iter().for_each(|path| self.push(canonical(path), effect)),
                None => self.has_unknown = true,
            }
        }
    }

    /// Values of options that may be files: `--file=x`, `-fx`, `if=x`.
    fn options(&mut self, arguments: &[ShellWord], effect: FileEffect, folders: &[PathBuf]) {
        for word in arguments {
            let text = word.text();
            for part in parts(&text) {
                self.path(part, effect, folders);
            }
        }
    }
}

/// The parts of an argument that may be a path of their own.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for (at, sign) in text.char_indices().filter(|(_, char)| matches!(char, '=' | '@' | ':' | ',')) {
        parts.push(&text[at + sign.len_utf8()..]);
        if sign != '=' {
            parts.push(&text[..at]);
        }
    }
    if text.starts_with('-') && !text.starts_with("--") && text.is_char_boundary(2) && text.len() > 2 {
        parts.push(&text[2..]);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The files that a pattern fits; `None` if there are too many to look at.
fn matching(word: &ShellWord, folder: &Path) -> Option<Vec<PathBuf>> {
    let pattern = word.glob_pattern();
    let mut found = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { folder.to_owned() }];
    let mut looked_at = 0;
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            let plain = part.replace('\\', "");
            found = found.into_iter().map(|path| path.join(&plain)).collect();
            continue;
        }
        let glob = GlobBuilder::new(part)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .ok()?
            .compile_matcher();
        let mut next = Vec::new();
        for folder in found {
            let Ok(entries) = folder.read_dir() else { continue };
            for entry in entries.filter_map(Result::ok) {
                looked_at += 1;
                if looked_at > MAX_NAMES {
                    return None;
                }
                let name = entry.file_name();
                let is_hidden = name.to_string_lossy().starts_with('.');
                if glob.is_match(&name) && (!is_hidden || part.starts_with(['.', '\\', '['])) {
                    next.push(entry.path());
                }
            }
        }
        found = next;
    }
    Some(found)
}
