//! The entries that a store writes by itself: titles and tags.

use crate::session::SessionId;
use crate::transcript::entry_encoder;

/// The entry that sets a title.
pub(super) fn title_entry(id: SessionId, title: &str) -> String {
    entry_encoder::title_entry(id, title).to_string()
}

/// The entry that sets a tag; an empty one removes it.
pub(super) fn tag_entry(id: SessionId, tag: &str) -> String {
    entry_encoder::tag_entry(id, tag).to_string()
}
