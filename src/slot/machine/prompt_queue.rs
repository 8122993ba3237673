//! The submitted prompts whose turn has not started. None is ever lost.

use std::collections::VecDeque;

/// A prompt that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct PendingPrompt {
    pub uuid: String,
    pub text: String,
    /// The agent has it too. It stays here until its turn starts.
    pub sent: bool,
    /// Submitted during a switch, for the next session.
    pub for_next_session: bool,
}

/// All waiting prompts, the oldest first.
#[derive(Debug, Default)]
pub(super) struct PromptQueue {
    waiting: VecDeque<PendingPrompt>,
}

impl PromptQueue {
    pub(super) fn push(&mut self, uuid: String, text: String, for_next: bool) {
        self.waiting.push_back(PendingPrompt { uuid, text, sent: false, for_next_session: for_next });
    }

    pub(super) fn find(&self, uuid: &str) -> Option<&PendingPrompt> {
        self.waiting.iter().find(|prompt| prompt.uuid == uuid)
    }

    pub(super) fn remove(&mut self, uuid: &str) -> Option<PendingPrompt> {
        let at = self.waiting.iter().position(|prompt| prompt.uuid == uuid)?;
        self.waiting.remove(at)
    }

    /// Removes the prompts that `selects` selects; returns their uuids.
    pub(super) fn remove_where(&mut self, selects: impl Fn(&PendingPrompt) -> bool) -> Vec<String> {
        let (taken, kept) = std::mem::take(&mut self.waiting).into_iter().partition(selects);
        self.waiting = kept;
        let taken: VecDeque<PendingPrompt> = taken;
        taken.into_iter().map(|prompt| prompt.uuid).collect()
    }

    /// Whether the agent has any of them.
    pub(super) fn any_sent(&self) -> bool {
        self.waiting.iter().any(|prompt| prompt.sent)
    }

    /// Marks all as not sent; returns the uuids of those that were.
    pub(super) fn unsend(&mut self) -> Vec<String> {
        let had = self.waiting.iter_mut().filter(|prompt| prompt.sent);
        had.map(|prompt| {
            prompt.sent = false;
            prompt.uuid.clone()
        })
        .collect()
    }

    /// The next session is the active one now.
    pub(super) fn session_arrived(&mut self) {
        for prompt in &mut self.waiting {
            prompt.for_next_session = false;
        }
    }

    /// Marks at most `most` unsent prompts as sent; returns their uuids and texts.
    pub(super) fn mark_sent(&mut self, most: usize) -> Vec<(String, String)> {
        let unsent = self.waiting.iter_mut().filter(|prompt| !prompt.sent).take(most);
        unsent
            .map(|prompt| {
                prompt.sent = true;
                (prompt.uuid.clone(), prompt.text.clone())
            })
            .collect()
    }
}
