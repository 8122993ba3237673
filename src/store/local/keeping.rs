//! What is put away: the trash and the pins of a store of files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{LocalStore, entries};
use crate::session::SessionId;
use crate::store::version::{is_beginning_of, newest, size, versions};
use crate::store::{Pinned, SessionStore, StoreError, Stored, Trashed, pins, trash};

impl LocalStore {
    /// Where a deleted session waits.
    pub(super) fn bin(&self, id: SessionId) -> PathBuf {
        self.root.join("hotseat/trash").join(id.to_string())
    }

    /// Where a pinned session's copy lies.
    fn pin_bin(&self, id: SessionId) -> PathBuf {
        self.root.join("hotseat/pinned").join(id.to_string())
    }

    /// Everything in the trash, the last deleted first.
    pub(super) fn trashed(&self) -> Result<Vec<Trashed>, StoreError> {
        let mut all = Vec::new();
        for id in ids_in(&self.root.join("hotseat/trash"))? {
            let bin = self.bin(id);
            let found = versions(&bin).map_err(StoreError::io(format!("cannot read {}", bin.display())))?;
            all.extend(found.into_iter().map(|version| Trashed {
                id,
                deleted: version.when,
                size: version.size(),
                path: version.transcript,
            }));
        }
        all.sort_by_key(|trashed| std::cmp::Reverse((trashed.deleted, trashed.id)));
        Ok(all)
    }

    /// Removes for good what [`trash`](SessionStore::trash) listed. There is no
    /// way back, and nothing else ever removes a transcript.
    pub fn purge(&self, trashed: &Trashed) -> Result<(), StoreError> {
        let bin = self.bin(trashed.id);
        let doing = || StoreError::io(format!("cannot remove {}", trashed.path.display()));
        let all = versions(&bin).map_err(doing())?;
        let version = all.iter().find(|version| version.transcript == trashed.path);
        trash::purge(version.ok_or(StoreError::NotInTrash(trashed.id))?, &bin).map_err(doing())
    }

    /// Moves a session to the trash although a live process may have it open.
    /// What that process still writes goes along, or begins a new file.
    pub fn delete_open(&self, id: SessionId) -> Result<(), StoreError> {
        let path = self.own(id)?.path;
        trash::put(&path, &self.bin(id), SystemTime::now())
            .map_err(StoreError::io(format!("cannot move {} to the trash", path.display())))?;
        self.known().remove(&id);
        Ok(())
    }

    /// Whether a copy of the session is kept, deleted or not.
    pub fn has_pin(&self, id: SessionId) -> bool {
        newest(&self.pin_bin(id)).is_ok()
    }

    /// The bytes of a session with its side folder.
    pub fn whole_size(&self, stored: &Stored) -> u64 {
        stored.size + size(&stored.path.with_extension(""))
    }

    /// Takes the session out of the trash; where it was never deleted here, its
    /// pinned copy serves.
    pub(super) fn bring_back(&self, id: SessionId) -> Result<(), StoreError> {
        if self.find(id).is_ok() {
            let is_away = versions(&self.bin(id)).is_ok_and(|versions| !versions.is_empty());
            return Err(if is_away { StoreError::Exists(id) } else { StoreError::NotInTrash(id) });
        }
        let bin = self.bin(id);
        let path = trash::take_back(&bin, &self.projects).or_else(|error| match error.kind() {
            ErrorKind::NotFound => pins::bring_back(&self.pin_bin(id), &self.projects, SystemTime::now()),
            _ => Err(error),
        });
        let path = path.map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::NotInTrash(id),
            ErrorKind::AlreadyExists => StoreError::Exists(id),
            _ => StoreError::io(format!("cannot bring the session back from {}", bin.display()))(error),
        })?;
        self.known().insert(id, path);
        Ok(())
    }

    /// Pins a session, or lets its pin catch up.
    pub(super) fn keep_pin(&self, id: SessionId) -> Result<(), StoreError> {
        let path = self.own(id)?.path;
        pins::keep(&path, &self.pin_bin(id), SystemTime::now())
            .map_err(StoreError::io(format!("cannot pin {}", path.display())))
    }

    /// Gives a pin up, once the transcript is there without it.
    pub(super) fn drop_pin(&self, id: SessionId) -> Result<(), StoreError> {
        let bin = self.pin_bin(id);
        let last = newest(&bin).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::NotPinned(id),
            _ => StoreError::io(format!("cannot read {}", bin.display()))(error),
        })?;
        let deleted = newest(&self.bin(id)).ok().map(|version| version.transcript);
        let transcript = match (self.find(id), deleted) {
            (Ok(stored), _) => stored.path,
            (Err(_), Some(deleted)) if holds(&deleted, &last.transcript) => deleted,
            (Err(_), _) => {
                self.bring_back_pinned(id)?;
                self.find(id)?.path
            }
        };
        pins::let_go(&transcript, &bin, |version| trash::put(version, &self.bin(id), SystemTime::now()))
            .map_err(StoreError::io(format!("cannot unpin {}", transcript.display())))
    }

    /// The pinned sessions that were not deleted here.
    pub(super) fn pins(&self) -> Result<Vec<Pinned>, StoreError> {
        let mut all = Vec::new();
        for id in ids_in(&self.root.join("hotseat/pinned"))? {
            let Ok(version) = newest(&self.pin_bin(id)) else { continue };
            let gone = self.find(id).is_err();
            let deleted = newest(&self.bin(id)).ok().filter(|_| gone);
            if !deleted.is_some_and(|deleted| holds(&deleted.transcript, &version.transcript)) {
                all.push(Pinned { id, path: version.transcript, gone });
            }
        }
        Ok(all)
    }

    /// Lets every pin catch up and brings back what was lost; says which. One
    /// that cannot be looked after keeps no other waiting.
    pub(super) fn tend_pins(&self) -> Result<Vec<SessionId>, StoreError> {
        let mut back = Vec::new();
        let mut trouble = None;
        for Pinned { id, gone, .. } in self.pins()? {
            let tended = if gone { self.bring_back_pinned(id) } else { self.keep_pin(id) };
            match tended {
                Ok(()) if gone => back.push(id),
                Ok(()) => {}
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        trouble.map_or(Ok(back), Err)
    }

    fn bring_back_pinned(&self, id: SessionId) -> Result<(), StoreError> {
        let bin = self.pin_bin(id);
        let path = match pins::bring_back(&bin, &self.projects, SystemTime::now()) {
            // Another process was quicker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            path => path.map_err(StoreError::io(format!(
                "cannot bring the pinned session back from {}",
                bin.display()
            )))?,
        };
        self.known().insert(id, path);
        Ok(())
    }
}

/// Whether the one file has all that the other has.
fn holds(whole: &Path, part: &Path) -> bool {
    is_beginning_of(part, whole).unwrap_or(false)
}

/// The ids that name folders here.
fn ids_in(folder: &Path) -> Result<Vec<SessionId>, StoreError> {
    Ok(entries(folder)?.filter_map(|entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PROMPT, Scratch};
    use super::*;
    use crate::store::SessionStore;

    #[test]
    fn the_trash_lists_what_was_deleted_last_first() {
        let scratch = Scratch::new();
        let ids: Vec<_> = (0..3).map(|_| scratch.session(&[PROMPT])).collect();
        for &id in &ids {
            scratch.store.delete(id).unwrap();
        }
        let trash = scratch.store.trash().unwrap();
        assert_eq!(trash.len(), 3);
        assert!(trash.is_sorted_by_key(|trashed| std::cmp::Reverse(trashed.deleted)));
        assert_eq!(trash[0].size, PROMPT.len() as u64 + 1);
        scratch.store.purge(&trash[1]).unwrap();
        assert!(matches!(scratch.store.restore(trash[1].id), Err(StoreError::NotInTrash(_))));
        assert_eq!(scratch.store.trash().unwrap(), [trash[0].clone(), trash[2].clone()]);
    }

    #[test]
    fn a_session_that_is_there_again_is_a_conflict() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT]);
        assert!(matches!(scratch.store.restore(id), Err(StoreError::NotInTrash(_))));
        scratch.store.delete(id).unwrap();
        scratch.store.open(id, Path::new("/elsewhere")).unwrap().append(&[PROMPT.into()]).unwrap();
        assert!(matches!(scratch.store.restore(id), Err(StoreError::Exists(_))));
        assert_eq!(scratch.store.trash().unwrap().len(), 1);
    }

    #[test]
    fn a_pinned_session_comes_back_after_a_clean_up_and_not_after_a_delete() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT]);
        scratch.store.pin(id).unwrap();
        assert_eq!(scratch.store.tend().unwrap(), []);
        let path = scratch.store.find(id).unwrap().path;
        fs::remove_file(&path).unwrap();
        let pinned = scratch.store.pinned().unwrap();
        assert_eq!((pinned.len(), pinned[0].id, pinned[0].gone), (1, id, true));
        assert_eq!(scratch.store.tend().unwrap(), [id]);
        assert_eq!(scratch.text(id), format!("{PROMPT}\n"));
        scratch.store.delete(id).unwrap();
        assert_eq!(scratch.store.pinned().unwrap(), []);
        assert_eq!(scratch.store.tend().unwrap(), []);
        scratch.store.restore(id).unwrap();
        assert!(!scratch.store.pinned().unwrap()[0].gone, "it is pinned as before");
    }

    #[test]
    fn giving_up_a_pin_loses_nothing() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT]);
        assert!(matches!(scratch.store.unpin(id), Err(StoreError::NotPinned(_))));
        scratch.store.pin(id).unwrap();
        fs::remove_file(scratch.store.find(id).unwrap().path).unwrap();
        scratch.store.unpin(id).unwrap();
        assert_eq!(scratch.text(id), format!("{PROMPT}\n"));
        assert_eq!(scratch.store.pinned().unwrap(), []);
    }

    #[test]
    fn a_pin_is_brought_back_by_name_too() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT]);
        scratch.store.pin(id).unwrap();
        fs::remove_file(scratch.store.find(id).unwrap().path).unwrap();
        scratch.store.restore(id).unwrap();
        assert_eq!(scratch.text(id), format!("{PROMPT}\n"));
    }
}
