//! Sessions that change their place: to another project, to a file, from a file.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use chrono::Utc;

use super::LocalStore;
use crate::session::{SessionId, Transcript, fork};
use crate::store::place_files::place_folder;
use crate::store::{ImportRequest, SessionStore, StoreError, archive, project_dir, read_file, writer};
use crate::transcript::TranscriptText;

/// Where a tar file has its magic bytes.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

impl LocalStore {
    /// Moves a session with its side folder to the project of another folder, where the
    /// official CLI then finds it, and returns its new path. No byte of it changes. `None`
    /// if it is there already.
    pub fn move_to(&self, id: SessionId, cwd: &Path) -> Result<Option<PathBuf>, StoreError> {
        let _lock = self.lock(id)?;
        let path = self.find_owned(id)?.path;
        let folder = project_dir::project_dir_for(&self.projects, cwd);
        let target = folder.join(format!("{id}.jsonl"));
        if path.parent() == Some(&folder) {
            return Ok(None);
        }
        if target.exists() {
            return Err(StoreError::Exists(id));
        }
        let doing = format!("cannot move {} to {}", path.display(), folder.display());
        self.pending_moves().run(id, &path, &target).map_err(StoreError::io(doing))?;
        self.path_cache().insert(id, target.clone());
        if self.pinned()?.iter().any(|pinned| pinned.id == id) {
            self.pin(id)?;
        }
        Ok(Some(target))
    }

    /// Writes a session with its side folder as one archive and returns the bytes of its
    /// files. Holds the session's lock, so nobody appends meanwhile.
    pub fn export_archive(&self, id: SessionId, out: impl Write) -> Result<u64, StoreError> {
        let _lock = self.lock(id)?;
        let path = self.find(id)?.path;
        archive::pack(id, &path, out).map_err(StoreError::io(format!("cannot pack {}", path.display())))
    }

    /// Imports a transcript, or an archive that [`Self::export_archive`] wrote. Never
    /// replaces a session.
    pub fn import(&self, file: &Path, import: &ImportRequest<'_>) -> Result<SessionId, StoreError> {
        let refused = |reason: String| StoreError::CannotImport { path: file.to_owned(), reason };
        let because = |error: io::Error| refused(error.to_string());
        let staging = self.staging()?;
        let id = stage_file(file, staging.path()).map_err(because)?;
        let staged = staging.path().join(format!("{id}.jsonl"));
        let bytes = read_file::read_whole(&staged).map_err(because)?;
        let text = TranscriptText::read(&bytes);
        let transcript = Transcript::read(&text);
        if transcript.leaf().is_none() {
            return Err(refused("it holds no message of a session".to_owned()));
        }
        let started_in = transcript.entries.iter().find_map(|entry| Some(PathBuf::from(&*entry.cwd()?)));
        let cwd = match (import.cwd, started_in) {
            (Some(cwd), _) => cwd.to_owned(),
            (None, None) => import.default_cwd.to_owned(),
            // A relative path would be taken from wherever this runs.
            (None, Some(cwd)) if is_usable(&cwd) => cwd,
            (None, Some(cwd)) => {
                let cwd = cwd.display();
                return Err(refused(format!(
                    "its entries give no usable working folder (“{cwd}”); choose one with --to DIR"
                )));
            }
        };
        let folder = project_dir::project_dir_for(&self.projects, &cwd);
        let wanted = if import.as_fork { SessionId::random() } else { id };
        let _lock = self.lock(wanted)?;
        if self.find(wanted).is_ok() {
            return Err(StoreError::Exists(wanted));
        }
        let target = folder.join(format!("{wanted}.jsonl"));
        let doing = || StoreError::io(format!("cannot write {}", target.display()));
        let incoming = staging.path().join(format!("{wanted}.jsonl"));
        if import.as_fork {
            let cwd = import.cwd.map(project_dir::canonical_cwd);
            let order =
                fork::ForkOptions { cwd: cwd.as_deref(), ..fork::ForkOptions::new(id, wanted, Utc::now()) };
            let copied = fork::fork_transcript(&bytes, &order).map_err(|_| StoreError::Empty(id))?;
            writer::create_new(&incoming, &copied.lines).map_err(doing())?;
            place_folder(&staged.with_extension(""), &incoming.with_extension("")).map_err(doing())?;
        }
        self.pending_moves().run(wanted, &incoming, &target).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Exists(wanted),
            _ => doing()(error),
        })?;
        self.path_cache().insert(wanted, target);
        Ok(wanted)
    }
}

/// Copies a file's session into `staging` and returns its id.
fn stage_file(file: &Path, staging: &Path) -> io::Result<SessionId> {
    let mut source = File::open(file)?;
    if source.metadata()?.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder, not a file"));
    }
    let mut head = vec![0; 512];
    let read = read_up_to(&mut source, &mut head)?;
    head.truncate(read);
    if head.get(TAR_MAGIC) == Some(b"ustar") {
        return archive::unpack(head.chain(source), staging);
    }
    let bytes = staging.join("transcript");
    let mut copy = File::options().write(true).create_new(true).mode(0o600).open(&bytes)?;
    io::copy(&mut head.chain(source), &mut copy)?;
    copy.sync_data()?;
    let id = id_from_name(file).or_else(|| id_from_lines(&bytes)).ok_or_else(|| {
        let reason = "neither its name nor its lines give a session id, so it is not a transcript";
        io::Error::new(ErrorKind::InvalidData, reason)
    })?;
    fs::rename(&bytes, staging.join(format!("{id}.jsonl")))?;
    Ok(id)
}

fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match source.read(&mut buffer[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

/// The session that a transcript's file name gives.
fn id_from_name(file: &Path) -> Option<SessionId> {
    file.file_name()?.to_str()?.strip_suffix(".jsonl")?.parse().ok()
}

/// The session that a transcript's lines give.
fn id_from_lines(file: &Path) -> Option<SessionId> {
    let bytes = read_file::read_whole(file).ok()?;
    let text = TranscriptText::read(&bytes);
    let transcript = Transcript::read(&text);
    transcript.entries.iter().find_map(|line| line.session_id()?.parse().ok())
}

/// Whether a working folder that a transcript names may be one: a session that is filed under
/// the root would work on everything.
fn is_usable(cwd: &Path) -> bool {
    let is_plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    let has_control = cwd.to_string_lossy().chars().any(char::is_control);
    cwd.is_absolute() && cwd.parent().is_some() && cwd.components().all(is_plain) && !has_control
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PROMPT, Scratch};
    use super::*;
    use crate::store::{Scope, StoreError};

    fn ids(store: &LocalStore, folder: &Path) -> Vec<SessionId> {
        let listed = store.list(&Scope::Project(folder.to_owned())).unwrap();
        listed.iter().map(|stored| stored.id).collect()
    }

    fn import<'a>(here: &'a Path, to: Option<&'a Path>) -> ImportRequest<'a> {
        ImportRequest { default_cwd: here, cwd: to, as_fork: false }
    }

    #[test]
    fn a_moved_session_lies_in_the_other_project_with_all_it_has() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT, "{\"torn"]);
        let (before, from) = (scratch.text(id), scratch.store.find(id).unwrap().path);
        fs::create_dir_all(from.with_extension("").join("subagents")).unwrap();
        scratch.store.pin(id).unwrap();
        let folders = ["/work/🦀 dir", &format!("/{}", "long-er/".repeat(60)), "/w/é"];
        for folder in folders.map(Path::new) {
            let path = scratch.store.move_to(id, folder).unwrap().unwrap();
            assert_eq!(scratch.store.move_to(id, folder).unwrap(), None);
            assert_eq!((scratch.text(id), ids(&scratch.store, folder)), (before.clone(), vec![id]));
            assert!(path.with_extension("").join("subagents").is_dir());
            fs::remove_file(&path).unwrap();
            scratch.store.reconcile_pins().unwrap();
            assert_eq!(scratch.store.find(id).unwrap().path, path, "the pin moved along");
        }
        scratch.store.move_to(id, &scratch.cwd()).unwrap();
        assert_eq!(scratch.store.find(id).unwrap().path, from, "the way back is the same");
    }

    #[test]
    fn a_session_that_is_open_stays_where_it_is() {
        let scratch = Scratch::new();
        let id = scratch.session(&[PROMPT]);
        let other = LocalStore::new(scratch.store.root());
        let _writer = scratch.store.open(id, &scratch.cwd()).unwrap();
        assert!(matches!(other.move_to(id, Path::new("/x")), Err(StoreError::InUse { .. })));
        assert!(matches!(other.export_archive(id, Vec::new()), Err(StoreError::InUse { .. })));
    }

    #[test]
    fn a_session_reaches_another_host_over_a_file() {
        let (here, there) = (Scratch::new(), Scratch::new());
        let id = here.session(&[PROMPT]);
        let side = here.store.find(id).unwrap().path.with_extension("").join("tool-results/1.txt");
        fs::create_dir_all(side.parent().unwrap()).unwrap();
        fs::write(&side, "long").unwrap();
        let file = there.cwd().join("session.tar");
        here.store.export_archive(id, File::create(&file).unwrap()).unwrap();
        let cwd = there.cwd();
        assert_eq!(there.store.import(&file, &import(&cwd, None)).unwrap(), id);
        assert_eq!((there.text(id), ids(&there.store, &cwd)), (here.text(id), vec![id]));
        let side = there.store.find(id).unwrap().path.with_extension("").join("tool-results/1.txt");
        assert_eq!(fs::read_to_string(side).unwrap(), "long");

        let again = there.store.import(&file, &import(&cwd, None));
        assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
        let fork = ImportRequest { as_fork: true, ..import(&cwd, None) };
        let fork = there.store.import(&file, &fork).unwrap();
        assert!(there.text(fork).contains(&format!(r#""forkedFrom":{{"sessionId":"{id}""#)));
        let left: Vec<_> = there.store.root().join("hotseat").read_dir().unwrap().flatten().collect();
        assert!(left.iter().all(|entry| entry.file_name() == "locks"), "{left:?}");
    }

    #[test]
    fn a_transcript_is_taken_in_by_its_name_or_by_what_it_says() {
        let scratch = Scratch::new();
        let id = SessionId::random();
        let cwd = scratch.cwd();
        let named = cwd.join(format!("{id}.jsonl"));
        fs::write(&named, PROMPT).unwrap();
        assert_eq!(scratch.store.import(&named, &import(&cwd, None)).unwrap(), id);
        fs::write(&named, "another").unwrap();
        assert_eq!(scratch.text(id), PROMPT, "it is a copy");

        let other = SessionId::random();
        let text = PROMPT.replacen('{', &format!(r#"{{"sessionId":"{other}","cwd":"/w/x","#), 1);
        let nameless = cwd.join("download (1)");
        fs::write(&nameless, &text).unwrap();
        assert_eq!(scratch.store.import(&nameless, &import(&cwd, None)).unwrap(), other);
        assert_eq!(ids(&scratch.store, Path::new("/w/x")), [other]);
    }

    #[test]
    fn a_session_without_a_usable_folder_is_refused_with_advice() {
        let scratch = Scratch::new();
        let cwd = scratch.cwd();
        let file = cwd.join("file");
        for named in ["", "/", "w/x", "/w/../x", "/w/\u{1b}[31m"] {
            let (id, named) = (SessionId::random(), serde_json::to_string(named).unwrap());
            let entry = PROMPT.replacen('{', &format!(r#"{{"sessionId":"{id}","cwd":{named},"#), 1);
            fs::write(&file, entry).unwrap();
            let refused = scratch.store.import(&file, &import(&cwd, None)).unwrap_err();
            assert!(refused.to_string().contains("--to DIR"), "{named}: {refused}");
            let chosen = Path::new("/w/x");
            assert_eq!(scratch.store.import(&file, &import(&cwd, Some(chosen))).unwrap(), id);
        }
    }

    #[test]
    fn what_is_no_session_is_refused_and_leaves_nothing() {
        let scratch = Scratch::new();
        let cwd = scratch.cwd();
        let file = cwd.join("file");
        let named = cwd.join(format!("{}.jsonl", SessionId::random()));
        for (path, text) in [(&file, ""), (&file, "notes"), (&file, "{}\n"), (&named, "{}\n"), (&named, "")] {
            fs::write(path, text).unwrap();
            let refused = scratch.store.import(path, &import(&cwd, None)).unwrap_err();
            assert!(matches!(refused, StoreError::CannotImport { .. }), "{text:?}: {refused}");
        }
        assert!(scratch.store.import(&cwd, &import(&cwd, None)).is_err());
        assert!(!scratch.store.root().join("projects").exists());
    }
}
