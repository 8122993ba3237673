//! A store whose transcripts can be listed and not read, whoever runs the tests: file modes
//! do not stop root.

use std::time::Duration;

use super::*;
use crate::store::{
    ForkResult, ForkSpec, Holder, PinnedSession, SessionWriter, StoredSession, TranscriptTail, TrashedSession,
};

/// Lists what the store within lists.
pub struct Unreadable(pub LocalStore);

impl Unreadable {
    fn refuse<T>(&self, id: SessionId) -> Result<T, StoreError> {
        let path = self.0.find(id)?.path;
        Err(StoreError::CannotRead { path, source: std::io::ErrorKind::PermissionDenied.into() })
    }
}

const UNUSED: &str = "a catalog does not call this";

impl SessionStore for Unreadable {
    fn list(&self, scope: &Scope) -> Result<Vec<StoredSession>, StoreError> {
        self.0.list(scope)
    }
    fn find(&self, id: SessionId) -> Result<StoredSession, StoreError> {
        self.0.find(id)
    }
    fn read(&self, id: SessionId) -> Result<Vec<u8>, StoreError> {
        self.refuse(id)
    }
    fn read_head(&self, id: SessionId, _at_most: u64) -> Result<Vec<u8>, StoreError> {
        self.refuse(id)
    }
    fn read_tail(&self, id: SessionId, _at_most: u64) -> Result<TranscriptTail, StoreError> {
        self.refuse(id)
    }
    fn read_range(&self, id: SessionId, _offset: u64, _at_most: u64) -> Result<Vec<u8>, StoreError> {
        self.refuse(id)
    }
    fn open(&self, _id: SessionId, _cwd: &Path) -> Result<Box<dyn SessionWriter>, StoreError> {
        unreachable!("{UNUSED}")
    }
    fn holder(&self, id: SessionId) -> Option<Holder> {
        self.0.holder(id)
    }
    fn holders(&self) -> Vec<(SessionId, Holder)> {
        self.0.holders()
    }
    fn fork(&self, _source: SessionId, _fork: &ForkSpec<'_>) -> Result<ForkResult, StoreError> {
        unreachable!("{UNUSED}")
    }
    fn rename(&self, _id: SessionId, _title: &str) -> Result<(), StoreError> {
        unreachable!("{UNUSED}")
    }
    fn tag(&self, _id: SessionId, _tag: &str) -> Result<(), StoreError> {
        unreachable!("{UNUSED}")
    }
    fn delete(&self, _id: SessionId) -> Result<(), StoreError> {
        unreachable!("{UNUSED}")
    }
    fn restore(&self, _id: SessionId) -> Result<(), StoreError> {
        unreachable!("{UNUSED}")
    }
    fn trash(&self) -> Result<Vec<TrashedSession>, StoreError> {
        self.0.trash()
    }
    fn pin(&self, _id: SessionId) -> Result<(), StoreError> {
        unreachable!("{UNUSED}")
    }
    fn unpin(&self, _id: SessionId) -> Result<(), StoreError> {
        unreachable!("{UNUSED}")
    }
    fn pinned(&self) -> Result<Vec<PinnedSession>, StoreError> {
        self.0.pinned()
    }
    fn cleanup_period(&self) -> Option<Duration> {
        self.0.cleanup_period()
    }
    fn reconcile_pins(&self) -> Result<Vec<SessionId>, StoreError> {
        self.0.reconcile_pins()
    }
}
