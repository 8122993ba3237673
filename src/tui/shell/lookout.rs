//! A look at what lies around the sessions: pins, folders that are gone, the
//! clean-up's period. Belongs to the thread that reads the list, since every
//! look touches the disk.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::index::Row;
use crate::session::SessionId;
use crate::store::{Scope, SessionStore};
use crate::tui::app::{Event, Surroundings};

/// So many looks go by between two that look after the pins.
const PINS_EVERY: u32 = 30;

/// Looks around, and tells what is new.
pub(super) struct Lookout {
    store: Arc<dyn SessionStore>,
    /// The folder hotseat was started in.
    project: Scope,
    here: HashSet<SessionId>,
    /// The folders of all sessions seen so far.
    folders: HashSet<String>,
    told: Surroundings,
    looks: u32,
}

impl Lookout {
    pub(super) fn new(store: Arc<dyn SessionStore>, project: Scope) -> Self {
        Self {
            store,
            project,
            here: HashSet::new(),
            folders: HashSet::new(),
            told: Surroundings::default(),
            looks: 0,
        }
    }

    /// Learns of the sessions that were read: of which folders they are.
    pub(super) fn learn(&mut self, rows: &[Row]) {
        let folders = rows.iter().filter_map(|row| row.facts.cwd.as_ref());
        for folder in folders {
            if !self.folders.contains(folder) {
                self.folders.insert(folder.clone());
            }
        }
        // What cannot be listed is told where the list is read.
        if let Ok(list) = self.store.list(&self.project) {
            self.here = list.into_iter().map(|stored| stored.id).collect();
        }
    }

    /// What is different since the last look, as events.
    pub(super) fn look(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.looks.is_multiple_of(PINS_EVERY) {
            events.extend(self.tend());
        }
        self.looks = self.looks.wrapping_add(1);
        let gone = self.folders.iter().filter(|folder| !Path::new(folder).is_dir()).cloned();
        // Pins that cannot be listed count as none: then the warning stays.
        let pinned = self.store.pinned().unwrap_or_default();
        let seen = Surroundings {
            here: Some(self.here.clone()),
            pinned: pinned.into_iter().map(|pinned| pinned.id).collect(),
            gone: gone.collect(),
            kept_for: self.store.cleanup_period(),
        };
        if seen != self.told {
            self.told = seen.clone();
            events.push(Event::Around(seen));
        }
        events
    }

    /// Lets the pins catch up, and brings back what somebody else deleted.
    fn tend(&self) -> Option<Event> {
        match self.store.tend() {
            Ok(back) => match back.len() {
                0 => None,
                1 => Some(Event::Said("a pinned session was deleted elsewhere: brought back".to_owned())),
                count => {
                    Some(Event::Said(format!("{count} pinned sessions were deleted elsewhere: brought back")))
                }
            },
            Err(error) => Some(Event::Failed(format!("looking after the pins: {error}"))),
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
        let mut lookout = Lookout::new(store, Scope::Project(root.clone()));
        let mut row = row(1, "t", 0, None);
        Arc::make_mut(&mut row.facts).cwd = Some(folder.to_str().unwrap().to_owned());
        lookout.learn(&[row]);
        let mut look = || match lookout.look().pop() {
            Some(Event::Around(around)) => {
                Some((around.gone.len(), around.kept_for.unwrap().as_secs() / 86_400))
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
