//! Reads and writes files one after the other, off the slot's task.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::resolve_path::resolve_in_folder;
use crate::slot::driver::{ClientOp, ClientOpEvent, ClientOpResult};
use crate::slot::machine::ProcessId;
use crate::sys::real_path::{create_without_links, open_without_links};

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Operations that may wait.
const QUEUE: usize = 1024;

/// A task that executes file operations in order.
#[derive(Debug)]
pub(super) struct FileWorker {
    jobs: Sender<FileJob>,
}

#[derive(Debug)]
struct FileJob {
    process: ProcessId,
    op_id: u64,
    folder: PathBuf,
    op: ClientOp,
}

impl FileWorker {
    pub fn new(reported: Sender<(ProcessId, ClientOpEvent)>) -> Self {
        let (jobs, waiting) = channel(QUEUE);
        tokio::spawn(run_jobs(waiting, reported));
        Self { jobs }
    }

    pub fn submit(
        &self,
        process: ProcessId,
        op_id: u64,
        folder: PathBuf,
        op: ClientOp,
    ) -> Result<(), String> {
        let job = FileJob { process, op_id, folder, op };
        self.jobs
            .try_send(job)
            .map_err(|_| format!("{QUEUE} file requests are already waiting: try again later"))
    }
}

async fn run_jobs(mut jobs: Receiver<FileJob>, reported: Sender<(ProcessId, ClientOpEvent)>) {
    while let Some(FileJob { process, op_id, folder, op }) = jobs.recv().await {
        let done = spawn_blocking(move || perform(&folder, op)).await;
        let outcome = done.unwrap_or_else(|_| Err("the operation failed".to_owned()));
        if reported.send((process, ClientOpEvent::Completed { op_id, outcome })).await.is_err() {
            return;
        }
    }
}

fn perform(folder: &Path, op: ClientOp) -> Result<ClientOpResult, String> {
    match op {
        ClientOp::ReadFile(path) => {
            read_text(&resolve_in_folder(folder, &path)?).map(ClientOpResult::FileText)
        }
        ClientOp::WriteFile { path, text } => {
            let real = resolve_in_folder(folder, &path)?;
            if real != path {
                let why = "has become a link since the write was permitted";
                return Err(format!("{} {why}", path.display()));
            }
            write_text(&real, &text).map(|()| ClientOpResult::Done)
        }
        ClientOp::CreateTerminal(_)
        | ClientOp::TerminalOutput(_)
        | ClientOp::WaitForExit(_)
        | ClientOp::KillTerminal(_)
        | ClientOp::ReleaseTerminal(_) => Err("not a file operation".to_owned()),
    }
}

/// The text of a file by its real path; `None` if it does not exist. Pipes and
/// devices are refused.
fn read_text(path: &Path) -> Result<Option<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = match open_without_links(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let facts = file.metadata().map_err(|error| failed(&error))?;
    if !facts.is_file() {
        return Err(failed(&"is not a regular file"));
    }
    if facts.len() > MAX_FILE_BYTES {
        return Err(failed(&format!(
            "is larger than {} MB, the most that hotseat reads for an agent",
            MAX_FILE_BYTES / 1024 / 1024
        )));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map(Some).map_err(|_| failed(&"is not UTF-8 text"))
}

/// Replaces a file's text, by its real path.
fn write_text(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let holds_text = |mut now: File| {
        let mut bytes = Vec::new();
        now.metadata().is_ok_and(|facts| facts.is_file() && facts.len() == text.len() as u64)
            && now.read_to_end(&mut bytes).is_ok()
            && bytes == text.as_bytes()
    };
    // Some agents also write the file themselves at the same time, and check its
    // modification time.
    if open_without_links(path).is_ok_and(holds_text) {
        return Ok(());
    }
    let mut file = match create_without_links(path) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            return Err(format!("{} is not a regular file", path.display()));
        }
        file => file.map_err(failed)?,
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(format!("{} is not a regular file", path.display()));
    }
    file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)
}
