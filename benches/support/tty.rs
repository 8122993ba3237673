//! The official `claude` in a terminal of its own, switched by its own commands.

use std::time::{Duration, Instant};

use hotseat::slot::terminal::{self, AgentTerminal};
use hotseat::slot::{SlotEventKind, SlotState, Switch, SwitchMethod};

use crate::support::agent_bench::Bench;
use crate::support::slot::Slot;
use crate::{ROUNDS, fork, median, milliseconds};

/// How long its screen has to stay as it is: then it reads keys again. (It says
/// that it switched before it does.)
const STILL: Duration = Duration::from_millis(300);

/// Prints its row. A switch is over when the program's own hooks say so.
pub async fn measure() {
    let Some(bench) = Bench::of("claude", "the row of `claude-tty`") else {
        return println!("| `claude-tty` | not there | | | |");
    };
    bench.trust();
    let (handle, news, screen) = terminal::spawn(bench.launch(), (40, 120), || {});
    let mut seat = Seat { slot: Slot::owned(handle, news), screen };
    let told = seat.slot.ready().await.session;
    seat.says("Remember: the word is PINEAPPLE.").await;
    let (mut clears, mut resumes, mut forks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        clears.push(seat.switch(Switch::Clear).await);
        resumes.push(seat.switch(Switch::Resume(told)).await);
        forks.push(seat.switch(fork(told)).await);
    }
    let cell = |times: Vec<Duration>| format!("in process, {}", milliseconds(median(&times)));
    println!("| `claude-tty` | {} | {} | {} | - |", cell(clears), cell(resumes), cell(forks));
    seat.slot.handle.close().await;
}

struct Seat {
    slot: Slot,
    screen: AgentTerminal,
}

impl Seat {
    /// Types a prompt, and waits for the end of its turn.
    async fn says(&mut self, prompt: &str) {
        self.is_still().await;
        self.slot.submit(&uuid::Uuid::new_v4().to_string(), prompt).await;
        let is_busy =
            |news: &SlotEventKind| matches!(news, SlotEventKind::StateChanged(SlotState::Busy { .. }));
        self.slot.until("a turn", |event| is_busy(&event.kind).then_some(())).await;
        self.slot.idle().await;
    }

    async fn switch(&mut self, switch: Switch) -> Duration {
        self.is_still().await;
        let start = Instant::now();
        let switched = self.slot.handle.switch(switch, false).await.unwrap();
        let took = start.elapsed();
        assert_eq!(switched.method, SwitchMethod::InProcess);
        took
    }

    async fn is_still(&self) {
        let shown = || self.screen.with_screen(vt100::Screen::contents);
        let (mut before, mut since) = (shown(), Instant::now());
        while since.elapsed() < STILL {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = shown();
            if now != before {
                (before, since) = (now, Instant::now());
            }
        }
    }
}
