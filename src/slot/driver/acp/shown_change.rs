//! A change of a file as a permission request shows it, and what it allows.

use agent_client_protocol_schema::v1::Diff;
use serde_json::{Map, Value, json};

/// A change of a file that a person was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShownChange {
    /// The whole new text.
    Whole(String),
    /// A part of the text and what it becomes.
    Part { old: String, new: String },
}

impl ShownChange {
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// Whether this change, made to `now`, gives `text`.
    pub fn gives(&self, now: &str, text: &str) -> bool {
        match self {
            Self::Whole(new) => text == new,
            // Agents give either a fragment or the whole text before and after.
            Self::Part { old, new } => text == now.replacen(old, new, 1) || text == now.replace(old, new),
        }
    }

    /// The text after this change, where it is one of a fragment that occurs.
    pub fn applied(&self, now: &str) -> Option<String> {
        match self {
            Self::Whole(new) => Some(new.clone()),
            Self::Part { old, new } => now.contains(old).then(|| now.replacen(old, new, 1)),
        }
    }
}

/// The change that a diff is.
pub(super) fn shown_change(diff: &Diff) -> ShownChange {
    match diff.old_text.clone().filter(|old| !old.is_empty()) {
        Some(old) => ShownChange::Part { old, new: diff.new_text.clone() },
        None => ShownChange::Whole(diff.new_text.clone()),
    }
}

/// A change in the fields of the official tools.
pub(super) fn change_fields(diff: &Diff) -> Map<String, Value> {
    let path = json!(diff.path.display().to_string());
    let fields = match shown_change(diff) {
        ShownChange::Whole(content) => vec![("file_path", path), ("content", json!(content))],
        ShownChange::Part { old, new } => {
            vec![("file_path", path), ("old_string", json!(old)), ("new_string", json!(new))]
        }
    };
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
