//! The tool `Grep`: finds text in files, by ripgrep's engine.

use std::path::Path;
use std::time::SystemTime;

use ignore::DirEntry;
use serde_json::{Value, json};

use super::file_search::{
    FileSearch, SearchCancellation, display_path, rejected_pattern, run_search, search_root,
};
use super::line_matches::{LineMatchOptions, LineMatcher};
use super::{Access, Tool, ToolContext, ToolFuture, ToolOutcome, string_argument};

/// Lines or files in a result if the call does not say.
const DEFAULT_LIMIT: usize = 250;
/// The most bytes of lines in a result.
const MAX_OUTPUT_BYTES: usize = 8 * 1024 * 1024;

/// The tool `Grep`: `{pattern, path?, glob?, type?, output_mode?, -A?, -B?, -C?, -n?, -i?, -o?, head_limit?,
/// offset?, multiline?}`.
pub struct Grep;

impl Tool for Grep {
    fn name(&self) -> &'static str {
        "Grep"
    }

    fn description(&self) -> &'static str {
        "Searches files for a regular expression, as ripgrep does: what .gitignore names is left out. \
         `output_mode` is `files_with_matches` (the default, the newest first), `content` for the lines, or \
         `count`. Braces are escaped to be meant as such. Use it rather than grep in a shell."
    }

    fn input_schema(&self) -> Value {
        let number = |what: &str| json!({"type": "number", "description": what});
        let choice = |what: &str| json!({"type": "boolean", "description": what});
        json!({
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "description": "The regular expression"},
                "path": {"type": "string", "description": "The folder or file to search; the session's folder by default"},
                "glob": {"type": "string", "description": "Which files, such as *.rs or *.{ts,tsx}"},
                "type": {"type": "string", "description": "Which kind of files, such as rust, py, js"},
                "output_mode": {"type": "string", "enum": ["content", "files_with_matches", "count"]},
                "-A": number("Lines to show after each match"),
                "-B": number("Lines to show before each match"),
                "-C": number("Lines to show before and after each match"),
                "context": number("The same as -C"),
                "-n": choice("Show line numbers; true by default"),
                "-i": choice("Upper and lower case are the same"),
                "-o": choice("Show only what matched"),
                "head_limit": number("Lines or files to give back; 250 by default, 0 for all"),
                "offset": number("Lines or files to pass over first"),
                "multiline": choice("A match may go over several lines, and a dot matches a line's end"),
            },
            "required": ["pattern"],
            "additionalProperties": false,
        })
    }

    fn max_output(&self) -> usize {
        20_000
    }

    fn is_read_only(&self, _: &Value) -> bool {
        true
    }

    fn access(&self, input: &Value, place: &ToolContext) -> Access {
        string_argument(input, "pattern")
            .map_or(Access::Nothing, |_| Access::Read(search_root(input, place).into()))
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        run_search(move |stopped| grep(&input, &place, stopped))
    }
}

/// Which part of the results is returned.
struct ResultWindow {
    offset: usize,
    limit: usize,
}

impl ResultWindow {
    fn from_input(input: &Value) -> Self {
        let limit = match number_argument(input, "head_limit") {
            Some(0) => usize::MAX,
            limit => limit.unwrap_or(DEFAULT_LIMIT),
        };
        Self { offset: number_argument(input, "offset").unwrap_or(0), limit }
    }

    /// `limit: 2, offset: 3`, as far as they made a difference.
    fn describe(&self, total: usize) -> Vec<String> {
        let is_cut = total.saturating_sub(self.offset) > self.limit;
        let limit = is_cut.then(|| format!("limit: {}", self.limit));
        limit.into_iter().chain((self.offset > 0).then(|| format!("offset: {}", self.offset))).collect()
    }

    /// Adds the same to the structured result.
    fn add_to_detail(&self, detail: &mut Value, total: usize) {
        if total.saturating_sub(self.offset) > self.limit {
            detail["appliedLimit"] = json!(self.limit);
        }
        if self.offset > 0 {
            detail["appliedOffset"] = json!(self.offset);
        }
    }
}

fn grep(input: &Value, place: &ToolContext, stopped: &SearchCancellation) -> ToolOutcome {
    let Some(pattern) = string_argument(input, "pattern") else {
        return ToolOutcome::usage_error("Grep needs a pattern");
    };
    let root = search_root(input, place);
    if !root.exists() {
        let (root, here) = (root.display(), place.cwd.display());
        let why = format!("Path does not exist: {root}. Note: your current working directory is {here}.");
        return ToolOutcome::error(why);
    }
    let globs = string_argument(input, "glob").map(globs).unwrap_or_default();
    let search = FileSearch {
        root: root.clone(),
        globs,
        file_type: string_argument(input, "type"),
        include_ignored: false,
    };
    let found = search.files(place, stopped).and_then(|files| {
        let hits = LineMatcher::new(pattern, &match_options(input)).map_err(rejected_pattern)?;
        Ok(GrepRun { files, hits, is_one_file: root.is_file(), place, stopped })
    });
    let page = ResultWindow::from_input(input);
    match (found, string_argument(input, "output_mode")) {
        (Err(why), _) => ToolOutcome::error(why),
        (Ok(mut found), Some("content")) => found.content(&page),
        (Ok(mut found), Some("count")) => found.counts(&page),
        (Ok(mut found), _) => found.names(&page),
    }
}

/// The match options of a call.
fn match_options(input: &Value) -> LineMatchOptions {
    let both = number_argument(input, "-C").or(number_argument(input, "context")).unwrap_or(0);
    LineMatchOptions {
        before: number_argument(input, "-B").unwrap_or(both),
        after: number_argument(input, "-A").unwrap_or(both),
        line_numbers: input["-n"] != false,
        only_matches: input["-o"] == true,
        ignore_case: input["-i"] == true,
        multiline: input["multiline"] == true,
    }
}

fn number_argument(input: &Value, name: &str) -> Option<usize> {
    let number = input[name].as_f64().filter(|number| *number >= 0.0)?;
    Some(number as usize)
}

/// Several patterns in one text, separated by blanks, or by commas outside of braces.
fn globs(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let parts = text.split(|char: char| {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char.is_whitespace() || char == ',' && depth == 0
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// A search that runs.
struct GrepRun<'a> {
    files: Vec<DirEntry>,
    hits: LineMatcher,
    is_one_file: bool,
    place: &'a ToolContext,
    stopped: &'a SearchCancellation,
}

impl GrepRun<'_> {
    fn content(&mut self, page: &ResultWindow) -> ToolOutcome {
        let (mut lines, mut total, mut bytes) = (Vec::new(), 0, 0);
        for file in self.files.iter().take_while(|_| !self.stopped.is_cancelled()) {
            let name = if self.is_one_file { String::new() } else { display_path(file.path(), self.place) };
            self.hits.for_each_line(file.path(), &name, |line| {
                if total >= page.offset && lines.len() < page.limit && bytes < MAX_OUTPUT_BYTES {
                    bytes += line.len();
                    lines.push(line);
                }
                total += 1;
            });
        }
        let content = lines.join("\n");
        let mut text = if total == 0 { "No matches found".to_owned() } else { content.clone() };
        let notes = page.describe(total);
        if !notes.is_empty() {
            text = format!("{text}\n\n[Showing results with pagination = {}]", notes.join(", "));
        }
        let mut detail = json!({
            "mode": "content", "numFiles": 0, "filenames": [], "content": content, "numLines": lines.len(),
            "totalLines": total,
        });
        page.add_to_detail(&mut detail, total);
        ToolOutcome::success(text, detail)
    }

    fn counts(&mut self, page: &ResultWindow) -> ToolOutcome {
        let counts: Vec<_> =
            self.match_counts().map(|(path, count)| (display_path(&path, self.place), count)).collect();
        let lines = counts.iter().skip(page.offset).take(page.limit);
        let content = lines.map(|(name, count)| format!("{name}:{count}")).collect::<Vec<_>>().join("\n");
        let matches: u64 = counts.iter().map(|(_, count)| count).sum();
        let files = plural(counts.len(), "file");
        let occurrences = if matches == 1 { "occurrence" } else { "occurrences" };
        let notes = page.describe(counts.len());
        let notes =
            if notes.is_empty() { String::new() } else { format!(" with pagination = {}", notes.join(", ")) };
        let head = if counts.is_empty() { "No matches found" } else { &content };
        let text = format!("{head}\n\nFound {matches} total {occurrences} across {files}.{notes}");
        let mut detail = json!({
            "mode": "count", "numFiles": counts.len(), "filenames": [], "content": content, "numMatches": matches,
        });
        page.add_to_detail(&mut detail, counts.len());
        ToolOutcome::success(text, detail)
    }

    fn names(&mut self, page: &ResultWindow) -> ToolOutcome {
        let changed = |path: &Path| path.metadata().and_then(|there| there.modified()).ok();
        let mut found: Vec<_> = self
            .match_counts()
            .map(|(path, _)| (std::cmp::Reverse(changed(&path).unwrap_or(SystemTime::UNIX_EPOCH)), path))
            .collect();
        found.sort();
        let page_of = found.iter().skip(page.offset).take(page.limit);
        let names: Vec<_> = page_of.map(|(_, path)| display_path(path, self.place)).collect();
        let notes = page.describe(found.len());
        let notes = if notes.is_empty() { String::new() } else { format!(" {}", notes.join(", ")) };
        let text = if names.is_empty() {
            "No files found".to_owned()
        } else {
            format!("Found {}{notes}\n{}", plural(names.len(), "file"), names.join("\n"))
        };
        let mut detail = json!({
            "mode": "files_with_matches", "filenames": names, "numFiles": names.len(), "totalFiles": found.len(),
        });
        page.add_to_detail(&mut detail, found.len());
        ToolOutcome::success(text, detail)
    }

    /// The files with a match, and how many lines of each have one.
    fn match_counts(&self) -> impl Iterator<Item = (std::path::PathBuf, u64)> {
        let files = self.files.iter().take_while(|_| !self.stopped.is_cancelled());
        let counted = files.map(|file| (file.path().to_owned(), self.hits.count(file.path())));
        counted.filter(|(_, count)| *count > 0)
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
