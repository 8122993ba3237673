//! The model and the modes that a session offers: as config options, or as the
//! lists of modes and of models that came before these.

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, SetSessionConfigOptionRequest, SetSessionModeRequest,
};
use serde_json::{Value, json};

use super::connection::Step;
use super::{Acp, answer, refused};
use crate::protocol::PermissionMode;
use crate::slot::driver::{Answer, Heard};

/// What the agent calls the mode in which it only reads.
const PLAN: &str = "plan";
/// What agents call the mode in which they ask a person before they change
/// anything: qwen, gemini and claude-agent-acp so, codex-acp so.
const ASKS: [&str; 2] = ["default", "read-only"];
/// What they call the one in which the answer to most questions will be yes.
const EDITS: [&str; 2] = ["default", "workspace-write"];

/// Whether a mode is this one: by its bare name, or by the address that has it
/// as its fragment (as copilot 1.0 names its modes).
fn is_mode(value: &str, mode: &str) -> bool {
    value == mode || value.strip_suffix(mode).is_some_and(|address| address.ends_with('#'))
}

/// By which request a choice is made.
#[derive(Debug, Clone, Default, PartialEq)]
enum Way {
    /// As the config option of this id.
    Option(String),
    /// From the list of modes.
    #[default]
    Modes,
    /// From the list of models, which gemini 0.61 has still; no part of the
    /// protocol any more.
    Models,
}

/// The request of [`Way::Models`].
const SET_MODEL: &str = "session/set_model";

/// A choice among several values.
#[derive(Debug, Clone, Default)]
struct Choice {
    way: Way,
    current: String,
    /// The one it had first.
    first: String,
    values: Vec<String>,
}

/// What a session offers.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    model: Option<Choice>,
    mode: Option<Choice>,
}

impl Options {
    /// Takes what an answer, or an update, says of them.
    pub fn read(&mut self, told: &Value) {
        for option in told["configOptions"].as_array().into_iter().flatten() {
            let kept = match option["category"].as_str() {
                Some("model") => &mut self.model,
                Some("mode") => &mut self.mode,
                _ => continue,
            };
            let way = Way::Option(option["id"].as_str().unwrap_or_default().to_owned());
            take(kept, choice(option, "currentValue", "options", "value"), way);
        }
        let older = |kept: &Option<Choice>| !matches!(kept, Some(Choice { way: Way::Option(_), .. }));
        if older(&self.mode) && told["modes"].is_object() {
            let modes = choice(&told["modes"], "currentModeId", "availableModes", "id");
            take(&mut self.mode, modes, Way::Modes);
        }
        if older(&self.model) && told["models"].is_object() {
            let models = choice(&told["models"], "currentModelId", "availableModels", "modelId");
            take(&mut self.model, models, Way::Models);
        }
    }

    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.current.as_str())
    }

    pub fn models(&self) -> Vec<String> {
        self.model.as_ref().map(|model| model.values.clone()).unwrap_or_default()
    }

    /// The mode is this now.
    pub fn note_mode(&mut self, id: &str) {
        if let Some(mode) = &mut self.mode {
            id.clone_into(&mut mode.current);
        }
    }

    /// The model is this now.
    pub fn note_model(&mut self, id: &str) {
        if let Some(model) = &mut self.model {
            id.clone_into(&mut model.current);
        }
    }

    /// The agent only reads.
    pub fn plans(&self) -> bool {
        self.mode.as_ref().is_some_and(|mode| is_mode(&mode.current, PLAN))
    }
}

fn take(kept: &mut Option<Choice>, told: Choice, way: Way) {
    let first = kept.as_ref().map_or(&told.current, |kept| &kept.first).clone();
    *kept = Some(Choice { way, first, ..told });
}

fn choice(told: &Value, current: &str, values: &str, key: &str) -> Choice {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Values may stand in groups.
    let groups = told[values].as_array().into_iter().flatten();
    let each = groups.flat_map(|value| match value["options"].as_array() {
        Some(group) => group.iter().collect(),
        None => vec![value],
    });
    let values = each.filter_map(|value| text(&value[key])).collect();
    Choice { current: text(&told[current]).unwrap_or_default(), values, ..Choice::default() }
}

impl Acp {
    pub(super) fn set_model(&mut self, id: &str, wanted: Option<String>) -> Vec<Heard> {
        let Some(choice) = &self.options.model else {
            return vec![answer(id, Err(refused("this agent offers no choice of models")))];
        };
        let value = wanted.clone().unwrap_or_else(|| choice.first.clone());
        if !choice.values.contains(&value) {
            let reason = format!("this agent has no model “{value}”; it has {}", choice.values.join(", "));
            return vec![answer(id, Err(refused(&reason)))];
        }
        let choice = choice.clone();
        let step = Step::Model { ask: id.to_owned(), wanted, value: value.clone() };
        vec![self.choose(&choice, &value, step)]
    }

    /// Plan is a mode of the agent's; the others decide here how its questions
    /// are answered.
    pub(super) fn set_mode(&mut self, id: &str, mode: PermissionMode) -> Vec<Heard> {
        let Some(value) = self.mode_value(mode) else {
            return vec![answer(id, Err(refused("this agent has no plan mode")))];
        };
        match self.options.mode.clone().filter(|choice| choice.current != value) {
            Some(choice) => {
                let step = Step::Mode { ask: id.to_owned(), mode, value: value.clone() };
                vec![self.choose(&choice, &value, step)]
            }
            None => {
                self.permits.mode = mode;
                vec![answer(id, Ok(Answer::Done))]
            }
        }
    }

    /// What the agent's mode has to be for one of ours; none: it has none such.
    /// But for the plan mode it is one in which it asks, where it has such: who
    /// answers then is decided here.
    fn mode_value(&self, mode: PermissionMode) -> Option<String> {
        let Some(choice) = &self.options.mode else {
            return (mode != PermissionMode::Plan).then(String::new);
        };
        let named = |mode: &&str| choice.values.iter().find(|value| is_mode(value, mode)).cloned();
        let wanted = match mode {
            PermissionMode::Plan => return named(&PLAN),
            PermissionMode::Default | PermissionMode::DontAsk => ASKS,
            PermissionMode::AcceptEdits | PermissionMode::BypassPermissions => EDITS,
        };
        wanted.iter().find_map(named).or_else(|| {
            let plans = |value: &String| is_mode(value, PLAN);
            let known = [&choice.current, &choice.first];
            known.into_iter().chain(&choice.values).find(|value| !plans(value)).cloned()
        })
    }

    /// A session that has just been opened is on the model and in the mode that
    /// the person chose.
    pub(super) fn keep_settings(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        if let (Some(wanted), Some(choice)) = (self.model.clone(), self.options.model.clone())
            && choice.current != wanted
            && choice.values.contains(&wanted)
        {
            heard.push(self.choose(&choice, &wanted, Step::Note));
            self.options.note_model(&wanted);
            heard.push(Heard::Model(wanted));
        }
        if let (Some(value), Some(choice)) = (self.mode_value(self.mode()), self.options.mode.clone())
            && choice.current != value
        {
            heard.push(self.choose(&choice, &value, Step::Note));
            self.options.note_mode(&value);
        }
        heard
    }

    fn choose(&mut self, choice: &Choice, value: &str, step: Step) -> Heard {
        let session = self.active.as_ref().map(|active| active.place.id.clone()).unwrap_or_default();
        match &choice.way {
            Way::Option(id) => {
                let request = SetSessionConfigOptionRequest::new(session, id.clone(), value);
                self.connection.request(AGENT_METHOD_NAMES.session_set_config_option, &request, step)
            }
            Way::Modes => {
                let request = SetSessionModeRequest::new(session, value.to_owned());
                self.connection.request(AGENT_METHOD_NAMES.session_set_mode, &request, step)
            }
            Way::Models => {
                let request = json!({"sessionId": session, "modelId": value});
                self.connection.request(SET_MODEL, &request, step)
            }
        }
    }
}
