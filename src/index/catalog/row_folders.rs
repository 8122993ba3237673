//! Which folder a listed session works in.
//!
//! A transcript is filed under the encoded name of its folder, and its entries name the folder
//! it was started in. After `sessions move`, a `relocated` entry, or after a person moved the
//! files, the two differ: then the folder that the file lies under counts. An encoded name cannot
//! be decoded, so the folder is looked for in the entries and on the disk. Two folders
//! can encode to one name (`a.b`, `a b`); then a session belongs to the one that its entries name.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::index::SessionRow;
use crate::store::{Scope, belongs_to_cwd, canonical_cwd, existing_folders_named};

/// Answers for one list; remembers what it found out.
#[derive(Default)]
pub struct RowFolders {
    /// The folder of each project folder's name, where the disk knows exactly one.
    by_name: HashMap<OsString, Option<String>>,
    /// Whether a transcript in this project folder belongs to this working folder.
    belongs: HashMap<(OsString, String), bool>,
}

impl RowFolders {
    /// Corrects the folder of rows whose transcript was moved.
    pub fn correct(&mut self, rows: &mut [SessionRow]) {
        for row in &mut *rows {
            if let Some(folder) = self.moved_to(row) {
                Arc::make_mut(&mut row.facts).cwd = Some(folder);
            }
        }
    }

    /// The folder a moved session works in; `None` if it was not moved or nobody knows where to.
    fn moved_to(&mut self, row: &SessionRow) -> Option<String> {
        let name = row.stored.path.parent()?.file_name()?;
        let (facts, transcript) = (&row.facts, &row.stored.path);
        let cwd = facts.cwd.as_deref()?;
        if let Some(relocated) = facts.relocated.as_deref()
            && self.is_filed_under(name, transcript, relocated)
        {
            return Some(relocated.to_owned());
        }
        if self.is_filed_under(name, transcript, cwd) {
            return None;
        }
        if let Some(last) = facts.last_cwd.as_deref()
            && self.is_filed_under(name, transcript, last)
        {
            return Some(last.to_owned());
        }
        if let Some(known) = self.by_name.get(name) {
            return known.clone();
        }
        let found = match existing_folders_named(name).as_slice() {
            [folder] => folder.to_str().map(str::to_owned),
            _ => None,
        };
        self.by_name.insert(name.to_owned(), found.clone());
        found
    }

    fn is_filed_under(&mut self, name: &OsStr, transcript: &Path, cwd: &str) -> bool {
        let key = (name.to_owned(), cwd.to_owned());
        *self.belongs.entry(key).or_insert_with(|| belongs_to_cwd(transcript, Path::new(cwd)))
    }

    /// Drops the rows of another folder whose name encodes to the same project folder. One whose
    /// folder is gone stays: it may have been renamed to this one.
    pub fn retain_scope(&mut self, rows: &mut Vec<SessionRow>, scope: &Scope) {
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
}
