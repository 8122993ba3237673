//! A tree of transcripts such as a heavy user has, the same on every run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use rayon::prelude::*;

use super::prose::Vocabulary;
use super::support::chance::Chance;
use super::transcript::{Growing, Session};

/// The spread of the sizes: of 5,000 sessions the largest has about 100 times
/// the mean.
const SPREAD: f64 = 1.65;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    /// Transcripts.
    pub sessions: usize,
    /// About their bytes in all.
    pub bytes: u64,
    /// Folders they were started in.
    pub projects: usize,
}

impl Tree {
    /// Writes the tree under `root` (what `CLAUDE_CONFIG_DIR` names), unless it
    /// is there already.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        let done = root.join("generated");
        let stamp = format!("{self:?}, 2\n");
        if fs::read_to_string(&done).is_ok_and(|found| found == stamp) {
            return Ok(());
        }
        if root.join("projects").exists() {
            fs::remove_dir_all(root.join("projects"))?;
        }
        let words = Vocabulary::new();
        (0..self.sessions).into_par_iter().try_for_each(|number| self.write_one(number, root, &words))?;
        fs::write(done, stamp)
    }

    fn write_one(&self, number: usize, root: &Path, words: &Vocabulary) -> io::Result<()> {
        let mut chance = Chance::of(number as u64);
        let mean = self.bytes as f64 / self.sessions as f64;
        let session = Session {
            id: chance.uuid(),
            bytes: (mean * chance.log_normal(SPREAD)) as usize,
            cwd: folder(chance.below(self.projects)),
            started: now() - Duration::minutes(chance.below(400 * 24 * 60) as i64),
            needle: needle(number),
        };
        let (text, ended) = Growing::write(&session, words, chance);
        let project: String =
            session.cwd.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = root.join("projects").join(project);
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.jsonl", session.id));
        fs::write(&path, text)?;
        fs::File::options().append(true).open(&path)?.set_modified(ended.into())
    }
}

/// The folder of a project; it does not exist.
fn folder(project: usize) -> String {
    format!("/home/dev/src/project-{project:02}")
}

/// The newest session is not older than this.
fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::days(20_730)
}

/// The word that only the session of this number holds.
pub fn needle(number: usize) -> String {
    format!("needle{number:05}")
}

/// All transcripts of a tree with their sizes, largest first.
pub fn transcripts(root: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for project in fs::read_dir(root.join("projects"))? {
        for file in fs::read_dir(project?.path())? {
            let file = file?;
            found.push((file.metadata()?.len(), file.path()));
        }
    }
    found.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    Ok(found)
}

/// All transcripts of a tree, the one that was active last at the end.
fn by_age(root: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = transcripts(root).unwrap().into_iter().map(|(_, path)| path).collect();
    paths.sort_by_cached_key(|path| path.metadata().unwrap().modified().unwrap());
    paths
}

/// The transcript that was active last.
pub fn newest(root: &Path) -> PathBuf {
    by_age(root).pop().unwrap()
}

/// What a narrow row shows of the title of the session that was active last.
pub fn newest_title(root: &Path) -> String {
    let bytes = fs::read(newest(root)).unwrap();
    let facts = hotseat::session::SessionSummary::from_transcript(&hotseat::session::Transcript::read(
        &hotseat::transcript::TranscriptText::read(&bytes),
    ));
    facts.title_text().chars().take(12).collect()
}

/// The needle of the session that was active longest ago.
pub fn oldest_needle(root: &Path) -> String {
    let text = fs::read_to_string(&by_age(root)[0]).unwrap();
    let (_, after) = text.rsplit_once("mark is ").unwrap();
    after[..needle(0).len()].to_owned()
}
