//! `hotseat sessions restore`: lists the trash and restores sessions from it.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde_json::json;
use std::collections::HashSet;

use super::lookup::{SessionLookup, pick_session};
use super::report::{ActionDone, ActionReport, OutputArgs, print_answer};
use super::units::format_bytes;
use crate::cli::exit::CliExit;
use crate::index::summary_of_file;
use crate::session::SessionId;
use crate::store::{SessionStore, TrashedSession};
use crate::text::clean_line;

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// Sessions to restore; without any, list the trash.
    #[arg(value_name = "REF")]
    references: Vec<String>,
    #[command(flatten)]
    answer: OutputArgs,
}

impl RestoreArgs {
    pub fn run(&self, stock: &SessionLookup) -> Result<CliExit> {
        let trash = stock.store.trash().context("cannot read the trash")?;
        if self.references.is_empty() {
            return self.list(&trash);
        }
        let ids: Vec<_> =
            trash.iter().map(|trashed| trashed.id).collect::<HashSet<_>>().into_iter().collect();
        let mut outcomes = ActionReport::default();
        for reference in &self.references {
            let id = pick_session(reference, &ids, || Ok(trash_titles(&trash)))
                // A pinned session that another program deleted is not in the trash.
                .or_else(|error| reference.parse::<SessionId>().map_err(|_| error));
            let restored = id.map_err(Into::into).and_then(|id| {
                stock.store.restore(id)?;
                let (title, path) = (stock.title(id)?, stock.store.find(id)?.path);
                let done = ActionDone::new(id, format!("restored “{title}” to {}", path.display()));
                Ok(done
                    .with("title", title)
                    .with("path", path.display().to_string())
                    .undo(&["delete", &id.to_string()]))
            });
            outcomes.push(reference, restored);
        }
        outcomes.print(self.answer)
    }

    fn list(&self, trash: &[TrashedSession]) -> Result<CliExit> {
        let titles = trash_titles(trash);
        let rows = trash.iter().zip(titles);
        let when = |trashed: &TrashedSession| DateTime::<Utc>::from(trashed.deleted_at);
        let text = if self.answer.json {
            let rows = rows.map(|(trashed, (id, title))| {
                json!({ "session_id": id, "title": title, "deleted_at": when(trashed), "size": trashed.size })
            });
            format!("{:#}\n", json!({ "trash": rows.collect::<Vec<_>>() }))
        } else if trash.is_empty() {
            "The trash is empty.\n".to_owned()
        } else {
            let rows = rows.map(|(trashed, (id, title))| {
                let (when, size) = (when(trashed).format("%Y-%m-%d %H:%M"), format_bytes(trashed.size));
                format!("{id}  {when}  {size:>9}  {}\n", clean_line(&title))
            });
            rows.collect::<String>() + "\nTo restore one: hotseat sessions restore REF\n"
        };
        print_answer(&text, self.answer)?;
        Ok(CliExit::Done)
    }
}

/// The titles of trashed sessions, in order.
pub fn trash_titles(trash: &[TrashedSession]) -> Vec<(SessionId, String)> {
    let title = |trashed: &TrashedSession| match summary_of_file(&trashed.path) {
        Ok(summary) => summary.title_text().to_owned(),
        Err(error) => format!("(cannot be read: {error})"),
    };
    trash.par_iter().map(|trashed| (trashed.id, title(trashed))).collect()
}
