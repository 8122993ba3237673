//! Reads the lines of a rollout one by one from any offset, compressed or not.
//!
//! Codex compresses rollouts that nobody wrote to for seven days if its feature
//! `local_thread_store_compression` is on (off by default in 0.169.0): `….jsonl` becomes
//! `….jsonl.zst`, one zstd frame that states its content size, with the modification time
//! of the original. Codex unpacks it before it writes again. All of this was tried on
//! 0.169.0.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::codex_rollouts::Rollout;
use crate::session::transcript::MAX_LINE_BYTES;
use crate::store::fingerprint;

/// How many bytes before an offset identify the file.
const FINGERPRINT_BYTES: usize = 64;
/// How many bytes are read at once.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// A rollout that is being read.
pub(super) struct RolloutReader {
    bytes: BufReader<Box<dyn Read>>,
    /// Where the next line starts, in uncompressed bytes.
    pub offset: u64,
    /// The last bytes before that.
    preceding: Vec<u8>,
}

impl RolloutReader {
    /// Opens a rollout at an offset. A compressed file is unpacked up to there; there is no
    /// other way.
    pub fn open(rollout: &Rollout, at: u64) -> io::Result<Self> {
        let mut file = File::open(rollout.disk_path())?;
        let from = at.saturating_sub(FINGERPRINT_BYTES as u64);
        let mut bytes: Box<dyn Read> = if rollout.is_compressed {
            let mut unpacking = ZstdReader::of(file)?;
            io::copy(&mut unpacking.by_ref().take(from), &mut io::sink())?;
            Box::new(unpacking)
        } else {
            file.seek(SeekFrom::Start(from))?;
            Box::new(file)
        };
        let mut before = Vec::new();
        bytes.by_ref().take(at - from).read_to_end(&mut before)?;
        Ok(Self { bytes: BufReader::with_capacity(READ_BUFFER_BYTES, bytes), offset: at, preceding: before })
    }

    /// Tells a file that grew from another file in its place.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.preceding)
    }

    /// Whether nothing is left, not even an incomplete line.
    pub fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.bytes.fill_buf()?.is_empty())
    }

    /// Reads a line with its newline and returns its length. A line above the limit is
    /// skipped, but its length is returned. `None` if no complete line is left.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut length = 0;
        let mut before = self.preceding.clone();
        loop {
            line.clear();
            let read = self.bytes.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', line)? as u64;
            length += read;
            let end = &line[line.len().saturating_sub(FINGERPRINT_BYTES)..];
            before.drain(..(before.len() + end.len()).saturating_sub(FINGERPRINT_BYTES));
            before.extend(end);
            if line.last() == Some(&b'\n') {
                break;
            }
            if read < MAX_LINE_BYTES {
                return Ok(None);
            }
        }
        self.preceding = before;
        self.offset += length;
        Ok(Some(length))
    }
}

/// The uncompressed size; `u64::MAX` if the file does not state it.
pub(super) fn uncompressed_len(packed: &Rollout) -> io::Result<u64> {
    let length = ZstdReader::of(File::open(packed.disk_path())?)?.frame.content_size();
    Ok(if length == 0 { u64::MAX } else { length })
}

/// Decompresses a file frame by frame.
struct ZstdReader {
    packed: BufReader<File>,
    frame: FrameDecoder,
}

impl ZstdReader {
    fn of(packed: File) -> io::Result<Self> {
        let (mut packed, mut frame) = (BufReader::new(packed), FrameDecoder::new());
        frame.init(&mut packed).map_err(io::Error::other)?;
        Ok(Self { packed, frame })
    }
}

impl Read for ZstdReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.frame.decode_blocks(&mut self.packed, one).map_err(io::Error::other)?;
            }
            let read = self.frame.read(buffer)?;
            if read > 0 || buffer.is_empty() || self.packed.fill_buf()?.is_empty() {
                return Ok(read);
            }
            self.frame.init(&mut self.packed).map_err(io::Error::other)?;
        }
    }
}
