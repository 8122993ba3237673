//! Files, read and written one after the other, off the slot's task.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::place::resolve;
use crate::slot::driver::{Lent, Loan, LoanNews};
use crate::slot::machine::Which;

/// Bytes of a file that are read at most.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Loans that may wait.
const WAITING: usize = 1024;

/// The task that does it, in the order it was asked.
#[derive(Debug)]
pub(super) struct Files {
    jobs: Sender<Job>,
}

#[derive(Debug)]
struct Job {
    which: Which,
    ticket: u64,
    folder: PathBuf,
    loan: Loan,
}

impl Files {
    pub fn new(told: Sender<(Which, LoanNews)>) -> Self {
        let (jobs, waiting) = channel(WAITING);
        tokio::spawn(work(waiting, told));
        Self { jobs }
    }

    pub fn take(&self, which: Which, ticket: u64, folder: PathBuf, loan: Loan) -> Result<(), String> {
        let job = Job { which, ticket, folder, loan };
        self.jobs.try_send(job).map_err(|_| format!("{WAITING} requests for files wait already: ask later"))
    }
}

async fn work(mut jobs: Receiver<Job>, told: Sender<(Which, LoanNews)>) {
    while let Some(Job { which, ticket, folder, loan }) = jobs.recv().await {
        let done = spawn_blocking(move || perform(&folder, loan)).await;
        let outcome = done.unwrap_or_else(|_| Err("this could not be done".to_owned()));
        if told.send((which, LoanNews::Answer { ticket, outcome })).await.is_err() {
            return;
        }
    }
}

fn perform(folder: &Path, loan: Loan) -> Result<Lent, String> {
    match loan {
        Loan::Read(path) => read(&resolve(folder, &path)?).map(Lent::Text),
        Loan::Write { path, text } => write(&resolve(folder, &path)?, &text).map(|()| Lent::Done),
        Loan::Run(_) | Loan::Output(_) | Loan::Wait(_) | Loan::Kill(_) | Loan::Release(_) => {
            Err("this is not about a file".to_owned())
        }
    }
}

/// What a file holds; none where there is none. (A pipe or a device would keep
/// whoever opens it.)
fn read(path: &Path) -> Result<Option<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = match fs::metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    if !file.is_file() {
        return Err(failed(&"is no file"));
    }
    if file.len() > LARGEST {
        return Err(failed(&format!("is larger than the {} MB that hotseat lends", LARGEST / 1024 / 1024)));
    }
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map(Some).map_err(|_| failed(&"is no text in UTF-8"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
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
