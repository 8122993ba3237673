//! The model and the modes that a session offers: as config options, or as the
//! lists of modes and of models that came before these.

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, SetSessionConfigOptionRequest, SetSessionModeRequest,
};
use serde_json::{Value, json};

use super::connection::AcpPending;
use super::{AcpDriver, refusal, respond_to};
use crate::protocol::PermissionMode;
use crate::slot::driver::{AgentEvent, AgentResponse};

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
enum OptionSource {
    /// As the config option of this id.
    ConfigOption(String),
    /// From the list of modes.
    #[default]
    Modes,
    /// From the list of models, which gemini 0.61 has still; no part of the
    /// protocol any more.
    Models,
}

/// The request of [`OptionSource::Models`].
const SET_MODEL: &str = "session/set_model";

/// A choice among several values.
#[derive(Debug, Clone, Default)]
struct OptionChoice {
    source: OptionSource,
    current: String,
    /// The one it had first.
    initial: String,
    values: Vec<String>,
}

/// What a session offers.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionOptions {
    model: Option<OptionChoice>,
    mode: Option<OptionChoice>,
}

impl SessionOptions {
    /// Takes what an answer, or an update, says of them.
    pub fn update_from(&mut self, told: &Value) {
        for option in told["configOptions"].as_array().into_iter().flatten() {
            let kept = match option["category"].as_str() {
                Some("model") => &mut self.model,
                Some("mode") => &mut self.mode,
                _ => continue,
            };
            let way = OptionSource::ConfigOption(option["id"].as_str().unwrap_or_default().to_owned());
            replace_choice(kept, parse_choice(option, "currentValue", "options", "value"), way);
        }
        let older = |kept: &Option<OptionChoice>| {
            !matches!(kept, Some(OptionChoice { source: OptionSource::ConfigOption(_), .. }))
        };
        if older(&self.mode) && told["modes"].is_object() {
            let modes = parse_choice(&told["modes"], "currentModeId", "availableModes", "id");
            replace_choice(&mut self.mode, modes, OptionSource::Modes);
        }
        if older(&self.model) && told["models"].is_object() {
            let models = parse_choice(&told["models"], "currentModelId", "availableModels", "modelId");
            replace_choice(&mut self.model, models, OptionSource::Models);
        }
    }

    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.current.as_str())
    }

    pub fn models(&self) -> Vec<String> {
        self.model.as_ref().map(|model| model.values.clone()).unwrap_or_default()
    }

    /// The mode is this now.
    pub fn set_current_mode(&mut self, id: &str) {
        if let Some(mode) = &mut self.mode {
            id.clone_into(&mut mode.current);
        }
    }

    /// The model is this now.
    pub fn set_current_model(&mut self, id: &str) {
        if let Some(model) = &mut self.model {
            id.clone_into(&mut model.current);
        }
    }

    /// The agent only reads.
    pub fn is_planning(&self) -> bool {
        self.mode.as_ref().is_some_and(|mode| is_mode(&mode.current, PLAN))
    }
}

fn replace_choice(kept: &mut Option<OptionChoice>, told: OptionChoice, way: OptionSource) {
    let first = kept.as_ref().map_or(&told.current, |kept| &kept.initial).clone();
    *kept = Some(OptionChoice { source: way, initial: first, ..told });
}

fn parse_choice(told: &Value, current: &str, values: &str, key: &str) -> OptionChoice {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Values may stand in groups.
    let groups = told[values].as_array().into_iter().flatten();
    let each = groups.flat_map(|value| match value["options"].as_array() {
        Some(group) => group.iter().collect(),
        None => vec![value],
    });
    let values = each.filter_map(|value| text(&value[key])).collect();
    OptionChoice { current: text(&told[current]).unwrap_or_default(), values, ..OptionChoice::default() }
}

impl AcpDriver {
    pub(super) fn set_model(&mut self, id: &str, wanted: Option<String>) -> Vec<AgentEvent> {
        let Some(choice) = &self.options.model else {
            return vec![respond_to(id, Err(refusal("this agent offers no choice of models")))];
        };
        let value = wanted.clone().unwrap_or_else(|| choice.initial.clone());
        if !choice.values.contains(&value) {
            let reason = format!("this agent has no model “{value}”; it has {}", choice.values.join(", "));
            return vec![respond_to(id, Err(refusal(&reason)))];
        }
        let choice = choice.clone();
        let step = AcpPending::SetModel { ask: id.to_owned(), wanted, value: value.clone() };
        vec![self.set_option(&choice, &value, step)]
    }

    /// Plan is a mode of the agent's; the others decide here how its questions
    /// are answered.
    pub(super) fn set_mode(&mut self, id: &str, mode: PermissionMode) -> Vec<AgentEvent> {
        let Some(value) = self.mode_value(mode) else {
            return vec![respond_to(id, Err(refusal("this agent has no plan mode")))];
        };
        match self.options.mode.clone().filter(|choice| choice.current != value) {
            Some(choice) => {
                let step = AcpPending::SetMode { ask: id.to_owned(), mode, value: value.clone() };
                vec![self.set_option(&choice, &value, step)]
            }
            None => {
                self.permissions.mode = mode;
                vec![respond_to(id, Ok(AgentResponse::Done))]
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
            let known = [&choice.current, &choice.initial];
            known.into_iter().chain(&choice.values).find(|value| !plans(value)).cloned()
        })
    }

    /// A session that has just been opened is on the model and in the mode that
    /// the person chose.
    pub(super) fn reapply_settings(&mut self) -> Vec<AgentEvent> {
        let mut heard = Vec::new();
        if let (Some(wanted), Some(choice)) = (self.model.clone(), self.options.model.clone())
            && choice.current != wanted
            && choice.values.contains(&wanted)
        {
            heard.push(self.set_option(&choice, &wanted, AcpPending::Ignored));
            self.options.set_current_model(&wanted);
            heard.push(AgentEvent::ModelChanged(wanted));
        }
        if let (Some(value), Some(choice)) = (self.mode_value(self.mode()), self.options.mode.clone())
            && choice.current != value
        {
            heard.push(self.set_option(&choice, &value, AcpPending::Ignored));
            self.options.set_current_mode(&value);
        }
        heard
    }

    fn set_option(&mut self, choice: &OptionChoice, value: &str, step: AcpPending) -> AgentEvent {
        let session = self.active.as_ref().map(|active| active.remote.id.clone()).unwrap_or_default();
        match &choice.source {
            OptionSource::ConfigOption(id) => {
                let request = SetSessionConfigOptionRequest::new(session, id.clone(), value);
                self.connection.request(AGENT_METHOD_NAMES.session_set_config_option, &request, step)
            }
            OptionSource::Modes => {
                let request = SetSessionModeRequest::new(session, value.to_owned());
                self.connection.request(AGENT_METHOD_NAMES.session_set_mode, &request, step)
            }
            OptionSource::Models => {
                let request = json!({"sessionId": session, "modelId": value});
                self.connection.request(SET_MODEL, &request, step)
            }
        }
    }
}
