//! The tool `Glob`: finds files by their names.

use std::path::Path;
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use super::file_search::{FileSearch, SearchCancellation, display_path, run_search, search_root};
use super::{Access, Tool, ToolContext, ToolFuture, ToolOutcome, string_argument};

/// The most files in a result (as in the official CLI).
const MAX_FILES: usize = 100;

/// The tool `Glob`: `{pattern, path?}`.
pub struct Glob;

impl Tool for Glob {
    fn name(&self) -> &'static str {
        "Glob"
    }

    fn description(&self) -> &'static str {
        "Finds files by a pattern such as `**/*.rs` or `src/**/*.{ts,tsx}`, also hidden and ignored ones. \
         Gives back their paths, the oldest change first, a hundred at most."
    }

    fn input_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "description": "The pattern that names must fit"},
                "path": {"type": "string", "description": "The folder to look in; the session's by default"},
            },
            "required": ["pattern"],
            "additionalProperties": false,
        })
    }

    fn is_read_only(&self, _: &Value) -> bool {
        true
    }

    fn access(&self, input: &Value, place: &ToolContext) -> Access {
        string_argument(input, "pattern")
            .map_or(Access::Nothing, |pattern| Access::Read(split_root(pattern, input, place).0.into()))
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        run_search(move |stopped| glob(&input, &place, stopped))
    }
}

/// Where to start, and the pattern from there. Of an absolute pattern, the folders
/// before the first star are where to start.
fn split_root<'a>(pattern: &'a str, input: &Value, place: &ToolContext) -> (std::path::PathBuf, &'a str) {
    if !pattern.starts_with('/') {
        return (search_root(input, place), pattern);
    }
    let star = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    let slash = pattern[..star].rfind('/').unwrap_or(0);
    (super::canonical(Path::new(&pattern[..slash.max(1)])), &pattern[slash + 1..])
}

fn glob(input: &Value, place: &ToolContext, stopped: &SearchCancellation) -> ToolOutcome {
    let began = Instant::now();
    let Some(pattern) = string_argument(input, "pattern") else {
        return ToolOutcome::usage_error("Glob needs a pattern");
    };
    let (root, pattern) = split_root(pattern, input, place);
    if !root.is_dir() {
        let (root, here) = (root.display(), place.cwd.display());
        let why =
            format!("Directory does not exist: {root}. Note: your current working directory is {here}.");
        return ToolOutcome::error(why);
    }
    let ask = FileSearch { root, globs: vec![pattern], file_type: None, include_ignored: true };
    let files = match ask.files(place, stopped) {
        Ok(files) => files,
        Err(why) => return ToolOutcome::error(why),
    };
    let mut files: Vec<_> = files
        .iter()
        .map(|file| {
            let changed = file.metadata().ok().and_then(|there| there.modified().ok());
            (changed.unwrap_or(SystemTime::UNIX_EPOCH), file.path())
        })
        .collect();
    files.sort();
    let total = files.len();
    let names: Vec<_> = files.iter().take(MAX_FILES).map(|(_, path)| display_path(path, place)).collect();
    let text = match total {
        0 => "No files found".to_owned(),
        _ if total > MAX_FILES => format!(
            "{}\n(Showing {MAX_FILES} of {total} matching files; {} more are not listed. Narrow the pattern or path \
             to see the rest.)",
            names.join("\n"),
            total - MAX_FILES
        ),
        _ => names.join("\n"),
    };
    let detail = json!({
        "filenames": names, "durationMs": began.elapsed().as_millis() as u64, "numFiles": names.len(),
        "truncated": total > MAX_FILES, "totalMatches": total, "countIsComplete": true,
    });
    ToolOutcome::success(text, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tool::file_search::tests::sample;

    #[test]
    fn files_are_found_by_their_names() {
        let (_temp, place) = sample();
        let check = |input: Value, expected: &str| {
            let found = glob(&input, &place, &SearchCancellation::default());
            let mut lines: Vec<_> = found.text.lines().collect();
            lines.sort_unstable();
            assert_eq!(lines.join(" "), expected, "{input}");
        };
        check(json!({"pattern": "**/*.rs"}), ".hidden.rs ignored/x.rs src/a.rs src/deep/b.rs");
        check(json!({"pattern": "*.rs"}), ".hidden.rs ignored/x.rs src/a.rs src/deep/b.rs");
        check(json!({"pattern": "src/*.rs"}), "src/a.rs");
        check(json!({"pattern": "*.{py,none}"}), "c.py");
        check(json!({"pattern": "*.rs", "path": "src"}), "src/a.rs src/deep/b.rs");
        check(json!({"pattern": format!("{}/src/**/*.rs", place.cwd.display())}), "src/a.rs src/deep/b.rs");
        check(json!({"pattern": "*.none"}), "No files found");
        check(json!({"pattern": "secret*"}), "No files found");
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let (_temp, place) = sample();
        for number in 0..150 {
            std::fs::write(place.cwd.join(format!("f{number}")), "").unwrap();
        }
        let found = glob(&json!({"pattern": "f*"}), &place, &SearchCancellation::default());
        assert!(found.text.contains("(Showing 100 of 150 matching files; 50 more"), "{}", found.text);
        assert_eq!((&found.detail["numFiles"], &found.detail["totalMatches"]), (&json!(100), &json!(150)));
    }

    #[test]
    fn what_cannot_be_searched_says_why() {
        let (_temp, place) = sample();
        for (input, says) in [
            (json!({}), "needs a pattern"),
            (json!({"pattern": "{"}), "unclosed alternate group"),
            (json!({"pattern": "*", "path": "gone"}), "Directory does not exist"),
        ] {
            let outcome = glob(&input, &place, &SearchCancellation::default());
            assert!(outcome.is_error && outcome.text.contains(says), "{input}: {}", outcome.text);
        }
    }
}
