//! A terminal that is lent: a program in a process group of its own, and the
//! last of what it said. (Agents ask for its output as text, so it is pipes.)
//!
//! It lives as long as it is held: then its whole group is killed. The guard
//! does so should hotseat itself be killed.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep_until};

use super::kept::{Kept, whole};
use crate::slot::driver::{Ending, Lent, LoanNews, Run};
use crate::slot::group::Leash;
use crate::slot::machine::Which;
use crate::slot::process::outcome;

/// Between two pieces of news of what it says.
const PACE: Duration = Duration::from_millis(100);
/// Bytes that each of them holds at most, the last ones.
const PIECE: usize = 16 * 1024;
/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// How long its output may stay open after its end: something that left the
/// group may hold it for ever.
const SILENCE: Duration = Duration::from_millis(500);
/// Orders that may wait.
const ORDERS: usize = 64;

/// What a terminal is told, each under the ticket of its answer.
#[derive(Debug)]
pub(super) enum Order {
    /// Say what the program said.
    Tell(u64),
    /// Say when it has ended, and how.
    Wait(u64),
    /// End it.
    Kill(u64),
}

/// Holds a terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    orders: Sender<Order>,
}

impl Terminal {
    /// Runs the program. That it is not there it says itself, and ends.
    pub fn open(
        guard: &Path,
        cwd: &Path,
        run: Run,
        which: Which,
        told: Sender<(Which, LoanNews)>,
    ) -> io::Result<Self> {
        let (child, output) = start(guard, cwd, &run)?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let group = group.ok_or_else(|| io::Error::other("it has no process"))?;
        let (orders, obeyed) = channel(ORDERS);
        let task = Task {
            which,
            name: run.terminal,
            leash: Some(Leash::new(group)),
            kept: Kept::new(run.keep),
            fresh: Vec::new(),
            tell_at: None,
            ended: None,
            waiting: Vec::new(),
            told,
        };
        tokio::spawn(task.run(child, output, obeyed));
        Ok(Self { orders })
    }

    pub fn order(&self, order: Order) -> Result<(), String> {
        self.orders.try_send(order).map_err(|_| "this terminal is asked too much at once".to_owned())
    }
}

/// One pipe for both streams, so that what is said stays in order.
fn start(guard: &Path, cwd: &Path, run: &Run) -> io::Result<(Child, ChildStdout)> {
    let (read, written) = io::pipe()?;
    let child = Command::new(guard)
        .args(["guard", "--grace", "0", "--owner", &std::process::id().to_string(), "--"])
        .args(&run.command)
        .envs(run.env.iter().map(|(name, value)| (name, value)))
        .current_dir(cwd)
        .stdin(Stdio::null())
        .stdout(written.try_clone()?)
        .stderr(written)
        .process_group(0)
        .spawn()?;
    Ok((child, ChildStdout::from_std(OwnedFd::from(read).into())?))
}

struct Task {
    which: Which,
    name: String,
    /// None: it ended, or it was killed.
    leash: Option<Leash>,
    kept: Kept,
    /// Said, and not yet told as news.
    fresh: Vec<u8>,
    tell_at: Option<Instant>,
    ended: Option<Ending>,
    /// Tickets of those who wait for its end.
    waiting: Vec<u64>,
    told: Sender<(Which, LoanNews)>,
}

impl Task {
    async fn run(mut self, mut child: Child, output: ChildStdout, mut orders: Receiver<Order>) {
        let mut output = Some(output);
        let mut ending = None;
        let mut silence = None;
        let mut chunk = vec![0; CHUNK];
        loop {
            if output.is_none()
                && let Some(ending) = ending.take_if(|_| self.ended.is_none())
            {
                self.end(ending).await;
            }
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => break,
                },
                read = read(&mut output, &mut chunk), if output.is_some() => match read {
                    Ok(count @ 1..) => self.hear(&chunk[..count]),
                    Ok(0) | Err(_) => output = None,
                },
                status = child.wait(), if silence.is_none() => {
                    ending = Some(self.reaped(status));
                    silence = Some(Instant::now() + SILENCE);
                }
                () = at(silence), if output.is_some() && silence.is_some() => output = None,
                () = at(self.tell_at), if self.tell_at.is_some() => self.tell(false).await,
            }
        }
        // Released: it is killed, and whoever waits hears how it ended.
        self.leash = None;
        if self.ended.is_none() {
            let ending = match ending {
                Some(ending) => ending,
                None => self.reaped(child.wait().await),
            };
            self.end(ending).await;
        }
    }

    /// It ended. Its number may be given to others from here on, unless only
    /// the guard was killed, and others of the group live.
    fn reaped(&mut self, status: io::Result<ExitStatus>) -> Ending {
        if let Some(leash) = self.leash.take()
            && status.as_ref().is_ok_and(|status| status.signal().is_none())
        {
            leash.let_go();
        }
        let (code, signal) = status.map_or((None, None), outcome);
        Ending { code: code.filter(|_| signal.is_none()).map(i32::cast_unsigned), signal }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Tell(ticket) => {
                let (text, truncated) = self.kept.text();
                self.answer(ticket, Lent::Output { text, truncated, ended: self.ended.clone() }).await;
            }
            Order::Wait(ticket) => match self.ended.clone() {
                Some(ended) => self.answer(ticket, Lent::Ended(ended)).await,
                None if self.waiting.len() < ORDERS => self.waiting.push(ticket),
                None => {
                    let outcome = Err("too many wait for the end of this terminal".to_owned());
                    self.news(LoanNews::Answer { ticket, outcome }).await;
                }
            },
            Order::Kill(ticket) => {
                self.leash = None;
                self.answer(ticket, Lent::Done).await;
            }
        }
    }

    fn hear(&mut self, said: &[u8]) {
        self.kept.push(said);
        self.fresh.extend(said);
        let late = self.fresh.len().saturating_sub(PIECE);
        self.fresh.drain(..late);
        self.tell_at.get_or_insert_with(|| Instant::now() + PACE);
    }

    /// Tells what is new; at the end also a character that is torn.
    async fn tell(&mut self, all: bool) {
        self.tell_at = None;
        let count = if all { self.fresh.len() } else { whole(&self.fresh) };
        if count == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&self.fresh.drain(..count).collect::<Vec<_>>()).into_owned();
        self.news(LoanNews::Said { terminal: self.name.clone(), text }).await;
    }

    async fn end(&mut self, ended: Ending) {
        self.tell(true).await;
        self.ended = Some(ended.clone());
        for ticket in std::mem::take(&mut self.waiting) {
            self.answer(ticket, Lent::Ended(ended.clone())).await;
        }
    }

    async fn answer(&self, ticket: u64, lent: Lent) {
        self.news(LoanNews::Answer { ticket, outcome: Ok(lent) }).await;
    }

    /// The slot may be gone by now, which is as well.
    async fn news(&self, news: LoanNews) {
        let _heard = self.told.send((self.which, news)).await;
    }
}

async fn read(output: &mut Option<ChildStdout>, chunk: &mut [u8]) -> io::Result<usize> {
    match output {
        Some(output) => output.read(chunk).await,
        None => Ok(0),
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
