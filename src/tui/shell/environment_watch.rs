//! Polls what is in no transcript: pins, missing folders, the clean-up period.
//! Runs on the thread that reads the list, since every poll touches the disk.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::index::SessionRow;
use crate::session::SessionId;
use crate::store::{Scope, SessionStore, StoredSession, belongs_to_cwd};
use crate::tui::app::{Event, SessionEnvironment};

/// So many looks go by between two that look after the pins.
const POLLS_PER_PIN_CHECK: u32 = 30;

/// Polls the disk, and reports what is new.
pub(super) struct EnvironmentWatch {
    store: Arc<dyn SessionStore>,
    /// The folder hotseat was started in.
    project: Scope,
    project_sessions: HashSet<SessionId>,
    /// The folders of all sessions seen so far.
    folders: HashSet<String>,
    last: SessionEnvironment,
    polls: u32,
}

impl EnvironmentWatch {
    pub(super) fn new(store: Arc<dyn SessionStore>, project: Scope) -> Self {
        Self {
            store,
            project,
            project_sessions: HashSet::new(),
            folders: HashSet::new(),
            last: SessionEnvironment::default(),
            polls: 0,
        }
    }

    /// Takes in the sessions that were listed: their folders, and which of them are
    /// filed under the opened one.
    pub(super) fn add_sessions(&mut self, rows: &[SessionRow]) {
        let folders = rows.iter().filter_map(|row| row.facts.cwd.as_ref());
        for folder in folders {
            if !self.folders.contains(folder) {
                self.folders.insert(folder.clone());
            }
        }
        let Scope::Project(opened) = &self.project else { return };
        // A failure to list is reported where the list is read.
        let Ok(list) = self.store.list(&self.project) else { return };
        // The list has the other worktrees' sessions, too, which work elsewhere. What
        // other agents keep is filed under no folder: there the agent's word counts.
        let opened_text = opened.to_string_lossy();
        let external = rows.iter().filter(|row| row.facts.agent.is_some());
        let external: HashSet<_> = external
            .filter(|row| row.facts.cwd.as_deref() == Some(&*opened_text))
            .map(|row| row.stored.id)
            .collect();
        let mut dirs: HashMap<PathBuf, bool> = HashMap::new();
        let mut is_here = |stored: &StoredSession| {
            let Some(dir) = stored.path.parent() else { return false };
            match dirs.get(dir) {
                Some(is_home) => *is_home,
                None => {
                    let is_home = belongs_to_cwd(&stored.path, opened);
                    dirs.insert(dir.to_owned(), is_home);
                    is_home
                }
            }
        };
        let here = list.iter().filter(|stored| external.contains(&stored.id) || is_here(stored));
        self.project_sessions = here.map(|stored| stored.id).collect();
    }

    /// What is different since the last look, as events.
    pub(super) fn poll(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.polls.is_multiple_of(POLLS_PER_PIN_CHECK) {
            events.extend(self.reconcile_pins());
        }
        self.polls = self.polls.wrapping_add(1);
        let gone = self.folders.iter().filter(|folder| !Path::new(folder).is_dir()).cloned();
        // If the pins cannot be listed, the warning about clean-up stays.
        let pinned = self.store.pinned().unwrap_or_default();
        let seen = SessionEnvironment {
            project_sessions: Some(self.project_sessions.clone()),
            pinned: pinned.into_iter().map(|pinned| pinned.id).collect(),
            missing_folders: gone.collect(),
            former_folder: self.former_folder(),
            cleanup_period: self.store.cleanup_period(),
        };
        if seen != self.last {
            self.last = seen.clone();
            events.push(Event::EnvironmentChanged(seen));
        }
        events
    }

    /// What the opened folder was called before: looked for at the start and after a list that
    /// changed it, as other folders have to be read for it.
    fn former_folder(&self) -> Option<(String, usize)> {
        let Scope::Project(opened) = &self.project else { return None };
        if !self.polls.wrapping_sub(1).is_multiple_of(POLLS_PER_PIN_CHECK) {
            return self.last.former_folder.clone().filter(|(folder, _)| !self.is_moved(folder));
        }
        let former = self.store.former_folder(opened)?;
        Some((former.path.display().to_string(), former.sessions))
    }

    /// No session works in a folder any more.
    fn is_moved(&self, folder: &str) -> bool {
        let scope = Scope::Project(PathBuf::from(folder));
        self.store.list(&scope).is_ok_and(|list| list.is_empty())
    }

    /// Lets the pins catch up, and brings back what somebody else deleted.
    fn reconcile_pins(&self) -> Option<Event> {
        match self.store.reconcile_pins() {
            Ok(back) => match back.len() {
                0 => None,
                1 => Some(Event::Info("a pinned session was deleted elsewhere; it was restored".to_owned())),
                count => Some(Event::Info(format!(
                    "{count} pinned sessions were deleted elsewhere; they were restored"
                ))),
            },
            Err(error) => Some(Event::Failed(format!("checking the pins: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LocalStore;
    use crate::tui::app::sample::row;

    #[test]
    fn it_tells_what_is_new_and_only_that() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        let folder = root.join("müsli 🥣");
        std::fs::create_dir(&folder).unwrap();
        let store: Arc<dyn SessionStore> = Arc::new(LocalStore::new(root.join("claude")));
        let mut lookout = EnvironmentWatch::new(store, Scope::Project(root.clone()));
        let mut row = row(1, "t", 0, None);
        Arc::make_mut(&mut row.facts).cwd = Some(folder.to_str().unwrap().to_owned());
        lookout.add_sessions(&[row]);
        let mut look = || match lookout.poll().pop() {
            Some(Event::EnvironmentChanged(around)) => {
                Some((around.missing_folders.len(), around.cleanup_period.unwrap().as_secs() / 86_400))
            }
            _ => None,
        };
        assert_eq!(look(), Some((0, 30)));
        assert_eq!(look(), None);
        std::fs::rename(&folder, root.join("renamed")).unwrap();
        std::fs::create_dir_all(root.join("claude")).unwrap();
        std::fs::write(root.join("claude/settings.json"), r#"{"cleanupPeriodDays":9}"#).unwrap();
        assert_eq!(look(), Some((1, 9)));
        assert_eq!(look(), None);
    }
}
