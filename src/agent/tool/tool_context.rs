//! Where a tool works, and what is kept from it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{HeldTarget, LiveOutput, ReadFiles, ResultDir, TodoList, ToolOutcome, canonical};

/// Where a tool works.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// The session's folder.
    pub cwd: PathBuf,
    /// Runs a program that must not outlive us: our own executable, as `guard`.
    pub guard: PathBuf,
    /// The files that the session's model knows.
    pub read_files: ReadFiles,
    /// The session's list of what is to be done.
    pub todos: TodoList,
    /// Where long results are kept whole.
    pub result_dir: ResultDir,
    /// The files that searches pass over.
    pub hidden_files: HiddenFiles,
    /// Where this call's output can be watched while it runs.
    pub live_output: LiveOutput,
    /// The file that this call was allowed to write; `None` if the decision was
    /// about something else.
    pub held_target: Option<HeldTarget>,
}

impl ToolContext {
    /// A folder where nothing was seen yet, and nothing is hidden.
    pub fn new(cwd: PathBuf, guard: PathBuf) -> Self {
        let (seen, todos) = (ReadFiles::default(), TodoList::default());
        Self {
            cwd,
            guard,
            read_files: seen,
            todos,
            result_dir: ResultDir::default(),
            hidden_files: HiddenFiles::default(),
            live_output: LiveOutput::default(),
            held_target: None,
        }
    }

    /// A path as the model gives it, made absolute.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.cwd.join(path)
    }

    /// The file to write: the one that the decision was about, not whatever the
    /// path leads to by now.
    pub(super) fn target(&self, path: &Path) -> HeldTarget {
        self.held_target.clone().unwrap_or_else(|| HeldTarget::open(&canonical(path)))
    }

    /// What a call gets that names a file that is none.
    pub(super) fn no_such_file(&self) -> ToolOutcome {
        let here = self.cwd.display();
        ToolOutcome::usage_error(format!(
            "File does not exist. Note: your current working directory is {here}."
        ))
    }
}

/// Whether a file is kept from the model, by whoever permits.
type HiddenPredicate = dyn Fn(&Path) -> bool + Send + Sync;

/// Files that are kept from the model, also where it asks for a whole folder.
#[derive(Clone, Default)]
pub struct HiddenFiles(Option<Arc<HiddenPredicate>>);

impl HiddenFiles {
    /// Those that this says.
    pub fn new(is: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is)))
    }

    /// Whether this one is.
    pub fn contains(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|is| is(path))
    }
}

impl fmt::Debug for HiddenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hidden(some)" } else { "Hidden(none)" })
    }
}
