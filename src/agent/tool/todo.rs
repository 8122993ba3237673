//! The tool `TodoWrite`: keeps the session's to-do list.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Access, Tool, ToolContext, ToolFuture, ToolOutcome, string_argument};

/// The result of a change (the official words).
const TODOS_CHANGED: &str = "Todos have been modified successfully. Ensure that you continue to use the todo list to track \
                       your progress. Please proceed with the current tasks if applicable";

/// A session's to-do list. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct TodoList(Arc<Mutex<Vec<Value>>>);

/// The tool `TodoWrite`: `{todos: [{content, status, activeForm}]}`.
pub struct TodoWrite;

impl Tool for TodoWrite {
    fn name(&self) -> &'static str {
        "TodoWrite"
    }

    fn description(&self) -> &'static str {
        "Keeps the list of what is to be done in this session, for work of several steps. Each call gives the \
         whole list anew. One step is in progress at a time, and is marked as completed as soon as it is."
    }

    fn input_schema(&self) -> Value {
        let todo = json!({
            "type": "object",
            "properties": {
                "content": {"type": "string", "minLength": 1, "description": "What is to be done: Run the tests"},
                "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                "activeForm": {"type": "string", "minLength": 1, "description": "The same while it is done: Running the tests"},
            },
            "required": ["content", "status", "activeForm"],
            "additionalProperties": false,
        });
        json!({
            "type": "object",
            "properties": {"todos": {"type": "array", "items": todo, "description": "The whole list"}},
            "required": ["todos"],
            "additionalProperties": false,
        })
    }

    fn access(&self, _: &Value, _: &ToolContext) -> Access {
        Access::Nothing
    }

    fn run(&self, input: Value, place: ToolContext) -> ToolFuture {
        Box::pin(std::future::ready(write(&input, &place)))
    }
}

fn write(input: &Value, place: &ToolContext) -> ToolOutcome {
    let Some(todos) = input["todos"].as_array() else {
        return ToolOutcome::usage_error("TodoWrite needs the list of todos");
    };
    for (number, todo) in todos.iter().enumerate() {
        let is_known = matches!(todo["status"].as_str(), Some("pending" | "in_progress" | "completed"));
        if !is_known
            || string_argument(todo, "content").is_none()
            || string_argument(todo, "activeForm").is_none()
        {
            return ToolOutcome::usage_error(format!(
                "todos[{number}] needs a content, an activeForm, and a status of pending, in_progress or completed"
            ));
        }
    }
    let mut list = place.todos.0.lock().unwrap_or_else(PoisonError::into_inner);
    let former = std::mem::replace(&mut *list, todos.clone());
    ToolOutcome::success(TODOS_CHANGED.to_owned(), json!({"oldTodos": former, "newTodos": todos}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_kept_as_it_was_given() {
        let place = ToolContext::new("/".into(), "unused".into());
        let todo = |status: &str| json!([{"content": "a", "status": status, "activeForm": "b"}]);
        for (list, former) in [(todo("pending"), json!([])), (todo("completed"), todo("pending"))] {
            let outcome = write(&json!({"todos": list}), &place);
            assert_eq!(outcome.detail, json!({"oldTodos": former, "newTodos": list}));
        }
        for wrong in [json!({}), json!({"todos": [1]}), json!({"todos": todo("done")})] {
            assert!(write(&wrong, &place).is_error, "{wrong}");
        }
    }
}
