//! The difference of two texts as hunks, in the official `structuredPatch` shape.

use std::time::Duration;

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change.
const CONTEXT_LINES: usize = 3;
/// After this time a coarser diff is good enough.
const DIFF_TIMEOUT: Duration = Duration::from_millis(500);

/// The line that `diff` prints behind a last line without a newline.
const NO_NEWLINE: &str = "\\ No newline at end of file";

/// The hunks that turn one text into another.
pub fn hunks(old: &str, new: &str) -> Vec<Value> {
    let diff = TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(old, new);
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) =
            (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let lines = group.iter().flat_map(|op| diff.iter_changes(op)).flat_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let line = format!("{sign}{}", change.value().trim_end_matches('\n'));
            std::iter::once(line).chain(change.missing_newline().then(|| NO_NEWLINE.to_owned()))
        });
        hunks.push(json!({
            "oldStart": old.start + 1, "oldLines": old.len(), "newStart": new.start + 1, "newLines": new.len(),
            "lines": lines.collect::<Vec<_>>(),
        }));
    }
    hunks
}
