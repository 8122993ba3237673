//! Turns an editor's prompt blocks into the text that our agent takes.

use std::fmt::Write as _;

use agent_client_protocol_schema::v1::{AvailableCommand, ContentBlock, EmbeddedResourceResource, Error};

/// Slash commands that switch sessions, which an editor does itself.
const SWITCHES: [&str; 5] = ["clear", "new", "reset", "resume", "fork"];

/// The text of a prompt.
pub(super) fn prompt_text(blocks: Vec<ContentBlock>) -> Result<String, Error> {
    let mut text = String::new();
    for block in blocks {
        match block {
            ContentBlock::Text(said) => text.push_str(&said.text),
            ContentBlock::ResourceLink(link) => text.push_str(uri_path(&link.uri)),
            ContentBlock::Resource(embedded) => match embedded.resource {
                EmbeddedResourceResource::TextResourceContents(file) => {
                    let _ =
                        write!(text, "\n<file path=\"{}\">\n{}\n</file>\n", uri_path(&file.uri), file.text);
                }
                _ => return Err(unsupported_content("a file that is not text")),
            },
            ContentBlock::Image(_) => return Err(unsupported_content("an image")),
            _ => return Err(unsupported_content("audio, or content that this version does not know")),
        }
    }
    let command = text.split_whitespace().next().and_then(|word| word.strip_prefix('/'));
    match command {
        None if text.trim().is_empty() => Err(Error::invalid_params().data("the prompt is empty")),
        Some(command) if SWITCHES.contains(&command) => {
            let reason =
                format!("/{command} switches sessions: start, open or fork one in the editor instead");
            Err(Error::invalid_params().data(reason))
        }
        _ => Ok(text),
    }
}

/// The agent's slash commands without those that switch sessions.
pub(super) fn offered_commands(of_the_agent: &[(String, String)]) -> Vec<AvailableCommand> {
    let offered = of_the_agent.iter().filter(|(name, _)| !SWITCHES.contains(&name.as_str()));
    offered.map(|(name, what)| AvailableCommand::new(name.clone(), what.clone())).collect()
}

/// The path of a `file://` URI; any other URI unchanged.
fn uri_path(uri: &str) -> &str {
    uri.strip_prefix("file://").unwrap_or(uri)
}

fn unsupported_content(what: &str) -> Error {
    Error::invalid_params().data(format!("the prompt contains {what}, which hotseat's agent does not accept"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_prompt_becomes_text() {
        let check = |blocks: Value, expected: Result<&str, &str>| {
            let text = prompt_text(serde_json::from_value(blocks).unwrap());
            match (text, expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(error), Err(expected)) => assert!(error.data.unwrap().to_string().contains(expected)),
                other => panic!("{other:?}"),
            }
        };
        let said = |text: &str| json!({"type": "text", "text": text});
        let link = json!({"type": "resource_link", "name": "a", "uri": "file:///w/a.rs"});
        let file = json!({"type": "resource", "resource": {"uri": "file:///w/a.rs", "text": "fn"}});
        check(json!([said("see "), link]), Ok("see /w/a.rs"));
        check(json!([said("see "), file]), Ok("see \n<file path=\"/w/a.rs\">\nfn\n</file>\n"));
        check(json!([said("/cost")]), Ok("/cost"));
        check(json!([said("/clear now")]), Err("start, open or fork"));
        check(json!([said(" ")]), Err("empty"));
        check(json!([{"type": "image", "data": "", "mimeType": "image/png"}]), Err("an image"));
    }
}
