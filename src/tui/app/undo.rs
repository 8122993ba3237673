//! What the undo key reverts.

use super::effect::Effect;
use crate::session::SessionId;

/// Something that can be taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum Undo {
    /// This session was left by a clear.
    Clear(SessionId),
    /// This takes it back.
    Effect(Effect),
}
