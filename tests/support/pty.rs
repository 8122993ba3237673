//! hotseat in a real pseudo-terminal, its screen read through a terminal
//! emulator.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen may take to show what a test waits for. Generous: a
/// machine that runs all tests at once is slow, and waiting ends with the sight.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running program and what its screen shows.
pub struct Pty {
    /// The program.
    pub child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Seen>,
}

/// What the reader's thread has read so far.
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    emulator: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

/// hotseat on its own folders: a store, a home and a project under `scratch`.
/// Where no agent is named its own takes the seat, whatever is installed here.
pub fn hotseat(scratch: &Path, args: &[&str]) -> CommandBuilder {
    let mut command = unseated(scratch, args);
    if args.iter().all(|arg| *arg != "--agent") && args.first().is_none_or(|arg| arg.starts_with('-')) {
        command.args(["--agent", "hotseat"]);
    }
    command
}

/// The same, with the agent that it chooses.
pub fn unseated(scratch: &Path, args: &[&str]) -> CommandBuilder {
    let project = scratch.join("project");
    std::fs::create_dir_all(&project).unwrap();
    trust(scratch, &project);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_hotseat"));
    command.args(args);
    command.cwd(&project);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", scratch.join("home"));
    command.env("CLAUDE_CONFIG_DIR", scratch.join("claude"));
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("SHELL", "/bin/sh");
    command.env("HOTSEAT_OFFLINE_DELAY_MS", "1");
    command
}

/// Has the official record say that a person trusts a folder; what else it holds
/// stays.
pub fn trust(scratch: &Path, folder: &Path) {
    let record = scratch.join("claude/.claude.json");
    let text = std::fs::read_to_string(&record).unwrap_or_else(|_| "{}".to_owned());
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let folder = folder.canonicalize().unwrap();
    value["projects"][folder.to_str().unwrap()]["hasTrustDialogAccepted"] = true.into();
    std::fs::create_dir_all(scratch.join("claude")).unwrap();
    std::fs::write(record, value.to_string()).unwrap();
}

impl Pty {
    /// Starts a program in a terminal of this size.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (rows, columns) = (NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
        let state = State { emulator: vt100::Parser::new(rows, columns, 0), raw: Vec::new(), ended: false };
        let seen = Arc::new(Seen { state: Mutex::new(state), changed: Condvar::new() });
        let reader = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65536];
            loop {
                let count = output.read(&mut bytes).unwrap_or(0);
                let mut state = reader.state.lock().unwrap();
                state.emulator.process(&bytes[..count]);
                state.raw.extend(&bytes[..count]);
                state.ended = count == 0;
                reader.changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { child, master: pair.master, keys, seen }
    }

    /// What the screen shows, as text.
    pub fn screen(&self) -> String {
        self.seen.state.lock().unwrap().emulator.screen().contents()
    }

    /// Every byte the program wrote.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.state.lock().unwrap().raw.clone()
    }

    /// The emulator's view of the screen, with colours and modes.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen.state.lock().unwrap().emulator.screen())
    }

    /// Presses keys.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Gives the keys to the list of sessions; at the start the composer has them.
    pub fn browse(&mut self) {
        self.keys("\x1b");
        self.wait_for("Enter resume");
    }

    /// Gives the keys to the composer.
    pub fn compose(&mut self) {
        let is_there = |screen: &str| screen.contains("Enter send");
        for _moment in 0..40 {
            if is_there(&self.screen()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.keys("i");
        self.wait_until("the composer's hints", is_there);
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (high, wide) = (NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
        self.seen.state.lock().unwrap().emulator.screen_mut().set_size(high, wide);
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Waits until the screen shows a text, and returns the screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("“{text}”"), |screen| screen.contains(text))
    }

    /// Waits until the screen is as wanted, and returns it; a failure prints it.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.seen.state.lock().unwrap();
        loop {
            let screen = state.emulator.screen().contents();
            if wanted(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                drop(state);
                panic!("waited in vain for {what}; the screen:\n{screen}");
            }
            state = self.seen.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for the program's end, and returns its exit code.
    pub fn wait_for_end(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program's end and for the last byte it wrote; returns all of them.
    pub fn wait_for_output(&mut self) -> Vec<u8> {
        self.wait_for_end();
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.seen.state.lock().unwrap();
        while !state.ended && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            state = self.seen.changed.wait_timeout(state, left).unwrap().0;
        }
        state.raw.clone()
    }

    /// The agent's pid, as the status bar says it.
    pub fn agent_pid(&self) -> u32 {
        pid_in(&self.wait_until("the agent's pid", |screen| pid_in(screen).is_some())).unwrap()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid_in(screen: &str) -> Option<u32> {
    screen.split_once("pid ")?.1.split_whitespace().next()?.parse().ok()
}
