//! The tool `StructuredOutput`: the answer of a run in the form of `--json-schema`.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Access, Tool, ToolContext, ToolFuture, ToolOutcome};

/// The tool's name (the official one).
pub const NAME: &str = "StructuredOutput";
/// The most errors that are reported at once.
const MAX_REPORTED_ERRORS: usize = 5;

/// The tool `StructuredOutput`: its arguments are the answer.
pub struct StructuredOutput {
    schema: Value,
    validator: Validator,
}

impl StructuredOutput {
    /// Parses the schema; the error says what is wrong with it.
    pub fn new(schema: &str) -> Result<Self, String> {
        let schema: Value =
            serde_json::from_str(schema).map_err(|error| format!("it is no JSON: {error}"))?;
        if !schema.is_object() {
            return Err("it is no JSON object".to_owned());
        }
        let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
        Ok(Self { schema, validator })
    }

    fn validate(&self, answer: &Value) -> ToolOutcome {
        let mistakes = self.validator.iter_errors(answer).take(MAX_REPORTED_ERRORS);
        let mistakes: Vec<_> = mistakes
            .map(|mistake| format!("{}: {mistake}", pointer_label(&mistake.instance_path().to_string())))
            .collect();
        if mistakes.is_empty() {
            let text = "Structured output provided successfully".to_owned();
            return ToolOutcome::success(text.clone(), json!(text));
        }
        ToolOutcome::usage_error(format!("Output does not match required schema: {}", mistakes.join("; ")))
    }
}

impl Tool for StructuredOutput {
    fn name(&self) -> &'static str {
        NAME
    }

    fn description(&self) -> &'static str {
        "Gives the final answer in the form that was asked for. Call it exactly once, when everything else is \
         done; its arguments are the answer."
    }

    fn input_schema(&self) -> Value {
        self.schema.clone()
    }

    fn access(&self, _: &Value, _: &ToolContext) -> Access {
        Access::Nothing
    }

    fn run(&self, input: Value, _: ToolContext) -> ToolFuture {
        Box::pin(std::future::ready(self.validate(&input)))
    }
}

fn pointer_label(pointer: &str) -> &str {
    if pointer.is_empty() { "the answer" } else { pointer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_or_is_told_where_it_does_not() {
        let schema = r#"{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}"#;
        let tool = StructuredOutput::new(schema).unwrap();
        assert!(!tool.validate(&json!({"n": 1, "more": true})).is_error);
        for (answer, told) in [(json!({}), "the answer: "), (json!({"n": "x"}), "/n: ")] {
            let outcome = tool.validate(&answer);
            assert!(outcome.is_error && outcome.text.contains(told), "{}", outcome.text);
        }
    }

    #[test]
    fn what_is_no_schema_is_said() {
        for (schema, told) in [("{", "no JSON"), ("[]", "no JSON object"), (r#"{"type": 7}"#, "7")] {
            let error = StructuredOutput::new(schema).err().unwrap();
            assert!(error.contains(told), "{schema}: {error}");
        }
    }
}
