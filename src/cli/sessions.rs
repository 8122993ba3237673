//! `hotseat sessions …`: what a person does with stored sessions, from the shell.
//!
//! Owns the commands and how they name sessions and tell what was done. Never
//! edits a transcript: all of it is asked of the store.

mod archive_receiver;
mod delete;
mod export;
mod fork;
mod import;
mod info;
mod label;
mod list;
pub(super) mod lookup;
mod output;
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

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct SessionsArgs {
    #[command(subcommand)]
    command: SessionsCommand,
}

/// One command, one file. REF is an id, the unique beginning of one, or a title.
#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List this project's sessions, or all
    List(list::ListArgs),
    /// Show what was said in a session
    Show(show::ShowArgs),
    /// Tell all that is known of a session
    Info(info::InfoArgs),
    /// Find what was said, in all sessions
    Search(search::SearchArgs),
    /// Add up tokens and their cost by day, project or model
    Stats(stats::StatsArgs),
    /// Give a session a title; an empty one takes it away
    Rename(label::RenameArgs),
    /// Give sessions a tag; an empty one, or --remove, takes it away
    Tag(label::TagArgs),
    /// Go on in a copy; prints the copy's id
    Fork(fork::ForkArgs),
    /// Move sessions to the trash
    Delete(delete::DeleteArgs),
    /// List the trash, or bring sessions back from it
    Restore(restore::RestoreArgs),
    /// Move old or large sessions to the trash; without --apply only says which
    Prune(prune::PruneArgs),
    /// Write sessions as Markdown, HTML or JSON
    Export(export::ExportArgs),
    /// Take in transcripts, or files that “move --to-file” wrote
    Import(import::ImportArgs),
    /// Move sessions to another folder's project, or into a file for another host
    Move(relocate::MoveArgs),
    /// Keep a copy that the official clean-up cannot delete; without REF: list them
    Pin(pin::PinArgs),
    /// Give that copy up
    Unpin(pin::UnpinArgs),
}

/// Runs one command over the store of this environment.
pub fn run(sessions: &SessionsArgs) -> Result<CliExit> {
    let places = Paths::from_env();
    let store = Arc::new(places.store());
    if let Err(error) = store.reconcile_pins() {
        tracing::warn!("the pins were not looked after: {error}");
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

/// What models cost, a person's own prices included.
fn prices() -> Prices {
    config::read_file(&Paths::from_env().config_file()).settings.prices
}
