//! Files and folders that only their owner may read, since they hold conversations.
//!
//! What hotseat makes is created with mode 0600 or 0700, so it is never wider for a moment. What
//! an older version, a restored backup or a loose umask left wider is narrowed. Folders of the
//! official tools are created private too, and left as they are if they exist.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What group and others may do.
const SHARED_BITS: u32 = 0o077;

/// Creates a folder and its parents with mode 0700.
pub fn private_dir(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The same for a folder of hotseat's own: one that exists and is wider is narrowed.
pub fn own_private_dir(folder: &Path) -> io::Result<()> {
    private_dir(folder)?;
    narrow(folder)
}

/// Options that create a file with mode 0600.
pub fn private_options() -> OpenOptions {
    let mut options = fs::File::options();
    options.create(true).mode(0o600);
    options
}

/// Takes the rights of group and others off a file or folder of hotseat's own; one that is not
/// there is no error.
pub fn narrow(path: &Path) -> io::Result<()> {
    let mode = match fs::symlink_metadata(path) {
        Ok(there) if there.is_symlink() => return Ok(()),
        Ok(there) => there.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if mode & SHARED_BITS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !SHARED_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wider_is_narrowed() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, file) = (temp.path().join("a/b"), temp.path().join("a/b/file"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        own_private_dir(&folder).unwrap();
        private_options().write(true).open(&file).unwrap();
        assert_eq!((mode(folder.parent().unwrap()), mode(&folder), mode(&file)), (0o700, 0o700, 0o600));
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
        own_private_dir(&folder).unwrap();
        narrow(&file).unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        narrow(&temp.path().join("none")).unwrap();
    }
}
