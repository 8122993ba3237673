//! `hotseat agent`: runs our own agent on stdin and stdout.
//!
//! Owns what the environment decides for the agent (store, provider, working
//! folder). The agent itself is `crate::agent`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::config;
use super::exit::CliExit;
use super::logs;
use super::output::{json_lines, print_clap};
use super::paths::Paths;
use crate::agent::provider::{ProviderChoice, select_provider};
use crate::agent::{AgentEnvironment, AgentRuntime, Flags, Inbox, Outbox, StartError};
use crate::store::LocalStore;

/// Set to our pid once the environment of the settings files is applied to ours.
const ENV_APPLIED: &str = "HOTSEAT_SETTINGS_ENV";
/// How long shutdown waits for unread frames and for threads blocked on the disk.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct AgentArgs {
    /// Flags of the official SDKs; `hotseat agent --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    pub words: Vec<OsString>,
}

/// The agent's arguments, if this command line starts the agent. It has its own
/// flags and exit codes, so clap does not parse them here.
pub fn agent_arguments() -> Option<Vec<OsString>> {
    let mut words = std::env::args_os().skip(1).peekable();
    let first = words.peek()?;
    if first == "agent" {
        return Some(words.skip(1).collect());
    }
    // The official SDKs start the program of `cli_path` with this flag first, so
    // `cli_path="hotseat"` works.
    (first == "--output-format").then(|| words.collect())
}

/// Runs the agent until the host closes stdin or a signal arrives.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Result<CliExit> {
    let flags = match Flags::read(words) {
        Ok(flags) => flags,
        Err(answer) => {
            if answer.kind() == clap::error::ErrorKind::ValueValidation {
                send_usage_error(&answer.to_string())?;
            }
            // Errors go to stderr, help to stdout.
            print_clap(&answer);
            return Ok(if answer.use_stderr() { CliExit::Failed } else { CliExit::Done });
        }
    };
    // The host reads stderr; no person does.
    logs::to_stderr();
    // One thread: the agent is one task, and an idle process should stay small.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .context("cannot start the async runtime")?;
    let served = runtime.block_on(serve(&flags));
    // A blocking read of stdin never returns by itself.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    served.map(|failed| if failed { CliExit::Failed } else { CliExit::Done })
}

/// True if the last turn failed: the official CLI exits with 1 then, and its SDKs raise an error.
async fn serve(flags: &Flags) -> Result<bool> {
    let mut signals = Vec::new();
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
        signals.push(signal(kind).context("cannot listen for signals")?);
    }
    let mut store = LocalStore::from_env()?;
    if let Ok(here) = std::env::current_dir() {
        store = store.preferring(&here);
    }
    let store = Arc::new(store);
    let entrypoint = std::env::var("CLAUDE_CODE_ENTRYPOINT").unwrap_or_default();
    let environment = AgentEnvironment {
        cwd: std::env::current_dir().context("cannot find the current folder")?,
        root: store.root().to_owned(),
        checkpoints_files: std::env::var("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING")
            .is_ok_and(|value| matches!(value.as_str(), "true" | "1")),
        is_sdk: entrypoint.starts_with("sdk"),
        guard: std::env::current_exe().context("cannot find hotseat's own program")?,
        reports_state: std::env::var_os("CLAUDE_CODE_SDK_READS_SESSION_STATE")
            .is_some_and(|told| told == "1"),
        prices: config::read_file(&Paths::from_env().config_file()).settings.prices,
    };
    let out = Outbox::open(json_lines());
    if let Some(error) = exec_with_settings_env(flags, &environment) {
        return Err(error).context("starting again with the environment of the settings");
    }
    let provider = select_provider(&ProviderChoice {
        provider: flags.provider.as_deref(),
        model: flags.model.as_deref(),
        base_url: flags.base_url.as_deref(),
        betas: &flags.betas,
        needs_model: environment.is_sdk,
    });
    let started = provider.map_err(StartError::Provider);
    let started =
        started.and_then(|provider| AgentRuntime::start(flags, environment, store, provider, out.clone()));
    let process = match started {
        Ok(process) => process,
        Err(error) => {
            error.send(&out, flags);
            out.flushed().await;
            return Err(error.into());
        }
    };
    let stop = async {
        let each = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(each).await;
    };
    Ok(process.run(Inbox::open(tokio::io::stdin()), stop).await)
}

/// Runs this program anew in this process, with the variables that `env` of the settings files names, if
/// there are any that are not set so. Children inherit them then, and nothing has to pass them on. Returns
/// only if that fails.
fn exec_with_settings_env(flags: &Flags, environment: &AgentEnvironment) -> Option<std::io::Error> {
    // The pid stays over an exec, and a child has another one.
    let pid = std::process::id().to_string();
    if std::env::var_os(ENV_APPLIED).is_some_and(|applied| applied == *pid) {
        return None;
    }
    let variables = environment.settings_env(flags);
    if variables.iter().all(|(name, value)| std::env::var_os(name).is_some_and(|set| *set == **value)) {
        return None;
    }
    let mut program = std::process::Command::new(&environment.guard);
    program.args(std::env::args_os().skip(1)).envs(variables).env(ENV_APPLIED, pid);
    Some(program.exec())
}

/// Tells a host on the wire what it also gets on stderr, such as a session id that is none.
fn send_usage_error(error: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the agent")?;
    let out = Outbox::open(json_lines());
    let line = error.lines().next().unwrap_or_default();
    StartError::Usage(line.to_owned()).send(&out, &Flags::default());
    runtime.block_on(out.flushed());
    Ok(())
}
