//! Reads files that are not text: images, PDFs and notebooks.
//!
//! Owns which files these are and what the model gets of each: an image or
//! document block, or a notebook's cells as text (as CLI 2.1.332 does).

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ToolOutcome, io_error};

/// Bytes of an image: the API takes 5 MiB of base64.
const MAX_IMAGE_BYTES: u64 = 3_900_000;
/// Bytes of a document: the API takes a request of 32 MB.
const MAX_PDF_BYTES: u64 = 20_000_000;
/// Bytes of a notebook, outputs included.
const MAX_NOTEBOOK_BYTES: u64 = 10_000_000;
/// Characters of one output of a notebook.
const MAX_OUTPUT_CHARS: usize = 10_000;

/// What kind of file it is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// With its media type.
    Image(&'static str),
    /// Sent as it is.
    Pdf,
    /// Jupyter's JSON.
    Notebook,
}

impl MediaKind {
    /// The kind of a file; `None` for text.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "png" => Self::Image("image/png"),
            "jpg" | "jpeg" => Self::Image("image/jpeg"),
            "gif" => Self::Image("image/gif"),
            "webp" => Self::Image("image/webp"),
            "pdf" => Self::Pdf,
            "ipynb" => Self::Notebook,
            _ => return None,
        })
    }

    /// Reads a file of this kind, which has `size` bytes.
    pub fn read(self, path: &Path, size: u64) -> ToolOutcome {
        let limit = match self {
            Self::Image(_) => MAX_IMAGE_BYTES,
            Self::Pdf => MAX_PDF_BYTES,
            Self::Notebook => MAX_NOTEBOOK_BYTES,
        };
        if size > limit {
            let shown = path.display();
            return ToolOutcome::error(format!(
                "{shown} has {size} bytes; more than {limit} cannot be shown to a model"
            ));
        }
        if size == 0 {
            return ToolOutcome::error(format!("{} is empty", path.display()));
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return io_error("read", path, &error),
        };
        match self {
            Self::Image(media_type) => {
                let text = format!("Image file read: {} ({size} bytes)", path.display());
                let file = json!({"type": media_type, "originalSize": size});
                media_outcome(text, json!({"type": "image", "file": file}), "image", media_type, &bytes)
            }
            Self::Pdf if !bytes.starts_with(b"%PDF-") => {
                ToolOutcome::error(format!("{} is not a PDF, whatever its name says", path.display()))
            }
            Self::Pdf => {
                let text = format!("PDF file read: {} ({size} bytes)", path.display());
                let file = json!({"filePath": path, "originalSize": size});
                media_outcome(
                    text,
                    json!({"type": "pdf", "file": file}),
                    "document",
                    "application/pdf",
                    &bytes,
                )
            }
            Self::Notebook => match serde_json::from_slice(&bytes) {
                Ok(notebook) => notebook_outcome(path, &notebook),
                Err(error) => ToolOutcome::error(format!("{} is not a notebook: {error}", path.display())),
            },
        }
    }
}

/// A block with a file in it.
pub fn media_block(kind: &str, media_type: &str, base64: &str) -> Value {
    json!({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": base64}})
}

fn media_outcome(text: String, detail: Value, kind: &str, media_type: &str, bytes: &[u8]) -> ToolOutcome {
    let block = media_block(kind, media_type, &STANDARD.encode(bytes));
    ToolOutcome { blocks: Some(vec![block]), ..ToolOutcome::success(text, detail) }
}

/// Each cell in tags that name it, with what it printed.
fn notebook_outcome(path: &Path, notebook: &Value) -> ToolOutcome {
    let Some(cells) = notebook["cells"].as_array() else {
        return ToolOutcome::error(format!("{} has no cells", path.display()));
    };
    let mut blocks = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let id = cell["id"].as_str().map_or_else(|| format!("cell-{index}"), str::to_owned);
        let kind = match cell["cell_type"].as_str() {
            Some("code") | None => String::new(),
            Some(kind) => format!("<cell_type>{kind}</cell_type>"),
        };
        let source = joined(&cell["source"]);
        blocks.push(
            json!({"type": "text", "text": format!("<cell id=\"{id}\">{kind}{source}</cell id=\"{id}\">")}),
        );
        blocks.extend(cell["outputs"].as_array().into_iter().flatten().flat_map(output_blocks));
    }
    let texts: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    let text = texts.join("\n");
    let detail = json!({"type": "notebook", "file": {"filePath": path, "cells": cells}});
    let has_images = blocks.iter().any(|block| block["type"] == "image");
    ToolOutcome { blocks: has_images.then_some(blocks), ..ToolOutcome::success(text, detail) }
}

fn output_blocks(output: &Value) -> Vec<Value> {
    let mut text = match output["output_type"].as_str() {
        Some("error") => joined(&output["traceback"]),
        Some("stream") => joined(&output["text"]),
        _ => joined(&output["data"]["text/plain"]),
    };
    if let Some((cut, _)) = text.char_indices().nth(MAX_OUTPUT_CHARS) {
        text.truncate(cut);
        text.push_str("… [the rest of this output was cut off]");
    }
    let mut blocks = Vec::new();
    if !text.trim().is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    for media_type in ["image/png", "image/jpeg"] {
        let data = joined(&output["data"][media_type]);
        let data: String = data.split_whitespace().collect();
        if !data.is_empty() && data.len() as u64 <= MAX_IMAGE_BYTES * 4 / 3 {
            blocks.push(media_block("image", media_type, &data));
        }
    }
    blocks
}

/// Jupyter writes a text as one string, or as a list of lines.
fn joined(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, content: &[u8]) -> ToolOutcome {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join(name);
        fs::write(&path, content).unwrap();
        MediaKind::of(&path).unwrap().read(&path, content.len() as u64)
    }

    #[test]
    fn images_and_documents_become_blocks() {
        for (name, kind, media_type) in [
            ("a.PNG", "image", "image/png"),
            ("a.jpeg", "image", "image/jpeg"),
            ("a.pdf", "document", "application/pdf"),
        ] {
            let outcome = read(name, b"%PDF-1.4");
            let source = json!({"type": "base64", "media_type": media_type, "data": "JVBERi0xLjQ="});
            assert_eq!(outcome.blocks, Some(vec![json!({"type": kind, "source": source})]), "{name}");
        }
        assert!(read("a.pdf", b"<html>").is_error && read("a.png", b"").is_error);
        assert_eq!(MediaKind::of(Path::new("a.txt")), None);
    }

    #[test]
    fn a_notebook_becomes_its_cells() {
        let notebook = json!({"cells": [
            {"cell_type": "code", "id": "c1", "source": ["print(1)\n", "2"], "outputs": [
                {"output_type": "stream", "text": ["1\n"]},
                {"output_type": "execute_result", "data": {"text/plain": "2"}},
                {"output_type": "error", "traceback": ["boom"]},
            ]},
            {"cell_type": "markdown", "source": "# Title"},
        ]});
        let outcome = read("a.ipynb", notebook.to_string().as_bytes());
        let text = "<cell id=\"c1\">print(1)\n2</cell id=\"c1\">\n1\n\n2\nboom\n\
                    <cell id=\"cell-1\"><cell_type>markdown</cell_type># Title</cell id=\"cell-1\">";
        assert_eq!((outcome.text.as_str(), outcome.blocks), (text, None));
        let picture = json!({"cells": [{"outputs": [{"data": {"image/png": ["AA\n", "BB"]}}]}]});
        let blocks = read("a.ipynb", picture.to_string().as_bytes()).blocks.unwrap();
        assert_eq!(blocks[1]["source"]["data"], "AABB");
        assert!(read("a.ipynb", b"{").is_error && read("a.ipynb", b"{}").is_error);
    }
}
