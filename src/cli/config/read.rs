//! From the text of `config.toml` to settings, and to what was wrong with it.
//!
//! Reading never fails: what is mistaken keeps its default and is told.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{self, AGENTS_TABLE, CONFIG_KEYS, Settings, TABLES};
use crate::tui::app::Keymap;

/// The settings a file gives, and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadedConfig {
    /// The file's settings; the default for what it does not (validly) give.
    pub settings: Settings,
    /// What it gives and hotseat could not take.
    pub errors: Vec<ConfigError>,
}

/// Something in the file that hotseat could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// Its line, from 1; none where it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Reads the file. That there is none is no mistake.
pub fn read_file(path: &Path) -> LoadedConfig {
    match std::fs::read_to_string(path) {
        Ok(text) => read(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => LoadedConfig::default(),
        Err(error) => LoadedConfig {
            errors: vec![ConfigError {
                path: path.to_owned(),
                line: None,
                message: format!("cannot be read: {error}"),
            }],
            ..LoadedConfig::default()
        },
    }
}

/// Reads the text of a file.
pub fn read(path: &Path, text: &str) -> LoadedConfig {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = ConfigReader { path, text, reading: LoadedConfig::default() };
    for error in &errors {
        reader.error(error.span().map(|span| span.start), format!("not TOML: {}", error.message()));
    }
    reader.table(table.get_ref());
    // A line that is no TOML also has no value: the first mistake says it all.
    reader.reading.errors.sort_by_key(|mistake| mistake.line);
    reader.reading.errors.dedup_by_key(|mistake| mistake.line);
    reader.reading
}

struct ConfigReader<'a> {
    path: &'a Path,
    text: &'a str,
    reading: LoadedConfig,
}

impl ConfigReader<'_> {
    fn error(&mut self, offset: Option<usize>, what: String) {
        let line = offset.map(|at| 1 + self.text.bytes().take(at).filter(|&byte| byte == b'\n').count());
        self.reading.errors.push(ConfigError { path: self.path.to_owned(), line, message: what });
    }

    fn table(&mut self, table: &DeTable<'_>) {
        if let Some(agents) = table.get(AGENTS_TABLE) {
            self.agents(agents);
        }
        for (key, value) in table {
            let name: &str = key.get_ref();
            if name == AGENTS_TABLE {
                // The rest may name one of them, so it came first.
            } else if name == "keys" {
                self.keys(value);
            } else if name == "prices" {
                self.prices(value);
            } else if let Some(entry) = CONFIG_KEYS.iter().find(|entry| entry.name == name) {
                if let Err(expected) = (entry.apply)(&mut self.reading.settings, value.get_ref()) {
                    self.error(Some(value.span().start), format!("{name}: {expected}"));
                }
            } else {
                let known = CONFIG_KEYS.iter().map(|entry| entry.name).chain(TABLES);
                self.error(Some(key.span().start), unknown_name("key", name, known));
            }
        }
    }

    fn agents(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.error(Some(value.span().start), "agents: expected a table: [agents]".into());
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            match settings::command(name, value.get_ref()) {
                Ok(command) => {
                    self.reading.settings.agents.insert(name.into(), command);
                }
                Err(expected) => self.error(Some(key.span().start), format!("agents.{name}: {expected}")),
            }
        }
    }

    fn prices(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            return self
                .error(Some(value.span().start), "prices: expected tables: [prices.\"MODEL\"]".into());
        };
        for (key, value) in table {
            let model: &str = key.get_ref();
            match settings::price(value.clone()) {
                Ok(price) => self.reading.settings.prices.insert(model.into(), price),
                Err(expected) => {
                    self.error(Some(value.span().start), format!("prices.{model}: {expected}"));
                }
            }
        }
    }

    fn keys(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.error(Some(value.span().start), "keys: expected a table: [keys]".into());
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let mut commands = Keymap::defaults().map(|(command, _)| command);
            if !commands.any(|command| command == name) {
                let commands = Keymap::defaults().map(|(command, _)| command);
                self.error(Some(key.span().start), unknown_name("command in [keys]", name, commands));
                continue;
            }
            match settings::keys(value.get_ref()) {
                Ok(keys) => {
                    self.reading.settings.keys.insert(name.into(), keys);
                }
                Err(expected) => self.error(Some(value.span().start), format!("keys.{name}: {expected}")),
            }
        }
    }
}

/// Says that a name is unknown, and which known one is nearest.
fn unknown_name<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|known| (known, strsim::jaro_winkler(known, name)))
        .filter(|(_, similarity)| *similarity > 0.75)
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    match nearest {
        Some((nearest, _)) => format!("unknown {what} “{name}”; did you mean “{nearest}”?"),
        None => format!("unknown {what} “{name}”; `hotseat config --print-default` lists them all"),
    }
}

#[cfg(test)]
mod tests;
