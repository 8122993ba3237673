//! The tool `Edit`: replaces a text in a file by another.

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::file_target::{FileTarget, TargetContent};
use super::read_files::{NOT_READ_ERROR, ReadState, STATE_IS_CURRENT_NOTE};
use super::{
    Access, Tool, ToolContext, ToolFuture, ToolOutcome, io_error, run_blocking, string_argument,
    structured_patch,
};

/// The most bytes of a file that can be edited.
const MAX_EDIT_BYTES: u64 = 64 * 1024 * 1024;
/// The note on a file that somebody else changed, too (the official words).
const STALE_EDIT_NOTE: &str = " (note: the file had been modified on disk since you last read it — the edit applied \
                             cleanly, but the file contains other changes not in your context. Read it before edits \
                             that depend on surrounding content.)";

/// The tool `Edit`: `{file_path, old_string, new_string, replace_all?}`.
pub struct Edit;

impl Tool for Edit {
    fn name(&self) -> &'static str {
        "Edit"
    }

    fn description(&self) -> &'static str {
        "Replaces a text in a file, exactly and once. Read the file first. `old_string` is the text as it \
         stands in the file, blanks and all, without the line numbers that Read adds, and long enough to \
         occur only once; with `replace_all` every occurrence is replaced. An empty `old_string` makes a \
         new file."
    }

    fn input_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The whole path of the file"},
                "old_string": {"type": "string", "description": "The text to replace"},
                "new_string": {"type": "string", "description": "What stands there afterwards"},
                "replace_all": {"type": "boolean", "description": "Replace every occurrence; false by default"},
            },
            "required": ["file_path", "old_string", "new_string"],
            "additionalProperties": false,
        })
    }

    fn access(&self, input: &Value, place: &ToolContext) -> Access {
        string_argument(input, "file_path")
            .map_or(Access::Nothing, |path| Access::Edit(place.resolve(path).into()))
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        Box::pin(run_blocking(move || edit(&input, &place)))
    }
}

/// The replacement that a call asks for.
struct EditRequest<'a> {
    /// As the model gave it.
    path: PathBuf,
    old: &'a str,
    new: &'a str,
    replace_all: bool,
}

/// A file before the change.
struct OriginalFile {
    /// Where it is written back: a link stays, and the file that it led to when
    /// the call was decided about is changed.
    target: FileTarget,
    text: String,
    read_state: ReadState,
}

fn edit(input: &Value, place: &ToolContext) -> ToolOutcome {
    let done = EditRequest::parse(input, place).and_then(|order| {
        let former = order.original(place)?;
        order.apply(&former, place)
    });
    done.unwrap_or_else(|failed| failed)
}

impl<'a> EditRequest<'a> {
    fn parse(input: &'a Value, place: &ToolContext) -> Result<Self, ToolOutcome> {
        let Some(path) = string_argument(input, "file_path").map(|path| place.resolve(path)) else {
            return Err(ToolOutcome::usage_error("Edit needs a file_path"));
        };
        let (Some(old), Some(new)) = (input["old_string"].as_str(), input["new_string"].as_str()) else {
            return Err(ToolOutcome::usage_error("Edit needs an old_string and a new_string"));
        };
        if old == new {
            let why = "No changes to make: old_string and new_string are exactly the same.";
            return Err(ToolOutcome::usage_error(why));
        }
        Ok(Self { path, old, new, replace_all: input["replace_all"] == true })
    }

    /// The file as it is, if it may be changed.
    fn original(&self, place: &ToolContext) -> Result<OriginalFile, ToolOutcome> {
        let misused = |what: String| Err(ToolOutcome::usage_error(format!("{} {what}", self.path.display())));
        let held = place.target(&self.path);
        let target = held.get().map_err(|error| io_error("edit", &self.path, &error))?;
        let (metadata, content) = match target.read(MAX_EDIT_BYTES) {
            Ok(TargetContent::File(metadata, content)) => (metadata, content),
            Ok(TargetContent::Folder) => return misused("is a folder, not a file".to_owned()),
            Ok(TargetContent::Special) => return misused("is not a file".to_owned()),
            Ok(TargetContent::Missing) if self.old.is_empty() => {
                let target = target.clone();
                return Ok(OriginalFile { target, text: String::new(), read_state: ReadState::Current });
            }
            Ok(TargetContent::Missing) => return Err(place.no_such_file()),
            Err(error) => return Err(io_error("edit", &self.path, &error)),
        };
        if metadata.len() > MAX_EDIT_BYTES {
            return misused(format!(
                "has {} bytes, more than {MAX_EDIT_BYTES}; change it with a command",
                metadata.len()
            ));
        }
        let is_empty = metadata.len() == 0;
        if self.old.is_empty() && !is_empty {
            return Err(ToolOutcome::usage_error("Cannot create new file - file already exists."));
        }
        let read_state = place.read_files.state_of(target.path(), &metadata);
        if read_state == ReadState::Unread && !is_empty {
            return Err(ToolOutcome::usage_error(NOT_READ_ERROR));
        }
        match String::from_utf8(content) {
            Ok(text) => Ok(OriginalFile { target: target.clone(), text, read_state }),
            Err(_) => misused("is not a text file".to_owned()),
        }
    }

    fn apply(&self, former: &OriginalFile, place: &ToolContext) -> Result<ToolOutcome, ToolOutcome> {
        // The model is shown lines without carriage returns, and answers so.
        let has_returns = uses_crlf(&former.text);
        let text: Cow<'_, str> =
            if has_returns { former.text.replace("\r\n", "\n").into() } else { former.text.as_str().into() };
        let changed = self.edited(&text)?;
        let bytes = if has_returns { changed.replace('\n', "\r\n") } else { changed.clone() };
        former.target.write(bytes.as_bytes()).map_err(|error| io_error("edit", &self.path, &error))?;
        place.read_files.record(former.target.path());
        let mut detail = json!({
            "filePath": self.path, "oldString": self.old, "newString": self.new, "originalFile": text,
            "structuredPatch": structured_patch::hunks(&text, &changed), "userModified": false, "replaceAll": self.replace_all,
        });
        let is_stale = former.read_state == ReadState::Stale;
        if is_stale {
            detail["staleRecovered"] = json!(true);
        }
        let what = if self.replace_all {
            "has been updated. All occurrences were successfully replaced."
        } else {
            "has been updated successfully."
        };
        let note = if is_stale { STALE_EDIT_NOTE } else { STATE_IS_CURRENT_NOTE };
        Ok(ToolOutcome::success(format!("The file {} {what}{note}", self.path.display()), detail))
    }

    /// The text after the replacement.
    fn edited(&self, text: &str) -> Result<String, ToolOutcome> {
        if self.old.is_empty() {
            return Ok(self.new.to_owned());
        }
        let old = self.old.replace("\r\n", "\n");
        let old = if text.contains(self.old) { self.old } else { &old };
        let count = text.matches(old).count();
        let why = match count {
            0 => "String to replace not found in file.".to_owned(),
            2.. if !self.replace_all => format!(
                "Found {count} matches of the string to replace, but replace_all is false. To replace all \
                 occurrences, set replace_all to true. To replace only one occurrence, please provide more \
                 context to uniquely identify the instance."
            ),
            _ => return Ok(text.replace(old, self.new)),
        };
        Err(ToolOutcome::usage_error(format!("{why}\nString: {}", self.old)))
    }
}

/// Whether all lines end in CRLF.
fn uses_crlf(text: &str) -> bool {
    let lines = text.matches('\n').count();
    lines > 0 && text.matches("\r\n").count() == lines
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::agent::tool::read::read;

    fn check(content: &str, change: [&str; 2], everywhere: bool, expected: Result<&str, &str>) {
        let temp = tempfile::tempdir().unwrap();
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
        fs::write(temp.path().join("a"), content).unwrap();
        read(&json!({"file_path": "a"}), &place);
        let [old, new] = change;
        let input =
            json!({"file_path": "a", "old_string": old, "new_string": new, "replace_all": everywhere});
        let outcome = edit(&input, &place);
        let now = fs::read_to_string(temp.path().join("a")).unwrap();
        match expected {
            Ok(expected) => assert!(!outcome.is_error && now == expected, "{change:?}: {outcome:?} {now:?}"),
            Err(says) => {
                assert!(outcome.is_error && outcome.text.contains(says), "{change:?}: {outcome:?}");
                assert_eq!(now, content);
            }
        }
    }

    #[test]
    fn a_text_is_replaced_where_it_is_the_only_one() {
        check("one\ntwo\n", ["two", "2"], false, Ok("one\n2\n"));
        check("one\ntwo\n", ["two\n", ""], false, Ok("one\n"));
        check("a b a", ["a", "x"], true, Ok("x b x"));
        check("a b a", ["a", "x"], false, Err("Found 2 matches"));
        check("a", ["b", "x"], false, Err("String to replace not found in file.\nString: b"));
        check("a", ["a", "a"], false, Err("exactly the same"));
        check("a", ["", "x"], false, Err("already exists"));
        check("", ["", "x"], false, Ok("x"));
        check("one\r\ntwo\r\n", ["one\ntwo", "1\n2"], false, Ok("1\r\n2\r\n"));
        check("one\r\ntwo\n", ["two", "2"], false, Ok("one\r\n2\n"));
    }

    #[test]
    fn a_file_is_read_before_it_is_changed() {
        let temp = tempfile::tempdir().unwrap();
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
        let path = temp.path().join("a");
        let change =
            |old: &str| edit(&json!({"file_path": "a", "old_string": old, "new_string": "new"}), &place);
        assert!(change("x").text.contains("File does not exist"));
        fs::write(&path, "one two").unwrap();
        assert!(change("one").text.contains("has not been read yet"));
        read(&json!({"file_path": "a"}), &place);
        fs::write(&path, "one two three").unwrap();
        let changed = change("one");
        assert!(changed.text.contains("modified on disk") && changed.detail["staleRecovered"] == true);
        assert!(change("two").text.contains("no need to Read it back"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new new three");
    }

    #[test]
    fn a_new_file_is_made_of_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
        let made = edit(&json!({"file_path": "deep/a", "old_string": "", "new_string": "x\n"}), &place);
        assert!(!made.is_error, "{}", made.text);
        assert_eq!(fs::read_to_string(temp.path().join("deep/a")).unwrap(), "x\n");
        for (input, says) in [
            (json!({}), "needs a file_path"),
            (json!({"file_path": "a"}), "needs an old_string"),
            (json!({"file_path": ".", "old_string": "a", "new_string": "b"}), "is a folder"),
        ] {
            let outcome = edit(&input, &place);
            assert!(outcome.is_error && outcome.text.contains(says), "{input}: {}", outcome.text);
        }
    }
}
