//! What the model is told about where a session works, ahead of its messages:
//! memory files, the folder, the platform, the date and the state of git.
//!
//! Owns the texts, in the official CLI's form (2.1.332), and how git is asked.
//! They are gathered once for a session and stay, so that the provider's cache
//! does; they are never written to the transcript.

use std::path::Path;
use std::time::Duration;

use super::memory_files::MemoryFiles;
use super::runtime::AgentRuntime;
use super::turn::{RunningTurn, TurnStep};
use crate::sys::guarded::{guarded_command, guarded_stdout};

/// How long git may take; in a huge repository the model does without.
const GIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes that are read of what git says.
const GIT_BYTES: u64 = 64 * 1024;
/// Characters of `git status` that the model gets.
const MAX_STATUS_CHARS: usize = 2000;

/// The texts that go ahead of a session's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    pub memory: MemoryFiles,
    /// Folder, platform, date, git.
    environment: String,
}

impl SessionFacts {
    /// For a session in `folder`, with what [`git_state`] said.
    pub fn new(memory: MemoryFiles, folder: &Path, git: Option<&str>) -> Self {
        Self {
            memory,
            environment: environment(folder, git, &chrono::Local::now().format("%Y-%m-%d").to_string()),
        }
    }

    /// All of it, as one block of the first message.
    pub fn text(&self) -> String {
        let parts = [self.memory.text(), Some(self.environment.clone())];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        format!("<system-reminder>\n{}\n</system-reminder>", parts.join("\n\n"))
    }
}

/// Whether a folder lies in a git repository.
fn is_in_repository(folder: &Path) -> bool {
    folder.ancestors().any(|folder| folder.join(".git").exists())
}

fn environment(folder: &Path, git: Option<&str>, date: &str) -> String {
    let shell = std::env::var("SHELL").unwrap_or_default();
    let shell = shell.rsplit('/').next().filter(|shell| !shell.is_empty()).unwrap_or("sh");
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut text = format!(
        "# Environment\nYou have been invoked in the following environment:\n - Primary working directory: {}\n - Is a \
         git repository: {}\n - Platform: {platform}\n - Shell: {shell}\n - OS Version: {platform} {}\n\nToday's date \
         is {date}.",
        folder.display(),
        is_in_repository(folder),
        release.trim(),
        platform = std::env::consts::OS,
    );
    if let Some(git) = git {
        text.push_str("\n\ngitStatus: This is the git status at the start of the conversation. Note that this status is \
                       a snapshot in time, and will not update during the conversation.\n");
        text.push_str(git);
    }
    text
}

/// Branch, changes and last commits of a folder's repository; `None` if git does not say in time. Only for
/// a folder that is trusted: its configuration can name programs that git runs.
async fn git_state(guard: &Path, folder: &Path) -> Option<String> {
    let ask = async |arguments: &[&str]| {
        let mut command = guarded_command(guard, 0, "git");
        command.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
        command.args(arguments).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0");
        let output = guarded_stdout(&mut command, GIT_BYTES).await.ok()?;
        Some(String::from_utf8_lossy(&output).trim_end().to_owned())
    };
    let asked = async {
        let branch = ask(&["branch", "--show-current"]).await?;
        let status = ask(&["status", "--short"]).await?;
        let commits = ask(&["log", "--oneline", "-n", "5"]).await?;
        let mut status = if status.is_empty() { "(clean)".to_owned() } else { status };
        if let Some((cut, _)) = status.char_indices().nth(MAX_STATUS_CHARS) {
            status.truncate(cut);
            status.push_str("\n… (cut off; run git status for the rest)");
        }
        Some(format!("Current branch: {branch}\n\nStatus:\n{status}\n\nRecent commits:\n{commits}"))
    };
    tokio::time::timeout(GIT_TIMEOUT, asked).await.ok().flatten()
}

impl AgentRuntime {
    /// Reads memory files, and asks git for its state.
    pub(super) fn gather_facts(&self) -> TurnStep {
        let (root, folder) = (self.settings_files.root().to_owned(), self.session.cwd.clone());
        let includes = self.settings_files.included();
        let asks_git = self.settings.trusts_folder && folder.starts_with(self.settings_files.folder());
        let guard = self.settings.guard.clone();
        TurnStep::Facts(Box::pin(async move {
            let git = async {
                if asks_git && is_in_repository(&folder) { git_state(&guard, &folder).await } else { None }
            };
            let memory = tokio::task::spawn_blocking({
                let folder = folder.clone();
                move || MemoryFiles::read(&root, &folder, |source| includes.contains(&source))
            });
            let (git, memory) = tokio::join!(git, memory);
            SessionFacts::new(memory.unwrap_or_default(), &folder, git.as_deref())
        }))
    }

    /// Takes over the facts of a session, and goes on with the prompt that waited for them.
    pub(super) fn apply_facts(&mut self, turn: RunningTurn, facts: SessionFacts) {
        for problem in &facts.memory.problems {
            self.send_warning(problem);
        }
        self.session.facts = Some(facts);
        self.begin_turn(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_told_where_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let text = environment(temp.path(), None, "2026-11-28");
        let folder =
            format!("Primary working directory: {}\n - Is a git repository: false", temp.path().display());
        assert!(text.contains(&folder) && text.ends_with("Today's date is 2026-11-28."), "{text}");
        std::fs::create_dir(temp.path().join(".git")).unwrap();
        let text = environment(temp.path(), Some("Current branch: main"), "2026-11-28");
        assert!(text.contains("git repository: true") && text.ends_with("Current branch: main"), "{text}");
        let facts = SessionFacts::new(MemoryFiles::default(), temp.path(), None).text();
        assert!(
            facts.starts_with("<system-reminder>\n# Environment") && facts.ends_with("</system-reminder>")
        );
    }
}
