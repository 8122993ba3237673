//! Whoever reads an archive from our stdout: did it take all of it?
//!
//! `sessions move --to-file -` moves the session to the trash afterwards, so it must not take a
//! closed stdout, a full disk or a reader that ended early for success. What a reader does with
//! what it has read cannot be known; the session stays restorable.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{dup, ioctl_fionread};

/// How often a pipe is asked whether it is empty.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Our stdout, for an archive.
pub struct ArchiveReceiver {
    out: File,
}

impl ArchiveReceiver {
    /// The receiver at stdout. An error if nobody is there: Rust opens `/dev/null` in the place
    /// of a closed stdout, so that counts as closed.
    pub fn stdout() -> io::Result<Self> {
        let out = File::from(dup(io::stdout().as_fd())?);
        let (ours, null) = (out.metadata()?, std::fs::metadata("/dev/null"));
        if null.is_ok_and(|null| ours.file_type().is_char_device() && ours.rdev() == null.rdev()) {
            let error = "stdout is closed or /dev/null, so nothing receives the archive";
            return Err(io::Error::new(ErrorKind::BrokenPipe, error));
        }
        Ok(Self { out })
    }

    /// Waits until a pipe's reader has read everything, or the disk has it. An error if the
    /// reader ended before that.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        let kind = self.out.metadata()?.file_type();
        if kind.is_file() {
            return self.out.sync_all();
        }
        if !kind.is_fifo() {
            return Ok(());
        }
        // Systems that cannot say how much is unread take the write for success.
        while ioctl_fionread(&self.out).is_ok_and(|unread| unread > 0) {
            let mut pipe = [PollFd::new(&self.out, PollFlags::empty())];
            poll(&mut pipe, Some(&Timespec::default()))?;
            // The writing end reports an error once nobody can read any more.
            if pipe[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
                let error = "the receiver ended before it had read the whole archive";
                return Err(io::Error::new(ErrorKind::BrokenPipe, error));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

impl Write for ArchiveReceiver {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
