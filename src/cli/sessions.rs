//! `hotseat sessions …`: what a person does with stored sessions, from the shell.
//!
//! Owns the commands and how they name sessions and tell what was done. Never
//! edits a transcript: all of it is asked of the store.

mod delete;
mod export;
mod fork;
mod import;
mod info;
mod label;
mod list;
mod measure;
mod moving;
mod outcome;
mod page;
mod pin;
mod progress;
mod prune;
pub(super) mod reference;
mod restore;
mod search;
mod show;
mod stats;
mod told;

use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;

use super::config;
use super::exit::Exit;
use super::places::Places;
use crate::session::Prices;
use crate::store::SessionStore;
use reference::Stock;

/// What the command is told.
#[derive(Debug, clap::Args)]
pub struct Sessions {
    #[command(subcommand)]
    command: Command,
}

/// One command, one file. REF is an id, the unique beginning of one, or a title.
#[derive(Debug, Subcommand)]
enum Command {
    /// List this project's sessions, or all
    List(list::List),
    /// Show what was said in a session
    Show(show::Show),
    /// Tell all that is known of a session
    Info(info::Info),
    /// Find what was said, in all sessions
    Search(search::Search),
    /// Add up tokens and their cost by day, project or model
    Stats(stats::Stats),
    /// Give a session a title; an empty one takes it away
    Rename(label::Rename),
    /// Give sessions a tag; an empty one, or --remove, takes it away
    Tag(label::Tag),
    /// Go on in a copy; prints the copy's id
    Fork(fork::ForkOf),
    /// Move sessions to the trash
    Delete(delete::Delete),
    /// List the trash, or bring sessions back from it
    Restore(restore::Restore),
    /// Move old or large sessions to the trash; without --apply only says which
    Prune(prune::Prune),
    /// Write sessions as Markdown, HTML or JSON
    Export(export::Export),
    /// Take in transcripts, or files that “move --to-file” wrote
    Import(import::ImportFrom),
    /// Move sessions to another folder's project, or into a file for another host
    Move(moving::Move),
    /// Keep a copy that the official clean-up cannot delete; without REF: list them
    Pin(pin::Pin),
    /// Give that copy up
    Unpin(pin::Unpin),
}

/// Runs one command over the store of this environment.
pub fn run(sessions: &Sessions) -> Result<Exit> {
    let places = Places::find();
    let store = Arc::new(places.store());
    if let Err(error) = store.tend() {
        tracing::warn!("the pins were not looked after: {error}");
    }
    let stock = Stock::over(store, places.index());
    match &sessions.command {
        Command::List(list) => list.run(&stock, &prices()),
        Command::Show(show) => show.run(&stock),
        Command::Info(info) => info.run(&stock, &prices()),
        Command::Search(search) => search.run(&stock),
        Command::Stats(stats) => stats.run(&stock, &prices()),
        Command::Rename(rename) => rename.run(&stock),
        Command::Tag(tag) => tag.run(&stock),
        Command::Fork(fork) => fork.run(&stock),
        Command::Delete(delete) => delete.run(&stock),
        Command::Restore(restore) => restore.run(&stock),
        Command::Prune(prune) => prune.run(&stock),
        Command::Export(export) => export.run(&stock),
        Command::Import(import) => import.run(&stock),
        Command::Move(moving) => moving.run(&stock),
        Command::Pin(pin) => pin.run(&stock),
        Command::Unpin(unpin) => unpin.run(&stock),
    }
}

/// What models cost, a person's own prices included.
fn prices() -> Prices {
    config::read_file(&Places::find().config_file()).settings.prices
}
