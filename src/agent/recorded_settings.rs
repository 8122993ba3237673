//! How a stored session was run: the model that answered last, its effort, the
//! permission mode of the last prompt.
//!
//! Owns what a resumed session takes over of that, at the start and at a switch.
//! A flag, a variable or a setting that names another counts more. A transcript may
//! come from somebody else, so it never grants a permission: of the modes only
//! `plan` comes back, which asks more than any other.

use serde::Deserialize;

use super::provider::is_same_model;
use super::runtime::AgentRuntime;
use crate::protocol::PermissionMode;
use crate::session::raw_entry::{EntryKind, RawEntry};
use crate::session::transcript::PathScope;
use crate::transcript::{SYNTHETIC_MODEL, Transcript};

/// The efforts that the API knows.
const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

/// What a transcript says about how its session was run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedSettings {
    /// The model that answered last.
    pub model: Option<String>,
    /// The effort of that answer.
    pub effort: Option<String>,
    /// The permission mode of the last prompt, or of a change behind it.
    pub mode: Option<PermissionMode>,
}

/// What flags, variables or settings decide, so that no session does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PinnedSettings {
    pub model: bool,
    pub effort: bool,
    /// The permission mode.
    pub mode: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsEntry {
    #[serde(default)]
    message: Option<ReplyModel>,
    #[serde(default)]
    effort: Option<String>,
    #[serde(default)]
    per_turn_effort: Option<String>,
    #[serde(default)]
    permission_mode: Option<String>,
}

#[derive(Deserialize)]
struct ReplyModel {
    #[serde(default)]
    model: Option<String>,
}

impl RecordedSettings {
    /// Of the conversation that ends at `leaf`, also before a compaction.
    pub fn from_transcript(transcript: &Transcript<'_>, leaf: Option<usize>) -> Self {
        let path = transcript.path(leaf, PathScope::Display);
        let mut recorded = Self::default();
        let replies = path.iter().rev().map(|at| &transcript.entries[*at]);
        let last_reply = replies
            .filter(|entry| entry.kind() == EntryKind::Assistant && !entry.is_api_error())
            .find_map(|entry| {
                let wire: SettingsEntry = serde_json::from_str(entry.json()).ok()?;
                let model =
                    wire.message?.model.filter(|model| !model.is_empty() && model != SYNTHETIC_MODEL)?;
                Some((model, wire.per_turn_effort.or(wire.effort)))
            });
        if let Some((model, effort)) = last_reply {
            recorded.model = Some(model);
            recorded.effort = effort.filter(|effort| EFFORTS.contains(&effort.as_str()));
        }
        let of_prompt = path.iter().rev().find_map(|at| Some((*at, mode_of(&transcript.entries[*at])?)));
        let changes = transcript.entries.iter().enumerate().rev();
        let of_change = changes
            .filter(|(_, entry)| entry.kind() == EntryKind::PermissionMode)
            .find_map(|(at, entry)| Some((at, mode_of(entry)?)));
        let later = of_prompt.into_iter().chain(of_change).max_by_key(|(at, _)| *at);
        recorded.mode = later.map(|(_, mode)| mode);
        recorded
    }
}

fn mode_of(entry: &RawEntry<'_>) -> Option<PermissionMode> {
    if !matches!(entry.kind(), EntryKind::User | EntryKind::PermissionMode) {
        return None;
    }
    serde_json::from_str::<SettingsEntry>(entry.json()).ok()?.permission_mode?.parse().ok()
}

impl AgentRuntime {
    /// Goes on as the active session did, where nobody named something else. What
    /// is other than it was there is noted for a person.
    pub(super) fn adopt_recorded_settings(&mut self, moment: AdoptionMoment) {
        let RecordedSettings { model, effort, mode } = self.session.recorded.clone();
        let Some(model) = model else { return self.adopt_mode(mode) };
        let is_offered = self.provider.offers(&model);
        let before = self.settings.model.clone();
        if !self.settings.pinned.model {
            self.set_model(is_offered.then(|| model.clone()));
        }
        let now = &self.settings.model;
        let goes_on = is_same_model(&model, now);
        if goes_on && is_same_model(&model, &before) {
            // A window that was asked for stays.
            self.settings.model = before;
        } else if goes_on && moment == AdoptionMoment::Switch {
            self.session.notes.push(format!("the model is {now}, as it was in this session"));
        } else if !goes_on {
            self.session.notes.push(format!("this session had the model {model}; it goes on with {now}"));
        }
        if !self.settings.pinned.effort {
            let fits = goes_on && self.provider.takes_effort(&model);
            self.settings.effort = effort.filter(|_| fits);
        }
        self.adopt_mode(mode);
    }

    fn adopt_mode(&mut self, mode: Option<PermissionMode>) {
        if self.settings.pinned.mode {
            return;
        }
        let now = self.permissions.mode;
        if mode == Some(PermissionMode::Plan) && now != PermissionMode::Plan {
            self.settings.mode_before_plan = Some(now);
            self.permissions.mode = PermissionMode::Plan;
        } else if mode != Some(PermissionMode::Plan)
            && let Some(before) = self.settings.mode_before_plan.take()
            && now == PermissionMode::Plan
        {
            self.permissions.mode = before;
        }
    }
}

/// When settings are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdoptionMoment {
    /// The process starts: there was no other session.
    Start,
    /// Another session was active.
    Switch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::TranscriptText;

    fn check(lines: &[&str], expected: (Option<&str>, Option<&str>, Option<PermissionMode>)) {
        let bytes = lines.join("\n");
        let text = TranscriptText::read(bytes.as_bytes());
        let transcript = Transcript::read(&text);
        let recorded = RecordedSettings::from_transcript(&transcript, transcript.leaf());
        let found = (recorded.model.as_deref(), recorded.effort.as_deref(), recorded.mode);
        assert_eq!(found, expected, "{bytes}");
    }

    const PROMPT: &str =
        r#"{"type":"user","uuid":"a","parentUuid":null,"permissionMode":"plan","message":{"content":"x"}}"#;
    const REPLY: &str = r#"{"type":"assistant","uuid":"b","parentUuid":"a","effort":"high","perTurnEffort":null,"message":{"model":"m-1","content":"y"}}"#;
    const ERROR: &str = r#"{"type":"assistant","uuid":"c","parentUuid":"b","isApiErrorMessage":true,"message":{"model":"<synthetic>","content":"y"}}"#;

    #[test]
    fn the_last_real_reply_and_the_last_prompt_say_how_a_session_was_run() {
        check(&[PROMPT, REPLY, ERROR], (Some("m-1"), Some("high"), Some(PermissionMode::Plan)));
        check(&[PROMPT], (None, None, Some(PermissionMode::Plan)));
        check(&[], (None, None, None));
    }

    #[test]
    fn a_change_behind_the_last_prompt_counts_and_nonsense_does_not() {
        let change = r#"{"type":"permission-mode","permissionMode":"default","sessionId":"s"}"#;
        check(&[PROMPT, change], (None, None, Some(PermissionMode::Default)));
        check(&[change, PROMPT], (None, None, Some(PermissionMode::Plan)));
        let odd = REPLY.replace("high", "limitless").replace("\"m-1\"", "7");
        check(&[PROMPT, &odd], (None, None, Some(PermissionMode::Plan)));
    }

    #[test]
    fn what_a_compaction_summed_up_still_says_the_model() {
        let boundary = r#"{"type":"system","subtype":"compact_boundary","uuid":"d","parentUuid":null,"logicalParentUuid":"b"}"#;
        let summary = r#"{"type":"user","uuid":"e","parentUuid":"d","isCompactSummary":true,"message":{"content":"sum"}}"#;
        check(&[PROMPT, REPLY, boundary, summary], (Some("m-1"), Some("high"), Some(PermissionMode::Plan)));
    }
}
