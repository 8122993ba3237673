//! MCP servers of the official files: the person's, for all folders and for this
//! one, and those of the project's `.mcp.json`.
//!
//! A project's file comes with the project, from whoever wrote it: only approved
//! servers of it run. Reads files; connects to nothing.

use serde_json::{Map, Value};

use super::approval_pins;
use super::config::{self, McpTransport};
use crate::agent::settings_files::{SettingsFiles, SettingsSource};

/// A server that a file names.
#[derive(Debug, PartialEq)]
pub struct ConfiguredServer {
    pub name: String,
    /// Who named it: `user`, `project` or `local`.
    pub scope: &'static str,
    /// Where it is reached; the error says what makes no sense.
    pub transport: Result<McpTransport, String>,
}

/// The servers that count, of those `settings` chooses; `kept` is what the
/// official CLI keeps of the person. `problems` gets what a person should know.
pub fn configured_servers(
    settings: &SettingsFiles,
    claude_json: &Value,
    problems: &mut Vec<String>,
) -> Vec<ConfiguredServer> {
    let folder = settings.folder();
    // What a person approved for a folder is not approved for the `.mcp.json` of
    // a folder below it, which may use the same names for other commands.
    let approvals = &claude_json["projects"][&*folder.to_string_lossy()];
    let here = folder.ancestors().map(|folder| &claude_json["projects"][&*folder.to_string_lossy()]);
    let here = here.into_iter().find(|here| here.is_object()).unwrap_or(&Value::Null);
    let mut named: Vec<ConfiguredServer> = Vec::new();
    for (source, scope) in [
        (SettingsSource::User, "user"),
        (SettingsSource::Project, "project"),
        (SettingsSource::Local, "local"),
    ] {
        if !settings.includes(source) {
            continue;
        }
        let servers = match source {
            SettingsSource::User => claude_json["mcpServers"].as_object().cloned(),
            SettingsSource::Project => approved_project_servers(settings, approvals, problems),
            SettingsSource::Local | SettingsSource::Flag | SettingsSource::Managed => {
                here["mcpServers"].as_object().cloned()
            }
        };
        let configs = config::parse_servers(&servers.unwrap_or_default());
        named.retain(|other| !configs.contains_key(&other.name));
        named.extend(configs.into_iter().map(|(name, transport)| ConfiguredServer {
            name,
            scope,
            transport,
        }));
    }
    named
}

/// Those of `.mcp.json` that somebody approved.
fn approved_project_servers(
    settings: &SettingsFiles,
    here: &Value,
    problems: &mut Vec<String>,
) -> Option<Map<String, Value>> {
    let path = settings.folder().join(".mcp.json");
    let text = std::fs::read_to_string(&path).ok()?;
    let config: Value = serde_json::from_str(&text).unwrap_or_default();
    let Some(servers) = config["mcpServers"].as_object() else {
        problems.push(format!("{} has no object “mcpServers”; it does not count", path.display()));
        return None;
    };
    let says: Vec<&Value> = settings.all().iter().map(|file| &file.content).chain([here]).collect();
    let lists = |list: &str, name: &str| {
        says.iter().any(|says| says[list].as_array().is_some_and(|names| names.iter().any(|one| one == name)))
    };
    let approves_all = says.iter().any(|says| says["enableAllProjectMcpServers"] == true);
    let refused = |name: &str| lists("disabledMcpjsonServers", name);
    let approved = |name: &str| approves_all || lists("enabledMcpjsonServers", name);
    let waiting: Vec<&str> =
        servers.keys().map(String::as_str).filter(|name| !refused(name) && !approved(name)).collect();
    if !waiting.is_empty() {
        problems.push(format!(
            "{} names MCP servers that nobody approved, so they are not started: {}; start claude here once, or list \
             them in “enabledMcpjsonServers” of {}",
            path.display(),
            waiting.join(", "),
            settings.path(SettingsSource::Local).display()
        ));
    }
    let mut pins = approval_pins::ApprovalPins::read(settings.root(), &path);
    let wanted = servers.iter().filter(|(name, _)| approved(name) && !refused(name));
    let (running, changed): (Vec<_>, Vec<_>) = wanted.partition(|(name, config)| pins.hold(name, config));
    let changed: Vec<&str> = changed.iter().map(|(name, _)| name.as_str()).collect();
    if !changed.is_empty() {
        problems.push(format!(
            "{} changed these MCP servers after they were approved, so they are not started: {}; check what they run, \
             then remove them from {}",
            path.display(),
            changed.join(", "),
            pins.path().display()
        ));
    }
    if let Err(error) = pins.write() {
        problems.push(format!("cannot remember which MCP servers were approved: {error}"));
    }
    Some(running.into_iter().map(|(name, config)| (name.clone(), config.clone())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Names and scopes of what counts where `.claude.json` and `.mcp.json` are
    /// these, and what is told.
    fn check(
        sources: Option<&str>,
        claude_json: &Value,
        project: &str,
        expected: &[(&str, &str)],
        told: &str,
    ) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".mcp.json"), project).unwrap();
        let settings = SettingsFiles::read(&folder.path().join("root"), folder.path(), true, sources, None);
        let claude_json = claude_json.to_string().replace("HERE", folder.path().to_str().unwrap());
        let mut problems = Vec::new();
        let named =
            configured_servers(&settings, &serde_json::from_str(&claude_json).unwrap(), &mut problems);
        let found: Vec<_> = named.iter().map(|named| (named.name.as_str(), named.scope)).collect();
        assert_eq!(found, expected, "{sources:?} {claude_json} {project}");
        assert!(problems.concat().contains(told) && problems.is_empty() == told.is_empty(), "{problems:?}");
    }

    #[test]
    fn the_nearer_scope_counts_and_a_project_s_servers_have_to_be_approved() {
        let server = json!({"command": "srv"});
        let claude_json = |approved: &Value| {
            json!({
                "mcpServers": {"both": server, "mine": server},
                "projects": {"HERE": {"mcpServers": {"both": server}, "enabledMcpjsonServers": approved}},
            })
        };
        let project = json!({"mcpServers": {"theirs": server}}).to_string();
        let own = [("mine", "user"), ("both", "local")];
        check(
            None,
            &claude_json(&json!([])),
            &project,
            &own,
            "nobody approved, so they are not started: theirs",
        );
        let all = [("mine", "user"), ("theirs", "project"), ("both", "local")];
        check(None, &claude_json(&json!(["theirs"])), &project, &all, "");
        check(
            Some("user"),
            &claude_json(&json!(["theirs"])),
            &project,
            &[("both", "user"), ("mine", "user")],
            "",
        );
        check(Some(""), &claude_json(&json!(["theirs"])), &project, &[], "");
        check(None, &json!(null), "{", &[], "has no object");
        check(None, &json!({"mcpServers": {"odd": 7}}), "{\"mcpServers\":{}}", &[("odd", "user")], "");
    }

    #[test]
    fn an_approval_does_not_reach_the_file_of_a_subfolder() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("repo/sub");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join(".mcp.json"),
            json!({"mcpServers": {"srv": {"command": "evil"}}}).to_string(),
        )
        .unwrap();
        let repo = temp.path().join("repo");
        let kept = json!({"projects": {repo.to_str().unwrap(): {"enabledMcpjsonServers": ["srv"]}}});
        let settings = SettingsFiles::read(&temp.path().join("root"), &folder, true, None, None);
        let mut problems = Vec::new();
        assert_eq!(configured_servers(&settings, &kept, &mut problems), []);
        assert!(problems.concat().contains("nobody approved"), "{problems:?}");
    }

    #[test]
    fn a_server_that_changed_after_it_was_approved_is_not_started() {
        let temp = tempfile::tempdir().unwrap();
        let (root, folder) = (temp.path().join("root"), temp.path().join("work"));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let kept = json!({"projects": {folder.to_str().unwrap(): {"enabledMcpjsonServers": ["srv"]}}});
        let start = |command: &str| {
            let config = json!({"mcpServers": {"srv": {"command": command}}});
            std::fs::write(folder.join(".mcp.json"), config.to_string()).unwrap();
            let settings = SettingsFiles::read(&root, &folder, true, None, None);
            let mut problems = Vec::new();
            (configured_servers(&settings, &kept, &mut problems).len(), problems.concat())
        };
        assert_eq!(start("good"), (1, String::new()));
        assert_eq!(start("good"), (1, String::new()));
        let (count, problems) = start("evil");
        assert!(count == 0 && problems.contains("after they were approved"), "{problems}");
    }
}
