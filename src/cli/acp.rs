//! `hotseat acp`: serves our own agent to an editor on stdin and stdout.
//!
//! Reads arguments and configuration, then hands over to `crate::acp`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::config;
use super::exit::CliExit;
use super::logs;
use super::paths::Paths;
use crate::acp::{self, AcpServerConfig};
use crate::protocol::PermissionMode;
use crate::slot::{HOTSEAT_AGENT, Launch};
use crate::store::LocalStore;

/// How long shutdown waits. A blocking read of stdin never returns by itself.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

const HELP: &str = "\
In Zed's settings:
  \"agent_servers\": {\"hotseat\": {\"type\": \"custom\", \"command\": \"hotseat\", \"args\": [\"acp\"]}}";

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct AcpArgs {
    /// Model to start with.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Permission mode: default, acceptEdits, plan, dontAsk or bypassPermissions.
    #[arg(long, value_name = "MODE")]
    permission_mode: Option<PermissionMode>,
    /// Settings files that count: user, project and local, separated by commas.
    /// Without it, a folder's own count only if you trust the folder.
    #[arg(long, value_name = "SOURCES")]
    setting_sources: Option<String>,
}

/// Serves the editor until it closes stdin or a signal arrives.
pub fn run(arguments: &AcpArgs) -> Result<CliExit> {
    // The editor reads stderr; no person does.
    logs::to_stderr();
    let places = Paths::from_env();
    let settings = config::read_file(&places.config_file()).settings;
    let program = std::env::current_exe().context("cannot find hotseat's own program")?;
    let cwd = std::env::current_dir().context("cannot find the current folder")?;
    let sources =
        arguments.setting_sources.iter().map(|sources| format!("--setting-sources={sources}").into());
    let agent_arguments = HOTSEAT_AGENT.args.iter().map(Into::into).chain(sources);
    let launch = Launch {
        args: agent_arguments.collect(),
        model: arguments.model.clone().or(settings.model),
        permission_mode: arguments.permission_mode.unwrap_or(settings.permission_mode),
        processes: settings.processes,
        ..Launch::new(HOTSEAT_AGENT.driver, program, cwd)
    };
    let served =
        AcpServerConfig { launch, store: Arc::new(LocalStore::new(&places.claude)), index: places.index() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let ended = runtime.block_on(async {
        let mut signals = Vec::new();
        for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
            signals.push(signal(kind).context("cannot listen for signals")?);
        }
        let stop = async {
            let each = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
            futures_util::future::select_all(each).await;
        };
        acp::serve(served, tokio::io::stdin(), tokio::io::stdout(), stop)
            .await
            .context("the connection to the editor failed")
    });
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended.map(|()| CliExit::Done)
}
