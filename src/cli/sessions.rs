//! `hotseat sessions …`: stored sessions from the shell. One file per command.
//!
//! Owns how commands name sessions (`lookup`) and report results (`report`,
//! `session_json`). Never edits a transcript; the store does.

mod archive_receiver;
mod delete;
mod export;
mod fork;
mod import;
mod info;
mod label;
mod list;
pub(super) mod lookup;
mod pin;
mod progress;
mod prune;
mod relocate;
mod report;
mod restore;
mod search;
mod session_json;
mod show;
mod stats;
mod units;

use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;

use super::config;
use super::exit::CliExit;
use super::paths::Paths;
use crate::session::Prices;
use crate::store::SessionStore;
use lookup::SessionLookup;

#[derive(Debug, clap::Args)]
pub struct SessionsArgs {
    #[command(subcommand)]
    command: SessionsCommand,
}

/// REF is an id, the unique start of one, or a title.
#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List sessions of this project, or all
    List(list::ListArgs),
    /// Show a conversation
    Show(show::ShowArgs),
    /// Show details of a session: context, cost, clean-up, health
    Info(info::InfoArgs),
    /// Search messages in all sessions
    Search(search::SearchArgs),
    /// Sum up tokens and cost by day, project or model
    Stats(stats::StatsArgs),
    /// Rename a session (an empty title removes it)
    Rename(label::RenameArgs),
    /// Tag sessions (an empty tag or --remove removes it)
    Tag(label::TagArgs),
    /// Copy sessions; prints the ids of the copies
    Fork(fork::ForkArgs),
    /// Move sessions to the trash
    Delete(delete::DeleteArgs),
    /// List the trash, or restore sessions from it
    Restore(restore::RestoreArgs),
    /// Move old or large sessions to the trash (dry run without --apply)
    Prune(prune::PruneArgs),
    /// Export sessions as Markdown, HTML or JSON
    Export(export::ExportArgs),
    /// Import transcripts, or files written by `move --to-file`
    Import(import::ImportArgs),
    /// Move sessions to another folder's project, or to a file for another host
    Move(relocate::MoveArgs),
    /// Protect sessions from the official clean-up; without REF, list pinned ones
    Pin(pin::PinArgs),
    /// Remove the protection
    Unpin(pin::UnpinArgs),
}

pub fn run(sessions: &SessionsArgs) -> Result<CliExit> {
    let places = Paths::from_env();
    let store = Arc::new(places.store());
    if let Err(error) = store.reconcile_pins() {
        tracing::warn!("cannot restore pinned sessions: {error}");
    }
    let stock = SessionLookup::new(store, places.index());
    match &sessions.command {
        SessionsCommand::List(list) => list.run(&stock, &prices()),
        SessionsCommand::Show(show) => show.run(&stock),
        SessionsCommand::Info(info) => info.run(&stock, &prices()),
        SessionsCommand::Search(search) => search.run(&stock),
        SessionsCommand::Stats(stats) => stats.run(&stock, &prices()),
        SessionsCommand::Rename(rename) => rename.run(&stock),
        SessionsCommand::Tag(tag) => tag.run(&stock),
        SessionsCommand::Fork(fork) => fork.run(&stock),
        SessionsCommand::Delete(delete) => delete.run(&stock),
        SessionsCommand::Restore(restore) => restore.run(&stock),
        SessionsCommand::Prune(prune) => prune.run(&stock),
        SessionsCommand::Export(export) => export.run(&stock),
        SessionsCommand::Import(import) => import.run(&stock),
        SessionsCommand::Move(moving) => moving.run(&stock),
        SessionsCommand::Pin(pin) => pin.run(&stock),
        SessionsCommand::Unpin(unpin) => unpin.run(&stock),
    }
}

/// The price table, including prices of the configuration.
fn prices() -> Prices {
    config::read_file(&Paths::from_env().config_file()).settings.prices
}
