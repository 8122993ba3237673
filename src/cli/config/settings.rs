//! The settings: what each key of `config.toml` means, and its default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use crate::cli::agents;
use crate::protocol::PermissionMode;
use crate::session::Prices;
use crate::session::price::Price;
use crate::tui::app::Key;

/// Everything a person can configure.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which colours to assume.
    pub theme: ThemeSetting,
    /// The agent in the slot; none: the first that is found.
    pub agent: Option<String>,
    /// Agents beside those of the table, and the commands that start them.
    pub agents: BTreeMap<String, String>,
    /// How many processes of it there may be at once.
    pub processes: usize,
    /// The model to start with; none for the agent's default.
    pub model: Option<String>,
    /// What may run without asking.
    pub permission_mode: PermissionMode,
    /// List the sessions of all folders.
    pub all: bool,
    /// Columns of the browser; none: about a third.
    pub browser_width: Option<u16>,
    /// Listen to the mouse.
    pub mouse: bool,
    /// Show when things were said and what turns cost.
    pub timestamps: bool,
    /// What long prompts are written in; none: `$VISUAL`, `$EDITOR`, `vi`.
    pub editor: Option<String>,
    /// What models cost: the built-in table, and a person's own prices over it.
    pub prices: Prices,
    /// Commands of the keymap and the keys a person wants for them.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// Which colours the screen assumes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ThemeSetting {
    /// Ask the terminal.
    #[default]
    Auto,
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// No colours.
    Mono,
    /// A theme file of the person's own, over the one that `auto` picks.
    File(PathBuf),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeSetting::Auto,
            agent: None,
            agents: BTreeMap::new(),
            processes: 2,
            model: None,
            permission_mode: PermissionMode::Default,
            all: false,
            browser_width: None,
            mouse: true,
            timestamps: false,
            editor: None,
            prices: Prices::default(),
            keys: BTreeMap::new(),
        }
    }
}

/// One key of the file: its name, and how its value becomes a setting; the
/// error says what was expected.
pub struct ConfigKey {
    /// As it is written in the file.
    pub name: &'static str,
    /// Takes the value over.
    pub apply: fn(&mut Settings, &DeValue<'_>) -> Result<(), String>,
}

/// All keys but the tables [`TABLES`].
pub const CONFIG_KEYS: &[ConfigKey] = &[
    ConfigKey { name: "theme", apply: |settings, value| theme(value).map(|theme| settings.theme = theme) },
    ConfigKey {
        name: "agent",
        apply: |settings, value| agent(settings, value).map(|agent| settings.agent = agent),
    },
    ConfigKey {
        name: "processes",
        apply: |settings, value| processes(value).map(|processes| settings.processes = processes),
    },
    ConfigKey {
        name: "model",
        apply: |settings, value| text(value).map(|model| settings.model = non_empty(model)),
    },
    ConfigKey {
        name: "permission_mode",
        apply: |settings, value| text(value)?.parse().map(|mode| settings.permission_mode = mode),
    },
    ConfigKey { name: "all", apply: |settings, value| flag(value).map(|all| settings.all = all) },
    ConfigKey {
        name: "browser_width",
        apply: |settings, value| columns(value).map(|width| settings.browser_width = width),
    },
    ConfigKey { name: "mouse", apply: |settings, value| flag(value).map(|mouse| settings.mouse = mouse) },
    ConfigKey {
        name: "timestamps",
        apply: |settings, value| flag(value).map(|timestamps| settings.timestamps = timestamps),
    },
    ConfigKey {
        name: "editor",
        apply: |settings, value| text(value).map(|editor| settings.editor = non_empty(editor)),
    },
];

/// The keys whose value is a table of names that the file chooses.
pub const TABLES: [&str; 3] = [AGENTS_TABLE, "keys", "prices"];

/// The table that has to be read before `agent`, which may name one of it.
pub const AGENTS_TABLE: &str = "agents";

/// The command that starts an agent of this name; the error says what was expected.
pub fn command(name: &str, value: &DeValue<'_>) -> Result<String, String> {
    agents::check_name(name)?;
    let command = text(value)?;
    agents::check_command(&command)?;
    Ok(command)
}

/// A model's price; the error says what was expected.
pub fn price(value: Spanned<DeValue<'_>>) -> Result<Price, String> {
    Price::deserialize(ValueDeserializer::from(value)).map_err(|error| error.message().to_owned())
}

/// Keys for one command: one, or a list; an empty list takes them away.
pub fn keys(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let expected = || "expected a key such as \"ctrl-p\", or a list of keys".to_owned();
    let keys: Vec<String> = match value.as_array() {
        Some(list) => {
            list.iter().map(|key| key.get_ref().as_str().map(Into::into).ok_or_else(expected)).collect()
        }
        None => value.as_str().map(|key| vec![key.into()]).ok_or_else(expected),
    }?;
    match keys.iter().find_map(|key| key.parse::<Key>().err()) {
        Some(reason) => Err(reason),
        None => Ok(keys),
    }
}

/// An unknown name is an error of this key only: hotseat starts with the default agent.
fn agent(settings: &Settings, value: &DeValue<'_>) -> Result<Option<String>, String> {
    let name = non_empty(text(value)?);
    match &name {
        Some(name)
            if !settings.agents.contains_key(name) && !agents::is_agent_name(crate::slot::AGENTS, name) =>
        {
            Err(format!(
                "expected an agent this version drives: {}; one of [agents]; or \"acp:COMMAND\"",
                agents::agent_names(crate::slot::AGENTS).join(", ")
            ))
        }
        Some(_) | None => Ok(name),
    }
}

/// One in the seat and one that takes over are the least.
fn processes(value: &DeValue<'_>) -> Result<usize, String> {
    let number = value.as_integer().and_then(|number| number.as_str().parse().ok());
    number.filter(|count| (2..=8).contains(count)).ok_or_else(|| "expected a number from 2 to 8".into())
}

fn text(value: &DeValue<'_>) -> Result<String, String> {
    value.as_str().map(Into::into).ok_or_else(|| "expected text in quotes".into())
}

/// An empty text says the same as no text.
fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "expected true or false".into())
}

/// The browser's bounds are those of the screen; 0 says "about a third".
fn columns(value: &DeValue<'_>) -> Result<Option<u16>, String> {
    let number = value.as_integer().and_then(|number| number.as_str().parse::<u16>().ok());
    match number {
        Some(0) => Ok(None),
        Some(width @ 34..=60) => Ok(Some(width)),
        Some(_) | None => Err("expected a number of columns from 34 to 60, or 0 for about a third".into()),
    }
}

fn theme(value: &DeValue<'_>) -> Result<ThemeSetting, String> {
    match value.as_str() {
        Some("auto") => Ok(ThemeSetting::Auto),
        Some("dark") => Ok(ThemeSetting::Dark),
        Some("light") => Ok(ThemeSetting::Light),
        Some("mono") => Ok(ThemeSetting::Mono),
        Some(path) if path.contains(['/', '.']) => Ok(ThemeSetting::File(path.into())),
        Some(_) | None => {
            Err("expected \"auto\", \"dark\", \"light\", \"mono\" or a theme file's path".into())
        }
    }
}
