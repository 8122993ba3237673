//! Reads a whole transcript into memory that goes back to the system afterwards.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Buffers below this size are read as they are.
const SMALL_FILE_BYTES: u64 = 128 * 1024;
/// glibc maps buffers above this size and unmaps them when they are freed. It keeps smaller
/// ones once such a one was freed (its dynamic mmap threshold), so a warm process would
/// stay as large as the largest transcript it ever read. Reserved memory that is never
/// written costs nothing.
const MMAP_THRESHOLD_BYTES: usize = 33 << 20;

/// Reads the file to its end.
pub fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    let wanted = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
    bytes.try_reserve_exact(if size > SMALL_FILE_BYTES {
        wanted.max(MMAP_THRESHOLD_BYTES)
    } else {
        wanted
    })?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_and_a_folder_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a");
        for size in [0, 1, 200_000] {
            let bytes: Vec<_> = (0..size).map(|at| at as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert!(read_whole(&path).unwrap() == bytes, "{size}");
        }
        assert!(read_whole(temp.path()).is_err());
        assert!(read_whole(&temp.path().join("none")).is_err());
    }
}
