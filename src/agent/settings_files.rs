//! The official tools' settings files: found, read and updated.
//!
//! Owns where they are and how an update is written: whole or not at all, and
//! unknown settings stay. What a setting means is decided elsewhere.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::tool::atomic_write;

/// Where settings come from; a later variant takes precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingsSource {
    /// The person's, for all projects.
    User,
    /// The project's, for everybody who works on it.
    Project,
    /// The person's, for this project.
    Local,
    /// `--settings`.
    Flag,
    /// `--managed-settings`.
    Managed,
}

impl SettingsSource {
    /// Its name as `--setting-sources` has it.
    fn flag_name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
            Self::Flag => "flag",
            Self::Managed => "managed",
        }
    }

    /// The file that a permission update names; `None` if it names none.
    fn from_destination(name: &str) -> Option<Self> {
        match name {
            "userSettings" => Some(Self::User),
            "projectSettings" => Some(Self::Project),
            "localSettings" => Some(Self::Local),
            _ => None,
        }
    }
}

/// One of them, as it was read.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    /// Where it comes from.
    pub source: SettingsSource,
    /// Its name in messages: the path, or `--settings`.
    pub name: String,
    /// What it says.
    pub content: Value,
}

/// All that count for this process.
#[derive(Debug, Clone, Default)]
pub struct SettingsFiles {
    files: Vec<SettingsFile>,
    /// The sources chosen by `--setting-sources`, whether their file exists or not.
    included: Vec<SettingsSource>,
    /// What could not be read, for a person.
    pub problems: Vec<String>,
    /// Files of the project that say more than what they forbid, and do not count,
    /// since nobody trusts the folder.
    pub left_out: Vec<String>,
    root: PathBuf,
    folder: PathBuf,
}

impl SettingsFiles {
    /// Reads those of `root` (the official tools' folder) and of the folder that
    /// the process was started in. `sources` are the names of
    /// `--setting-sources`; all where it is absent. `given` is `--settings`: a
    /// file, or JSON.
    ///
    /// A project's files come with the project, from whoever wrote it: where
    /// nobody `trusts` the folder, they can forbid and nothing else.
    pub fn read(
        root: &Path,
        folder: &Path,
        trusts: bool,
        sources: Option<&str>,
        given: Option<&str>,
    ) -> Self {
        let mut files = Self { root: root.to_owned(), folder: folder.to_owned(), ..Self::default() };
        for source in [SettingsSource::User, SettingsSource::Project, SettingsSource::Local] {
            let is_chosen = |names: &str| names.split(',').any(|name| name.trim() == source.flag_name());
            if sources.is_none_or(is_chosen) {
                files.included.push(source);
                let path = files.path(source);
                files.push_file(source, &path.display().to_string(), fs::read_to_string(&path));
            }
        }
        if !trusts {
            files.keep_only_denials();
            let servers = folder.join(".mcp.json");
            if files.includes(SettingsSource::Project) && servers.exists() {
                files.left_out.push(servers.display().to_string());
            }
        }
        files.push_given(SettingsSource::Flag, "--settings", given);
        files
    }

    /// Adds those of a flag: a file, or JSON.
    pub fn push_given(&mut self, source: SettingsSource, flag: &str, given: Option<&str>) {
        match given.map(str::trim).filter(|given| !given.is_empty()) {
            Some(json) if json.starts_with('{') => self.push_file(source, flag, Ok(json.to_owned())),
            Some(path) => match fs::read_to_string(self.folder.join(path)) {
                Err(error) => self.problems.push(format!("cannot read the settings {path}: {error}")),
                text => self.push_file(source, path, text),
            },
            None => {}
        }
    }

    /// Reduces a project's files to what they forbid.
    fn keep_only_denials(&mut self) {
        for file in self.files.iter_mut().filter(|file| file.source != SettingsSource::User) {
            let permissions = &file.content["permissions"];
            let forbidding = json!({"permissions": {"deny": permissions["deny"], "ask": permissions["ask"]}});
            if !says_at_most(&file.content, &forbidding) {
                self.left_out.push(file.name.clone());
                self.problems.push(format!(
                    "{} counts only for what it forbids, since this folder is not trusted: `hotseat` here asks \
                     once, or pass --setting-sources user,project,local",
                    file.name
                ));
            }
            file.content = forbidding;
        }
    }

    /// Those that count, the one that counts least first.
    pub fn all(&self) -> &[SettingsFile] {
        &self.files
    }

    /// Writes a permission update into the file it names; false where it names none.
    pub fn write_update(&self, update: &Value) -> io::Result<bool> {
        let Some(source) =
            SettingsSource::from_destination(update["destination"].as_str().unwrap_or_default())
        else {
            return Ok(false);
        };
        let path = self.path(source);
        let mut content = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == ErrorKind::NotFound => json!({}),
            Err(error) => return Err(error),
        };
        let settings = content.as_object_mut().ok_or_else(|| io::Error::other("it is no JSON object"))?;
        apply_update(settings, update)
            .ok_or_else(|| io::Error::other("its permissions are no JSON object"))?;
        let text = serde_json::to_string_pretty(&content).map_err(io::Error::other)?;
        // A file that is a link stays one.
        let path = super::tool::canonical(&path);
        atomic_write(&path, format!("{text}\n").as_bytes())?;
        Ok(true)
    }

    /// Whether what comes from there counts, be it a settings file or another.
    pub fn includes(&self, source: SettingsSource) -> bool {
        self.included.contains(&source)
    }

    /// The sources that count.
    pub fn included(&self) -> Vec<SettingsSource> {
        self.included.clone()
    }

    /// The official tools' folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The project's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the file of a source lies.
    pub fn path(&self, source: SettingsSource) -> PathBuf {
        match source {
            SettingsSource::User => self.root.join("settings.json"),
            SettingsSource::Local => self.folder.join(".claude/settings.local.json"),
            SettingsSource::Project | SettingsSource::Flag | SettingsSource::Managed => {
                self.folder.join(".claude/settings.json")
            }
        }
    }

    fn push_file(&mut self, source: SettingsSource, name: &str, text: io::Result<String>) {
        let content = match text.map(|text| serde_json::from_str::<Value>(&text)) {
            Ok(Ok(content)) if content.is_object() => content,
            Ok(Ok(_)) => return self.problems.push(format!("{name} is no JSON object; it does not count")),
            Ok(Err(error)) => {
                return self.problems.push(format!("{name} is no JSON ({error}); it does not count"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::NotADirectory => {
                return;
            }
            Err(error) => return self.problems.push(format!("cannot read {name}: {error}")),
        };
        self.files.push(SettingsFile { source, name: name.to_owned(), content });
    }
}

/// What the official CLI keeps of the person and of each folder: `.claude.json`,
/// in its folder or beside it. Null where there is none.
pub fn read_claude_json(root: &Path) -> Value {
    let read =
        |path: PathBuf| fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let beside = || read(root.parent()?.join(".claude.json"));
    read(root.join(".claude.json")).or_else(beside).unwrap_or_default()
}

/// Whether a person said to trust the folder, or one above it.
pub fn is_trusted(kept: &Value, folder: &Path) -> bool {
    let trusted =
        |folder: &Path| kept["projects"][&*folder.to_string_lossy()]["hasTrustDialogAccepted"] == true;
    folder.ancestors().any(trusted)
}

/// Whether a file says no more than this.
fn says_at_most(content: &Value, most: &Value) -> bool {
    let is_known = |value: &Value, most: &Value| {
        value.as_object().is_none_or(|value| value.keys().all(|key| !most[key].is_null()))
    };
    is_known(content, most) && is_known(&content["permissions"], &most["permissions"])
}

/// Adds an update to what a file says; none where that has another form.
fn apply_update(settings: &mut Map<String, Value>, update: &Value) -> Option<()> {
    let permissions = settings.entry("permissions").or_insert_with(|| json!({})).as_object_mut()?;
    let mut list = |name: &str| {
        let list = permissions.entry(name.to_owned()).or_insert_with(|| json!([]));
        list.as_array_mut().map(std::mem::take)
    };
    let behavior = update["behavior"].as_str().unwrap_or("allow").to_owned();
    let texts = |of: &str, text: fn(&Value) -> Option<String>| -> Vec<Value> {
        update[of].as_array().into_iter().flatten().filter_map(text).map(Value::from).collect()
    };
    let rules = || texts("rules", rule_text);
    let folders = || texts("directories", |folder| folder.as_str().map(str::to_owned));
    let (name, changed) = match update["type"].as_str()? {
        "addRules" => (behavior.as_str(), union(list(&behavior)?, rules())),
        "replaceRules" => (behavior.as_str(), rules()),
        "removeRules" => (behavior.as_str(), difference(list(&behavior)?, &rules())),
        "addDirectories" => ("additionalDirectories", union(list("additionalDirectories")?, folders())),
        "removeDirectories" => {
            ("additionalDirectories", difference(list("additionalDirectories")?, &folders()))
        }
        "setMode" => {
            permissions.insert("defaultMode".to_owned(), update["mode"].clone());
            return Some(());
        }
        _ => return Some(()),
    };
    permissions.insert(name.to_owned(), Value::Array(changed));
    Some(())
}

fn union(mut list: Vec<Value>, more: Vec<Value>) -> Vec<Value> {
    for value in more {
        if !list.contains(&value) {
            list.push(value);
        }
    }
    list
}

fn difference(list: Vec<Value>, gone: &[Value]) -> Vec<Value> {
    list.into_iter().filter(|value| !gone.contains(value)).collect()
}

/// `Bash(git log:*)`, from its parts.
fn rule_text(rule: &Value) -> Option<String> {
    let tool = rule["toolName"].as_str()?;
    Some(match rule["ruleContent"].as_str() {
        Some(content) => format!("{tool}({content})"),
        None => tool.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &SettingsFiles) -> Vec<SettingsSource> {
        files.all().iter().map(|file| file.source).collect()
    }

    #[test]
    fn files_count_as_they_are_chosen_and_broken_ones_are_told() {
        let temp = tempfile::tempdir().unwrap();
        let (root, folder) = (temp.path().join("root"), temp.path().join("work"));
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(root.join("settings.json"), "{}");
        write(folder.join(".claude/settings.json"), "{}");
        write(folder.join(".claude/settings.local.json"), "{");
        write(folder.join("mine.json"), "[]");
        let files = SettingsFiles::read(&root, &folder, true, None, Some("{}"));
        assert_eq!(sources(&files), [SettingsSource::User, SettingsSource::Project, SettingsSource::Flag]);
        assert!(files.problems[0].contains("settings.local.json is no JSON"), "{:?}", files.problems);
        let files = SettingsFiles::read(&root, &folder, true, Some("project"), Some("mine.json"));
        assert_eq!(sources(&files), [SettingsSource::Project]);
        assert_eq!(files.problems, ["mine.json is no JSON object; it does not count"]);
        let files = SettingsFiles::read(&root, &folder, true, Some(""), Some("gone.json"));
        assert!(files.all().is_empty() && files.problems[0].contains("gone.json"));
    }

    #[test]
    fn a_project_that_nobody_trusts_can_only_forbid() {
        let temp = tempfile::tempdir().unwrap();
        let (root, folder) = (temp.path().join(".claude"), temp.path().join("work/deep"));
        fs::create_dir_all(folder.join(".claude")).unwrap();
        let text = r#"{"hooks": {"Stop": []}, "permissions": {"allow": ["Bash"], "deny": ["Write"]}}"#;
        fs::write(folder.join(".claude/settings.json"), text).unwrap();
        assert!(!is_trusted(&read_claude_json(&root), &folder));
        let files = SettingsFiles::read(&root, &folder, false, None, None);
        assert_eq!(files.all()[0].content, json!({"permissions": {"deny": ["Write"], "ask": null}}));
        assert!(files.problems[0].contains("not trusted"), "{:?}", files.problems);
        let known = json!({"projects": {temp.path().join("work").to_str().unwrap(): {"hasTrustDialogAccepted": true}}});
        fs::write(temp.path().join(".claude.json"), known.to_string()).unwrap();
        assert!(is_trusted(&read_claude_json(&root), &folder));
    }

    #[test]
    fn an_update_is_written_and_what_is_unknown_stays() {
        let temp = tempfile::tempdir().unwrap();
        let files = SettingsFiles::read(&temp.path().join("root"), temp.path(), true, None, None);
        let path = files.path(SettingsSource::Local);
        let keep = |update: Value| files.write_update(&update).unwrap();
        let rule = json!([{"toolName": "Bash", "ruleContent": "git log:*"}, {"toolName": "Read"}]);
        assert!(keep(
            json!({"type": "addRules", "rules": rule, "behavior": "allow", "destination": "localSettings"})
        ));
        let mut content: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(content, json!({"permissions": {"allow": ["Bash(git log:*)", "Read"]}}));
        content["novel"] = json!({"deep": [1]});
        content["permissions"]["novel"] = json!(true);
        fs::write(&path, content.to_string()).unwrap();
        for update in [
            json!({"type": "addRules", "rules": rule, "behavior": "allow"}),
            json!({"type": "removeRules", "rules": [{"toolName": "Read"}], "behavior": "allow"}),
            json!({"type": "replaceRules", "rules": [{"toolName": "Write"}], "behavior": "deny"}),
            json!({"type": "setMode", "mode": "plan"}),
            json!({"type": "addDirectories", "directories": ["/a", "/b"]}),
            json!({"type": "removeDirectories", "directories": ["/a"]}),
            json!({"type": "novel"}),
        ] {
            let mut update = update;
            update["destination"] = json!("localSettings");
            assert!(keep(update));
        }
        let content: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let permissions = json!({
            "allow": ["Bash(git log:*)"], "deny": ["Write"], "defaultMode": "plan", "additionalDirectories": ["/b"],
            "novel": true,
        });
        assert_eq!(content, json!({"permissions": permissions, "novel": {"deep": [1]}}));
        assert!(!keep(json!({"type": "setMode", "mode": "plan", "destination": "session"})));
    }

    #[test]
    fn a_file_that_makes_no_sense_is_left_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let files = SettingsFiles::read(temp.path(), temp.path(), true, None, None);
        for text in ["{", "[]", r#"{"permissions": 1}"#, r#"{"permissions": {"allow": 1}}"#] {
            fs::write(temp.path().join("settings.json"), text).unwrap();
            let rules = json!([{"toolName": "Read"}]);
            let update = json!({"type": "addRules", "rules": rules, "behavior": "allow", "destination": "userSettings"});
            assert!(files.write_update(&update).is_err(), "{text}");
            assert_eq!(fs::read_to_string(temp.path().join("settings.json")).unwrap(), text);
        }
    }
}
