use super::*;

struct Sample {
    temp: tempfile::TempDir,
    checkpoints: Checkpoints,
    entries: Vec<String>,
}

impl Sample {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("work")).unwrap();
        Self { temp, checkpoints: Checkpoints::default(), entries: Vec::new() }
    }

    fn cwd(&self) -> PathBuf {
        self.temp.path().join("work").canonicalize().unwrap()
    }

    fn kept(&self) -> PathBuf {
        self.temp.path().join("kept")
    }

    fn prompt(&mut self, message: &str) {
        let entry = self.checkpoints.snapshot_prompt(message, &self.cwd(), &self.kept());
        self.entries.push(entry.to_string());
    }

    fn write(&mut self, name: &str, content: &str) {
        let path = self.cwd().join(name);
        let entry = self.checkpoints.backup_before_edit(&path, "call", &self.cwd(), &self.kept()).unwrap();
        self.entries.extend(entry.map(|entry| entry.to_string()));
        fs::write(path, content).unwrap();
    }

    fn rewind(&self, message: &str, dry_run: bool) -> Option<FileRewind> {
        self.checkpoints.rewind(message, &self.cwd(), &self.kept(), dry_run, &|_| true).unwrap()
    }

    fn content(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.cwd().join(name)).ok()
    }
}

/// Two prompts, a file that was there and one that was made.
fn sample() -> Sample {
    let mut sample = Sample::new();
    fs::write(sample.cwd().join("a"), "one\n").unwrap();
    sample.prompt("first");
    sample.write("a", "two\n");
    sample.write("a", "more\n");
    sample.prompt("second");
    sample.write("a", "three\n");
    sample.write("b", "made\n");
    sample
}

#[test]
fn files_come_back_to_what_they_were_when_a_prompt_came() {
    let sample = sample();
    let both = vec![sample.cwd().join("a"), sample.cwd().join("b")];
    let dry = sample.rewind("second", true).unwrap();
    assert_eq!(dry.changed.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(), both);
    assert_eq!((dry.insertions, dry.deletions, dry.skipped_links), (1, 2, 0));
    assert_eq!(dry.changed[0].1[0]["lines"], json!(["-three", "+more"]));
    assert_eq!(sample.content("b").as_deref(), Some("made\n"), "a dry run changes nothing");
    sample.rewind("second", false).unwrap();
    assert_eq!((sample.content("a").as_deref(), sample.content("b")), (Some("more\n"), None));
    sample.rewind("first", false).unwrap();
    assert_eq!((sample.content("a").as_deref(), sample.content("b")), (Some("one\n"), None));
    assert_eq!(sample.rewind("first", true), Some(FileRewind::default()));
    assert_eq!(sample.rewind("other", false), None);
}

#[test]
fn a_transcript_tells_of_all_that_was_kept() {
    let mut sample = sample();
    let text = sample.entries.join("\n") + "\n";
    sample.checkpoints = Checkpoints::from_transcript(&Transcript::read(
        &crate::transcript::TranscriptText::read(text.as_bytes()),
    ));
    sample.rewind("first", false).unwrap();
    assert_eq!((sample.content("a").as_deref(), sample.content("b")), (Some("one\n"), None));
}

#[test]
fn a_file_that_is_a_link_by_now_stays() {
    let sample = sample();
    let far = sample.temp.path().join("far");
    fs::write(&far, "far\n").unwrap();
    fs::remove_file(sample.cwd().join("a")).unwrap();
    std::os::unix::fs::symlink(&far, sample.cwd().join("a")).unwrap();
    assert_eq!(sample.rewind("first", false).unwrap().skipped_links, 1);
    assert_eq!(fs::read_to_string(far).unwrap(), "far\n");
}

#[test]
fn a_copy_has_no_name_that_leads_elsewhere() {
    let sample = Sample::new();
    let backup = |name: &str| FileBackup {
        copy: Some(name.to_owned()),
        version: 1,
        time: String::new(),
        real_parent_dir: None,
    };
    for name in ["../../etc/passwd", "/etc/passwd", "", "..", "a/b"] {
        assert_eq!(
            backup_path(&backup(name), &sample.kept()),
            Some(sample.kept().join("no-such-copy")),
            "{name}"
        );
    }
    assert_eq!(backup_path(&backup("0a@v1"), &sample.kept()), Some(sample.kept().join("0a@v1")));
}

#[test]
fn a_transcript_cannot_have_files_removed_or_replaced_that_no_checkpoint_wrote() {
    let mut sample = Sample::new();
    let precious = sample.temp.path().join("precious");
    fs::write(&precious, "keep").unwrap();
    fs::write(sample.cwd().join("mine"), "keep").unwrap();
    fs::create_dir_all(sample.kept()).unwrap();
    fs::write(sample.kept().join("copy@v1"), "evil").unwrap();
    let absent = json!({"backupFileName": null, "version": 1, "backupTime": ""});
    let copy = json!({"backupFileName": "copy@v1", "version": 1, "backupTime": ""});
    let files = json!({
        precious.to_str().unwrap(): absent, "../precious": absent, "mine": absent, "../other": copy,
        "sub/../../elsewhere": copy,
    });
    let snapshot = json!({"messageId": "m", "trackedFileBackups": files, "timestamp": ""});
    sample
        .checkpoints
        .apply_entry(&json!({"type": "file-history-snapshot", "messageId": "m", "snapshot": snapshot}));
    for dry_run in [true, false] {
        let rewind = sample.rewind("m", dry_run).unwrap();
        assert_eq!(
            (rewind.changed.len(), rewind.removed.len(), rewind.skipped.len()),
            (0, 0, 5),
            "{rewind:?}"
        );
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "keep");
    assert_eq!(sample.content("mine").as_deref(), Some("keep"));
    assert!(!sample.temp.path().join("other").exists() && !sample.temp.path().join("elsewhere").exists());
}

#[test]
fn denied_files_stay_and_removals_are_listed() {
    let sample = sample();
    let denied = sample.cwd().join("a");
    let may_write = |path: &Path| path != denied;
    let rewind = sample.checkpoints.rewind("first", &sample.cwd(), &sample.kept(), false, &may_write);
    let rewind = rewind.unwrap().unwrap();
    assert_eq!(rewind.removed, [sample.cwd().join("b")]);
    assert_eq!(rewind.skipped, [sample.cwd().join("a")]);
    assert_eq!((sample.content("a").as_deref(), sample.content("b")), (Some("three\n"), None));
}
