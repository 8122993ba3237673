use std::fs;
use std::path::{Path, PathBuf};

use chrono::Duration;

use super::*;
use crate::session::facts::TitleSource;
use crate::store::LocalStore;

#[path = "../../../tests/support/sessions.rs"]
mod sessions;
use sessions::Sample;

/// A store in a scratch folder, and its catalog.
fn catalog() -> (tempfile::TempDir, Catalog) {
    let temp = tempfile::tempdir().unwrap();
    let catalog = Catalog::over(Arc::new(LocalStore::new(temp.path())), false);
    (temp, catalog)
}

fn sample(number: u32) -> Sample {
    let sample = Sample { number, ..Sample::default() };
    Sample { started: sample.started + Duration::days(number.into()), ..sample }
}

fn read(catalog: &Catalog) -> Vec<Row> {
    catalog.read(&Scope::All, |_, _| ()).unwrap()
}

fn ids(rows: &[Row]) -> Vec<String> {
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
    assert_eq!((row.facts.health.torn, row.partial, row.problem), (1, false, None));
    assert!(row.stored.size > 6_000);
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
    let all = Catalog::over(Arc::new(LocalStore::new(temp.path())), true);
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
    assert_eq!(refresh().unwrap()[0].open_in.as_ref().unwrap().status, "busy");
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
    assert!(row.facts.first_prompt.unwrap().starts_with("Turn 0"));
    assert_eq!(row.facts.active.unwrap().date_naive(), large.started.date_naive());
}

#[test]
fn a_transcript_that_cannot_be_read_is_listed_with_its_problem() {
    let temp = tempfile::tempdir().unwrap();
    let path = sample(1).write(temp.path()).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        eprintln!("skipped: a_transcript_that_cannot_be_read_… needs another user than root");
        return;
    }
    let catalog = Catalog::over(Arc::new(LocalStore::new(temp.path())), false);
    let [row] = read(&catalog).try_into().unwrap();
    assert!(row.problem.unwrap().contains("cannot read the transcript"));
}
