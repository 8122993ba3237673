//! Results that are too long for the model, saved whole as in the official CLI:
//! `<session-id>/tool-results/` beside the transcript.
//!
//! Owns their names and size limit. Only the beginning and the end of a long
//! output stay in memory.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// The most bytes of one file.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a saved result that the model is shown.
const PREVIEW_BYTES: usize = 2000;

/// The folder; `None` if nothing is saved.
#[derive(Debug, Clone, Default)]
pub struct ResultDir(Option<PathBuf>);

impl ResultDir {
    /// The result folder of the session with this transcript.
    pub fn for_transcript(transcript: &Path) -> Self {
        Self(Some(transcript.with_extension("").join("tool-results")))
    }

    /// Saves a text whole and returns the note for the model; `None` if it could
    /// not be saved.
    pub fn save(&self, text: &str) -> Option<String> {
        let mut spill = self.spill_after(0);
        spill.push(text.as_bytes());
        spill.model_note()
    }

    /// An output that goes to a file once it is longer than this many bytes.
    pub fn spill_after(&self, most: usize) -> SpillFile {
        SpillFile {
            result_dir: self.clone(),
            threshold: most,
            head: Vec::new(),
            tail: VecDeque::new(),
            size: 0,
            file: None,
        }
    }

    fn create(&self) -> io::Result<Option<(File, PathBuf)>> {
        let Some(folder) = &self.0 else { return Ok(None) };
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.txt", &Uuid::new_v4().simple().to_string()[..9]));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Some((file, path)))
    }
}

/// An output that may go to a file.
#[derive(Debug)]
pub struct SpillFile {
    result_dir: ResultDir,
    threshold: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    size: u64,
    file: Option<(File, PathBuf)>,
}

impl SpillFile {
    /// Appends output.
    pub fn push(&mut self, bytes: &[u8]) {
        let before = self.size;
        self.size += bytes.len() as u64;
        self.head.extend_from_slice(
            &bytes[..bytes.len().min(self.threshold.max(PREVIEW_BYTES).saturating_sub(self.head.len()))],
        );
        self.tail.extend(&bytes[bytes.len().saturating_sub(END_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(END_BYTES));
        if self.size > self.threshold as u64
            && let Err(error) = self.write(bytes, before)
        {
            tracing::warn!("could not store a long output: {error}");
            self.result_dir = ResultDir::default();
            self.file = None;
        }
    }

    fn write(&mut self, bytes: &[u8], before: u64) -> io::Result<()> {
        let mut bytes = bytes;
        if self.file.is_none() {
            self.file = self.result_dir.create()?;
            if let Some((file, _)) = &mut self.file {
                // What came before is all in memory.
                file.write_all(&self.head[..before as usize])?;
            }
        }
        if let Some((file, _)) = &mut self.file {
            let room = MAX_FILE_BYTES.saturating_sub(before).min(bytes.len() as u64);
            bytes = &bytes[..room as usize];
            file.write_all(bytes)?;
        }
        Ok(())
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(_, path)| path.as_path())
    }

    /// Its beginning and its end, with a note on what is left out.
    pub fn head_and_tail(&self) -> String {
        let head = &self.head[..self.head.len().min(END_BYTES)];
        let tail: Vec<_> = self.tail.iter().copied().collect();
        let between = self.size.saturating_sub((head.len() + tail.len()) as u64);
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(&tail));
        let place =
            self.path().map(|path| format!("; all of it is in {}", path.display())).unwrap_or_default();
        format!("{head}\n\n... [{between} characters truncated{place}] ...\n\n{tail}")
    }

    /// The note for the model; `None` if there is no file.
    pub fn model_note(&self) -> Option<String> {
        let path = self.path()?.display();
        let size = format_size(self.size);
        let what = if self.size > MAX_FILE_BYTES {
            let largest = format_size(MAX_FILE_BYTES);
            format!(
                "Output exceeded the {largest} persist limit; only the first {largest} were saved to: {path}"
            )
        } else {
            format!("Output too large ({size}). Full output saved to: {path}")
        };
        let preview = String::from_utf8_lossy(&self.head[..self.head.len().min(PREVIEW_BYTES)]);
        let preview = preview.rsplit_once('\n').map_or(&*preview, |(lines, _)| lines);
        Some(format!(
            "<persisted-output>\n{what}\n\nPreview (first 2KB):\n{preview}\n...\n</persisted-output>"
        ))
    }
}

/// Bytes of each end that are shown of a long output that failed.
const END_BYTES: usize = 5000;

/// `106.3KB`, as the official CLI writes it.
fn format_size(bytes: u64) -> String {
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
        let side = ResultDir::for_transcript(&temp.path().join("a.jsonl"));
        let mut spill = side.spill_after(30_000);
        let lines: Vec<_> = (1..=20_000).map(|line| format!("{line}\n")).collect();
        for line in &lines {
            spill.push(line.as_bytes());
        }
        assert_eq!(fs::read_to_string(spill.path().unwrap()).unwrap(), lines.concat());
        assert_eq!(spill.path().unwrap().parent().unwrap(), temp.path().join("a/tool-results"));
        let note = spill.model_note().unwrap();
        assert!(
            note.starts_with("<persisted-output>\nOutput too large (106.3KB). Full output saved to: /"),
            "{note}"
        );
        assert!(
            note.contains("Preview (first 2KB):\n1\n2\n") && note.ends_with("\n...\n</persisted-output>")
        );
        assert!(
            spill.head_and_tail().starts_with("1\n2\n") && spill.head_and_tail().ends_with("19999\n20000\n")
        );
        assert!(spill.head.len() <= 30_000 && spill.tail.len() <= END_BYTES);
    }

    #[test]
    fn a_short_output_makes_no_file_and_an_endless_one_no_larger_one() {
        let temp = tempfile::tempdir().unwrap();
        let side = ResultDir::for_transcript(&temp.path().join("a.jsonl"));
        let mut spill = side.spill_after(10);
        spill.push(b"0123456789");
        assert!(spill.model_note().is_none() && !temp.path().join("a").exists());
        for _ in 0..70 {
            spill.push(&vec![b'x'; 1024 * 1024]);
        }
        assert_eq!(fs::metadata(spill.path().unwrap()).unwrap().len(), MAX_FILE_BYTES);
        assert!(spill.model_note().unwrap().contains("only the first 64MB were saved"));
        assert!(ResultDir::default().save("text").is_none());
        assert_eq!((format_size(10), format_size(181_292)), ("10 bytes".to_owned(), "177KB".to_owned()));
    }
}
