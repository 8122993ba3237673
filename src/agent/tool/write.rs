//! Writes a whole text file.

use std::fs;
use std::io::ErrorKind;

use serde_json::{Value, json};

use super::real::real;
use super::replace::replace;
use super::seen::{KNOWN_NOW, Known, NOT_READ, READ_AGAIN};
use super::{Need, Outcome, Place, Running, Tool, argument, io_failed, off_the_loop, patch};

/// The tool `Write`: `{file_path, content}`.
pub struct Write;

impl Tool for Write {
    fn name(&self) -> &'static str {
        "Write"
    }

    fn description(&self) -> &'static str {
        "Writes a whole text file: makes it and the folders it needs, or replaces all that it held. Read a \
         file before replacing it."
    }

    fn input_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The file's absolute path"},
                "content": {"type": "string", "description": "All that the file shall hold"},
            },
            "required": ["file_path", "content"],
            "additionalProperties": false,
        })
    }

    fn need(&self, input: &Value, place: &Place) -> Need {
        argument(input, "file_path").map_or(Need::Nothing, |path| Need::Edit(place.path(path)))
    }

    fn run(&self, input: Value, place: Place) -> Running {
        Box::pin(off_the_loop(move || write(&input, &place)))
    }
}

fn write(input: &Value, place: &Place) -> Outcome {
    let Some(path) = argument(input, "file_path").map(|path| place.path(path)) else {
        return Outcome::failed("Write needs a file_path");
    };
    let Some(content) = input["content"].as_str() else {
        return Outcome::failed("Write needs the content");
    };
    // What was permitted: a link stays, and what it leads to is written.
    let target = real(&path);
    let former = match fs::metadata(&target) {
        Ok(there) if there.is_dir() => {
            return Outcome::failed(format!("{} is a folder, not a file", path.display()));
        }
        // Opening a pipe or a device could wait for ever.
        Ok(there) if !there.is_file() => return Outcome::failed(format!("{} is not a file", path.display())),
        Ok(there) => match place.seen.known(&target, &there) {
            Known::Not if there.len() > 0 => return Outcome::misused(NOT_READ),
            Known::Stale => return Outcome::misused(READ_AGAIN),
            Known::Not | Known::Current => match fs::read(&target) {
                Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) => return io_failed("write", &path, &error),
            },
        },
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return io_failed("write", &path, &error),
    };
    if let Err(error) = replace(&target, content.as_bytes()) {
        return io_failed("write", &path, &error);
    }
    place.seen.note(&target);
    let (text, kind) = match former {
        None => (format!("File created successfully at: {}{KNOWN_NOW}", path.display()), "create"),
        Some(_) => {
            (format!("The file {} has been updated successfully.{KNOWN_NOW}", path.display()), "update")
        }
    };
    let changes = former.as_deref().map(|former| patch::hunks(former, content)).unwrap_or_default();
    let detail = json!({
        "type": kind, "filePath": path, "content": content, "structuredPatch": changes, "originalFile": former,
        "userModified": false,
    });
    Outcome::done(text, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_created_and_an_old_one_updated_with_its_diff() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::new(temp.path().to_owned(), "unused".into());
        let write = |content: &str| write(&json!({"file_path": "deep/a.txt", "content": content}), &place);

        let created = write("one\ntwo\n");
        assert_eq!(
            (&created.detail["type"], &created.detail["structuredPatch"]),
            (&json!("create"), &json!([]))
        );

        let updated = write("one\n2\n");
        assert_eq!(updated.detail["type"], "update");
        let hunk = &updated.detail["structuredPatch"][0];
        assert_eq!(hunk["lines"], json!([" one", "-two", "+2"]));
        assert_eq!(fs::read_to_string(temp.path().join("deep/a.txt")).unwrap(), "one\n2\n");
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::new(temp.path().to_owned(), "unused".into());
        fs::write(temp.path().join("file"), "").unwrap();
        std::os::unix::net::UnixListener::bind(temp.path().join("socket")).unwrap();
        for (input, says) in [
            (json!({"content": ""}), "needs a file_path"),
            (json!({"file_path": "a"}), "needs the content"),
            (json!({"file_path": "a", "content": ["x"]}), "needs the content"),
            (json!({"file_path": ".", "content": ""}), "is a folder"),
            (json!({"file_path": "socket", "content": ""}), "is not a file"),
            (json!({"file_path": "file/below", "content": ""}), "cannot write"),
            (json!({"file_path": "a\0b", "content": ""}), "cannot write"),
            (json!({"file_path": "a".repeat(300), "content": ""}), "cannot write"),
        ] {
            let outcome = write(&input, &place);
            assert!(outcome.is_error && outcome.text.contains(says), "{input}: {}", outcome.text);
        }
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::new(temp.path().to_owned(), "unused".into());
        let link = temp.path().join("link");
        std::os::unix::fs::symlink("new/target", &link).unwrap();
        for content in ["created", "updated"] {
            write(&json!({"file_path": "link", "content": content}), &place);
            assert!(link.is_symlink());
            assert_eq!(fs::read_to_string(temp.path().join("new/target")).unwrap(), content);
        }
    }

    #[test]
    fn a_former_file_that_is_no_text_is_replaced_all_the_same() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::new(temp.path().to_owned(), "unused".into());
        fs::write(temp.path().join("a"), [0xff, b'\n']).unwrap();
        place.seen.note(&temp.path().join("a").canonicalize().unwrap());
        let outcome = write(&json!({"file_path": "a", "content": ""}), &place);
        assert_eq!(outcome.detail["originalFile"], "\u{fffd}\n");
        assert_eq!(fs::read(temp.path().join("a")).unwrap(), b"");
    }
}
