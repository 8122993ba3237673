//! Writes a whole text file.

use std::fs;
use std::io::ErrorKind;

use serde_json::{Value, json};

use super::{Need, Outcome, Place, Running, Tool, argument, io_failed, off_the_loop, patch};

/// The tool `Write`: `{file_path, content}`.
pub struct Write;

impl Tool for Write {
    fn name(&self) -> &'static str {
        "Write"
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
    let former = match fs::read(&path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return io_failed("write", &path, &error),
    };
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, content));
    if let Err(error) = written {
        return io_failed("write", &path, &error);
    }
    let (text, kind) = match former {
        None => (format!("File created successfully at: {}", path.display()), "create"),
        Some(_) => (format!("The file {} has been updated successfully.", path.display()), "update"),
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
        let place = Place { cwd: temp.path().to_owned(), guard: "unused".into() };
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
        let place = Place { cwd: temp.path().to_owned(), guard: "unused".into() };
        let outcome = write(&json!({"file_path": ".", "content": ""}), &place);
        assert!(outcome.is_error && outcome.text.contains("cannot write"), "{}", outcome.text);
    }
}
