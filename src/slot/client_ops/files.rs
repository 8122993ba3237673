//! Files, read and written one after the other, off the slot's task.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::resolve_path::resolve_in_folder;
use crate::slot::driver::{ClientOp, ClientOpEvent, ClientOpResult};
use crate::slot::machine::ProcessId;

/// Bytes of a file that are read at most.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Loans that may wait.
const QUEUE: usize = 1024;

/// The task that does it, in the order it was asked.
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
    pub fn new(told: Sender<(ProcessId, ClientOpEvent)>) -> Self {
        let (jobs, waiting) = channel(QUEUE);
        tokio::spawn(run_jobs(waiting, told));
        Self { jobs }
    }

    pub fn submit(
        &self,
        which: ProcessId,
        ticket: u64,
        folder: PathBuf,
        loan: ClientOp,
    ) -> Result<(), String> {
        let job = FileJob { process: which, op_id: ticket, folder, op: loan };
        self.jobs.try_send(job).map_err(|_| format!("{QUEUE} requests for files wait already: ask later"))
    }
}

async fn run_jobs(mut jobs: Receiver<FileJob>, told: Sender<(ProcessId, ClientOpEvent)>) {
    while let Some(FileJob { process: which, op_id: ticket, folder, op: loan }) = jobs.recv().await {
        let done = spawn_blocking(move || perform(&folder, loan)).await;
        let outcome = done.unwrap_or_else(|_| Err("this could not be done".to_owned()));
        if told.send((which, ClientOpEvent::Completed { ticket, outcome })).await.is_err() {
            return;
        }
    }
}

fn perform(folder: &Path, loan: ClientOp) -> Result<ClientOpResult, String> {
    match loan {
        ClientOp::ReadFile(path) => {
            read_text(&resolve_in_folder(folder, &path)?).map(ClientOpResult::FileText)
        }
        ClientOp::WriteFile { path, text } => {
            write_text(&resolve_in_folder(folder, &path)?, &text).map(|()| ClientOpResult::Done)
        }
        ClientOp::CreateTerminal(_)
        | ClientOp::TerminalOutput(_)
        | ClientOp::WaitForExit(_)
        | ClientOp::KillTerminal(_)
        | ClientOp::ReleaseTerminal(_) => Err("this is not about a file".to_owned()),
    }
}

/// What a file holds; none where there is none. (A pipe or a device would keep
/// whoever opens it.)
fn read_text(path: &Path) -> Result<Option<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = match fs::metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    if !file.is_file() {
        return Err(failed(&"is no file"));
    }
    if file.len() > MAX_FILE_BYTES {
        return Err(failed(&format!(
            "is larger than the {} MB that hotseat lends",
            MAX_FILE_BYTES / 1024 / 1024
        )));
    }
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map(Some).map_err(|_| failed(&"is no text in UTF-8"))
}

fn write_text(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    match fs::metadata(path) {
        Ok(file) if !file.is_file() => return Err(format!("{} is no file", path.display())),
        // Some agents write the same themselves at the same time, and mind
        // when a file was last touched.
        Ok(file)
            if file.len() == text.len() as u64 && fs::read(path).is_ok_and(|now| now == text.as_bytes()) =>
        {
            return Ok(());
        }
        Ok(_) => {}
        Err(_) => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
        }
    }
    fs::write(path, text).map_err(failed)
}
