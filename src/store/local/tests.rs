use std::fs;
use std::io::ErrorKind;

use serde_json::json;

use super::*;

pub const PROMPT: &str = r#"{"type":"user","uuid":"p","parentUuid":null,"message":{"content":"go"}}"#;

/// A store in a scratch folder, and a folder to work in.
pub struct Scratch {
    temp: tempfile::TempDir,
    pub store: LocalStore,
}

impl Scratch {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = LocalStore::new(temp.path().join("claude"));
        fs::create_dir(temp.path().join("work")).unwrap();
        Self { temp, store }
    }

    pub fn cwd(&self) -> PathBuf {
        self.temp.path().join("work")
    }

    pub fn here(&self) -> Scope {
        Scope::Project(self.cwd())
    }

    pub fn session(&self, lines: &[&str]) -> SessionId {
        let id = SessionId::random();
        let lines: Vec<_> = lines.iter().map(|&line| line.to_owned()).collect();
        self.store.open(id, &self.cwd()).unwrap().append(&lines).unwrap();
        id
    }

    pub fn text(&self, id: SessionId) -> String {
        String::from_utf8(self.store.read(id).unwrap()).unwrap()
    }
}

#[test]
fn a_session_is_there_from_its_first_entry_on() {
    let scratch = Scratch::new();
    let id = SessionId::random();
    assert_eq!(scratch.store.list(&scratch.here()).unwrap(), []);
    let mut writer = scratch.store.open(id, &scratch.cwd()).unwrap();
    assert!(matches!(scratch.store.find(id), Err(StoreError::NotFound(_))));
    writer.append(&[PROMPT.into()]).unwrap();
    assert_eq!(scratch.store.list(&scratch.here()).unwrap(), [scratch.store.find(id).unwrap()]);
    assert_eq!(scratch.text(id), format!("{PROMPT}\n"));
    assert_eq!(scratch.store.find(id).unwrap().path, writer.path());
}

#[test]
fn what_is_no_session_is_not_listed() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let folder = scratch.store.find(id).unwrap().path.parent().unwrap().to_owned();
    fs::write(folder.join("notes.jsonl"), "{}").unwrap();
    fs::write(folder.join(format!("{}.jsonl", SessionId::random())), "").unwrap();
    fs::create_dir(folder.join(format!("{}.jsonl", SessionId::random()))).unwrap();
    fs::write(scratch.store.root().join("projects/.DS_Store"), "").unwrap();
    for scope in [scratch.here(), Scope::All] {
        let ids: Vec<_> = scratch.store.list(&scope).unwrap().iter().map(|stored| stored.id).collect();
        assert_eq!(ids, [id], "{scope:?}");
    }
}

#[test]
fn a_session_is_found_in_every_project_even_after_it_moved() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let elsewhere = scratch.store.root().join("projects/-elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let path = elsewhere.join(format!("{id}.jsonl"));
    fs::rename(scratch.store.find(id).unwrap().path, &path).unwrap();
    assert_eq!(scratch.store.find(id).unwrap().path, path);
    assert_eq!(scratch.store.open(id, &scratch.cwd()).unwrap().path(), path);
    assert_eq!(scratch.store.list(&scratch.here()).unwrap(), []);
}

#[test]
fn what_is_gone_before_it_is_read_is_gone_and_not_unreadable() {
    let id = SessionId::random();
    let because = |kind: ErrorKind| StoreError::reading(id, "/p/x.jsonl".into())(kind.into());
    assert!(matches!(because(ErrorKind::NotFound), StoreError::NotFound(gone) if gone == id));
    assert!(matches!(because(ErrorKind::PermissionDenied), StoreError::CannotRead { .. }));
}

#[test]
fn a_session_in_two_projects_is_one_and_the_newest_counts() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let elsewhere = scratch.store.root().join("projects/-elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let older = elsewhere.join(format!("{id}.jsonl"));
    fs::write(&older, PROMPT).unwrap();
    fs::File::open(&older).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let fresh = LocalStore::new(scratch.store.root());
    assert_eq!(fresh.list(&Scope::All).unwrap(), [scratch.store.find(id).unwrap()]);
    assert_ne!(LocalStore::new(scratch.store.root()).find(id).unwrap().path, older);
}

#[test]
fn another_store_is_told_who_writes() {
    let scratch = Scratch::new();
    let other = LocalStore::new(scratch.store.root());
    let id = SessionId::random();
    let writer = scratch.store.open(id, &scratch.cwd()).unwrap();
    let again = scratch.store.open(id, &scratch.cwd()).unwrap();
    for _ in 0..2 {
        match other.open(id, &scratch.cwd()).map(|_| ()) {
            Err(StoreError::InUse { holder, .. }) => assert_eq!(holder.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(other.delete(id), Err(StoreError::InUse { .. })));
    drop(writer);
    assert!(other.open(id, &scratch.cwd()).is_err(), "the second writer still holds it");
    drop(again);
    assert!(other.open(id, &scratch.cwd()).is_ok());
}

#[test]
fn a_session_that_the_official_cli_has_open_is_in_use() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let parent = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get());
    let register = scratch.store.root().join("sessions");
    fs::create_dir(&register).unwrap();
    let entry = json!({"pid": parent, "sessionId": id, "status": "idle"});
    fs::write(register.join(format!("{parent}.json")), entry.to_string()).unwrap();
    let holder = Holder { pid: parent.unsigned_abs(), program: "claude".into(), status: "idle".into() };
    assert_eq!(scratch.store.holder(id), Some(holder.clone()));
    assert_eq!(scratch.store.holders(), [(id, holder)]);
    let refused = scratch.store.open(id, &scratch.cwd()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("open in claude"), "{refused}");
}

#[test]
fn a_fork_leaves_its_source_as_it_was() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT, "{\"torn"]);
    let (before, stored) = (scratch.text(id), scratch.store.find(id).unwrap());
    let fork = scratch.store.fork(id, &ForkSpec::default()).unwrap().id;
    assert_eq!((scratch.text(id), scratch.store.find(id).unwrap()), (before, stored));
    assert_eq!(scratch.store.list(&scratch.here()).unwrap().len(), 2);
    assert!(scratch.text(fork).contains("go ⑂2"));
    let refused = scratch.store.fork(id, &ForkSpec { at: Some("q"), ..ForkSpec::default() }).unwrap_err();
    assert_eq!(refused.to_string(), format!("session {id} has no message q"));
}

#[test]
fn a_fork_can_belong_to_another_folder() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let there = scratch.temp.path().join("there");
    let fork = scratch.store.fork(id, &ForkSpec { cwd: Some(&there), ..ForkSpec::default() }).unwrap().id;
    let listed = scratch.store.list(&Scope::Project(there.clone())).unwrap();
    assert_eq!(listed.iter().map(|stored| stored.id).collect::<Vec<_>>(), [fork]);
    assert!(scratch.text(fork).contains(&format!("\"cwd\":\"{}\"", there.display())));
    let same =
        scratch.store.fork(id, &ForkSpec { cwd: Some(&scratch.cwd()), ..ForkSpec::default() }).unwrap().id;
    assert!(!scratch.text(same).contains("\"cwd\""));
}

#[test]
fn a_title_and_a_tag_are_appended_as_the_official_tools_do() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    scratch.store.rename(id, " A \"plan\"\u{1b}[31m\n ").unwrap();
    scratch.store.tag(id, "").unwrap();
    let title = format!(r#"{{"type":"custom-title","customTitle":"A \"plan\"[31m","sessionId":"{id}"}}"#);
    let tag = format!(r#"{{"type":"tag","tag":"","sessionId":"{id}"}}"#);
    assert_eq!(scratch.text(id), format!("{PROMPT}\n{title}\n{tag}\n"));
    assert!(matches!(scratch.store.rename(SessionId::random(), "x"), Err(StoreError::NotFound(_))));
}

#[test]
fn a_deleted_session_can_be_brought_back() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let path = scratch.store.find(id).unwrap().path;
    scratch.store.delete(id).unwrap();
    assert!(matches!(scratch.store.find(id), Err(StoreError::NotFound(_))));
    assert_eq!(scratch.store.list(&Scope::All).unwrap(), []);
    scratch.store.restore(id).unwrap();
    assert_eq!(scratch.store.find(id).unwrap().path, path);
    assert!(matches!(scratch.store.restore(id), Err(StoreError::NotInTrash(_))));
}

#[test]
fn the_end_of_a_session_is_read_alone() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT, "{\"type\":\"last\"}"]);
    let tail = scratch.store.read_tail(id, 20).unwrap();
    assert_eq!((tail.bytes.as_slice(), tail.is_complete), (b"{\"type\":\"last\"}\n".as_slice(), false));
}

#[test]
fn a_worktree_shows_the_sessions_of_the_others() {
    let scratch = Scratch::new();
    let id = scratch.session(&[PROMPT]);
    let linked = scratch.cwd().join(".git/worktrees/other");
    let other = scratch.temp.path().join("other");
    fs::create_dir_all(&linked).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(linked.join("gitdir"), format!("{}\n", other.join(".git").display())).unwrap();
    fs::write(linked.join("commondir"), "../..\n").unwrap();
    fs::write(other.join(".git"), format!("gitdir: {}\n", linked.display())).unwrap();
    let listed = scratch.store.list(&Scope::Project(other)).unwrap();
    assert_eq!(listed.iter().map(|stored| stored.id).collect::<Vec<_>>(), [id]);
}
