//! The lines of a rollout, one after the other, from any place on.
//!
//! Codex packs rollouts that nobody wrote to for seven days, where a person has
//! turned its feature `local_thread_store_compression` on (0.169.0 has it off):
//! `….jsonl` becomes `….jsonl.zst`, one frame of zstd that says how much is in
//! it, with the time of the file that it was. It unpacks one again before it
//! writes to it. All of this was tried on 0.169.0.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::codex_rollouts::Rollout;
use crate::session::transcript::MAX_LINE_BYTES;

/// Bytes before a place that tell whether it is still in the same file.
const FINGERPRINT_BYTES: usize = 64;
/// Bytes that are read at once.
const READ_BUFFER_BYTES: usize = 256 << 10;

/// A rollout that is being read.
pub(super) struct RolloutReader {
    bytes: BufReader<Box<dyn Read>>,
    /// Where the next line begins, in bytes that are not packed.
    pub offset: u64,
    /// The last bytes before that.
    preceding: Vec<u8>,
}

impl RolloutReader {
    /// Opens it at this place. What is packed is unpacked up to there: there is no
    /// other way, and hardly ever one so long that it takes more than a turn.
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

    /// Tells a file that grew from another one in its place.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.preceding.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether nothing is left, not even a line that is not whole yet.
    pub fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.bytes.fill_buf()?.is_empty())
    }

    /// Reads a line, with its newline, and says how long it is: what is longer than
    /// the longest is passed over. None where no whole line is left.
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

/// How many bytes there are in a packed one: as many as there can be, where that
/// does not say.
pub(super) fn uncompressed_len(packed: &Rollout) -> io::Result<u64> {
    let length = ZstdReader::of(File::open(packed.disk_path())?)?.frame.content_size();
    Ok(if length == 0 { u64::MAX } else { length })
}

/// What is in a packed file, frame after frame.
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
