//! A session as JSON: the conversation as the screen shows it. `JSON_HELP` documents
//! the shape. Times are RFC 3339; unknown values are null.

use serde_json::{Value, json};

use super::ExportedSession;
use crate::session::conversation::{Item, ItemKind, Notice};

pub fn render(session: &ExportedSession<'_>) -> String {
    let facts = session.facts;
    let whole = json!({
        "session_id": session.id,
        "title": session.title,
        "cwd": facts.cwd,
        "git_branch": facts.branch,
        "model": facts.model,
        "created_at": facts.created,
        "last_active": facts.active,
        "forked_from": facts.forked_from.as_ref().map(|from| &from.session_id),
        "cost_usd": facts.cost_usd,
        "items": session.conversation.items().iter().filter_map(item_json).collect::<Vec<_>>(),
    });
    format!("{whole:#}\n")
}

fn item_json(item: &Item) -> Option<Value> {
    let (kind, more) = match &item.kind {
        ItemKind::Prompt(text) => ("prompt", json!({ "text": text })),
        ItemKind::Reply { text, model, usage } => {
            ("reply", json!({ "text": text, "model": model, "usage": usage }))
        }
        ItemKind::Thinking(text) => ("thinking", json!({ "text": text })),
        ItemKind::Tool(call) => {
            let result = call.result.as_ref().map(
                |result| json!({ "text": result.text, "is_error": result.is_error, "detail": result.detail }),
            );
            ("tool", json!({ "id": call.id, "name": call.name, "input": call.input, "result": result }))
        }
        ItemKind::Notice(notice, text) => {
            let notice = match notice {
                Notice::Interrupted => "interrupted",
                Notice::Compacted => "compacted",
                Notice::Error => "error",
                Notice::Info => "info",
            };
            ("notice", json!({ "notice": notice, "text": text }))
        }
        ItemKind::TurnEnd(_) => return None,
    };
    let mut whole = json!({ "kind": kind, "uuid": item.uuid, "at": item.at });
    if let (Value::Object(whole), Value::Object(more)) = (&mut whole, more) {
        whole.extend(more);
    }
    Some(whole)
}
