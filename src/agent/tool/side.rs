//! What is too long for the model, whole: files in the session's side folder,
//! as the official CLI keeps them (`<session-id>/tool-results/`).
//!
//! Owns their names and their size limit. Nothing of a long output stays in
//! memory but its beginning and its end.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Bytes of one file.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Bytes of it that the model is shown.
const PREVIEW: usize = 2000;

/// The folder; none where nothing is kept.
#[derive(Debug, Clone, Default)]
pub struct Side(Option<PathBuf>);

impl Side {
    /// The side folder of the session with this transcript.
    pub fn of(transcript: &Path) -> Self {
        Self(Some(transcript.with_extension("").join("tool-results")))
    }

    /// Keeps a text whole and gives back what the model is told instead; none
    /// where it could not be kept.
    pub fn keep(&self, text: &str) -> Option<String> {
        let mut spill = self.spill(0);
        spill.take(text.as_bytes());
        spill.note()
    }

    /// An output that is kept in a file once it is longer than this.
    pub fn spill(&self, most: usize) -> Spill {
        Spill { side: self.clone(), most, head: Vec::new(), tail: VecDeque::new(), size: 0, file: None }
    }

    fn create(&self) -> io::Result<Option<(File, PathBuf)>> {
        let Some(folder) = &self.0 else { return Ok(None) };
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.txt", &Uuid::new_v4().simple().to_string()[..9]));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Some((file, path)))
    }
}

/// An output as it comes.
#[derive(Debug)]
pub struct Spill {
    side: Side,
    most: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    size: u64,
    file: Option<(File, PathBuf)>,
}

impl Spill {
    /// More of it.
    pub fn take(&mut self, bytes: &[u8]) {
        let before = self.size;
        self.size += bytes.len() as u64;
        self.head.extend_from_slice(
            &bytes[..bytes.len().min(self.most.max(PREVIEW).saturating_sub(self.head.len()))],
        );
        self.tail.extend(&bytes[bytes.len().saturating_sub(END)..]);
        self.tail.drain(..self.tail.len().saturating_sub(END));
        if self.size > self.most as u64
            && let Err(error) = self.write(bytes, before)
        {
            tracing::warn!("a long output is not kept whole: {error}");
            self.side = Side::default();
            self.file = None;
        }
    }

    fn write(&mut self, bytes: &[u8], before: u64) -> io::Result<()> {
        let mut bytes = bytes;
        if self.file.is_none() {
            self.file = self.side.create()?;
            if let Some((file, _)) = &mut self.file {
                // What came before is all in memory.
                file.write_all(&self.head[..before as usize])?;
            }
        }
        if let Some((file, _)) = &mut self.file {
            let room = LARGEST.saturating_sub(before).min(bytes.len() as u64);
            bytes = &bytes[..room as usize];
            file.write_all(bytes)?;
        }
        Ok(())
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file that it is kept in.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(_, path)| path.as_path())
    }

    /// Its first bytes and its last ones, with a word about what is between.
    pub fn ends(&self) -> String {
        let head = &self.head[..self.head.len().min(END)];
        let tail: Vec<_> = self.tail.iter().copied().collect();
        let between = self.size.saturating_sub((head.len() + tail.len()) as u64);
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(&tail));
        let place =
            self.path().map(|path| format!("; all of it is in {}", path.display())).unwrap_or_default();
        format!("{head}\n\n... [{between} characters truncated{place}] ...\n\n{tail}")
    }

    /// What the model is told of it, where it is kept in a file.
    pub fn note(&self) -> Option<String> {
        let path = self.path()?.display();
        let size = sized(self.size);
        let what = if self.size > LARGEST {
            let largest = sized(LARGEST);
            format!(
                "Output exceeded the {largest} persist limit; only the first {largest} were saved to: {path}"
            )
        } else {
            format!("Output too large ({size}). Full output saved to: {path}")
        };
        let preview = String::from_utf8_lossy(&self.head[..self.head.len().min(PREVIEW)]);
        let preview = preview.rsplit_once('\n').map_or(&*preview, |(lines, _)| lines);
        Some(format!(
            "<persisted-output>\n{what}\n\nPreview (first 2KB):\n{preview}\n...\n</persisted-output>"
        ))
    }
}

/// Bytes of each end of a long output that failed.
const END: usize = 5000;

/// `106.3KB`, as the official CLI writes it.
fn sized(bytes: u64) -> String {
    let (unit, size) = match bytes {
        0..1024 => return format!("{bytes} bytes"),
        1024..1_048_576 => ("KB", bytes as f64 / 1024.0),
        _ => ("MB", bytes as f64 / 1_048_576.0),
    };
    let text = format!("{size:.1}");
    format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_is_in_a_file_and_its_ends_in_memory() {
        let temp = tempfile::tempdir().unwrap();
        let side = Side::of(&temp.path().join("a.jsonl"));
        let mut spill = side.spill(30_000);
        let lines: Vec<_> = (1..=20_000).map(|line| format!("{line}\n")).collect();
        for line in &lines {
            spill.take(line.as_bytes());
        }
        assert_eq!(fs::read_to_string(spill.path().unwrap()).unwrap(), lines.concat());
        assert_eq!(spill.path().unwrap().parent().unwrap(), temp.path().join("a/tool-results"));
        let note = spill.note().unwrap();
        assert!(
            note.starts_with("<persisted-output>\nOutput too large (106.3KB). Full output saved to: /"),
            "{note}"
        );
        assert!(
            note.contains("Preview (first 2KB):\n1\n2\n") && note.ends_with("\n...\n</persisted-output>")
        );
        assert!(spill.ends().starts_with("1\n2\n") && spill.ends().ends_with("19999\n20000\n"));
        assert!(spill.head.len() <= 30_000 && spill.tail.len() <= END);
    }

    #[test]
    fn a_short_output_makes_no_file_and_an_endless_one_no_larger_one() {
        let temp = tempfile::tempdir().unwrap();
        let side = Side::of(&temp.path().join("a.jsonl"));
        let mut spill = side.spill(10);
        spill.take(b"0123456789");
        assert!(spill.note().is_none() && !temp.path().join("a").exists());
        for _ in 0..70 {
            spill.take(&vec![b'x'; 1024 * 1024]);
        }
        assert_eq!(fs::metadata(spill.path().unwrap()).unwrap().len(), LARGEST);
        assert!(spill.note().unwrap().contains("only the first 64MB were saved"));
        assert!(Side::default().keep("text").is_none());
        assert_eq!((sized(10), sized(181_292)), ("10 bytes".to_owned(), "177KB".to_owned()));
    }
}
