//! The tool `Write`: writes a whole text file.

use serde_json::{Value, json};

use super::file_target::TargetContent;
use super::read_files::{NOT_READ_ERROR, ReadState, STALE_READ_ERROR, STATE_IS_CURRENT_NOTE};
use super::{
    Access, Tool, ToolContext, ToolFuture, ToolOutcome, io_error, run_blocking, string_argument,
    structured_patch,
};

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

    fn access(&self, input: &Value, place: &ToolContext) -> Access {
        string_argument(input, "file_path")
            .map_or(Access::Nothing, |path| Access::Edit(place.resolve(path).into()))
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        Box::pin(run_blocking(move || write(&input, &place)))
    }
}

fn write(input: &Value, place: &ToolContext) -> ToolOutcome {
    let Some(path) = string_argument(input, "file_path").map(|path| place.resolve(path)) else {
        return ToolOutcome::error("Write needs a file_path");
    };
    let Some(content) = input["content"].as_str() else {
        return ToolOutcome::error("Write needs the content");
    };
    // A link stays, and the file that it led to when this was decided is written.
    let held = place.target(&path);
    let target = match held.get() {
        Ok(target) => target,
        Err(error) => return io_error("write", &path, &error),
    };
    let former = match target.read(u64::MAX) {
        Ok(TargetContent::Folder) => {
            return ToolOutcome::error(format!("{} is a folder, not a file", path.display()));
        }
        Ok(TargetContent::Special) => return ToolOutcome::error(format!("{} is not a file", path.display())),
        Ok(TargetContent::File(metadata, content)) => {
            match place.read_files.state_of(target.path(), &metadata) {
                ReadState::Unread if metadata.len() > 0 => return ToolOutcome::usage_error(NOT_READ_ERROR),
                ReadState::Stale => return ToolOutcome::usage_error(STALE_READ_ERROR),
                ReadState::Unread | ReadState::Current => {
                    Some(String::from_utf8_lossy(&content).into_owned())
                }
            }
        }
        Ok(TargetContent::Missing) => None,
        Err(error) => return io_error("write", &path, &error),
    };
    if let Err(error) = target.write(content.as_bytes()) {
        return io_error("write", &path, &error);
    }
    place.read_files.record(target.path());
    let (text, kind) = match former {
        None => {
            (format!("File created successfully at: {}{STATE_IS_CURRENT_NOTE}", path.display()), "create")
        }
        Some(_) => (
            format!("The file {} has been updated successfully.{STATE_IS_CURRENT_NOTE}", path.display()),
            "update",
        ),
    };
    let changes =
        former.as_deref().map(|former| structured_patch::hunks(former, content)).unwrap_or_default();
    let detail = json!({
        "type": kind, "filePath": path, "content": content, "structuredPatch": changes, "originalFile": former,
        "userModified": false,
    });
    ToolOutcome::success(text, detail)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_new_file_is_created_and_an_old_one_updated_with_its_diff() {
        let temp = tempfile::tempdir().unwrap();
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
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
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
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
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
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
        let place = ToolContext::new(temp.path().to_owned(), "unused".into());
        fs::write(temp.path().join("a"), [0xff, b'\n']).unwrap();
        place.read_files.record(&temp.path().join("a").canonicalize().unwrap());
        let outcome = write(&json!({"file_path": "a", "content": ""}), &place);
        assert_eq!(outcome.detail["originalFile"], "\u{fffd}\n");
        assert_eq!(fs::read(temp.path().join("a")).unwrap(), b"");
    }
}
