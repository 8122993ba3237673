//! What hooks say, and what several of them say together.

use serde_json::Value;

use super::command::Said as Spoken;

/// What a hook wants of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// It may run without asking.
    Allow,
    /// The person shall be asked.
    Ask,
    /// It may not run.
    Deny,
}

/// Something that the model shall know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The occasion's name.
    pub hook: String,
    /// What a hook said.
    pub text: String,
}

/// The answers of all hooks of one occasion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// What was going to happen shall not; why, for the model.
    pub blocked: Option<String>,
    /// What becomes of a call; the strictest counts.
    pub said: Option<Said>,
    /// The call's arguments shall be these.
    pub updated_input: Option<Value>,
    /// The model shall know this.
    pub notes: Vec<Note>,
    /// The turn shall end; why, for a person.
    pub stopped: Option<String>,
    /// A person shall know this.
    pub messages: Vec<String>,
}

impl Verdict {
    /// A hook that could not be asked.
    pub fn failed(why: String) -> Self {
        Self { messages: vec![why], ..Self::default() }
    }

    /// An answer in the official form; `name` is the occasion's.
    pub fn of_json(answer: &Value, name: &str) -> Self {
        let specific = &answer["hookSpecificOutput"];
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let decision = text(&specific["permissionDecision"]).or_else(|| text(&answer["decision"]));
        let said = match decision.as_deref() {
            Some("allow" | "approve") => Some(Said::Allow),
            Some("ask") => Some(Said::Ask),
            Some("deny" | "block") => Some(Said::Deny),
            _ => None,
        };
        let reason = text(&specific["permissionDecisionReason"]).or_else(|| text(&answer["reason"]));
        let reason = || reason.unwrap_or_else(|| format!("a hook blocked {name}"));
        let stops = answer["continue"] == false;
        Self {
            blocked: (said == Some(Said::Deny)).then(reason),
            said,
            updated_input: Some(&specific["updatedInput"]).filter(|input| input.is_object()).cloned(),
            notes: text(&specific["additionalContext"]).map(|text| note(name, text)).into_iter().collect(),
            stopped: stops.then(|| {
                text(&answer["stopReason"]).unwrap_or_else(|| format!("a hook ended the turn at {name}"))
            }),
            messages: text(&answer["systemMessage"]).into_iter().collect(),
        }
    }

    /// What a command said by its exit code and its output. `takes_words`: what
    /// is no JSON is context.
    pub fn of_command(command: &str, spoken: &Spoken, name: &str, takes_words: bool) -> Self {
        let said = spoken.stdout.trim();
        match spoken.code {
            Some(2) => Self {
                blocked: Some(format!("[{command}]: {}", spoken.stderr)),
                said: Some(Said::Deny),
                ..Self::default()
            },
            Some(0) => match serde_json::from_str::<Value>(said) {
                Ok(answer) if answer.is_object() => Self::of_json(&answer, name),
                _ if takes_words && !said.is_empty() => {
                    Self { notes: vec![note(name, said.to_owned())], ..Self::default() }
                }
                _ => Self::default(),
            },
            code => {
                let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
                let words = spoken.stderr.trim();
                Self::failed(format!("the hook “{command}” failed at {name} with {code}: {words}"))
            }
        }
    }

    /// Both together.
    pub fn and(mut self, other: Self) -> Self {
        self.blocked = self.blocked.or(other.blocked);
        self.said = self.said.max(other.said);
        self.updated_input = other.updated_input.or(self.updated_input);
        self.notes.extend(other.notes);
        self.stopped = self.stopped.or(other.stopped);
        self.messages.extend(other.messages);
        self
    }
}

fn note(hook: &str, text: String) -> Note {
    Note { hook: hook.to_owned(), text }
}
