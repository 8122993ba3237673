//! Reads a file: a text with line numbers for the model, anything else as [`super::read_media`] says.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;

use serde_json::{Value, json};

use super::canonical::canonical;
use super::read_media::MediaKind;
use super::{Access, Tool, ToolContext, ToolFuture, ToolOutcome, io_error, run_blocking, string_argument};

/// The most lines of one call.
const MAX_LINES: usize = 2000;
/// A longer file has to be read in parts (the official CLI's limit).
const MAX_READ_BYTES: u64 = 256 * 1024;
/// The most characters of a line.
const MAX_LINE_CHARS: usize = 2000;

/// The tool `Read`: `{file_path, offset?, limit?}`, both in lines, from 1.
pub struct Read;

impl Tool for Read {
    fn name(&self) -> &'static str {
        "Read"
    }

    fn description(&self) -> &'static str {
        "Reads a file. Of a text, the result has line numbers, which are no part of the file, and ends at \
         the 2000th line unless offset and limit say otherwise. Images and PDFs are shown to you, notebooks \
         (.ipynb) as cells with their outputs."
    }

    fn input_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "description": "The file's absolute path"},
                "offset": {"type": "number", "description": "The line to start at, from 1"},
                "limit": {"type": "number", "description": "How many lines to read"},
            },
            "required": ["file_path"],
            "additionalProperties": false,
        })
    }

    /// It has limits of its own.
    fn max_output(&self) -> usize {
        usize::MAX
    }

    fn is_read_only(&self, _: &Value) -> bool {
        true
    }

    fn access(&self, input: &Value, place: &ToolContext) -> Access {
        string_argument(input, "file_path")
            .map_or(Access::Nothing, |path| Access::Read(place.resolve(path).into()))
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        Box::pin(run_blocking(move || read(&input, &place)))
    }
}

/// Reads a file, and records that the model knows it.
pub(super) fn read(input: &Value, place: &ToolContext) -> ToolOutcome {
    let Some(path) = string_argument(input, "file_path").map(|path| place.resolve(path)) else {
        return ToolOutcome::error("Read needs a file_path");
    };
    let number = |name: &str| input[name].as_u64().and_then(|number| usize::try_from(number).ok());
    let (start, limit) = (number("offset").unwrap_or(1).max(1), number("limit"));
    let size = match fs::metadata(&path) {
        Ok(there) if there.is_dir() => {
            return ToolOutcome::error(format!("{} is a folder, not a file", path.display()));
        }
        // Reading a pipe or a device could wait for ever.
        Ok(there) if !there.is_file() => {
            return ToolOutcome::error(format!("{} is not a file", path.display()));
        }
        Ok(there) => there.len(),
        Err(error) => return io_error("read", &path, &error),
    };
    if let Some(kind) = MediaKind::of(&path) {
        let outcome = kind.read(&path, size);
        if !outcome.is_error {
            place.read_files.record(&canonical(&path));
        }
        return outcome;
    }
    if size > MAX_READ_BYTES && limit.is_none() {
        return ToolOutcome::error(format!(
            "{} has {size} bytes, more than {MAX_READ_BYTES}; read it in parts, with offset and limit",
            path.display()
        ));
    }
    let part = match LineRange::read(&path, start, limit.unwrap_or(MAX_LINES).clamp(1, MAX_LINES)) {
        Ok(part) => part,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return ToolOutcome::error(format!("{} is not a text file", path.display()));
        }
        Err(error) => return io_error("read", &path, &error),
    };
    let text = if size == 0 {
        "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>".to_owned()
    } else if part.lines.is_empty() {
        format!("There is no line {start}: the file has {} lines.", part.total)
    } else {
        let numbered = part.lines.iter().zip(start..).map(|(line, number)| format!("{number}\t{line}"));
        numbered.collect::<Vec<_>>().join("\n")
    };
    if text.len() as u64 > MAX_READ_BYTES {
        return ToolOutcome::error(format!(
            "lines {start} to {} of {} are {} bytes, more than {MAX_READ_BYTES}; read fewer at once",
            start + part.lines.len() - 1,
            path.display(),
            text.len()
        ));
    }
    let file = json!({
        "filePath": path, "content": part.lines.join("\n"), "numLines": part.lines.len(), "startLine": start,
        "totalLines": part.total,
    });
    place.read_files.record(&canonical(&path));
    ToolOutcome::success(text, json!({"type": "text", "file": file}))
}

/// Some lines of a file.
struct LineRange {
    lines: Vec<String>,
    /// Lines of the whole file. As the official CLI counts: a newline at the
    /// end begins one more line.
    total: usize,
}

impl LineRange {
    /// Reads through the file, and keeps only the range in memory.
    fn read(path: &Path, start: usize, limit: usize) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(64 * 1024, fs::File::open(path)?);
        let mut part = Self { lines: Vec::new(), total: 0 };
        let mut line = Vec::new();
        loop {
            let wanted = part.total + 1 >= start && part.lines.len() < limit;
            line.clear();
            let ends = next_line(&mut file, wanted.then_some(&mut line))?;
            part.total += 1;
            if wanted {
                part.lines.push(decode_line(&line)?);
            }
            if !ends {
                return Ok(part);
            }
        }
    }
}

/// Reads one line and keeps a little more of it than can be shown. `false` if the
/// file ends with it. A NUL makes the file binary.
fn next_line(file: &mut impl BufRead, mut kept: Option<&mut Vec<u8>>) -> io::Result<bool> {
    loop {
        let bytes = file.fill_buf()?;
        let end = memchr::memchr(b'\n', bytes);
        let piece = &bytes[..end.unwrap_or(bytes.len())];
        if memchr::memchr(0, piece).is_some() {
            return Err(ErrorKind::InvalidData.into());
        }
        if let Some(kept) = &mut kept {
            let room = (4 * MAX_LINE_CHARS + 8).saturating_sub(kept.len()).min(piece.len());
            kept.extend_from_slice(&piece[..room]);
        }
        let (read, is_end) = (piece.len(), bytes.is_empty());
        file.consume(read + usize::from(end.is_some()));
        if end.is_some() || is_end {
            return Ok(end.is_some());
        }
    }
}

/// A line for the model, cut if it is too long.
fn decode_line(line: &[u8]) -> io::Result<String> {
    let text = match str::from_utf8(line) {
        Ok(text) => text,
        // Cut in a character by `next_line`; far behind what is shown.
        Err(error) if error.valid_up_to() >= 4 * MAX_LINE_CHARS => {
            str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Err(ErrorKind::InvalidData.into()),
    };
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(match text.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}… [the rest of this line was cut off]", &text[..end]),
        None => text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Add;

    fn place(temp: &tempfile::TempDir) -> ToolContext {
        ToolContext::new(temp.path().to_owned(), "unused".into())
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
        let file = |name: &str, bytes: &[u8]| fs::write(temp.path().join(name), bytes).unwrap();
        file("binary", &[0xff, 0xfe]);
        file("program", b"\x7fELF\0\0");
        file("large", &vec![b'x'; 300_000]);
        file("wide", &"x".repeat(1000).add("\n").repeat(400).into_bytes());
        std::os::unix::net::UnixListener::bind(temp.path().join("socket")).unwrap();
        for (input, says) in [
            (json!({}), "needs a file_path"),
            (json!({"file_path": 7}), "needs a file_path"),
            (json!({"file_path": "gone"}), "No such file"),
            (json!({"file_path": "gone\0"}), "cannot read"),
            (json!({"file_path": "."}), "is a folder"),
            (json!({"file_path": "socket"}), "is not a file"),
            (json!({"file_path": "binary"}), "not a text file"),
            (json!({"file_path": "program"}), "not a text file"),
            (json!({"file_path": "large"}), "in parts"),
            (json!({"file_path": "wide", "limit": 2000}), "read fewer at once"),
        ] {
            let outcome = read(&input, &place(&temp));
            assert!(outcome.is_error && outcome.text.contains(says), "{input}: {}", outcome.text);
        }
    }

    #[test]
    fn long_files_and_long_lines_are_read_in_parts() {
        let temp = tempfile::tempdir().unwrap();
        let check = |content: &str, input: Value, expected: &str| {
            fs::write(temp.path().join("a"), content).unwrap();
            let mut input = input;
            input["file_path"] = "a".into();
            let outcome = read(&input, &place(&temp));
            assert!(!outcome.is_error && outcome.text == expected, "{input}: {}", outcome.text);
        };
        check(
            "",
            json!({}),
            "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>",
        );
        check("a\r\nb", json!({}), "1\ta\n2\tb");
        check("a\nb", json!({"offset": 0, "limit": 0}), "1\ta");
        check("a\nb", json!({"offset": 9}), "There is no line 9: the file has 2 lines.");
        check(
            "a\nb",
            json!({"offset": u64::MAX}),
            &format!("There is no line {}: the file has 2 lines.", u64::MAX),
        );
        let many: Vec<_> = (1..=2000).map(|line| format!("{line}\t{line}")).collect();
        let lines = (1..=9000).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        check(&lines, json!({"limit": 5000}), &many.join("\n"));
        check(&lines, json!({"offset": 9000}), "9000\t9000");
        // An odd number of bytes before, so that the limit falls into a character.
        let long = format!("x{}", "𝄞".repeat(100_000));
        let cut = format!("1\tx{}… [the rest of this line was cut off]", "𝄞".repeat(MAX_LINE_CHARS - 1));
        check(&long, json!({"limit": 1}), &cut);
    }
}
