//! The summary of one session, however large, without reading all of it.
//!
//! For commands that name a session in their answer. A small transcript is read whole. Of a
//! large one the index knows the summary, up to what was appended since; without an index its
//! two ends have to do, as in a list. Never writes the index.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::database::IndexDatabase;
use super::scanner::{self, END_BYTES};
use crate::session::{SessionId, SessionSummary};
use crate::store::{SessionStore, StoreError};

/// Up to this size a transcript is read whole: a few milliseconds.
const READ_WHOLE_BYTES: u64 = 8 << 20;

/// The summary of a session. `index` need not exist.
pub fn summary_of(
    store: &dyn SessionStore,
    index: &Path,
    id: SessionId,
) -> Result<SessionSummary, StoreError> {
    let stored = store.find(id)?;
    if stored.size > READ_WHOLE_BYTES && index.exists() {
        let database = IndexDatabase::open(index).map(|(database, _)| database);
        let former = database.and_then(|database| database.scan_state(id)).ok().flatten();
        let is_near = |offset: u64| stored.size.saturating_sub(offset) <= READ_WHOLE_BYTES;
        if let Some(former) = former.filter(|former| is_near(former.offset())) {
            let read = scanner::scan(store, &stored, Some(former), READ_WHOLE_BYTES)?;
            if read.is_complete {
                return Ok(read.facts);
            }
        }
    }
    Ok(scanner::quick_scan(store, &stored, READ_WHOLE_BYTES)?.0)
}

/// The summary of a transcript outside the store, such as one in the trash; of a large one what
/// its two ends say.
pub fn summary_of_file(path: &Path) -> io::Result<SessionSummary> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let read = |from: u64, length: u64| {
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, from).map(|()| bytes)
    };
    if size <= READ_WHOLE_BYTES {
        return Ok(SessionSummary::from_bytes(&read(0, size)?));
    }
    let (head, tail) = (read(0, END_BYTES)?, read(size - END_BYTES, END_BYTES)?);
    Ok(scanner::summary_of_ends(&head, &tail))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::index::{Catalog, IndexingOutcome};
    use crate::store::{LocalStore, Scope};

    #[test]
    fn a_title_in_the_middle_of_a_large_session_is_known_from_the_index() {
        let temp = tempfile::tempdir().unwrap();
        let (store, index) = (std::sync::Arc::new(LocalStore::new(temp.path())), temp.path().join("i.db"));
        let id = SessionId::random();
        let folder = temp.path().join("projects/-w");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{id}.jsonl"));
        let prompt = r#"{"type":"user","uuid":"p","message":{"content":"first words"}}"#;
        let title = r#"{"type":"custom-title","customTitle":"Mine"}"#;
        let filler = format!("{{\"type\":\"other\",\"x\":\"{}\"}}\n", "x".repeat(1 << 20)).repeat(5);
        std::fs::write(&path, format!("{prompt}\n{filler}{title}\n{filler}")).unwrap();
        let named = || summary_of(&*store, &index, id).unwrap().title_text().to_owned();
        assert_eq!(named(), "first words", "only the ends are read");
        let catalog = Catalog::open(store.clone(), &index, false);
        let done = catalog.index_all(&Scope::All, |_, _| std::ops::ControlFlow::Continue(()));
        assert_eq!(done.unwrap(), IndexingOutcome::Done);
        assert_eq!(named(), "Mine");
        store.rename(id, "Other").unwrap();
        assert_eq!(named(), "Other", "what was appended since counts");
        assert_eq!(summary_of_file(&path).unwrap().title_text(), "Other");
        let small = temp.path().join("small");
        std::fs::File::create(&small).unwrap().write_all(title.as_bytes()).unwrap();
        assert_eq!(summary_of_file(&small).unwrap().title_text(), "Mine");
    }
}
