//! The model and the modes that a session offers, in either of the protocol's
//! two ways: config options, or a list of modes.

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, SetSessionConfigOptionRequest, SetSessionModeRequest,
};
use serde_json::Value;

use super::connection::Step;
use super::{Acp, answer, refused};
use crate::protocol::PermissionMode;
use crate::slot::driver::{Answer, Heard};

/// What the agent calls the mode in which it only reads.
const PLAN: &str = "plan";

/// A choice among several values.
#[derive(Debug, Clone, Default)]
struct Choice {
    /// The config option's id; none: it is the list of modes.
    id: Option<String>,
    current: String,
    /// The one it had first.
    first: String,
    values: Vec<String>,
}

/// What the active session offers.
#[derive(Debug, Default)]
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
            take(kept, choice(option, "currentValue", "options", "value"), option["id"].as_str());
        }
        if self.mode.as_ref().is_none_or(|mode| mode.id.is_none()) && told["modes"].is_object() {
            take(&mut self.mode, choice(&told["modes"], "currentModeId", "availableModes", "id"), None);
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

    /// The agent only reads.
    pub fn plans(&self) -> bool {
        self.mode.as_ref().is_some_and(|mode| mode.current == PLAN)
    }
}

fn take(kept: &mut Option<Choice>, told: Choice, id: Option<&str>) {
    let first = kept.as_ref().map_or(&told.current, |kept| &kept.first).clone();
    *kept = Some(Choice { id: id.map(str::to_owned), first, ..told });
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
        vec![self.choose(&choice, &value, Step::Model(id.to_owned(), wanted))]
    }

    /// Plan is a mode of the agent's; the others decide here how its questions
    /// are answered.
    pub(super) fn set_mode(&mut self, id: &str, mode: PermissionMode) -> Vec<Heard> {
        let Some(value) = self.mode_value(mode) else {
            return vec![answer(id, Err(refused("this agent has no plan mode")))];
        };
        match self.options.mode.clone().filter(|choice| choice.current != value) {
            Some(choice) => vec![self.choose(&choice, &value, Step::Mode(id.to_owned(), mode))],
            None => {
                self.permits.mode = mode;
                vec![answer(id, Ok(Answer::Done))]
            }
        }
    }

    /// What the agent's mode has to be for one of ours; none: it has none such.
    fn mode_value(&self, mode: PermissionMode) -> Option<String> {
        match (&self.options.mode, mode) {
            (Some(choice), PermissionMode::Plan) => {
                choice.values.iter().find(|value| *value == PLAN).cloned()
            }
            (None, PermissionMode::Plan) => None,
            (Some(choice), _) if choice.current == PLAN => {
                let other = choice.values.iter().find(|value| *value != PLAN);
                Some(if choice.first == PLAN { other? } else { &choice.first }.clone())
            }
            (Some(choice), _) => Some(choice.current.clone()),
            (None, _) => Some(String::new()),
        }
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
        match &choice.id {
            Some(id) => {
                let request = SetSessionConfigOptionRequest::new(session, id.clone(), value);
                self.connection.request(AGENT_METHOD_NAMES.session_set_config_option, &request, step)
            }
            None => {
                let request = SetSessionModeRequest::new(session, value.to_owned());
                self.connection.request(AGENT_METHOD_NAMES.session_set_mode, &request, step)
            }
        }
    }
}
