//! The demo as text, on a real agent process: tell a secret, clear, ask, resume,
//! ask, fork. Every step is timed and checked.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use uuid::Uuid;

use super::demo_folder::DemoFolder;
use crate::cli::exit::CliExit;
use crate::cli::output;
use crate::session::conversation::ConversationEvent;
use crate::session::message::MessageBlock;
use crate::slot::{
    self, AgentEvent, AgentInfo, CompletedSwitch, Launch, PromptState, SlotEvent, SlotEventKind, SlotHandle,
    SlotState, Switch,
};

const STEP_TIMEOUT: Duration = Duration::from_secs(30);

const QUESTION: &str = "What is the secret?";

/// Plays the tour; exits with 0 only if every check passed.
pub fn play(scratch: &DemoFolder) -> Result<CliExit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(async {
        let launch = launch(scratch)?;
        output::print("hotseat demo as text. The model is offline: it only knows its conversation.\n")?;
        output::print(&format!(
            "Your own sessions are not touched; everything is in {}.\n\n",
            scratch.root().display()
        ))?;
        let started = Instant::now();
        let (slot, news) = slot::spawn(launch);
        let mut tour = Tour { slot, events: news, failed_steps: 0 };
        let outcome = tokio::select! {
            outcome = tour.run_steps(started) => outcome,
            () = stop_signal() => Err(anyhow!("interrupted")),
        };
        tour.slot.close().await;
        outcome?;
        let (words, exit) = match tour.failed_steps {
            0 => ("All checks passed.".to_owned(), CliExit::Done),
            failed => (format!("{failed} checks failed."), CliExit::Failed),
        };
        output::print(&format!("\n{words}\n"))?;
        Ok(exit)
    })
}

/// Returns at Ctrl-C or SIGTERM, so that the scratch folder can be removed.
async fn stop_signal() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            // Without a SIGTERM handler, Ctrl-C has to do.
            tokio::signal::ctrl_c().await.ok();
        }
    }
}

fn launch(scratch: &DemoFolder) -> Result<Launch> {
    let program = std::env::current_exe().context("cannot find hotseat's own program")?;
    Ok(Launch {
        args: vec!["agent".into()],
        env: scratch.env(),
        ..Launch::new(slot::HOTSEAT_AGENT.driver, program, scratch.project())
    })
}

struct Tour {
    slot: SlotHandle,
    events: Receiver<SlotEvent>,
    /// How many checks failed.
    failed_steps: usize,
}

impl Tour {
    async fn run_steps(&mut self, started: Instant) -> Result<()> {
        let agent = self.wait_ready().await?;
        let first = agent.session;
        self.step(
            "start",
            &format!("agent {} · pid {} · session {first}", agent.name, agent.pid),
            started.elapsed(),
        )?;

        let secret = format!("PINEAPPLE-{}", &Uuid::new_v4().simple().to_string()[..6].to_uppercase());
        self.prompt("tell", &format!("Remember: the secret is {secret}.")).await?;

        let cleared = self.switch(Switch::Clear, agent.pid).await?;
        self.check(cleared.to != first, "a new, empty session")?;
        let reply = self.prompt("ask", QUESTION).await?;
        self.check(!reply.contains(&secret), "the secret is not in this session")?;

        let resumed = self.switch(Switch::Resume(first), agent.pid).await?;
        self.check(resumed.to == first, "the session with the secret")?;
        let reply = self.prompt("ask", QUESTION).await?;
        self.check(reply.contains(&secret), "the secret is in this session")?;

        let read = || {
            let path = &resumed.transcript;
            std::fs::read(path).with_context(|| format!("cannot read the transcript {}", path.display()))
        };
        let before = read()?;
        let fork = Switch::Fork { source: first, at: None, title: None, cwd: None };
        let forked = self.switch(fork, agent.pid).await?;
        self.check(forked.to != first && forked.forked_from == Some(first), "a copy that names its parent")?;
        let reply = self.prompt("ask", QUESTION).await?;
        self.check(reply.contains(&secret), "the secret is in the fork, too")?;
        self.check(read()? == before, &format!("the original is unchanged ({} bytes)", before.len()))?;
        Ok(())
    }

    async fn wait_ready(&mut self) -> Result<AgentInfo> {
        loop {
            if let SlotEventKind::Ready(agent) = self.next_event().await? {
                return Ok(agent);
            }
        }
    }

    /// The next event; the end of the agent is an error.
    async fn next_event(&mut self) -> Result<SlotEventKind> {
        let event = timeout(STEP_TIMEOUT, self.events.recv()).await.context("the agent does not answer")?;
        match event.context("the slot has closed")?.kind {
            SlotEventKind::StateChanged(SlotState::Exited(exit)) => {
                bail!("the agent died: {}\n{}", exit.reason, exit.stderr.join("\n"))
            }
            news => Ok(news),
        }
    }

    /// Sends a prompt, waits for the end of its turn and returns the reply.
    async fn prompt(&mut self, step: &str, prompt: &str) -> Result<String> {
        let started = Instant::now();
        let ours = Uuid::new_v4().to_string();
        self.slot.submit(ours.clone(), prompt.to_owned()).await?;
        let mut reply = String::new();
        let (mut completed, mut idle) = (false, false);
        while !(completed && idle) {
            match self.next_event().await? {
                SlotEventKind::Agent(AgentEvent::ConversationChanged {
                    change: ConversationEvent::Block { block: MessageBlock::Text(text), .. },
                    ..
                }) => {
                    reply.push_str(&text);
                }
                SlotEventKind::Agent(AgentEvent::PromptStateChanged {
                    uuid,
                    state: PromptState::Completed,
                }) if uuid == ours => {
                    completed = true;
                }
                SlotEventKind::StateChanged(state) => idle = matches!(state, SlotState::Idle(_)),
                _ => {}
            }
        }
        self.step(step, &format!("“{prompt}”"), started.elapsed())?;
        for line in reply.lines().filter(|line| !line.trim().is_empty()) {
            output::print(&format!("            │ {line}\n"))?;
        }
        Ok(reply)
    }

    async fn switch(&mut self, switch: Switch, pid: u32) -> Result<CompletedSwitch> {
        let what = switch.name();
        let switched = self.slot.switch(switch, false).await.with_context(|| format!("{what} failed"))?;
        let line = format!("session {} · pid {}", switched.to, switched.pid);
        self.step(what, &line, switched.duration)?;
        self.check(switched.pid == pid, "the same process")?;
        Ok(switched)
    }

    fn step(&mut self, step: &str, what: &str, took: Duration) -> Result<()> {
        output::print(&format!("{step:>8}    {what} · {:.1} ms\n", took.as_secs_f64() * 1e3))
    }

    /// Prints an expectation and whether it is met.
    fn check(&mut self, holds: bool, what: &str) -> Result<()> {
        self.failed_steps += usize::from(!holds);
        let mark = if holds { "✓" } else { "✗ failed:" };
        output::print(&format!("            {mark} {what}\n"))
    }
}
