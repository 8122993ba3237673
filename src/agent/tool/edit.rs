//! Replaces a text in a file by another.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::real::real;
use super::replace::replace;
use super::seen::{KNOWN_NOW, Known, NOT_READ};
use super::{Need, Outcome, Place, Running, Tool, argument, io_failed, off_the_loop, patch};

/// A longer file is for other programs.
const LARGEST: u64 = 64 * 1024 * 1024;
/// What a change is told of a file that somebody else changed, too.
const CHANGED_SINCE: &str = " (note: the file had been modified on disk since you last read it — the edit applied \
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

    fn need(&self, input: &Value, place: &Place) -> Need {
        argument(input, "file_path").map_or(Need::Nothing, |path| Need::Edit(place.path(path)))
    }

    fn run(&self, input: Value, place: Place) -> Running {
        Box::pin(off_the_loop(move || edit(&input, &place)))
    }
}

/// What shall stand where.
struct Order<'a> {
    /// As the model gave it.
    path: PathBuf,
    /// Where it leads: a link stays, and what was permitted is changed.
    target: PathBuf,
    old: &'a str,
    new: &'a str,
    everywhere: bool,
}

/// A file before the change.
struct Former {
    text: String,
    known: Known,
}

fn edit(input: &Value, place: &Place) -> Outcome {
    let done = Order::read(input, place).and_then(|order| {
        let former = order.former(place)?;
        order.carry_out(&former, place)
    });
    done.unwrap_or_else(|failed| failed)
}

impl<'a> Order<'a> {
    fn read(input: &'a Value, place: &Place) -> Result<Self, Outcome> {
        let Some(path) = argument(input, "file_path").map(|path| place.path(path)) else {
            return Err(Outcome::misused("Edit needs a file_path"));
        };
        let (Some(old), Some(new)) = (input["old_string"].as_str(), input["new_string"].as_str()) else {
            return Err(Outcome::misused("Edit needs an old_string and a new_string"));
        };
        if old == new {
            let why = "No changes to make: old_string and new_string are exactly the same.";
            return Err(Outcome::misused(why));
        }
        Ok(Self { target: real(&path), path, old, new, everywhere: input["replace_all"] == true })
    }

    /// The file as it is, if it may be changed.
    fn former(&self, place: &Place) -> Result<Former, Outcome> {
        let misused = |what: String| Err(Outcome::misused(format!("{} {what}", self.path.display())));
        let there = match fs::metadata(&self.target) {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::NotFound && self.old.is_empty() => {
                return Ok(Former { text: String::new(), known: Known::Current });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(place.no_such_file()),
            Err(error) => return Err(io_failed("edit", &self.path, &error)),
        };
        // Opening a pipe or a device could wait for ever.
        if !there.is_file() {
            return misused(format!(
                "is {}",
                if there.is_dir() { "a folder, not a file" } else { "not a file" }
            ));
        }
        if there.len() > LARGEST {
            return misused(format!(
                "has {} bytes, more than {LARGEST}; change it with a command",
                there.len()
            ));
        }
        let is_empty = there.len() == 0;
        if self.old.is_empty() && !is_empty {
            return Err(Outcome::misused("Cannot create new file - file already exists."));
        }
        let known = place.seen.known(&self.target, &there);
        if known == Known::Not && !is_empty {
            return Err(Outcome::misused(NOT_READ));
        }
        match fs::read(&self.target).map(String::from_utf8) {
            Ok(Ok(text)) => Ok(Former { text, known }),
            Ok(Err(_)) => misused("is not a text file".to_owned()),
            Err(error) => Err(io_failed("edit", &self.path, &error)),
        }
    }

    fn carry_out(&self, former: &Former, place: &Place) -> Result<Outcome, Outcome> {
        // The model is shown lines without carriage returns, and answers so.
        let has_returns = has_returns(&former.text);
        let text: Cow<'_, str> =
            if has_returns { former.text.replace("\r\n", "\n").into() } else { former.text.as_str().into() };
        let changed = self.applied_to(&text)?;
        let bytes = if has_returns { changed.replace('\n', "\r\n") } else { changed.clone() };
        replace(&self.target, bytes.as_bytes()).map_err(|error| io_failed("edit", &self.path, &error))?;
        place.seen.note(&self.target);
        let mut detail = json!({
            "filePath": self.path, "oldString": self.old, "newString": self.new, "originalFile": text,
            "structuredPatch": patch::hunks(&text, &changed), "userModified": false, "replaceAll": self.everywhere,
        });
        let is_stale = former.known == Known::Stale;
        if is_stale {
            detail["staleRecovered"] = json!(true);
        }
        let what = if self.everywhere {
            "has been updated. All occurrences were successfully replaced."
        } else {
            "has been updated successfully."
        };
        let note = if is_stale { CHANGED_SINCE } else { KNOWN_NOW };
        Ok(Outcome::done(format!("The file {} {what}{note}", self.path.display()), detail))
    }

    /// The text with the change in it.
    fn applied_to(&self, text: &str) -> Result<String, Outcome> {
        if self.old.is_empty() {
            return Ok(self.new.to_owned());
        }
        let old = self.old.replace("\r\n", "\n");
        let old = if text.contains(self.old) { self.old } else { &old };
        let count = text.matches(old).count();
        let why = match count {
            0 => "String to replace not found in file.".to_owned(),
            2.. if !self.everywhere => format!(
                "Found {count} matches of the string to replace, but replace_all is false. To replace all \
                 occurrences, set replace_all to true. To replace only one occurrence, please provide more \
                 context to uniquely identify the instance."
            ),
            _ => return Ok(text.replace(old, self.new)),
        };
        Err(Outcome::misused(format!("{why}\nString: {}", self.old)))
    }
}

/// Whether each line ends in a carriage return, too.
fn has_returns(text: &str) -> bool {
    let lines = text.matches('\n').count();
    lines > 0 && text.matches("\r\n").count() == lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tool::read::read;

    fn check(content: &str, change: [&str; 2], everywhere: bool, expected: Result<&str, &str>) {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::new(temp.path().to_owned(), "unused".into());
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
        let place = Place::new(temp.path().to_owned(), "unused".into());
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
        let place = Place::new(temp.path().to_owned(), "unused".into());
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
