//! A change of a text as hunks, in the official `structuredPatch` shape.

use std::time::Duration;

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change.
const AROUND: usize = 3;
/// After so long a coarser diff is good enough.
const PATIENCE: Duration = Duration::from_millis(500);

/// The hunks that turn one text into another.
pub fn hunks(old: &str, new: &str) -> Vec<Value> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) =
            (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let lines = group.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            format!("{sign}{}", change.value().trim_end_matches('\n'))
        });
        hunks.push(json!({
            "oldStart": old.start + 1, "oldLines": old.len(), "newStart": new.start + 1, "newLines": new.len(),
            "lines": lines.collect::<Vec<_>>(),
        }));
    }
    hunks
}
