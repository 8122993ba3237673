use std::fs;
use std::path::{Path, PathBuf};

use chrono::Duration;

use super::*;
use crate::index::TextFinder;
use crate::index::text::FullTextQuery;
use crate::session::summary::TitleSource;
use crate::store::{ImportedSessions, LocalStore};

mod families;
mod folders;
mod private_index;
#[path = "../../../tests/support/sessions.rs"]
mod sessions;
mod unreadable;
use sessions::Sample;
use unreadable::Unreadable;

/// A store in a scratch folder, and its catalog.
fn catalog() -> (tempfile::TempDir, Catalog) {
    let temp = tempfile::tempdir().unwrap();
    let catalog = Catalog::without_index(Arc::new(LocalStore::new(temp.path())), false);
    (temp, catalog)
}

fn sample(number: u32) -> Sample {
    let sample = Sample { number, ..Sample::default() };
    Sample { started: sample.started + Duration::days(number.into()), ..sample }
}

fn read(catalog: &Catalog) -> Vec<SessionRow> {
    catalog.read(&Scope::All, |_, _| ()).unwrap()
}

fn ids(rows: &[SessionRow]) -> Vec<String> {
    rows.iter().map(|row| row.stored.id.to_string()).collect()
}

fn append(path: &Path, line: &str) {
    fs::write(path, fs::read_to_string(path).unwrap() + line + "\n").unwrap();
}

#[test]
fn a_row_says_what_a_browser_shows() {
    let (temp, catalog) = catalog();
    let sample = Sample { title: Some("Parser".into()), turns: 6, ..Sample::gnarly(1, 6) };
    sample.write(temp.path()).unwrap();
    let [row] = read(&catalog).try_into().unwrap();
    let title = row.facts.title.as_ref().unwrap();
    assert_eq!((title.text.as_str(), title.source), ("Parser", TitleSource::Custom));
    assert_eq!((row.facts.turns, row.facts.cost_usd), (6, Some(1.5)));
    assert_eq!((row.facts.branch.as_deref(), row.facts.cwd.as_deref()), (Some("main"), Some("/work/sample")));
    assert_eq!((row.facts.health.torn, row.partial, row.read_error), (1, false, None));
    assert!(row.stored.size > 6_000);
}

#[test]
fn a_copy_that_is_not_whole_does_not_look_so() {
    let (temp, catalog) = catalog();
    let path = sample(1).write(temp.path()).unwrap();
    for partial in [true, false] {
        let seam = serde_json::json!({"type": "mirror", "agent": "codex", "partial": partial});
        append(&path, &seam.to_string());
        complete(&catalog);
        let [row] = read(&catalog).try_into().unwrap();
        assert_eq!(row.partial, partial);
        assert_eq!(Some(row.active_at()) == row.facts.active, !partial, "its last entry is not there yet");
    }
}

#[test]
fn the_last_word_counts_and_not_the_last_touch() {
    let (temp, catalog) = catalog();
    for number in [2, 3, 1] {
        let path = sample(number).write(temp.path()).unwrap();
        fs::File::open(path).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    }
    assert_eq!(ids(&read(&catalog)), [3, 2, 1].map(|number| sample(number).id()));
}

#[test]
fn what_is_no_session_of_its_own_is_not_listed() {
    let (temp, catalog) = catalog();
    let keep = sample(1);
    let folder = keep.write(temp.path()).unwrap().parent().unwrap().to_owned();
    let put = |number: u32, text: &str| {
        fs::write(folder.join(format!("{}.jsonl", sample(number).id())), text).unwrap();
    };
    put(2, r#"{"type":"user","uuid":"a","isSidechain":true,"message":{"content":"aside"}}"#);
    put(3, r#"{"type":"mode","mode":"default"}"#);
    assert_eq!(ids(&read(&catalog)), [keep.id()]);
    let all = Catalog::without_index(Arc::new(LocalStore::new(temp.path())), true);
    assert_eq!(ids(&read(&all)).len(), 2);
    assert_eq!(read(&all).iter().filter(|row| row.facts.title_text() == "(empty)").count(), 1);
}

#[test]
fn a_refresh_speaks_up_only_when_something_changed() {
    let (temp, catalog) = catalog();
    let paths: Vec<PathBuf> = (1..=3).map(|number| sample(number).write(temp.path()).unwrap()).collect();
    let refresh = || catalog.refresh(&Scope::All).unwrap();
    assert_eq!(refresh().map(|rows| rows.len()), Some(3));
    assert_eq!(refresh(), None);
    append(&paths[0], r#"{"type":"custom-title","customTitle":"Named"}"#);
    assert_eq!(refresh().unwrap()[2].facts.title_text(), "Named");
    fs::remove_file(&paths[1]).unwrap();
    assert_eq!(refresh().map(|rows| rows.len()), Some(2));
    let elsewhere = Scope::Project("/elsewhere".into());
    assert_eq!(catalog.refresh(&elsewhere).unwrap(), Some(vec![]));
    assert_eq!(refresh().map(|rows| rows.len()), Some(2), "another scope is another question");
    fs::create_dir(temp.path().join("sessions")).unwrap();
    let parent = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get());
    let entry = format!(r#"{{"pid":{parent},"sessionId":"{}","status":"busy"}}"#, sample(3).id());
    fs::write(temp.path().join(format!("sessions/{parent}.json")), entry).unwrap();
    assert_eq!(refresh().unwrap()[0].holder.as_ref().unwrap().status, "busy");
    assert_eq!(refresh(), None);
}

#[test]
fn an_unchanged_session_is_not_read_again() {
    let (temp, catalog) = catalog();
    let path = sample(1).write(temp.path()).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let before = read(&catalog);
    // Other bytes behind the same size, time and inode: only a reader would notice.
    let size = fs::metadata(&path).unwrap().len();
    fs::write(&path, vec![b' '; size.try_into().unwrap()]).unwrap();
    fs::File::open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(read(&catalog), before);
}

#[test]
fn many_sessions_come_in_batches_newest_first() {
    let (temp, catalog) = catalog();
    for number in 1..=150 {
        Sample { turns: 1, ..sample(number) }.write(temp.path()).unwrap();
    }
    let mut seen = Vec::new();
    let rows =
        catalog.read(&Scope::All, |rows, progress| seen.push((ids(&rows)[0].clone(), rows.len(), progress)));
    assert_eq!(rows.unwrap().len(), 150);
    assert_eq!(seen, [(sample(150).id(), 64, (64, 150))]);
    catalog.read(&Scope::All, |_, _| panic!("nothing is left to read")).unwrap();
}

#[test]
fn of_a_large_session_only_the_ends_are_read() {
    let (temp, catalog) = catalog();
    let large = Sample { bytes: 9 << 20, turns: 60, title: Some("Large".into()), ..sample(1) };
    large.write(temp.path()).unwrap();
    let [row] = read(&catalog).try_into().unwrap();
    assert!(row.partial && row.facts.turns < 60, "{row:?}");
    assert_eq!((row.facts.title_text(), row.facts.health.is_good()), ("Large", true));
    assert!(row.facts.first_prompt.as_ref().unwrap().starts_with("Turn 0"));
    assert_eq!(row.facts.active.unwrap().date_naive(), large.started.date_naive());
}

#[test]
fn a_transcript_that_cannot_be_read_is_listed_with_its_problem() {
    let temp = tempfile::tempdir().unwrap();
    sample(1).write(temp.path()).unwrap();
    let store = Arc::new(Unreadable(LocalStore::new(temp.path())));
    let index = temp.path().join("cache/index.db");
    for catalog in [Catalog::without_index(store.clone(), false), Catalog::open(store, &index, false)] {
        let [row] = read(&catalog).try_into().unwrap();
        assert!(row.read_error.unwrap().contains("cannot read the transcript"));
        assert_eq!(complete(&catalog), IndexingOutcome::Done, "it is no reason to fail");
    }
}

#[test]
fn what_was_away_while_it_was_read_is_there_when_it_is_back() {
    let (temp, catalog) = catalog();
    let path = sample(1).write(temp.path()).unwrap();
    let aside = temp.path().join("aside");
    let listing = catalog.list_store(&Scope::All).unwrap();
    fs::rename(&path, &aside).unwrap();
    assert_eq!(catalog.rows(&listing, |_, _| ()), []);
    fs::rename(&aside, &path).unwrap();
    let [row] = catalog.refresh(&Scope::All).unwrap().unwrap().try_into().unwrap();
    assert_eq!((row.read_error, row.facts.turns), (None, 3));
    assert_eq!(catalog.refresh(&Scope::All).unwrap(), None);
}

#[test]
fn a_problem_is_over_when_it_is_over() {
    let (temp, catalog) = catalog();
    sample(1).write(temp.path()).unwrap();
    read(&catalog);
    for known in catalog.cache().values_mut() {
        known.read_error = Some("not now".to_owned());
    }
    let [row] = catalog.refresh(&Scope::All).unwrap().unwrap().try_into().unwrap();
    assert_eq!(row.read_error, None);
}

/// A store with these sessions, and where its index lies.
struct Indexed {
    temp: tempfile::TempDir,
}

impl Indexed {
    fn new(sessions: u32) -> Self {
        let temp = tempfile::tempdir().unwrap();
        for number in 1..=sessions {
            Sample { bytes: 300 << 10, ..sample(number) }.write(temp.path()).unwrap();
        }
        Self { temp }
    }

    fn index(&self) -> PathBuf {
        self.temp.path().join("cache/index.db")
    }

    fn catalog(&self) -> Catalog {
        Catalog::open(Arc::new(LocalStore::new(self.temp.path())), &self.index(), false)
    }

    fn path(&self, number: u32) -> PathBuf {
        self.catalog().store.find(sample(number).id().parse().unwrap()).unwrap().path
    }
}

fn complete(catalog: &Catalog) -> IndexingOutcome {
    catalog.index_all(&Scope::All, |_, _| std::ops::ControlFlow::Continue(())).unwrap()
}

#[test]
fn what_is_in_the_index_is_not_read_again_by_the_next_process() {
    let indexed = Indexed::new(3);
    let first = indexed.catalog();
    assert!(read(&first).iter().all(|row| row.partial));
    let mut steps = Vec::new();
    let done = first.index_all(&Scope::All, |done, all| {
        steps.push((done, all));
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(
        (done.unwrap(), steps.first(), steps.last()),
        (IndexingOutcome::Done, Some(&(0, 3)), Some(&(3, 3)))
    );
    let rows = read(&first);
    assert!(rows.iter().all(|row| !row.partial && row.facts.turns == 3));

    // Other bytes behind the same size, time and inode: only a reader would notice.
    let path = indexed.path(1);
    let there = fs::metadata(&path).unwrap();
    fs::write(&path, vec![b' '; there.len().try_into().unwrap()]).unwrap();
    fs::File::open(&path).unwrap().set_modified(there.modified().unwrap()).unwrap();
    assert_eq!(read(&indexed.catalog()), rows);
}

#[test]
fn another_home_of_an_agent_takes_nothing_out_of_the_index() {
    let temp = tempfile::tempdir().unwrap();
    let homes = ["01a1fd6d-71cb-7e50-b56a-f73c5c30d40f", "01a1fd6d-733c-7d23-920a-afcd14a8a558"];
    let open = |id: &str| {
        let home = temp.path().join(id);
        let prompt = serde_json::json!({"timestamp": "2026-11-21T09:26:10Z", "type": "event_msg",
            "payload": {"type": "user_message", "message": "hello"}});
        fs::create_dir_all(home.join("sessions/2026/11/21")).unwrap();
        let rollout = home.join(format!("sessions/2026/11/21/rollout-2026-11-21T09-26-10-{id}.jsonl"));
        if !rollout.exists() {
            fs::write(rollout, format!("{prompt}\n")).unwrap();
        }
        let mirror = ImportedSessions::new(&temp.path().join("mirror"), &home);
        let store = LocalStore::new(temp.path().join("claude")).with_imported(mirror);
        Catalog::open(Arc::new(store), &temp.path().join("index.db"), false)
    };
    for id in homes.iter().chain(&homes) {
        let catalog = open(id);
        complete(&catalog);
        assert_eq!(ids(&read(&catalog)), [*id]);
    }
    let kept = IndexDatabase::open(&temp.path().join("index.db")).unwrap().0.sessions().unwrap();
    assert_eq!(kept.len(), 2);
    fs::remove_dir_all(temp.path().join("mirror")).unwrap();
    fs::remove_dir_all(temp.path().join(homes[1])).unwrap();
    complete(&open(homes[0]));
    let kept = IndexDatabase::open(&temp.path().join("index.db")).unwrap().0.sessions().unwrap();
    assert_eq!(kept.len(), 1, "what is gone goes");
}

#[test]
fn a_session_that_grew_or_went_is_seen_with_and_without_an_index() {
    for has_index in [true, false] {
        let indexed = Indexed::new(3);
        let store = Arc::new(LocalStore::new(indexed.temp.path()));
        let catalog = if has_index { indexed.catalog() } else { Catalog::without_index(store, false) };
        assert_eq!(complete(&catalog), IndexingOutcome::Done);
        read(&catalog);
        append(&indexed.path(2), r#"{"type":"custom-title","customTitle":"Named"}"#);
        let rows = catalog.refresh(&Scope::All).unwrap().unwrap();
        let named = rows.iter().find(|row| row.facts.title_text() == "Named").unwrap();
        assert_eq!((named.partial, named.facts.turns), (false, 3), "index: {has_index}");
        fs::remove_file(indexed.path(3)).unwrap();
        assert_eq!(complete(&catalog), IndexingOutcome::Done);
        assert_eq!(read(&catalog).len(), 2);
        if has_index {
            assert_eq!(read(&indexed.catalog()), read(&catalog));
        }
    }
}

#[test]
fn an_index_of_no_use_is_made_anew_and_that_is_said_once() {
    let overwrite = |index: &Path| fs::write(index, "no database at all, but long enough for one").unwrap();
    let outdate = |index: &Path| {
        let connection = rusqlite::Connection::open(index).unwrap();
        connection.execute_batch("PRAGMA user_version = 999").unwrap();
    };
    for (says, spoil) in [("not a database", &overwrite as &dyn Fn(&Path)), ("another version", &outdate)] {
        let indexed = Indexed::new(2);
        complete(&indexed.catalog());
        spoil(&indexed.index());
        let catalog = indexed.catalog();
        assert_eq!(read(&catalog).len(), 2);
        let notes = catalog.take_notes().join("; ");
        assert!(notes.contains("rebuilt") && notes.contains(says), "{notes}");
        assert_eq!((complete(&catalog), catalog.take_notes()), (IndexingOutcome::Done, vec![]));
        assert!(indexed.catalog().take_notes().is_empty());
        assert!(read(&indexed.catalog()).iter().all(|row| !row.partial));
    }
}

#[test]
fn a_cache_folder_that_cannot_be_used_is_no_failure() {
    let indexed = Indexed::new(2);
    fs::write(indexed.temp.path().join("cache"), "a file is in the way").unwrap();
    let catalog = indexed.catalog();
    assert_eq!(complete(&catalog), IndexingOutcome::Done);
    assert!(read(&catalog).iter().all(|row| !row.partial));
    assert!(catalog.take_notes()[0].contains("no index at"));
}

#[test]
fn of_two_at_once_one_writes_and_the_other_sees_it() {
    let indexed = Indexed::new(3);
    let (one, other) = (indexed.catalog(), indexed.catalog());
    assert!(read(&other).iter().all(|row| row.partial));
    let done = one.index_all(&Scope::All, |_, _| {
        assert_eq!(complete(&other), IndexingOutcome::OtherProcess);
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(done.unwrap(), IndexingOutcome::Done);
    let rows = other.refresh(&Scope::All).unwrap().expect("the other one wrote");
    assert!(rows.iter().all(|row| !row.partial));
    // The right to write is free again.
    append(&indexed.path(1), r#"{"type":"tag","tag":"kept"}"#);
    assert_eq!(other.refresh(&Scope::All).unwrap().unwrap().len(), 3);
    assert_eq!(complete(&other), IndexingOutcome::Done);
    assert!(one.refresh(&Scope::All).unwrap().unwrap().iter().any(|row| row.facts.tag.is_some()));
}

#[test]
fn a_completion_goes_on_where_it_was_stopped() {
    let indexed = Indexed::new(3);
    let stopped = indexed.catalog().index_all(&Scope::All, |_, _| std::ops::ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), IndexingOutcome::Stopped);
    assert_eq!(complete(&indexed.catalog()), IndexingOutcome::Done);
    assert_eq!(complete(&indexed.catalog()), IndexingOutcome::Done);
}

#[test]
fn what_was_said_is_found_in_what_is_indexed() {
    let indexed = Indexed::new(3);
    complete(&indexed.catalog());
    let store = Arc::new(LocalStore::new(indexed.temp.path()));
    let mut finder = TextFinder::open(store, &indexed.index()).unwrap();
    let mut find = |text: &str| finder.find(&FullTextQuery::parse(text), |_| true, 10).unwrap().hits;
    assert_eq!(find("turn").len(), 3);
    let text = fs::read_to_string(indexed.path(2)).unwrap();
    let leaf = text.rsplit_once(r#""leafUuid":""#).and_then(|(_, rest)| rest.split_once('"')).unwrap().0;
    append(
        &indexed.path(2),
        &format!(
            r#"{{"type":"user","uuid":"late","parentUuid":"{leaf}","message":{{"content":"a pineapple at last"}}}}"#
        ),
    );
    assert_eq!(find("pineapple"), []);
    read(&indexed.catalog());
    let [said] = find("pineapple").try_into().unwrap();
    assert_eq!(said.session.to_string(), sample(2).id());
    assert_eq!(
        (said.snippet.uuid.as_deref(), said.snippet.text.as_str()),
        (Some("late"), "a pineapple at last")
    );
}
