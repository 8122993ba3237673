//! Reads a text file, with line numbers for the model.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use super::{Need, Outcome, Place, Running, Tool, argument, io_failed, off_the_loop};

/// Lines read where the call does not say (as the official CLI).
const LINES: usize = 2000;
/// A longer file is read in parts (the official CLI's limit).
const LARGEST: u64 = 256 * 1024;
/// Characters of a line.
const LONGEST_LINE: usize = 2000;

/// The tool `Read`: `{file_path, offset?, limit?}`, both in lines, from 1.
pub struct Read;

impl Tool for Read {
    fn name(&self) -> &'static str {
        "Read"
    }

    fn need(&self, input: &Value, place: &Place) -> Need {
        argument(input, "file_path").map_or(Need::Nothing, |path| Need::Look(place.path(path)))
    }

    fn run(&self, input: Value, place: Place) -> Running {
        Box::pin(off_the_loop(move || read(&input, &place)))
    }
}

fn read(input: &Value, place: &Place) -> Outcome {
    let Some(path) = argument(input, "file_path").map(|path| place.path(path)) else {
        return Outcome::failed("Read needs a file_path");
    };
    let in_parts = input["limit"].is_u64();
    match fs::metadata(&path) {
        Ok(there) if !there.is_file() => {
            return Outcome::failed(format!("{} is not a file", path.display()));
        }
        Ok(there) if there.len() > LARGEST && !in_parts => {
            return Outcome::failed(format!(
                "{} has {} bytes, more than {LARGEST}; read it in parts, with offset and limit",
                path.display(),
                there.len()
            ));
        }
        Ok(_) => {}
        Err(error) => return io_failed("read", &path, &error),
    }
    let text = match fs::read(&path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => return Outcome::failed(format!("{} is not a text file", path.display())),
        Err(error) => return io_failed("read", &path, &error),
    };
    // As the official CLI counts: a newline at the end begins one more line.
    let lines: Vec<_> = text.split('\n').collect();
    let number = |name: &str| input[name].as_u64().and_then(|number| usize::try_from(number).ok());
    let start = number("offset").unwrap_or(1).clamp(1, lines.len());
    let end = lines.len().min(start - 1 + number("limit").unwrap_or(LINES));
    let part = &lines[start - 1..end];
    let mut numbered = String::new();
    for (at, line) in part.iter().enumerate() {
        let line: String = line.chars().take(LONGEST_LINE).collect();
        let separator = if at == 0 { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = write!(numbered, "{separator}{}\t{line}", start + at);
    }
    let file = json!({
        "filePath": path, "content": part.join("\n"), "numLines": part.len(), "startLine": start,
        "totalLines": lines.len(),
    });
    Outcome::done(numbered, json!({"type": "text", "file": file}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(temp: &tempfile::TempDir) -> Place {
        Place { cwd: temp.path().to_owned(), guard: "unused".into() }
    }

    #[test]
    fn lines_are_numbered_and_counted_as_the_official_tool_does() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("a.txt"), "alpha\nbeta\n").unwrap();
        let outcome = read(&json!({"file_path": "a.txt"}), &place(&temp));
        assert_eq!(outcome.text, "1\talpha\n2\tbeta\n3\t");
        let file = &outcome.detail["file"];
        assert_eq!((&file["numLines"], &file["totalLines"]), (&json!(3), &json!(3)));

        let part = read(&json!({"file_path": "a.txt", "offset": 2, "limit": 1}), &place(&temp));
        assert_eq!(part.text, "2\tbeta");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("binary"), [0xff, 0xfe]).unwrap();
        fs::write(temp.path().join("large"), vec![b'x'; 300_000]).unwrap();
        for (path, says) in
            [("gone", "No such file"), (".", "not a file"), ("binary", "text"), ("large", "parts")]
        {
            let outcome = read(&json!({"file_path": path}), &place(&temp));
            assert!(outcome.is_error && outcome.text.contains(says), "{path}: {}", outcome.text);
        }
    }
}
