//! The files that the input of a call names, whatever its fields are called.

use serde_json::Value;

/// Fields of agents that hold the texts of an edit: left out where the diffs show
/// them already.
pub(super) const EDIT_TEXTS: [&str; 8] =
    ["oldString", "old_string", "old_str", "newString", "new_string", "new_str", "content", "file_text"];
/// Names of files that do not say “path” or “file”.
const FILE_NAMES: [&str; 6] = ["destination", "dest", "target", "source", "uri", "directory"];

/// The texts in an input whose fields are called like files, at any depth.
pub(super) fn collect_file_names<'a>(input: &'a Value, is_file: bool, names: &mut Vec<&'a str>) {
    match input {
        // A text of several lines is no name.
        Value::String(name) if is_file && !name.contains('\n') => {
            let name = name.strip_prefix("file://").unwrap_or(name);
            // The agent may mean the home by it, which is outside.
            names.push(if name.starts_with('~') { "/" } else { name });
        }
        Value::Array(items) => items.iter().for_each(|item| collect_file_names(item, is_file, names)),
        Value::Object(fields) => {
            for (field, value) in fields {
                // Some agents list changes by their file.
                if field.contains('/') {
                    names.push(field);
                }
                let field = field.to_lowercase();
                let says_file = field.contains("path") || field.contains("file");
                let is_text = EDIT_TEXTS.contains(&field.as_str());
                let is_file = !is_text && (says_file || FILE_NAMES.contains(&field.as_str()));
                collect_file_names(value, is_file, names);
            }
        }
        _ => {}
    }
}
