//! A session as one file for another host: a tar of its transcript and its side folder.
//!
//! The order is `<id>/…` first, `<id>.jsonl` last, so an archive that was cut off has no
//! transcript and is refused. Archives are hostile input: unpacking accepts only plain
//! files under those two names, each once, and never writes outside the given folder.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

use crate::session::SessionId;
use crate::sys::private_files::private_dir;

/// Packs a session and returns the bytes of its files.
pub(super) fn pack(id: SessionId, transcript: &Path, out: impl Write) -> io::Result<u64> {
    let mut archive = Builder::new(out);
    let mut bytes = append_tree(&mut archive, &transcript.with_extension(""), Path::new(&id.to_string()))?;
    bytes += append_file(&mut archive, transcript, Path::new(&format!("{id}.jsonl")))?;
    archive.into_inner()?.flush()?;
    Ok(bytes)
}

/// Unpacks an archive into `staging`, which must be empty, and returns the session's id.
pub(super) fn unpack(archive: impl Read, staging: &Path) -> io::Result<SessionId> {
    let mut found = None;
    let mut is_whole = false;
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if entry.header().entry_type() == EntryType::Directory {
            continue;
        }
        let (id, is_transcript) =
            session_of_path(&path).ok_or_else(|| invalid_member(&path, "is not a file of a session"))?;
        if !matches!(entry.header().entry_type(), EntryType::Regular | EntryType::Continuous) {
            return Err(invalid_member(&path, "is not a regular file"));
        }
        if *found.get_or_insert(id) != id {
            return Err(invalid_member(&path, "belongs to another session"));
        }
        let target = staging.join(&path);
        target.parent().map_or(Ok(()), private_dir)?;
        let file = File::options().write(true).create_new(true).mode(0o600).open(&target);
        let mut file = file.map_err(|error| invalid_member(&path, &error.to_string()))?;
        if io::copy(&mut entry, &mut file)? != entry.size() {
            return Err(invalid_member(&path, "is cut off"));
        }
        // The rename that ends an import must not reach the disk before the content.
        file.sync_data()?;
        is_whole |= is_transcript;
    }
    found.filter(|_| is_whole).ok_or_else(|| {
        io::Error::new(
            ErrorKind::InvalidData,
            "the archive holds no transcript: it was cut off, or it is not a session",
        )
    })
}

/// The session that a member's name belongs to, and whether it is the transcript.
fn session_of_path(path: &Path) -> Option<(SessionId, bool)> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    match parts?.as_slice() {
        [name] => Some((name.strip_suffix(".jsonl")?.parse().ok()?, true)),
        [id, ..] => Some((id.parse().ok()?, false)),
        [] => None,
    }
}

fn invalid_member(path: &Path, why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("member “{}” {why}", path.display()))
}

/// Packs plain files only; what a symbolic link points to does not belong to the session.
fn append_tree(archive: &mut Builder<impl Write>, folder: &Path, name: &Path) -> io::Result<u64> {
    if !folder.is_dir() {
        return Ok(0);
    }
    let mut entries: Vec<PathBuf> =
        folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    let mut bytes = 0;
    for path in entries {
        let kind = path.symlink_metadata()?.file_type();
        let name = name.join(path.file_name().unwrap_or_default());
        if kind.is_dir() {
            bytes += append_tree(archive, &path, &name)?;
        } else if kind.is_file() {
            bytes += append_file(archive, &path, &name)?;
        }
    }
    Ok(bytes)
}

/// Packs the file at its present length; bytes appended meanwhile are left out.
fn append_file(archive: &mut Builder<impl Write>, path: &Path, name: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    let there = file.metadata()?;
    let mut header = Header::new_gnu();
    header.set_metadata(&there);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    let mut counted = CountingReader { source: file.take(there.len()), bytes: 0 };
    archive.append_data(&mut header, name, &mut counted)?;
    if counted.bytes != there.len() {
        let error = format!("{} shrank while it was read", path.display());
        return Err(io::Error::new(ErrorKind::UnexpectedEof, error));
    }
    Ok(counted.bytes)
}

/// Counts the bytes that are read.
struct CountingReader<R> {
    source: R,
    bytes: u64,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ID: &str = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";

    #[test]
    fn a_session_arrives_as_it_was_sent() {
        let temp = tempfile::tempdir().unwrap();
        let transcript = temp.path().join(format!("{ID}.jsonl"));
        let deep = format!("{}/agent-1.jsonl", "deep-er/".repeat(20));
        let side = temp.path().join(ID).join(&deep);
        fs::create_dir_all(side.parent().unwrap()).unwrap();
        fs::write(&side, "aside").unwrap();
        fs::write(&transcript, "{}\n").unwrap();
        let mut sent = Vec::new();
        assert_eq!(pack(ID.parse().unwrap(), &transcript, &mut sent).unwrap(), 8);

        let staging = tempfile::tempdir().unwrap();
        assert_eq!(unpack(&*sent, staging.path()).unwrap(), ID.parse().unwrap());
        assert_eq!(fs::read_to_string(staging.path().join(ID).join(deep)).unwrap(), "aside");
        assert_eq!(fs::read_to_string(staging.path().join(format!("{ID}.jsonl"))).unwrap(), "{}\n");
        for length in (0..sent.len()).step_by(256).filter(|length| *length < sent.len() - 1024) {
            let staging = tempfile::tempdir().unwrap();
            assert!(unpack(&sent[..length], staging.path()).is_err(), "cut off at {length}");
        }
    }

    /// An archive of empty files with these names, whatever they are.
    fn archive(names: &[(&str, EntryType)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, kind) in names {
            let mut header = Header::new_ustar();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..1].copy_from_slice(b"/");
            header.set_entry_type(*kind);
            header.set_size(0);
            header.set_cksum();
            bytes.extend_from_slice(header.as_bytes());
        }
        bytes.extend([0; 1024]);
        bytes
    }

    fn check(names: &[(&str, EntryType)], expected: &str) {
        let temp = tempfile::tempdir().unwrap();
        let staging = temp.path().join("staging");
        fs::create_dir(&staging).unwrap();
        let error = unpack(&*archive(names), &staging).unwrap_err().to_string();
        assert!(error.contains(expected), "{names:?}: {error}");
        assert_eq!(temp.path().read_dir().unwrap().count(), 1, "{names:?} left the folder");
    }

    #[test]
    fn what_would_leave_the_folder_is_refused() {
        let side = |rest: &str| format!("{ID}/{rest}");
        for name in ["/etc/passwd", "../x", "notes.txt", "", &side("../../x"), &side("../../../etc/x")] {
            check(&[(name, EntryType::Regular)], "");
        }
        check(&[("../escape.jsonl", EntryType::Regular)], "is not a file of a session");
        check(&[(&side("link"), EntryType::Symlink)], "is not a regular file");
        check(&[(&side("link"), EntryType::Link)], "is not a regular file");
        check(&[(&side("fifo"), EntryType::Fifo)], "is not a regular file");
        let transcript = format!("{ID}.jsonl");
        check(&[(&transcript, EntryType::Symlink)], "is not a regular file");
        check(&[(&transcript, EntryType::Regular), (&transcript, EntryType::Regular)], "exists");
        let other = "00000000-0000-4000-8000-000000000000.jsonl";
        check(&[(&transcript, EntryType::Regular), (other, EntryType::Regular)], "another session");
        check(&[(&side("a"), EntryType::Regular)], "holds no transcript");
    }
}
