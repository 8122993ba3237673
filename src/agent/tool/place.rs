//! Where a tool works, and what is kept from it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Outcome, Seen, Side, SoFar, Todos};

/// Where a tool works.
#[derive(Debug, Clone)]
pub struct Place {
    /// The session's folder.
    pub cwd: PathBuf,
    /// Runs a program that must not outlive us: our own executable, as `guard`.
    pub guard: PathBuf,
    /// The files that the session's model knows.
    pub seen: Seen,
    /// The session's list of what is to be done.
    pub todos: Todos,
    /// Where long results are kept whole.
    pub side: Side,
    /// The files that searches pass over.
    pub hidden: Hidden,
    /// Where this call's output can be watched while it runs.
    pub so_far: SoFar,
}

impl Place {
    /// A folder where nothing was seen yet, and nothing is hidden.
    pub fn new(cwd: PathBuf, guard: PathBuf) -> Self {
        let (seen, todos) = (Seen::default(), Todos::default());
        Self {
            cwd,
            guard,
            seen,
            todos,
            side: Side::default(),
            hidden: Hidden::default(),
            so_far: SoFar::default(),
        }
    }

    /// A path as the model gives it, made absolute.
    pub fn path(&self, path: &str) -> PathBuf {
        self.cwd.join(path)
    }

    /// What a call gets that names a file that is none.
    pub(super) fn no_such_file(&self) -> Outcome {
        let here = self.cwd.display();
        Outcome::misused(format!("File does not exist. Note: your current working directory is {here}."))
    }
}

/// Whether a file is kept from the model, by whoever permits.
type IsHidden = dyn Fn(&Path) -> bool + Send + Sync;

/// Files that are kept from the model, also where it asks for a whole folder.
#[derive(Clone, Default)]
pub struct Hidden(Option<Arc<IsHidden>>);

impl Hidden {
    /// Those that this says.
    pub fn new(is: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is)))
    }

    /// Whether this one is.
    pub fn is(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|is| is(path))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hidden(some)" } else { "Hidden(none)" })
    }
}
