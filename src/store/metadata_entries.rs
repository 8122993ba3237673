//! The entries that a store writes by itself: titles and tags.

use serde_json::json;

use crate::session::SessionId;

/// The entry that sets a title.
pub(super) fn title_entry(id: SessionId, title: &str) -> String {
    json!({"type": "custom-title", "customTitle": single_line(title), "sessionId": id}).to_string()
}

/// The entry that sets a tag; an empty one removes it.
pub(super) fn tag_entry(id: SessionId, tag: &str) -> String {
    json!({"type": "tag", "tag": single_line(tag), "sessionId": id}).to_string()
}

/// Folds white space and drops control characters.
fn single_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|char| !char.is_control()).collect()
}
