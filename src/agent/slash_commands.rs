//! Slash commands: user lines that the process answers itself, for hosts that
//! can only send text. Each ends with a result of its own and asks no model.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::custom_commands::{CustomCommand, custom_commands};
use super::frames::RequestError;
use super::permission::AccessDecision;
use super::runtime::AgentRuntime;
use super::switch::SwitchRequest;
use super::tool::Access;
use super::turn::{RunningTurn, UserPrompt};
use super::turn_outcome::TurnOutcome;
use crate::protocol::{ForkRequest, ResumeRequest};

/// A command as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltinCommand {
    /// Its name, without the slash.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What it takes.
    pub argument: &'static str,
}

const fn slash_command(
    name: &'static str,
    argument: &'static str,
    description: &'static str,
) -> BuiltinCommand {
    BuiltinCommand { name, description, argument }
}

pub const SLASH_COMMANDS: [BuiltinCommand; 13] = [
    slash_command("clear", "", "Leave this session for a new, empty one"),
    slash_command("new", "", "The same as /clear"),
    slash_command("reset", "", "The same as /clear"),
    slash_command("resume", "ID", "Make a stored session the active one"),
    slash_command("fork", "[ID]", "Go on in a copy of this session, or of another"),
    slash_command("reload", "", "Go on after what another program added to this session"),
    slash_command("both", "", "Make a session of what another program added to this one"),
    slash_command("rename", "TITLE", "Give this session a title"),
    slash_command("model", "[NAME]", "Show the model, or change it"),
    slash_command("compact", "[FOCUS]", "Go on from a summary of this conversation"),
    slash_command("cost", "", "What this session used so far"),
    slash_command("context", "", "How full the context window is"),
    slash_command("help", "", "List these commands"),
];

/// The command in a prompt, and what stands behind it. `/etc/hosts` is none.
pub fn parse(prompt: &UserPrompt) -> Option<(&'static str, String)> {
    let text = prompt.text();
    let (word, argument) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let name = word.strip_prefix('/')?;
    let is_name =
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "-_:".contains(char));
    let known =
        SLASH_COMMANDS.iter().find(|command| command.name == name).map_or("unknown", |command| command.name);
    is_name.then(|| (known, if known == "unknown" { name } else { argument.trim() }.to_owned()))
}

impl AgentRuntime {
    /// The commands that people wrote down, of the person and of the session's folder.
    pub(super) fn custom_commands(&self) -> Vec<CustomCommand> {
        let files = &self.settings_files;
        custom_commands(files.root(), &self.session.cwd, &files.included())
    }

    /// Puts the prompt that a written-down command stands for in the place of its name. `None` if there is
    /// no such command; an error says why it cannot be used.
    pub(super) fn expand_command(
        &self,
        prompt: &UserPrompt,
        name: &str,
    ) -> Option<Result<UserPrompt, String>> {
        let command = self.custom_commands().into_iter().find(|command| command.name == name)?;
        for problem in &command.problems {
            self.send_warning(problem);
        }
        let text = prompt.text();
        let arguments =
            text.trim().split_once(char::is_whitespace).map_or("", |(_, arguments)| arguments.trim());
        let may_read = |path: &Path| {
            let access = Access::Read(path.to_owned().into());
            self.permissions.decide("Read", &access, &self.session.cwd) == AccessDecision::Allow
        };
        let content = command.expand(arguments, &self.session.cwd, may_read);
        Some(content.map(|content| UserPrompt { content, ..prompt.clone() }))
    }

    /// All commands, as `initialize` lists them.
    pub(super) fn command_list(&self) -> Vec<Value> {
        let own = SLASH_COMMANDS.iter().map(|command| {
            json!({"name": command.name, "description": command.description, "argumentHint": command.argument})
        });
        let written = self.custom_commands().into_iter().map(|command| {
            json!({"name": command.name, "description": command.description, "argumentHint": command.argument_hint})
        });
        own.chain(written).collect()
    }

    /// Does what the command says, and tells the result.
    pub(super) fn run_command(&mut self, prompt: UserPrompt, command: &'static str, argument: &str) {
        let turn = RunningTurn::new(prompt);
        let done = self.execute_command(command, argument, turn.began);
        let ending = match done {
            Ok(text) => TurnOutcome::success(text),
            Err(error) => TurnOutcome::failed(error.error),
        };
        self.last_turn_failed = ending.is_error;
        self.send_result(&turn, ending.of_command(command));
        self.send_lifecycle(turn.prompt.host_uuid.as_deref(), "completed");
    }

    fn execute_command(
        &mut self,
        command: &str,
        argument: &str,
        began: Instant,
    ) -> Result<String, RequestError> {
        match command {
            "clear" | "new" | "reset" => self.switch(&SwitchRequest::Clear, began).map(|_| String::new()),
            "resume" => {
                let request = ResumeRequest { session_id: argument.to_owned(), ..ResumeRequest::default() };
                self.switch(&SwitchRequest::from_resume(request)?, began).map(|_| self.switch_summary())
            }
            "fork" => {
                let session_id = (!argument.is_empty()).then(|| argument.to_owned());
                let request = ForkRequest { session_id, ..ForkRequest::default() };
                self.switch(&SwitchRequest::from_fork(request)?, began).map(|_| self.switch_summary())
            }
            "reload" => self.reload_branch(),
            "both" => self.keep_both_branches(),
            "rename" => self.rename(argument, None).map(|_| format!("This session is “{argument}” now.")),
            "model" => {
                if !argument.is_empty() {
                    self.set_model(Some(argument.to_owned()));
                }
                let notice = self.provider.notice().map(|notice| format!(" ({notice})")).unwrap_or_default();
                Ok(format!("The model is {}{notice}.", self.settings.model))
            }
            "cost" => Ok(self.cost_text()),
            "context" => Ok(format!(
                "About {} of {} tokens, {:.1} %.",
                self.tokens_in_context(),
                self.context_window(),
                self.context_percent()
            )),
            "help" => Ok(SLASH_COMMANDS.map(help_line).join("\n")),
            _ => Ok(format!("There is no command /{argument}; /help lists those there are.")),
        }
    }

    fn switch_summary(&self) -> String {
        let title = self.session.title.as_deref().unwrap_or("(untitled)");
        format!("In the seat: “{title}”, {} prompts so far.", self.session.context.prompts())
    }
}

fn help_line(command: BuiltinCommand) -> String {
    let name = format!("/{} {}", command.name, command.argument);
    format!("{name:<15} {}", command.description)
}
