//! How a turn ended, as its `result` frame tells it.
//!
//! Owns the official values of `subtype` and `terminal_reason` (CLI 2.1.332).
//! A reply that failed is there a `success` with `is_error`; so it is here.
//! Totals are the turn's own, see [`super::turn`].

/// A turn's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnOutcome {
    /// `success`, `error_during_execution`, `error_max_turns`, …
    pub subtype: &'static str,
    /// Whether something failed. A process whose last turn failed exits with 1.
    pub is_error: bool,
    /// The text of the last reply, of a local command, or of an error.
    pub text: Option<String>,
    /// What went wrong, where the official CLI lists it.
    pub errors: Vec<String>,
    /// The local command it was.
    pub local_command: Option<&'static str>,
    /// `completed`, `api_error`, `max_turns`, …
    pub terminal_reason: &'static str,
    /// The HTTP status of a failed request to the model.
    pub api_error_status: Option<u16>,
}

impl TurnOutcome {
    /// The turn did what it could; the text is the last reply's.
    pub fn success(text: impl Into<String>) -> Self {
        Self {
            subtype: "success",
            is_error: false,
            text: Some(text.into()),
            errors: Vec::new(),
            local_command: None,
            terminal_reason: "completed",
            api_error_status: None,
        }
    }

    /// No usable reply came; the text says why.
    pub fn api_error(text: impl Into<String>, status: Option<u16>) -> Self {
        Self { is_error: true, terminal_reason: "api_error", api_error_status: status, ..Self::success(text) }
    }

    /// The turn failed here, not at the model.
    pub fn failed(error: impl Into<String>) -> Self {
        let error = error.into();
        Self {
            subtype: "error_during_execution",
            is_error: true,
            errors: vec![error.clone()],
            terminal_reason: "turn_setup_failed",
            ..Self::success(error)
        }
    }

    /// The turn was interrupted, in a tool call or in a reply.
    pub fn interrupted(in_a_tool: bool) -> Self {
        let terminal_reason = if in_a_tool { "aborted_tools" } else { "aborted_streaming" };
        Self { text: None, terminal_reason, ..Self::failed("interrupted") }
    }

    /// A limit ended the turn; a later prompt can continue it.
    pub fn limit(subtype: &'static str, terminal_reason: &'static str, error: impl Into<String>) -> Self {
        Self { subtype, text: None, terminal_reason, ..Self::failed(error) }
    }

    /// The same, as the outcome of a local command.
    #[must_use]
    pub fn of_command(self, command: &'static str) -> Self {
        Self { local_command: Some(command), ..self }
    }
}
