//! The agents that can take the seat, to pick one from.

/// An agent on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What it is called.
    pub name: &'static str,
    /// How each switch would be done.
    pub how: String,
    /// Why it cannot be picked; none where it can.
    pub missing: Option<String>,
}
