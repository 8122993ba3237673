//! The folders of a list's rows, and which rows belong to a project.
//!
//! Which folder a session works in is answered by [`FolderLookup`] alone. Two folders can
//! encode to one name (`a.b`, `a b`); then a session belongs to the one that its entries name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::index::SessionRow;
use crate::store::{FolderLookup, Scope, belongs_to_cwd, canonical_cwd};

/// Says where the rows whose transcript was moved work now.
pub fn correct(rows: &mut [SessionRow]) {
    let mut lookup = FolderLookup::default();
    for row in rows {
        // A copy of what another agent stores says what that agent reported.
        if row.facts.agent.is_some() {
            continue;
        }
        let facts = &row.facts;
        let Some(cwd) = facts.cwd.as_deref() else { continue };
        let cwds = [Some(cwd), facts.last_cwd.as_deref()];
        let folder = lookup.listed(
            &row.stored.path,
            cwds.into_iter().flatten().map(Path::new),
            facts.relocated.as_deref().map(Path::new),
        );
        if folder.path != Path::new(cwd)
            && let Ok(folder) = folder.path.into_os_string().into_string()
        {
            Arc::make_mut(&mut row.facts).cwd = Some(folder);
        }
    }
}

/// Drops the rows of another folder whose name encodes to the same project folder. One whose
/// folder is gone stays: it may have been renamed to this one.
pub fn retain_scope(rows: &mut Vec<SessionRow>, scope: &Scope) {
    let Scope::Project(wanted) = scope else { return };
    let wanted = canonical_cwd(wanted);
    let mut is_other: HashMap<String, bool> = HashMap::new();
    rows.retain(|row| {
        let Some(cwd) = row.facts.cwd.as_deref().filter(|cwd| *cwd != wanted) else { return true };
        let check = || {
            let cwd = canonical_cwd(Path::new(cwd));
            let shares_name = belongs_to_cwd(&row.stored.path, Path::new(&wanted))
                && belongs_to_cwd(&row.stored.path, Path::new(&cwd));
            cwd != wanted && shares_name && PathBuf::from(cwd).is_dir()
        };
        !*is_other.entry(cwd.to_owned()).or_insert_with(check)
    });
}
