//! The log: one file per day in the state folder, never the screen. An agent logs to
//! stderr, which its host reads.
//!
//! Owns the destination, the size limit and the redaction of keys. Callers log
//! states, ids, durations and errors, never prompts or replies.

mod redact;
mod writer;

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use super::output::print_stderr;
use crate::sys::private_files::{narrow, own_private_dir};
use writer::RedactingWriter;

/// Days of logs to keep.
const MAX_LOG_FILES: usize = 5;

/// The filter unless `HOTSEAT_LOG` is set.
const DEFAULT_FILTER: &str = "warn,hotseat=info";

/// Logs into this folder from now on, including panics. A failure is printed and
/// otherwise ignored.
pub fn to_folder(folder: &Path) {
    log_panics(folder.to_owned());
    if let Err(error) = start(folder) {
        print_stderr(&format!("hotseat: continuing without a log: {error:#}"));
    }
}

/// Logs to stderr from now on, for a host to read: warnings and errors, unless
/// `HOTSEAT_LOG` is set.
pub fn to_stderr() {
    let asked = std::env::var("HOTSEAT_LOG").unwrap_or_else(|_| "warn".to_owned());
    let log = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| RedactingWriter::new(std::io::stderr()))
        .with_env_filter(filter(&asked).0)
        .log_internal_errors(false);
    // It fails only if there is a subscriber already.
    log.try_init().ok();
}

fn start(folder: &Path) -> Result<()> {
    let doing = || format!("cannot start the log in {}", folder.display());
    let appender = private_appender(folder).with_context(doing)?;
    let asked = std::env::var("HOTSEAT_LOG").unwrap_or_default();
    let (filter, refused) = filter(&asked);
    // Written synchronously: the last lines before a crash matter most.
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Mutex::new(RedactingWriter::new(appender)))
        .with_env_filter(filter)
        .try_init()
        .map_err(anyhow::Error::from_boxed)
        .with_context(doing)?;
    if let Some(reason) = refused {
        tracing::warn!("HOTSEAT_LOG is not a valid filter, using {DEFAULT_FILTER}: {reason}");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "started");
    Ok(())
}

/// Appends to today's file in a folder that only its owner may enter. The appender
/// creates files as wide as the umask allows, so they are narrowed here; one that
/// it starts at midnight is narrowed at the next start.
fn private_appender(folder: &Path) -> Result<RollingFileAppender> {
    own_private_dir(folder)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("hotseat")
        .filename_suffix("log")
        .max_log_files(MAX_LOG_FILES)
        .build(folder)?;
    for file in std::fs::read_dir(folder)?.flatten() {
        narrow(&file.path())?;
    }
    Ok(appender)
}

/// The filter that was asked for, or the default and why the other is invalid.
fn filter(asked: &str) -> (EnvFilter, Option<String>) {
    let asked = if asked.trim().is_empty() { DEFAULT_FILTER } else { asked };
    match EnvFilter::try_new(asked) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT_FILTER), Some(error.to_string())),
    }
}

/// Logs a panic with its backtrace and prints on stderr where to find it.
///
/// The screen installs its own hook later. That one runs first and restores the
/// terminal before this one prints.
fn log_panics(folder: PathBuf) {
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = Backtrace::force_capture();
        tracing::error!("{panic}\n{backtrace}");
        print_stderr(&panic_message(panic, &folder));
    }));
}

fn panic_message(panic: &PanicHookInfo<'_>, folder: &Path) -> String {
    format!(
        "hotseat: {panic}\n  This is a bug in hotseat. The conversation is on disk: \
         `hotseat --continue` resumes it.\n  The backtrace is in {}.",
        folder.display()
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn logs_are_for_their_owner_only() {
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let wide = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let old = folder.path().join("hotseat.2020-01-01.log");
        std::fs::write(&old, "x").unwrap();
        wide(&old, 0o644);
        wide(folder.path(), 0o755);
        let _appender = private_appender(folder.path()).unwrap();
        assert_eq!(mode(folder.path()), 0o700);
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(files.len(), 2);
        assert!(files.iter().all(|file| mode(&file.path()) == 0o600), "{files:?}");
    }

    #[test]
    fn an_invalid_filter_becomes_the_default() {
        assert_eq!(filter("").0.to_string(), EnvFilter::new(DEFAULT_FILTER).to_string());
        assert_eq!(filter("hotseat=trace").0.to_string(), "hotseat=trace");
        let (used, refused) = filter("hotseat=loudly");
        assert_eq!(used.to_string(), EnvFilter::new(DEFAULT_FILTER).to_string());
        assert!(refused.is_some());
    }
}
