//! The flags of `hotseat agent`: those that the official SDKs start their program
//! with (Python 0.2.189, npm 0.3.332).
//!
//! Owns their names, shapes and help. A flag without meaning here is accepted, and
//! its help says so; an unknown one is an error.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

use super::provider::Thinking;
use crate::protocol::PermissionMode;
use crate::session::SessionId;

/// The warm process: speaks the official SDKs' stream-json protocol over stdio,
/// and clears, resumes and forks without restarting.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "hotseat agent", max_term_width = 100)]
pub struct Flags {
    /// The only output there is.
    #[arg(long, value_parser = ["stream-json"], default_value = "stream-json")]
    pub output_format: String,
    /// The only input there is.
    #[arg(long, value_parser = ["stream-json"], default_value = "stream-json")]
    pub input_format: String,
    /// Send pieces of a reply as they are made.
    #[arg(long)]
    pub include_partial_messages: bool,
    /// Send transcript entries as they are written.
    #[arg(long)]
    pub session_mirror: bool,
    /// Send prompts back as they are taken up.
    #[arg(long)]
    pub replay_user_messages: bool,

    /// Instructions for the model.
    #[arg(long, value_name = "TEXT")]
    pub system_prompt: Option<String>,
    /// Instructions for the model, from a file.
    #[arg(long, value_name = "FILE", conflicts_with = "system_prompt")]
    pub system_prompt_file: Option<PathBuf>,
    /// More instructions for the model.
    #[arg(long, value_name = "TEXT")]
    pub append_system_prompt: Option<String>,
    /// The model to start with; `PROVIDER/MODEL` also says whose.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// The model to use while that one is overloaded or not there.
    #[arg(long, value_name = "MODEL")]
    pub fallback_model: Option<String>,
    /// Who replies: anthropic, openai (and all who speak its dialect), offline.
    #[arg(long, value_name = "NAME", env = "HOTSEAT_PROVIDER")]
    pub provider: Option<String>,
    /// Where the provider is, such as `http://localhost:11434/v1`.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// How hard the model shall try: low, medium, high, xhigh, max.
    #[arg(long, value_name = "LEVEL")]
    pub effort: Option<String>,
    /// Whether the model shall think: adaptive, enabled, disabled.
    #[arg(long, value_name = "KIND", value_parser = ["adaptive", "enabled", "disabled"])]
    pub thinking: Option<String>,
    /// How its thinking is told: summarized, omitted.
    #[arg(long, value_name = "KIND", value_parser = ["summarized", "omitted"])]
    pub thinking_display: Option<String>,
    /// How much the model may think, in tokens.
    #[arg(long, value_name = "N")]
    pub max_thinking_tokens: Option<u64>,
    /// Names of what Anthropic does not offer to everybody yet.
    #[arg(long, value_name = "NAMES", num_args = 1.., value_delimiter = ',')]
    pub betas: Vec<String>,

    /// What may run without asking: default, acceptEdits, plan, dontAsk, bypassPermissions.
    /// Absent: as the settings files say, else default.
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    pub permission_mode: Option<PermissionMode>,
    /// Let `bypassPermissions` be switched to later.
    #[arg(long)]
    pub allow_dangerously_skip_permissions: bool,
    /// Who is asked for permission: `stdio` for the host, or a tool `mcp__SERVER__TOOL`. Absent: nobody,
    /// and what needs permission is denied.
    #[arg(long, value_name = "TOOL", value_parser = parse_permission_prompt_tool)]
    pub permission_prompt_tool: Option<String>,
    /// `none`: ask nobody for permission, whatever `--permission-prompt-tool` says.
    #[arg(long, value_name = "KIND")]
    pub permission_prompts: Option<String>,
    /// Rules for what may run without asking, such as `Read,Bash(git log:*)`.
    #[arg(long = "allowedTools", alias = "allowed-tools", value_name = "RULES", num_args = 1..)]
    pub allowed_tools: Vec<String>,
    /// Rules for what may never run.
    #[arg(long = "disallowedTools", alias = "disallowed-tools", value_name = "RULES", num_args = 1..)]
    pub disallowed_tools: Vec<String>,
    /// The tools the model has: names, `default` for all, empty for none.
    #[arg(long, value_name = "NAMES", num_args = 1..)]
    pub tools: Option<Vec<String>>,
    /// Only the MCP servers of `--mcp-config`, none of the official files'.
    #[arg(long)]
    pub strict_mcp_config: bool,
    /// More folders the tools may read and edit.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub add_dir: Vec<PathBuf>,
    /// MCP servers: JSON, or a file of it, with an object `mcpServers`.
    #[arg(long, value_name = "JSON", num_args = 1..)]
    pub mcp_config: Vec<String>,
    /// More settings, over those of the files: JSON, or a file.
    #[arg(long, value_name = "JSON|FILE")]
    pub settings: Option<String>,
    /// Settings that come from an administrator, which nothing overrides: JSON, or a file. Here they can
    /// forbid, and set the model and the environment.
    #[arg(long, value_name = "JSON|FILE")]
    pub managed_settings: Option<String>,
    /// The settings files that count, of `user,project,local`; all where it is absent.
    #[arg(long, value_name = "NAMES")]
    pub setting_sources: Option<String>,
    /// End a turn after this many requests to the model.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_turns: Option<u64>,
    /// Ask the model nothing more once the session cost this much.
    #[arg(long, value_name = "USD")]
    pub max_budget_usd: Option<f64>,

    /// Start in this folder's last session.
    #[arg(long = "continue", short = 'c', conflicts_with = "resume")]
    pub continue_last: bool,
    /// Start in this session, whichever folder it belongs to.
    #[arg(long, short = 'r', value_name = "ID")]
    pub resume: Option<SessionId>,
    /// Start in a copy of the session that `--resume` or `--continue` names.
    #[arg(long)]
    pub fork_session: bool,
    /// The id of the new session, or of the copy that `--fork-session` makes.
    #[arg(long, value_name = "ID")]
    pub session_id: Option<SessionId>,
    /// Continue from this message of the resumed session.
    #[arg(long, value_name = "UUID")]
    pub resume_session_at: Option<String>,
    /// With `--resume-session-at`: the prompt of the one turn that this leaves out. If anything else would
    /// be left out, the agent does not start.
    #[arg(long, value_name = "UUID", requires = "resume_session_at")]
    pub resume_drops_turn: Option<String>,
    /// Write nothing to disk.
    #[arg(long)]
    pub no_session_persistence: bool,

    /// A named agent for the main conversation. There are none here yet: any name but `default` is an error.
    #[arg(long, value_name = "NAME", value_parser = parse_agent)]
    pub agent: Option<String>,
    /// The answer of each turn shall have this form, a JSON schema.
    #[arg(long, value_name = "SCHEMA")]
    pub json_schema: Option<String>,

    /// What has no meaning here yet.
    #[command(flatten)]
    pub without_meaning: IgnoredFlags,
}

/// Flags that hosts pass and that change nothing here yet.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Accepted, without a meaning here yet")]
pub struct IgnoredFlags {
    /// Frames are always complete.
    #[arg(long)]
    verbose: bool,
    /// There is no other way to run.
    #[arg(long, short = 'p')]
    print: bool,
    /// Hooks are not reported as they run.
    #[arg(long)]
    include_hook_events: bool,
    /// There is no budget yet.
    #[arg(long, value_name = "N")]
    task_budget: Option<u64>,
    /// No plugins yet.
    #[arg(long, value_name = "DIR")]
    plugin_dir: Vec<PathBuf>,
    /// Servers of plugins: no plugins yet.
    #[arg(long, value_name = "DIR")]
    plugin_dir_no_mcp: Vec<PathBuf>,
    /// Stderr holds what HOTSEAT_LOG asks for.
    #[arg(long, value_name = "FILTER", num_args = 0..=1, require_equals = true)]
    debug: Option<Option<String>>,
    /// The same.
    #[arg(long, value_name = "FILE")]
    debug_file: Option<PathBuf>,
    /// The same.
    #[arg(long)]
    debug_to_stderr: bool,
    /// The first prompt always comes after `initialize` here.
    #[arg(long)]
    await_initialize: bool,
    /// Fields of `initialize` are used if they are there.
    #[arg(long, value_name = "NAMES")]
    initialize_fields: Option<String>,
    /// Nobody but the host is asked.
    #[arg(long, value_name = "NAMES")]
    channels: Vec<String>,
}

impl Flags {
    /// Parses the arguments behind `hotseat agent`. The error is clap's own and prints itself; `--help`
    /// is one of them.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(std::iter::once("hotseat agent".into()).chain(words))
    }

    /// How much the model thinks; a number of tokens takes precedence.
    pub fn thinking(&self) -> Thinking {
        let tokens =
            self.max_thinking_tokens.or_else(|| std::env::var("MAX_THINKING_TOKENS").ok()?.parse().ok());
        match (tokens, self.thinking.as_deref()) {
            (Some(0), _) | (_, Some("disabled")) => Thinking::Off,
            (Some(tokens), _) => Thinking::Budget(tokens),
            (None, Some("adaptive")) => Thinking::Adaptive,
            (None, _) => Thinking::Default,
        }
    }
}

/// `auto` decides by a model of its own in the official CLI; here it asks, as `default` does.
fn parse_mode(text: &str) -> Result<PermissionMode, String> {
    if text == "auto" { Ok(PermissionMode::Default) } else { text.parse() }
}

fn parse_permission_prompt_tool(text: &str) -> Result<String, String> {
    if text == "stdio" || text.starts_with("mcp__") {
        return Ok(text.to_owned());
    }
    Err("it must be stdio, or a tool of an MCP server: mcp__SERVER__TOOL".to_owned())
}

fn parse_agent(text: &str) -> Result<String, String> {
    if matches!(text, "" | "default" | "claude") {
        return Ok(text.to_owned());
    }
    Err("hotseat has no named agents yet".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Flags, clap::Error> {
        Flags::read(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_sdks_command_line_is_understood() {
        let flags = read(
            "--output-format stream-json --verbose --system-prompt S --allowedTools Read,Bash(git:*) \
             --max-turns 3 --permission-mode acceptEdits --permission-prompt-tool stdio --add-dir /a --add-dir /b \
             --resume=3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1 --fork-session --setting-sources= --thinking adaptive \
             --include-partial-messages --input-format stream-json",
        )
        .unwrap();
        assert_eq!(flags.allowed_tools, ["Read,Bash(git:*)"]);
        assert_eq!(flags.add_dir.len(), 2);
        assert_eq!(flags.permission_mode, Some(PermissionMode::AcceptEdits));
        assert!(flags.resume.is_some() && flags.fork_session && flags.include_partial_messages);
    }

    #[test]
    fn what_makes_no_sense_is_an_error_that_says_so() {
        for (line, says) in [
            ("--novel", "--novel"),
            ("--resume ../../etc/passwd", "not a session id"),
            ("--permission-mode yolo", "acceptEdits"),
            ("--output-format text", "stream-json"),
            ("--max-turns 0", "--max-turns"),
            ("--permission-prompt-tool ask", "mcp__SERVER__TOOL"),
            ("--agent reviewer", "no named agents yet"),
            ("--resume-drops-turn x", "--resume-session-at"),
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn what_the_sdks_can_send_is_accepted() {
        for line in [
            "--debug --debug-to-stderr --debug-file /tmp/x --await-initialize --initialize-fields settings",
            "--debug=api --channels x --plugin-dir-no-mcp /p --managed-settings {} --permission-prompts none",
            "--permission-mode auto --permission-prompt-tool mcp__a__b --fallback-model m --agent default",
            "--replay-user-messages --allow-dangerously-skip-permissions --include-hook-events",
        ] {
            read(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn a_number_says_best_how_much_to_think() {
        for (line, expected) in [
            ("--thinking adaptive", Thinking::Adaptive),
            ("--thinking disabled", Thinking::Off),
            ("--thinking enabled --max-thinking-tokens 2000", Thinking::Budget(2000)),
            ("--max-thinking-tokens 0", Thinking::Off),
        ] {
            assert_eq!(read(line).unwrap().thinking(), expected, "{line}");
        }
    }
}
