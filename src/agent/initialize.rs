//! What a host may declare in `initialize` beside hooks and servers.
//!
//! Owns the fields and their shapes (CLI 2.1.332, TypeScript SDK 0.3.332). All of
//! them are checked before any takes effect, so that a malformed request changes
//! nothing.

use serde_json::{Map, Value};

use super::frames::RequestError;
use super::runtime::AgentRuntime;
use super::tool::StructuredOutput;
use crate::protocol::ErrorCode;

impl AgentRuntime {
    /// Applies `systemPrompt`, `appendSystemPrompt`, `jsonSchema`, `title` and `managedSettings`; says of
    /// `agents` and `skills` that they have no effect yet.
    pub(super) fn apply_initialize_options(
        &mut self,
        options: &Map<String, Value>,
    ) -> Result<(), RequestError> {
        let replacement = text_or_texts(options, "systemPrompt")?;
        let appended = text_or_texts(options, "appendSystemPrompt")?;
        let title = text_or_texts(options, "title")?;
        let schema = match options.get("jsonSchema") {
            None | Some(Value::Null) => None,
            Some(schema) => Some(
                StructuredOutput::new(&schema.to_string()).map_err(|error| invalid("jsonSchema", &error))?,
            ),
        };
        let managed = match options.get("managedSettings") {
            None | Some(Value::Null) => None,
            Some(settings) if settings.is_object() => Some(settings),
            Some(_) => return Err(invalid("managedSettings", "it is not an object")),
        };
        self.settings.system_prompt.set(replacement, appended);
        if schema.is_some() {
            self.tools.replace(schema);
        }
        if let Some(settings) = managed {
            self.permissions.add_settings("the host's managed settings", settings);
        }
        if let Some(title) = title.filter(|_| self.session.title.is_none()) {
            self.rename(&title, None)?;
        }
        for (field, what) in [("agents", "named agents"), ("skills", "skills")] {
            let names = match options.get(field) {
                Some(Value::Object(named)) => named.keys().cloned().collect::<Vec<_>>(),
                Some(Value::Array(names)) => {
                    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
                }
                _ => Vec::new(),
            };
            if !names.is_empty() {
                self.permissions.problems.push(format!("{what} are not supported yet: {}", names.join(", ")));
            }
        }
        Ok(())
    }
}

/// A text, or a list of texts as one; `None` if there is neither.
fn text_or_texts(options: &Map<String, Value>, field: &str) -> Result<Option<String>, RequestError> {
    match options.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(texts)) => {
            let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
            let texts = texts.ok_or_else(|| invalid(field, "a part of it is not a text"))?;
            Ok(Some(texts.join("\n\n")))
        }
        Some(_) => Err(invalid(field, "it is neither a text nor a list of texts")),
    }
}

fn invalid(field: &str, error: &str) -> RequestError {
    RequestError::new(ErrorCode::InvalidRequest, format!("initialize: “{field}” cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_may_come_in_parts_and_nothing_else_is_one() {
        let of = |value: Value| text_or_texts(json!({"f": value}).as_object().unwrap(), "f");
        assert_eq!(of(json!("a")), Ok(Some("a".to_owned())));
        assert_eq!(of(json!(["a", "b"])), Ok(Some("a\n\nb".to_owned())));
        assert_eq!(of(json!(null)), Ok(None));
        assert!(of(json!(7)).is_err() && of(json!(["a", 7])).is_err());
    }
}
