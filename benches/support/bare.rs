//! An agent's process without a slot around it: what it takes by itself.
//! Include it by `#[path = "support/bare.rs"] mod bare;`.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use hotseat::slot::{Answer, Ask, Driver, Heard, Launch, Line, Origin, Switch};

/// A process, and the driver that knows what to say to it.
pub struct Bare {
    driver: Box<dyn Driver>,
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    asked: u64,
}

impl Bare {
    /// Starts it, and comes through the handshake.
    pub fn start(launch: &Launch) -> Self {
        let mut driver = (launch.driver)();
        let start = driver.start(launch, &Origin::New);
        let mut process = Command::new(&launch.program)
            .args(&launch.args)
            .args(start.arguments)
            .envs(start.environment)
            .envs(launch.env.iter().cloned())
            .current_dir(&launch.cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut bare = Self { driver, process, input, output: BufReader::new(output).lines(), asked: 0 };
        bare.ask(Ask::Handshake);
        bare
    }

    /// From the first line that is sent to the line that answers.
    pub fn switch(&mut self, switch: Switch) -> Duration {
        self.ask(Ask::Switch { switch, interrupt: false })
    }

    fn ask(&mut self, ask: Ask) -> Duration {
        self.asked += 1;
        let id = format!("bare-{}", self.asked);
        let heard = self.driver.ask(&id, ask);
        let start = Instant::now();
        if self.does(heard, &id) {
            return start.elapsed();
        }
        loop {
            let line = self.output.next().unwrap().unwrap();
            let took = start.elapsed();
            let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
            let heard = self.driver.hear(line).1;
            if self.does(heard, &id) {
                return took;
            }
        }
    }

    /// Sends what is to be sent; whether this was answered.
    fn does(&mut self, heard: Vec<Heard>, wanted: &str) -> bool {
        let mut is_answered = false;
        for heard in heard {
            match heard {
                // In one piece, as the slot writes it.
                Heard::Send(line) => self.input.write_all(format!("{line}\n").as_bytes()).unwrap(),
                Heard::Answer { id, answer } if id == wanted => {
                    assert!(matches!(answer, Ok(Answer::Seated(_) | Answer::Agent(..))), "{answer:?}");
                    is_answered = true;
                }
                _ => {}
            }
        }
        is_answered
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
