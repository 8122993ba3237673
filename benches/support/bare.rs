//! An agent's process without a slot around it: what it takes by itself.
//! Include it by `#[path = "support/bare.rs"] mod bare;`.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use hotseat::session::SessionId;
use hotseat::slot::{
    AgentResponse, Driver, DriverOutput, JsonLine, Launch, SlotRequest, StartSession, Switch,
};

/// A process, and the driver that knows what to say to it.
pub struct Bare {
    driver: Box<dyn Driver>,
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    asked: u64,
    /// The session that it is in.
    pub session: SessionId,
}

impl Bare {
    /// Starts it, and comes through the handshake.
    pub fn start(launch: &Launch) -> Self {
        let mut driver = (launch.driver)();
        let start = driver.start(launch, &StartSession::New);
        let mut process = Command::new(&launch.program)
            .args(&launch.args)
            .args(start.args)
            .envs(start.env)
            .envs(launch.env.iter().cloned())
            .current_dir(&launch.cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let output = BufReader::new(output).lines();
        // Until it has told its own.
        let session = SessionId::random();
        let mut bare = Self { driver, process, input, output, asked: 0, session };
        bare.ask(SlotRequest::Handshake);
        bare
    }

    /// From the first line that is sent to the line that answers.
    pub fn switch(&mut self, switch: Switch) -> Duration {
        self.ask(SlotRequest::Switch { switch, interrupt: false })
    }

    /// Gives it a prompt, and waits for the end of the turn.
    pub fn says(&mut self, prompt: &str) {
        let heard = self.driver.send_prompt(&uuid::Uuid::new_v4().to_string(), prompt);
        self.until(heard, |heard| *heard == DriverOutput::Idle);
    }

    fn ask(&mut self, ask: SlotRequest) -> Duration {
        self.asked += 1;
        let wanted = format!("bare-{}", self.asked);
        let heard = self.driver.request(&wanted, ask);
        self.until(heard, |heard| matches!(heard, DriverOutput::Response { id, .. } if *id == wanted))
    }

    /// Does what is to be done, and hears on until this is heard.
    fn until(&mut self, mut heard: Vec<DriverOutput>, wanted: impl Fn(&DriverOutput) -> bool) -> Duration {
        let start = Instant::now();
        let mut took = start.elapsed();
        loop {
            let is_over = heard.iter().any(&wanted);
            self.does(heard);
            if is_over {
                return took;
            }
            let line = self.output.next().unwrap().unwrap();
            took = start.elapsed();
            heard = serde_json::from_str::<JsonLine>(&line)
                .map(|line| self.driver.handle_message(line).1)
                .unwrap_or_default();
        }
    }

    fn does(&mut self, heard: Vec<DriverOutput>) {
        for heard in heard {
            match heard {
                // In one piece, as the slot writes it.
                DriverOutput::SendLine(line) => self.input.write_all(format!("{line}\n").as_bytes()).unwrap(),
                DriverOutput::Response { answer, .. } => match answer.unwrap() {
                    AgentResponse::Switched(seated) => self.session = seated.session,
                    AgentResponse::Handshake(agent, _) => self.session = agent.session,
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
