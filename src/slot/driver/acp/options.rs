//! The models and modes that a session offers: as config options, or as the
//! older separate lists of modes and models.

use agent_client_protocol_schema::v1::{
    AGENT_METHOD_NAMES, SetSessionConfigOptionRequest, SetSessionModeRequest,
};
use serde_json::{Value, json};

use super::connection::AcpPending;
use super::{AcpDriver, refusal, reply_to, respond_to};
use crate::agent_api::SetMode;
use crate::protocol::PermissionMode;
use crate::slot::driver::{AgentEvent, DriverOutput};

/// The agents' name for the mode in which they only read.
const PLAN: &str = "plan";
/// The agents' names for the mode in which they ask before they change anything:
/// qwen, gemini and claude-agent-acp; codex-acp.
const ASKS: [&str; 2] = ["default", "read-only"];
/// The names for the mode to use when most answers will be yes.
const EDITS: [&str; 2] = ["default", "workspace-write"];

/// Whether a mode has this name: bare, or as the fragment of a URL (copilot 1.0).
fn is_mode(value: &str, mode: &str) -> bool {
    value == mode || value.strip_suffix(mode).is_some_and(|address| address.ends_with('#'))
}

/// The request that sets an option.
#[derive(Debug, Clone, Default, PartialEq)]
enum OptionSource {
    /// The config option with this id.
    ConfigOption(String),
    /// The list of modes.
    #[default]
    Modes,
    /// The list of models, no longer part of the protocol; gemini 0.61 has it.
    Models,
}

/// The request of [`OptionSource::Models`].
const SET_MODEL: &str = "session/set_model";

/// An option with several values.
#[derive(Debug, Clone, Default)]
struct OptionChoice {
    source: OptionSource,
    current: String,
    /// The value when the session was first opened.
    initial: String,
    values: Vec<String>,
}

/// The options of a session.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionOptions {
    model: Option<OptionChoice>,
    mode: Option<OptionChoice>,
}

impl SessionOptions {
    /// Updates the options from a response or an update.
    pub fn update_from(&mut self, reported: &Value) {
        for option in reported["configOptions"].as_array().into_iter().flatten() {
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
        if older(&self.mode) && reported["modes"].is_object() {
            let modes = parse_choice(&reported["modes"], "currentModeId", "availableModes", "id");
            replace_choice(&mut self.mode, modes, OptionSource::Modes);
        }
        if older(&self.model) && reported["models"].is_object() {
            let models = parse_choice(&reported["models"], "currentModelId", "availableModels", "modelId");
            replace_choice(&mut self.model, models, OptionSource::Models);
        }
    }

    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.current.as_str())
    }

    pub fn models(&self) -> Vec<String> {
        self.model.as_ref().map(|model| model.values.clone()).unwrap_or_default()
    }

    pub fn set_current_mode(&mut self, id: &str) {
        if let Some(mode) = &mut self.mode {
            id.clone_into(&mut mode.current);
        }
    }

    pub fn set_current_model(&mut self, id: &str) {
        if let Some(model) = &mut self.model {
            id.clone_into(&mut model.current);
        }
    }

    /// Whether the agent is in its plan mode.
    pub fn is_planning(&self) -> bool {
        self.mode.as_ref().is_some_and(|mode| is_mode(&mode.current, PLAN))
    }
}

fn replace_choice(kept: &mut Option<OptionChoice>, reported: OptionChoice, way: OptionSource) {
    let first = kept.as_ref().map_or(&reported.current, |kept| &kept.initial).clone();
    *kept = Some(OptionChoice { source: way, initial: first, ..reported });
}

fn parse_choice(reported: &Value, current: &str, values: &str, key: &str) -> OptionChoice {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Values may be grouped.
    let groups = reported[values].as_array().into_iter().flatten();
    let each = groups.flat_map(|value| match value["options"].as_array() {
        Some(group) => group.iter().collect(),
        None => vec![value],
    });
    let values = each.filter_map(|value| text(&value[key])).collect();
    OptionChoice { current: text(&reported[current]).unwrap_or_default(), values, ..OptionChoice::default() }
}

impl AcpDriver {
    pub(super) fn set_model(&mut self, id: &str, requested: Option<String>) -> Vec<DriverOutput> {
        let Some(choice) = &self.options.model else {
            return vec![respond_to(id, Err(refusal("this agent offers no choice of models")))];
        };
        let value = requested.clone().unwrap_or_else(|| choice.initial.clone());
        if !choice.values.contains(&value) {
            let reason = format!("this agent has no model “{value}”; it has {}", choice.values.join(", "));
            return vec![respond_to(id, Err(refusal(&reason)))];
        }
        let choice = choice.clone();
        let step = AcpPending::SetModel { ask: id.to_owned(), requested, value: value.clone() };
        vec![self.set_option(&choice, &value, step)]
    }

    /// Plan is a mode of the agent. The other modes decide here how its permission
    /// requests are answered.
    pub(super) fn set_mode(&mut self, id: &str, mode: PermissionMode) -> Vec<DriverOutput> {
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
                vec![reply_to::<SetMode>(id, Ok(()))]
            }
        }
    }

    /// The agent's mode for one of ours; `None` if it has no plan mode. For the
    /// other modes it is one in which the agent asks, since the answer is decided
    /// here.
    fn mode_value(&self, mode: PermissionMode) -> Option<String> {
        let Some(choice) = &self.options.mode else {
            return (mode != PermissionMode::Plan).then(String::new);
        };
        let named = |mode: &&str| choice.values.iter().find(|value| is_mode(value, mode)).cloned();
        let requested = match mode {
            PermissionMode::Plan => return named(&PLAN),
            PermissionMode::Default | PermissionMode::DontAsk => ASKS,
            PermissionMode::AcceptEdits | PermissionMode::BypassPermissions => EDITS,
        };
        requested.iter().find_map(named).or_else(|| {
            let plans = |value: &String| is_mode(value, PLAN);
            let known = [&choice.current, &choice.initial];
            known.into_iter().chain(&choice.values).find(|value| !plans(value)).cloned()
        })
    }

    /// Applies the chosen model and mode to a session that was just opened.
    pub(super) fn reapply_settings(&mut self) -> Vec<DriverOutput> {
        let mut events = Vec::new();
        if let (Some(requested), Some(choice)) = (self.model.clone(), self.options.model.clone())
            && choice.current != requested
            && choice.values.contains(&requested)
        {
            events.push(self.set_option(&choice, &requested, AcpPending::Ignored));
            self.options.set_current_model(&requested);
            events.push(DriverOutput::Event(AgentEvent::ModelChanged(requested)));
        }
        if let (Some(value), Some(choice)) = (self.mode_value(self.mode()), self.options.mode.clone())
            && choice.current != value
        {
            events.push(self.set_option(&choice, &value, AcpPending::Ignored));
            self.options.set_current_mode(&value);
        }
        events
    }

    fn set_option(&mut self, choice: &OptionChoice, value: &str, step: AcpPending) -> DriverOutput {
        let session = self.active.as_ref().map(|active| active.remote.id.clone()).unwrap_or_default();
        match &choice.source {
            OptionSource::ConfigOption(id) => {
                let request = SetSessionConfigOptionRequest::new(session, id.clone(), value);
                self.send_request(AGENT_METHOD_NAMES.session_set_config_option, &request, step)
            }
            OptionSource::Modes => {
                let request = SetSessionModeRequest::new(session, value.to_owned());
                self.send_request(AGENT_METHOD_NAMES.session_set_mode, &request, step)
            }
            OptionSource::Models => {
                let request = json!({"sessionId": session, "modelId": value});
                self.send_request(SET_MODEL, &request, step)
            }
        }
    }
}
