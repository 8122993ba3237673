//! The command line: arguments in, exit codes out, one file per command.
//!
//! Owns the flags, the exit codes, the configuration, the logs and the words of
//! an error. Never knows the inside of what it starts.

mod acp;
mod agent;
mod agents;
mod arguments;
mod completions;
pub mod config;
mod demo;
mod doctor;
mod exit;
mod guard;
mod hook;
mod logs;
mod man;
mod places;
mod screen;
mod sessions;

use std::process::ExitCode;

use anyhow::Result;

use arguments::{Arguments, Command};
use exit::Exit;

/// Runs the program: reads the command line, does what it says, and says what
/// went wrong on stderr.
pub fn main() -> ExitCode {
    completions::answer();
    let done = match agent::words() {
        Some(words) => agent::run(words),
        None => run(Arguments::read()),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}

/// One arm per command; each lives in its own file.
fn run(arguments: Arguments) -> Result<Exit> {
    match arguments.command {
        None => screen::run(&arguments.seat),
        Some(Command::Agent(agent)) => agent::run(agent.words),
        Some(Command::Acp(acp)) => acp::run(&acp),
        Some(Command::Demo) => demo::run(),
        Some(Command::Sessions(sessions)) => sessions::run(&sessions),
        Some(Command::Config(config)) => config::run(&config),
        Some(Command::Agents(agents)) => agents::run(&agents),
        Some(Command::Doctor(doctor)) => doctor::run(&doctor),
        Some(Command::Completions(completions)) => completions::run(&completions),
        Some(Command::Man(man)) => man::run(&man),
        Some(Command::Guard(guard)) => guard::run(&guard),
        Some(Command::Hook(hook)) => Ok(hook::run(&hook)),
    }
}
