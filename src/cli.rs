//! The command line: arguments in, exit codes out, one file per command.
//!
//! Owns the flags, the exit codes, the configuration, the logs and how errors are
//! printed. Never knows the inside of what it starts. `arguments` is the place to
//! start reading.

mod acp;
mod agent;
mod agents;
mod arguments;
mod completions;
mod config;
mod demo;
mod doctor;
mod exit;
mod guard;
mod help;
mod hook;
mod logs;
mod man;
mod output;
mod paths;
mod screen;
mod sessions;

use std::process::ExitCode;

use anyhow::Result;

use arguments::{Arguments, CliCommand};
use exit::CliExit;

/// Runs the program: parses the command line, runs the command, and prints an error
/// on stderr.
pub fn main() -> ExitCode {
    completions::answer_script();
    let result = match agent::agent_arguments() {
        Some(words) => agent::run(words),
        None => run(Arguments::read()),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => exit::report_error(&error).into(),
    }
}

fn run(arguments: Arguments) -> Result<CliExit> {
    match arguments.command {
        None => screen::run(&arguments.launch),
        Some(CliCommand::Agent(agent)) => agent::run(agent.words),
        Some(CliCommand::Acp(acp)) => acp::run(&acp),
        Some(CliCommand::Demo) => demo::run(),
        Some(CliCommand::Sessions(sessions)) => sessions::run(&sessions),
        Some(CliCommand::Config(config)) => config::run(&config),
        Some(CliCommand::Agents(agents)) => agents::run(&agents),
        Some(CliCommand::Doctor(doctor)) => doctor::run(&doctor),
        Some(CliCommand::Help(help)) => help::run(&help),
        Some(CliCommand::Completions(completions)) => completions::run(&completions),
        Some(CliCommand::Man(man)) => man::run(&man),
        Some(CliCommand::Guard(guard)) => guard::run(&guard),
        Some(CliCommand::Hook(hook)) => Ok(hook::run(&hook)),
    }
}
