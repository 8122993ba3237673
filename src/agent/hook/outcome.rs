//! The answers of hooks, alone and together.

use serde_json::Value;

use super::hook_command::HookCommandOutput as Spoken;

/// What a hook decides about a call; a later variant is stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookDecision {
    /// It may run without asking.
    Allow,
    /// A person must be asked.
    Ask,
    /// It may not run.
    Deny,
}

/// Text from a hook for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalContext {
    /// The qualified name of the event, such as `PreToolUse:Bash`.
    pub hook: String,
    pub text: String,
}

/// The answers of all hooks of one invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HookOutcome {
    /// Why what was about to happen must not, for the model.
    pub blocked: Option<String>,
    /// The decision about a call; of several, the strictest.
    pub decision: Option<HookDecision>,
    /// Why a person must be asked, for the person.
    pub ask_reason: Option<String>,
    /// Other arguments for the call.
    pub updated_input: Option<Value>,
    /// Another result for the call (`PostToolUse`).
    pub updated_output: Option<Value>,
    /// Text for the model.
    pub additional_context: Vec<AdditionalContext>,
    /// Why the turn must end, for a person.
    pub stopped: Option<String>,
    /// Messages for a person.
    pub messages: Vec<String>,
}

impl HookOutcome {
    /// The outcome of a hook that failed and has no opinion.
    pub fn failure(why: String) -> Self {
        Self { messages: vec![why], ..Self::default() }
    }

    /// The outcome of a hook that failed and thereby blocks.
    pub fn block(why: String) -> Self {
        Self { blocked: Some(why), decision: Some(HookDecision::Deny), ..Self::default() }
    }

    /// Reads an answer in the official form. `name` is the event's qualified name.
    pub fn from_json(answer: &Value, name: &str) -> Self {
        let specific = &answer["hookSpecificOutput"];
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        // `PermissionRequest` has a form of its own: `decision: {behavior, message, updatedInput}`.
        let request = &specific["decision"];
        let decision = text(&specific["permissionDecision"])
            .or_else(|| text(&request["behavior"]))
            .or_else(|| text(&answer["decision"]));
        let said = match decision.as_deref() {
            Some("allow" | "approve") => Some(HookDecision::Allow),
            Some("ask") => Some(HookDecision::Ask),
            Some("deny" | "block") => Some(HookDecision::Deny),
            _ => None,
        };
        let reason = text(&specific["permissionDecisionReason"])
            .or_else(|| text(&request["message"]))
            .or_else(|| text(&answer["reason"]));
        let updated_input = [&specific["updatedInput"], &request["updatedInput"]];
        let ask_reason = reason.clone().filter(|_| said == Some(HookDecision::Ask));
        let reason = || reason.unwrap_or_else(|| format!("a hook blocked {name}"));
        let stops = answer["continue"] == false;
        Self {
            blocked: (said == Some(HookDecision::Deny)).then(reason),
            decision: said,
            ask_reason,
            updated_input: updated_input.into_iter().find(|input| input.is_object()).cloned(),
            updated_output: ["updatedToolOutput", "updatedMCPToolOutput"]
                .into_iter()
                .map(|field| &specific[field])
                .find(|output| !output.is_null())
                .cloned(),
            additional_context: text(&specific["additionalContext"])
                .map(|text| additional_context(name, text))
                .into_iter()
                .collect(),
            stopped: stops.then(|| {
                text(&answer["stopReason"]).unwrap_or_else(|| format!("a hook ended the turn at {name}"))
            }),
            messages: text(&answer["systemMessage"]).into_iter().collect(),
        }
    }

    /// Reads the exit code and output of a command. With `takes_words`, output that
    /// is not JSON is context for the model.
    pub fn from_command(command: &str, spoken: &Spoken, name: &str, takes_words: bool) -> Self {
        let said = spoken.stdout.trim();
        match spoken.code {
            Some(2) => Self {
                blocked: Some(format!("[{command}]: {}", spoken.stderr)),
                decision: Some(HookDecision::Deny),
                ..Self::default()
            },
            Some(0) => match serde_json::from_str::<Value>(said) {
                Ok(answer) if answer.is_object() => Self::from_json(&answer, name),
                _ if takes_words && !said.is_empty() => Self {
                    additional_context: vec![additional_context(name, said.to_owned())],
                    ..Self::default()
                },
                _ => Self::default(),
            },
            code => {
                let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
                let words = spoken.stderr.trim();
                Self::failure(format!("the hook “{command}” failed at {name} with {code}: {words}"))
            }
        }
    }

    /// The outcome of two hooks together.
    pub fn merge(mut self, other: Self) -> Self {
        self.blocked = self.blocked.or(other.blocked);
        self.decision = self.decision.max(other.decision);
        self.ask_reason = self.ask_reason.or(other.ask_reason);
        self.updated_input = other.updated_input.or(self.updated_input);
        self.updated_output = other.updated_output.or(self.updated_output);
        self.additional_context.extend(other.additional_context);
        self.stopped = self.stopped.or(other.stopped);
        self.messages.extend(other.messages);
        self
    }
}

fn additional_context(hook: &str, text: String) -> AdditionalContext {
    AdditionalContext { hook: hook.to_owned(), text }
}
