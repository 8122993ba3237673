//! Which folder a row names, and whose sessions a folder's list holds.

use super::*;
use crate::store::SessionStore;

/// A store, and folders to work in.
struct Folders {
    temp: tempfile::TempDir,
    store: Arc<LocalStore>,
}

impl Folders {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = Arc::new(LocalStore::new(temp.path().join("claude")));
        Self { temp, store }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.temp.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A session that was started in this folder.
    fn session(&self, folder: &Path, rest: &str) -> SessionId {
        let id = SessionId::random();
        let cwd = folder.display();
        let prompt = format!(
            r#"{{"type":"user","uuid":"p","timestamp":"2026-11-20T10:00:00Z","cwd":"{cwd}",{rest}"message":{{"content":"go"}}}}"#
        );
        self.store.open(id, folder).unwrap().append(&[prompt]).unwrap();
        id
    }

    fn rows(&self, folder: &Path) -> Vec<(SessionId, Option<PathBuf>)> {
        let catalog = Catalog::without_index(self.store.clone(), true);
        let mut rows = catalog.read(&Scope::Project(folder.to_owned()), |_, _| ()).unwrap();
        rows.sort_by_key(|row| row.stored.id);
        rows.into_iter().map(|row| (row.stored.id, row.facts.cwd.clone().map(PathBuf::from))).collect()
    }
}

#[test]
fn a_moved_session_names_the_folder_it_works_in_now() {
    let folders = Folders::new();
    let (old, new) = (folders.folder("old"), folders.folder("new"));
    let id = folders.session(&old, "");
    assert_eq!(folders.rows(&old), [(id, Some(old.clone()))]);
    folders.store.move_to(id, &new).unwrap();
    assert_eq!(folders.rows(&new), [(id, Some(new))]);
    assert_eq!(folders.rows(&old), []);
    // Of a folder that is gone nobody knows where it was.
    folders.store.move_to(id, &folders.temp.path().join("gone")).unwrap();
    let catalog = Catalog::without_index(folders.store.clone(), true);
    assert_eq!(read(&catalog)[0].facts.cwd.as_deref(), old.to_str());
}

#[test]
fn a_relocated_session_names_the_folder_that_it_was_moved_to() {
    let folders = Folders::new();
    let (old, dot) = (folders.folder("old"), folders.folder("a.b"));
    folders.folder("a b");
    let id = folders.session(&old, "");
    let mark = serde_json::json!({"type": "relocated", "relocatedCwd": dot}).to_string();
    folders.store.open(id, &old).unwrap().append(&[mark]).unwrap();
    assert_eq!(folders.rows(&old), [(id, Some(old.clone()))], "its file did not move along");
    // The disk knows two folders of this name, the entry says which.
    folders.store.move_to(id, &dot).unwrap();
    assert_eq!(folders.rows(&dot), [(id, Some(dot))]);
}

#[test]
fn of_one_id_in_two_projects_each_folder_has_its_own() {
    let folders = Folders::new();
    let (here, there) = (folders.folder("here"), folders.folder("there"));
    let id = folders.session(&here, "");
    let path = folders.store.find(id).unwrap().path;
    let twin =
        path.parent().unwrap().with_file_name(crate::store::project_key(&there)).join(format!("{id}.jsonl"));
    fs::create_dir_all(twin.parent().unwrap()).unwrap();
    fs::copy(&path, &twin).unwrap();
    for (folder, expected) in [(&here, &path), (&there, &twin)] {
        let store = LocalStore::new(folders.temp.path().join("claude")).preferring(folder);
        assert_eq!(&store.find(id).unwrap().path, expected);
        let all = store.list(&Scope::All).unwrap();
        assert_eq!(all.iter().map(|stored| &stored.path).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn two_folders_that_encode_to_one_name_have_each_their_own() {
    let folders = Folders::new();
    let (dot, blank) = (folders.folder("a.b"), folders.folder("a b"));
    let (one, two) = (folders.session(&dot, ""), folders.session(&blank, ""));
    assert_eq!(folders.rows(&dot), [(one, Some(dot.clone()))]);
    assert_eq!(folders.rows(&blank), [(two, Some(blank.clone()))]);
    // One that was renamed to the other takes its sessions along.
    fs::remove_dir(&dot).unwrap();
    assert_eq!(folders.rows(&blank).len(), 2);
}

#[test]
fn the_sessions_of_a_removed_worktree_stay_with_their_repository() {
    let folders = Folders::new();
    let main = folders.folder("main");
    let worktree = folders.folder("main/.claude/worktrees/feat");
    let (one, two) = (folders.session(&main, ""), folders.session(&worktree, ""));
    fs::remove_dir_all(main.join(".claude")).unwrap();
    let mut expected = [(one, Some(main.clone())), (two, Some(worktree))];
    expected.sort();
    assert_eq!(folders.rows(&main), expected);
    assert_eq!(folders.rows(&folders.folder("main-other")), []);
}

#[test]
fn what_no_person_had_is_hidden_and_what_a_fork_inherited_is_not_counted() {
    let folders = Folders::new();
    let work = folders.folder("work");
    for (rest, is_hidden) in [
        ("", false),
        (r#""sessionKind":"bg","#, true),
        (r#""sessionKind":"daemon-worker","#, true),
        (r#""sessionKind":"interactive","#, false),
        (r#""teamName":"t1","agentName":"w1","#, true),
    ] {
        let id = folders.session(&work, rest);
        let rows = read(&Catalog::without_index(folders.store.clone(), true));
        let row = rows.iter().find(|row| row.stored.id == id).unwrap();
        assert_eq!(row.is_hidden(), is_hidden, "{rest}");
    }
    let id = folders.session(&work, "");
    let reply = |id: &str| {
        format!(
            r#"{{"type":"assistant","uuid":"{id}","parentUuid":"p","timestamp":"2026-11-20T10:00:01Z","message":{{"id":"{id}","model":"opus","role":"assistant","content":[{{"type":"text","text":"x"}}],"usage":{{"input_tokens":7}}}}}}"#
        )
    };
    folders.store.open(id, &work).unwrap().append(&[reply("a")]).unwrap();
    let fork = folders.store.fork(id, &crate::store::ForkSpec::default()).unwrap().id;
    folders.store.open(fork, &work).unwrap().append(&[reply("b")]).unwrap();
    let rows = read(&Catalog::without_index(folders.store.clone(), true));
    let row = |id| rows.iter().find(|row| row.stored.id == id).unwrap();
    let spent =
        |id| row(id).facts.days.iter().flat_map(|(_, used)| used.iter()).map(|(_, used)| used.total());
    assert_eq!((spent(id).sum::<u64>(), spent(fork).sum::<u64>()), (7, 7));
    assert!(row(fork).facts.last_request.is_some(), "what a resume reads counts all of it");
}
