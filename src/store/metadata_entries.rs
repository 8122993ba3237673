//! The entries that a store writes of itself: a title, a tag.

use serde_json::json;

use crate::session::SessionId;

/// A title; empty takes it away.
pub(super) fn title_entry(id: SessionId, title: &str) -> String {
    json!({"type": "custom-title", "customTitle": single_line(title), "sessionId": id}).to_string()
}

/// A tag; empty takes it away.
pub(super) fn tag_entry(id: SessionId, tag: &str) -> String {
    json!({"type": "tag", "tag": single_line(tag), "sessionId": id}).to_string()
}

/// One line, without control characters.
fn single_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|char| !char.is_control()).collect()
}
