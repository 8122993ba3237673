//! Prompts that join a running turn.
//!
//! Owns which of the waiting prompts may. One that joins is recorded like any
//! other; it has no result of its own.

use std::io;

use super::runtime::AgentRuntime;
use super::turn::{PromptPriority, RunningTurn};

impl AgentRuntime {
    /// Lets waiting prompts join the turn, as people send them to steer it. Hooks may have a say about a
    /// prompt: then it waits for its own turn.
    pub(super) fn join_prompts(&mut self, turn: &mut RunningTurn) -> io::Result<()> {
        while let Some(at) = self.queue.iter().position(|prompt| {
            prompt.priority == PromptPriority::Next
                && prompt.wants_reply
                && super::slash_commands::parse(prompt).is_none()
        }) {
            let Some(prompt) = self.queue.get(at).cloned() else { break };
            if self.prompt_hooks(&prompt).is_some() {
                break;
            }
            self.queue.remove(at);
            self.record_prompt(&prompt)?;
            self.send_replay(&prompt);
            self.send_lifecycle(prompt.host_uuid.as_deref(), "started");
            turn.joined.extend(prompt.host_uuid);
        }
        Ok(())
    }
}
