//! What a call knows of its session: the folder, the files it has read, and the
//! files that are hidden from it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{HeldTarget, LiveOutput, ReadFiles, ResultDir, TodoList, ToolOutcome, canonical};

/// The context of a call.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// The session's folder.
    pub cwd: PathBuf,
    /// Our own executable, which as `guard` runs programs that must not outlive us.
    pub guard: PathBuf,
    /// The files that the model has read or written.
    pub read_files: ReadFiles,
    /// The session's to-do list.
    pub todos: TodoList,
    /// Where long results are saved whole.
    pub result_dir: ResultDir,
    /// The files that searches skip.
    pub hidden_files: HiddenFiles,
    /// Where this call's output can be watched while it runs.
    pub live_output: LiveOutput,
    /// The file that this call was allowed to write; `None` if the decision was
    /// about something else.
    pub held_target: Option<HeldTarget>,
}

impl ToolContext {
    /// The context of a new session in this folder, in which nothing is hidden.
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

    /// The outcome of a call that names a file that does not exist.
    pub(super) fn no_such_file(&self) -> ToolOutcome {
        let here = self.cwd.display();
        ToolOutcome::usage_error(format!(
            "File does not exist. Note: your current working directory is {here}."
        ))
    }
}

/// Whether a file is hidden from the model.
type HiddenPredicate = dyn Fn(&Path) -> bool + Send + Sync;

/// Files that are hidden from the model, also if it asks for a whole folder.
#[derive(Clone, Default)]
pub struct HiddenFiles(Option<Arc<HiddenPredicate>>);

impl HiddenFiles {
    /// The files for which this is true.
    pub fn new(is: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is)))
    }

    /// Whether this file is hidden.
    pub fn contains(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|is| is(path))
    }
}

impl fmt::Debug for HiddenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hidden(some)" } else { "Hidden(none)" })
    }
}
