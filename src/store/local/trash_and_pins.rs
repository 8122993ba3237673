//! The trash and the pins of a store of files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{LocalStore, dir_entries};
use crate::session::SessionId;
use crate::store::snapshots::{disk_size, is_prefix_of, list_snapshots, newest_snapshot};
use crate::store::{PinnedSession, SessionStore, StoreError, StoredSession, TrashedSession, pins, trash};

impl LocalStore {
    /// The folder of a session's deleted snapshots.
    pub(super) fn trash_dir(&self, id: SessionId) -> PathBuf {
        self.root.join("hotseat/trash").join(id.to_string())
    }

    /// The folder of a session's pinned snapshots.
    fn pin_dir(&self, id: SessionId) -> PathBuf {
        self.root.join("hotseat/pinned").join(id.to_string())
    }

    /// Everything in the trash, the last deleted first.
    pub(super) fn list_trash(&self) -> Result<Vec<TrashedSession>, StoreError> {
        let mut all = Vec::new();
        for id in ids_in(&self.root.join("hotseat/trash"))? {
            let dir = self.trash_dir(id);
            let found =
                list_snapshots(&dir).map_err(StoreError::io(format!("cannot read {}", dir.display())))?;
            all.extend(found.into_iter().map(|snapshot| TrashedSession {
                id,
                deleted_at: snapshot.created_at,
                size: snapshot.size(),
                path: snapshot.transcript,
            }));
        }
        all.sort_by_key(|trashed| std::cmp::Reverse((trashed.deleted_at, trashed.id)));
        Ok(all)
    }

    /// Removes for good what [`trash`](SessionStore::trash) listed. Nothing else ever
    /// removes a transcript.
    pub fn purge(&self, trashed: &TrashedSession) -> Result<(), StoreError> {
        let dir = self.trash_dir(trashed.id);
        let doing = || StoreError::io(format!("cannot remove {}", trashed.path.display()));
        let all = list_snapshots(&dir).map_err(doing())?;
        let snapshot = all.iter().find(|snapshot| snapshot.transcript == trashed.path);
        let snapshot = snapshot.ok_or(StoreError::NotInTrash(trashed.id))?;
        trash::purge(snapshot, &dir, self.staging()?.path()).map_err(doing())
    }

    /// Moves a session to the trash although a live process may have it open. What that
    /// process still writes goes along, or starts a new file.
    pub fn delete_even_if_open(&self, id: SessionId) -> Result<(), StoreError> {
        let path = self.find_owned(id)?.path;
        trash::move_to_trash(&self.pending_moves(), id, &path, &self.trash_dir(id), SystemTime::now())
            .map_err(StoreError::io(format!("cannot move {} to the trash", path.display())))?;
        self.path_cache().remove(&id);
        Ok(())
    }

    /// Whether a copy of the session is kept, deleted or not.
    pub fn is_pinned(&self, id: SessionId) -> bool {
        newest_snapshot(&self.pin_dir(id)).is_ok()
    }

    /// The bytes of a session, including its side folder.
    pub fn total_size(&self, stored: &StoredSession) -> u64 {
        stored.size + disk_size(&stored.path.with_extension(""))
    }

    /// Restores the session from the trash, or else from its pin.
    pub(super) fn restore_session(&self, id: SessionId) -> Result<(), StoreError> {
        // A restore that was killed halfway is finished here, and a delete before it is undone.
        let finished = self.finish_interrupted_of(id);
        if finished.is_some_and(|finished| finished.to().starts_with(&self.projects)) {
            return Ok(());
        }
        if self.find(id).is_ok() {
            let is_away = list_snapshots(&self.trash_dir(id)).is_ok_and(|snapshots| !snapshots.is_empty());
            return Err(if is_away { StoreError::Exists(id) } else { StoreError::NotInTrash(id) });
        }
        let dir = self.trash_dir(id);
        let path =
            trash::restore(&self.pending_moves(), id, &dir, &self.projects).or_else(|error| {
                match error.kind() {
                    ErrorKind::NotFound => {
                        pins::restore_pinned(&self.pin_dir(id), &self.projects, SystemTime::now())
                    }
                    _ => Err(error),
                }
            });
        let path = path.map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::NotInTrash(id),
            ErrorKind::AlreadyExists => StoreError::Exists(id),
            _ => StoreError::io(format!("cannot restore the session from {}", dir.display()))(error),
        })?;
        self.path_cache().insert(id, path);
        Ok(())
    }

    /// Pins a session, or updates its pin.
    pub(super) fn pin_session(&self, id: SessionId) -> Result<(), StoreError> {
        let path = self.find_owned(id)?.path;
        pins::pin(&path, &self.pin_dir(id), SystemTime::now())
            .map_err(StoreError::io(format!("cannot pin {}", path.display())))
    }

    /// Removes a pin once the transcript exists without it.
    pub(super) fn unpin_session(&self, id: SessionId) -> Result<(), StoreError> {
        let dir = self.pin_dir(id);
        let last = newest_snapshot(&dir).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::NotPinned(id),
            _ => StoreError::io(format!("cannot read {}", dir.display()))(error),
        })?;
        let deleted = newest_snapshot(&self.trash_dir(id)).ok().map(|snapshot| snapshot.transcript);
        let transcript = match (self.find(id), deleted) {
            (Ok(stored), _) => stored.path,
            (Err(_), Some(deleted)) if holds(&deleted, &last.transcript) => deleted,
            (Err(_), _) => {
                self.restore_pin(id)?;
                self.find(id)?.path
            }
        };
        pins::release(&transcript, &dir, |snapshot| {
            trash::move_to_trash(&self.pending_moves(), id, snapshot, &self.trash_dir(id), SystemTime::now())
        })
        .map_err(StoreError::io(format!("cannot unpin {}", transcript.display())))
    }

    /// The pinned sessions that were not deleted here.
    pub(super) fn list_pins(&self) -> Result<Vec<PinnedSession>, StoreError> {
        let mut all = Vec::new();
        for id in ids_in(&self.root.join("hotseat/pinned"))? {
            let Ok(snapshot) = newest_snapshot(&self.pin_dir(id)) else { continue };
            let is_missing = self.find(id).is_err();
            let deleted = newest_snapshot(&self.trash_dir(id)).ok().filter(|_| is_missing);
            if !deleted.is_some_and(|deleted| holds(&deleted.transcript, &snapshot.transcript)) {
                all.push(PinnedSession { id, path: snapshot.transcript, original_missing: is_missing });
            }
        }
        Ok(all)
    }

    /// Updates every pin and restores lost sessions, which it returns. A pin that fails
    /// does not hold up the others.
    pub(super) fn tend_pins(&self) -> Result<Vec<SessionId>, StoreError> {
        self.finish_interrupted();
        let mut restored = Vec::new();
        let mut first_error = None;
        for PinnedSession { id, original_missing: is_missing, .. } in self.list_pins()? {
            let outcome = if is_missing { self.restore_pin(id) } else { self.pin_session(id) };
            match outcome {
                Ok(()) if is_missing => restored.push(id),
                Ok(()) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or(Ok(restored), Err)
    }

    fn restore_pin(&self, id: SessionId) -> Result<(), StoreError> {
        let dir = self.pin_dir(id);
        let path = match pins::restore_pinned(&dir, &self.projects, SystemTime::now()) {
            // Another process restored it first.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            path => path.map_err(StoreError::io(format!(
                "cannot restore the pinned session from {}",
                dir.display()
            )))?,
        };
        self.path_cache().insert(id, path);
        Ok(())
    }
}

/// Whether one file has everything the other has.
fn holds(whole: &Path, part: &Path) -> bool {
    is_prefix_of(part, whole).unwrap_or(false)
}

/// The session ids that name folders here.
fn ids_in(folder: &Path) -> Result<Vec<SessionId>, StoreError> {
    Ok(dir_entries(folder)?
        .filter_map(|entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok())
        .collect())
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
        assert!(trash.is_sorted_by_key(|trashed| std::cmp::Reverse(trashed.deleted_at)));
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
        assert_eq!(scratch.store.reconcile_pins().unwrap(), []);
        let path = scratch.store.find(id).unwrap().path;
        fs::remove_file(&path).unwrap();
        let pinned = scratch.store.pinned().unwrap();
        assert_eq!((pinned.len(), pinned[0].id, pinned[0].original_missing), (1, id, true));
        assert_eq!(scratch.store.reconcile_pins().unwrap(), [id]);
        assert_eq!(scratch.text(id), format!("{PROMPT}\n"));
        scratch.store.delete(id).unwrap();
        assert_eq!(scratch.store.pinned().unwrap(), []);
        assert_eq!(scratch.store.reconcile_pins().unwrap(), []);
        scratch.store.restore(id).unwrap();
        assert!(!scratch.store.pinned().unwrap()[0].original_missing, "it is pinned as before");
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
