//! Who may read the index.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_index_is_for_its_owner_only() {
    let indexed = Indexed::new(1);
    complete(&indexed.catalog());
    let folder = indexed.temp.path().join("cache");
    let check = || {
        let paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        for path in paths.chain([folder.clone()]) {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{}", path.display());
        }
    };
    check();
    // As an older version left it.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(indexed.index(), fs::Permissions::from_mode(0o644)).unwrap();
    read(&indexed.catalog());
    check();
}
