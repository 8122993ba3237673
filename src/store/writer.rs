//! Appends to transcripts: whole lines, at the end, in one write.
//!
//! Never rewrites and never truncates. With `O_APPEND` a title from another process can
//! land between two entries without harming either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SessionWriter;
use super::lock::SessionLock;
use super::place_files::write_new;
use crate::sys::private_files::private_dir;

/// A session open for appending. Its file is created with its first entry.
pub(super) struct LocalWriter {
    path: PathBuf,
    file: Option<File>,
    /// The file is new, so its folder must reach the disk too.
    folder_needs_sync: bool,
    /// Up to here the owner knows the transcript: it has read or written it.
    known_end: u64,
    /// What others appended before something of ours, and is not reported yet.
    by_others: Vec<Range<u64>>,
    _lock: Arc<SessionLock>,
}

impl LocalWriter {
    /// Opens nothing yet. `exists` says whether there is a transcript to append to.
    pub fn new(path: PathBuf, exists: bool, lock: Arc<SessionLock>) -> Self {
        let by_others = Vec::new();
        Self { path, file: None, folder_needs_sync: !exists, known_end: 0, by_others, _lock: lock }
    }

    /// Notes that our own lines lie at `written`; what others appended lies before them.
    fn note_written(&mut self, written: Range<u64>) {
        if self.known_end < written.start {
            self.by_others.push(self.known_end..written.start);
        }
        self.known_end = written.end;
    }
}

impl SessionWriter for LocalWriter {
    fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, entries: &[String]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let file = match self.file.take() {
            Some(file) => file,
            None if self.folder_needs_sync => {
                self.path.parent().map_or(Ok(()), private_dir)?;
                append_options().create(true).mode(0o600).open(&self.path)?
            }
            None => append_options().open(&self.path)?,
        };
        let written = append_lines(self.file.insert(file), entries)?;
        self.note_written(written);
        Ok(())
    }

    fn mark_read(&mut self, size: u64) {
        self.known_end = size;
    }

    fn appended_by_others(&mut self) -> io::Result<Vec<Range<u64>>> {
        let size = match &self.file {
            Some(file) => file.metadata()?.len(),
            None => match fs::metadata(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                found => found?.len(),
            },
        };
        if self.known_end < size {
            self.by_others.push(self.known_end..size);
        }
        // A file that was cut short says nothing new.
        self.known_end = size;
        Ok(std::mem::take(&mut self.by_others))
    }

    fn sync(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data()?;
        if std::mem::take(&mut self.folder_needs_sync)
            && let Some(folder) = self.path.parent()
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// Appends to a transcript that must exist.
pub(super) fn append_existing(path: &Path, entries: &[String]) -> io::Result<()> {
    append_lines(&append_options().open(path)?, entries).map(drop)
}

/// Creates a transcript that must not exist. It appears with all entries, on the disk; nothing
/// is left when that fails.
pub(super) fn create_new(path: &Path, entries: &[String]) -> io::Result<()> {
    path.parent().map_or(Ok(()), private_dir)?;
    write_new(path, |file| append_lines(file, entries).map(drop))
}

/// Opened for reading too, to see how the file ends.
fn append_options() -> OpenOptions {
    let mut options = File::options();
    options.read(true).append(true);
    options
}

/// Returns where the lines lie. With `O_APPEND` that may be behind what another program appended a
/// moment ago; only the position after the write tells.
fn append_lines(mut file: &File, entries: &[String]) -> io::Result<Range<u64>> {
    let lines = encode_lines(entries)?;
    let there = file.metadata()?;
    if there.nlink() == 0 {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the transcript was deleted while it was open"));
    }
    let lines = if ends_mid_line(file, there.len())? { [b"\n", lines.as_slice()].concat() } else { lines };
    file.write_all(&lines)?;
    let end = file.stream_position()?;
    Ok(end.saturating_sub(lines.len() as u64)..end)
}

/// The entries as lines of a transcript.
pub(super) fn encode_lines(entries: &[String]) -> io::Result<Vec<u8>> {
    if entries.iter().any(|entry| entry.contains('\n')) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an entry is one line"));
    }
    let mut lines = Vec::with_capacity(entries.iter().map(|entry| entry.len() + 1).sum());
    for entry in entries {
        lines.extend_from_slice(entry.as_bytes());
        lines.push(b'\n');
    }
    Ok(lines)
}

fn ends_mid_line(file: &File, size: u64) -> io::Result<bool> {
    let Some(last) = size.checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, last)? == 1 && byte != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn writer(temp: &Path, exists: bool) -> LocalWriter {
        let lock = SessionLock::try_acquire(&temp.join("x.lock")).unwrap();
        LocalWriter::new(temp.join("projects/p/x.jsonl"), exists, Arc::new(lock))
    }

    #[test]
    fn the_file_is_made_with_the_first_entry_and_for_its_owner_only() {
        let temp = tempfile::tempdir().unwrap();
        let mut writer = writer(temp.path(), false);
        writer.append(&[]).unwrap();
        writer.sync().unwrap();
        assert!(!writer.path().exists());
        writer.append(&["{}".into(), "{\"a\":1}".into()]).unwrap();
        writer.sync().unwrap();
        assert_eq!(fs::read_to_string(writer.path()).unwrap(), "{}\n{\"a\":1}\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(writer.path()), 0o600);
        assert_eq!(mode(writer.path().parent().unwrap()), 0o700);
    }

    #[test]
    fn what_others_append_is_reported_once_and_what_we_append_never() {
        let temp = tempfile::tempdir().unwrap();
        let mut writer = writer(temp.path(), false);
        assert_eq!(writer.appended_by_others().unwrap(), []);
        writer.append(&["{}".into()]).unwrap();
        assert_eq!(writer.appended_by_others().unwrap(), []);
        let other = |line: &str| {
            append_options().open(temp.path().join("projects/p/x.jsonl")).unwrap().write_all(line.as_bytes())
        };
        other("{\"a\":1}\n").unwrap();
        writer.append(&["{}".into()]).unwrap();
        other("{\"b\":1}\n").unwrap();
        assert_eq!(writer.appended_by_others().unwrap(), [3..11, 14..22]);
        assert_eq!(writer.appended_by_others().unwrap(), []);
        writer.append(&["{}".into()]).unwrap();
        assert_eq!(writer.appended_by_others().unwrap(), []);
    }

    #[test]
    fn a_torn_end_gets_its_newline_first() {
        let temp = tempfile::tempdir().unwrap();
        let mut writer = writer(temp.path(), false);
        writer.append(&["{}".into()]).unwrap();
        append_options().open(writer.path()).unwrap().write_all(b"{\"to").unwrap();
        writer.append(&["{}".into()]).unwrap();
        assert_eq!(fs::read_to_string(writer.path()).unwrap(), "{}\n{\"to\n{}\n");
    }

    #[test]
    fn a_transcript_that_vanished_is_an_error_and_not_a_loss() {
        let temp = tempfile::tempdir().unwrap();
        let mut writer = writer(temp.path(), false);
        writer.append(&["{}".into()]).unwrap();
        fs::remove_file(writer.path()).unwrap();
        assert_eq!(writer.append(&["{}".into()]).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(append_existing(writer.path(), &["{}".into()]).is_err());
        assert!(!writer.path().exists());
    }

    #[test]
    fn an_entry_of_two_lines_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let error = create_new(&temp.path().join("x.jsonl"), &["{\n}".into()]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(!temp.path().join("x.jsonl").exists());
    }
}
