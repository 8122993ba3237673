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

use super::rollouts::Rollout;
use crate::session::transcript::LONGEST_LINE;

/// Bytes before a place that tell whether it is still in the same file.
const MARK: usize = 64;
/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// A rollout that is being read.
pub(super) struct Source {
    bytes: BufReader<Box<dyn Read>>,
    /// Where the next line begins, in bytes that are not packed.
    pub at: u64,
    /// The last bytes before that.
    before: Vec<u8>,
}

impl Source {
    /// Opens it at this place. What is packed is unpacked up to there: there is no
    /// other way, and hardly ever one so long that it takes more than a turn.
    pub fn open(rollout: &Rollout, at: u64) -> io::Result<Self> {
        let mut file = File::open(rollout.there())?;
        let from = at.saturating_sub(MARK as u64);
        let mut bytes: Box<dyn Read> = if rollout.is_packed {
            let mut unpacking = Unpacking::of(file)?;
            io::copy(&mut unpacking.by_ref().take(from), &mut io::sink())?;
            Box::new(unpacking)
        } else {
            file.seek(SeekFrom::Start(from))?;
            Box::new(file)
        };
        let mut before = Vec::new();
        bytes.by_ref().take(at - from).read_to_end(&mut before)?;
        Ok(Self { bytes: BufReader::with_capacity(PIECE, bytes), at, before })
    }

    /// Tells a file that grew from another one in its place.
    pub fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.before.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether nothing is left, not even a line that is not whole yet.
    pub fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.bytes.fill_buf()?.is_empty())
    }

    /// Reads a line, with its newline, and says how long it is: what is longer than
    /// the longest is passed over. None where no whole line is left.
    pub fn read(&mut self, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut length = 0;
        let mut before = self.before.clone();
        loop {
            line.clear();
            let read = self.bytes.by_ref().take(LONGEST_LINE).read_until(b'\n', line)? as u64;
            length += read;
            let end = &line[line.len().saturating_sub(MARK)..];
            before.drain(..(before.len() + end.len()).saturating_sub(MARK));
            before.extend(end);
            if line.last() == Some(&b'\n') {
                break;
            }
            if read < LONGEST_LINE {
                return Ok(None);
            }
        }
        self.before = before;
        self.at += length;
        Ok(Some(length))
    }
}

/// How many bytes there are in a packed one: as many as there can be, where that
/// does not say.
pub(super) fn length(packed: &Rollout) -> io::Result<u64> {
    let length = Unpacking::of(File::open(packed.there())?)?.frame.content_size();
    Ok(if length == 0 { u64::MAX } else { length })
}

/// What is in a packed file, frame after frame.
struct Unpacking {
    packed: BufReader<File>,
    frame: FrameDecoder,
}

impl Unpacking {
    fn of(packed: File) -> io::Result<Self> {
        let (mut packed, mut frame) = (BufReader::new(packed), FrameDecoder::new());
        frame.init(&mut packed).map_err(io::Error::other)?;
        Ok(Self { packed, frame })
    }
}

impl Read for Unpacking {
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
