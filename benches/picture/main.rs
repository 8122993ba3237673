//! Makes `assets/screen.svg`, the picture in the README, from the program
//! itself: `hotseat demo` in a pseudo-terminal, worked as a person would.
//!
//! `cargo bench --bench picture` writes it to `target/screen.svg`;
//! `cargo bench --bench picture -- --write` into `assets/`.

mod svg;

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const COLUMNS: NonZero<u16> = NonZero::new(120).unwrap();
const ROWS: NonZero<u16> = NonZero::new(34).unwrap();

/// How long a text may take to show up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is typed, and what must be on the screen before the next.
const STEPS: [(&str, &str); 5] = [
    ("", "Parser rewrite ⑂2"),
    ("", "● warm"),
    ("jj", "Nothing is dropped in silence"),
    ("\r", "resume"),
    ("run: ls -l fixtures\r", "wants to run"),
];

fn main() {
    let folder = if std::env::args().any(|argument| argument == "--write") { "assets" } else { "target" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("screen.svg");
    let mut screen = Screen::open();
    for (keys, expected) in STEPS {
        screen.type_in(keys);
        screen.wait_for(expected);
    }
    std::fs::write(&path, svg::draw(screen.terminal.screen())).expect("the picture can be written");
    println!("wrote {}", PathBuf::from(folder).join("screen.svg").display());
    println!("{}", screen.terminal.screen().contents());
}

/// The program in a terminal that only this process sees.
struct Screen {
    terminal: vt100::Parser,
    output: Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _pty: Box<dyn portable_pty::MasterPty + Send>,
}

impl Screen {
    fn open() -> Self {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_hotseat"));
        command.arg("demo");
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.env_remove("COLORFGBG");
        let child = pty.slave.spawn_command(command).expect("hotseat starts");
        let mut reader = pty.master.try_clone_reader().expect("the terminal can be read");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let input = pty.master.take_writer().expect("the terminal can be written");
        Self { terminal: vt100::Parser::new(ROWS, COLUMNS, 0), output, input, child, _pty: pty.master }
    }

    fn type_in(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Draws what arrives until the text is on the screen, and then until
    /// nothing has arrived for a moment.
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let arrived = self.output.recv_timeout(Duration::from_millis(400));
            let contents = self.terminal.screen().contents();
            match arrived {
                Ok(bytes) => self.terminal.process(&bytes),
                Err(_) if contents.contains(text) => return,
                Err(_) => assert!(Instant::now() < deadline, "“{text}” did not show up on:\n{contents}"),
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Ctrl-Q asks because a turn waits; the end of its terminal does not.
        let _ = self.child.clone_killer().kill();
        let _ = self.child.wait();
    }
}
