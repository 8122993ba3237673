//! One agent in a slot, with a home and a model of its own.

use std::path::{Path, PathBuf};

use hotseat::session::SessionId;
use hotseat::slot::{
    AGENTS, AgentInfo, Capabilities, CompletedSwitch, Launch, SessionFinder, SessionLocation, Switch,
    SwitchMethod, SwitchSupport,
};
use hotseat::store::{LocalStore, SessionStore};
use tempfile::TempDir;

use super::claude;
use super::codex;
use super::model;
use super::npm;
use super::opencode;
use super::others;
use super::skip::skip;
use super::slot::Slot;
use super::stub_api::{KEY, StubApi};

/// An agent that is about to be tried.
pub struct Bench {
    home: TempDir,
    api: StubApi,
    launch: Launch,
}

impl Bench {
    /// None where the agent is not installed.
    pub fn of(agent: &str, test: &str) -> Option<Self> {
        let agent = &*agent.replace('_', "-");
        let (program, remedy) = match agent {
            "hotseat" => (Some(PathBuf::from(env!("CARGO_BIN_EXE_hotseat"))), ""),
            "claude" => (claude::claude(), claude::REMEDY),
            "opencode" => (npm::program("opencode"), opencode::REMEDY),
            "codex" => (npm::program("codex"), codex::REMEDY),
            other => (npm::program(other), others::remedy(other)),
        };
        let Some(program) = program else {
            skip(test, &format!("there is no {agent}"), remedy);
            return None;
        };
        let known = AGENTS.iter().find(|known| known.name == agent).unwrap();
        let home = tempfile::tempdir().unwrap();
        let api = model::start();
        for folder in ["work", "elsewhere"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        let model = if agent == "codex-acp" { others::KNOWN_TO_CODEX } else { "stub" };
        codex::configure_for(model, &home.path().join("codex"), &api.url);
        let store = LocalStore::new(home.path().join("claude"));
        let told = home.path().to_owned();
        let launch = Launch {
            args: known.args.iter().map(Into::into).collect(),
            env: environment(home.path(), &api),
            guard: Some(env!("CARGO_BIN_EXE_hotseat").into()),
            finder: SessionFinder::new(move |session| {
                let stored = store.find(session).ok().map(|stored| stored.path);
                let transcript = stored.or_else(|| others::transcript(&told, session))?;
                let entries = std::fs::read_to_string(&transcript).ok()?;
                let (_, rest) = entries.split_once("\"cwd\":\"")?;
                let holder = store.holder(session).map(|holder| (holder.pid, holder.program));
                Some(SessionLocation {
                    cwd: rest.split('"').next()?.into(),
                    is_trusted: true,
                    transcript,
                    recorded_until: None,
                    holder,
                })
            }),
            ..Launch::new(known.driver, program, home.path().join("work").canonicalize().unwrap())
        };
        Some(Self { home, api, launch })
    }

    /// Starts it; it ends with what it gives back.
    pub async fn seat(self) -> Seated {
        let Self { home, api, launch } = self;
        let finder = launch.finder.clone();
        let mut slot = Slot::launch(home, launch);
        let agent = slot.ready().await;
        slot.idle().await;
        Seated { slot, agent, _api: api, finder }
    }

    /// With an MCP server of the person's, where python3 is there to run it.
    pub fn with_server(self) -> Self {
        let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/mcp_server.py");
        let count = self.home.path().join("handshakes");
        let server = serde_json::json!({"command": "python3", "args": [server, "--count", count]});
        let kept = serde_json::json!({"mcpServers": {"adder": server}});
        std::fs::create_dir_all(self.home.path().join("claude")).unwrap();
        std::fs::write(self.home.path().join("claude/.claude.json"), kept.to_string()).unwrap();
        self
    }

    /// As a person's own `claude` is after its first start: it knows who they are,
    /// and that they trust the folder and the key.
    #[allow(dead_code, reason = "only the bench of the drivers needs it")]
    pub fn trust(&self) {
        let folder = self.launch.cwd.display().to_string();
        let kept = serde_json::json!({
            "hasCompletedOnboarding": true,
            "projects": {folder: {"hasTrustDialogAccepted": true}},
            "customApiKeyResponses": {"approved": [KEY], "rejected": []},
        });
        std::fs::create_dir_all(self.home.path().join("claude")).unwrap();
        std::fs::write(self.home.path().join("claude/.claude.json"), kept.to_string()).unwrap();
    }

    /// The scratch home.
    #[allow(dead_code, reason = "the bench of the drivers does not need it")]
    pub fn home_path(&self) -> std::path::PathBuf {
        self.home.path().canonicalize().unwrap()
    }

    /// How it is started.
    #[allow(dead_code, reason = "only the bench of the drivers needs it")]
    pub fn launch(&self) -> Launch {
        self.launch.clone()
    }

    /// Another that shares this one's home.
    pub fn elsewhere(&self) -> Launch {
        let cwd = self.home.path().join("elsewhere").canonicalize().unwrap();
        Launch { cwd, ..self.launch.clone() }
    }
}

/// Nothing of the machine's own configuration or keys.
fn environment(home: &Path, api: &StubApi) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let mut set: Vec<(std::ffi::OsString, std::ffi::OsString)> = vec![
        ("HOME".into(), home.into()),
        ("CLAUDE_CONFIG_DIR".into(), home.join("claude").into()),
        ("CODEX_HOME".into(), home.join("codex").into()),
        ("STUB_KEY".into(), "a key".into()),
        ("XDG_STATE_HOME".into(), home.join("state").into()),
    ];
    let off = ["DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"];
    set.extend(off.map(|name| (name.into(), "1".into())));
    set.extend(
        opencode::environment(home, &api.url).into_iter().map(|(name, value)| (name.into(), value.into())),
    );
    set.extend(api.anthropic().map(|(name, value)| (name.into(), value.into())));
    set.extend(others::environment(&api.url).into_iter().map(|(name, value)| (name.into(), value.into())));
    set
}

/// An agent through its handshake.
pub struct Seated {
    pub slot: Slot,
    pub agent: AgentInfo,
    /// Ends with it.
    _api: StubApi,
    finder: SessionFinder,
}

impl Seated {
    /// Switches, and checks that it was done as the driver declares.
    pub async fn switch(&mut self, switch: Switch) -> CompletedSwitch {
        let declared = self.abilities().switch_support(&switch);
        let before = self.agent.pid;
        let switched = self.slot.handle.switch(switch, false).await.unwrap();
        match declared {
            SwitchSupport::InProcess => {
                assert_eq!(
                    (switched.method, switched.pid),
                    (SwitchMethod::InProcess, before),
                    "{switched:?}"
                );
            }
            SwitchSupport::Standby => {
                assert_ne!(switched.method, SwitchMethod::InProcess, "{switched:?}");
                assert_ne!(switched.pid, before);
            }
            SwitchSupport::Unsupported(why) => panic!("{why}"),
        }
        self.agent.pid = switched.pid;
        switched
    }

    pub fn abilities(&self) -> Capabilities {
        self.agent.capabilities
    }

    /// A session's transcript, as it lies on disk now; codex keeps titles beside it.
    pub fn transcript(&self, session: SessionId) -> String {
        if let Some(stored) = opencode::stored(self.slot.folder.path(), &session.to_string()) {
            return stored;
        }
        let found = self.finder.find(session).map(|found| found.transcript);
        let of_codex = || find(&self.slot.folder.path().join("codex/sessions"), &session.to_string());
        let found = found.or_else(of_codex).unwrap_or_else(|| panic!("no transcript of {session}"));
        let titles = std::fs::read_to_string(self.slot.folder.path().join("codex/session_index.jsonl"));
        std::fs::read_to_string(found).unwrap() + &titles.unwrap_or_default()
    }
}

/// The file below a folder whose name has this in it.
pub fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).find_map(|path| {
        if path.is_dir() {
            return find(&path, name);
        }
        path.file_name()?.to_str()?.contains(name).then_some(path)
    })
}
