//! What hooks say, and what several of them say together.

use serde_json::Value;

use super::hook_command::HookCommandOutput as Spoken;

/// What a hook wants of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookDecision {
    /// It may run without asking.
    Allow,
    /// The person shall be asked.
    Ask,
    /// It may not run.
    Deny,
}

/// Something that the model shall know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalContext {
    /// The occasion's name.
    pub hook: String,
    /// What a hook said.
    pub text: String,
}

/// The answers of all hooks of one occasion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HookOutcome {
    /// What was going to happen shall not; why, for the model.
    pub blocked: Option<String>,
    /// What becomes of a call; the strictest counts.
    pub decision: Option<HookDecision>,
    /// The call's arguments shall be these.
    pub updated_input: Option<Value>,
    /// The call's result shall be this (`PostToolUse`).
    pub updated_output: Option<Value>,
    /// The model shall know this.
    pub additional_context: Vec<AdditionalContext>,
    /// The turn shall end; why, for a person.
    pub stopped: Option<String>,
    /// A person shall know this.
    pub messages: Vec<String>,
}

impl HookOutcome {
    /// A hook that could not be asked.
    pub fn failure(why: String) -> Self {
        Self { messages: vec![why], ..Self::default() }
    }

    /// An answer in the official form; `name` is the occasion's.
    pub fn from_json(answer: &Value, name: &str) -> Self {
        let specific = &answer["hookSpecificOutput"];
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let decision = text(&specific["permissionDecision"]).or_else(|| text(&answer["decision"]));
        let said = match decision.as_deref() {
            Some("allow" | "approve") => Some(HookDecision::Allow),
            Some("ask") => Some(HookDecision::Ask),
            Some("deny" | "block") => Some(HookDecision::Deny),
            _ => None,
        };
        let reason = text(&specific["permissionDecisionReason"]).or_else(|| text(&answer["reason"]));
        let reason = || reason.unwrap_or_else(|| format!("a hook blocked {name}"));
        let stops = answer["continue"] == false;
        Self {
            blocked: (said == Some(HookDecision::Deny)).then(reason),
            decision: said,
            updated_input: Some(&specific["updatedInput"]).filter(|input| input.is_object()).cloned(),
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

    /// What a command said by its exit code and its output. `takes_words`: what
    /// is no JSON is context.
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

    /// Both together.
    pub fn merge(mut self, other: Self) -> Self {
        self.blocked = self.blocked.or(other.blocked);
        self.decision = self.decision.max(other.decision);
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
