//! The prompts that were typed and have not started: none of them is lost.

use std::collections::VecDeque;

/// A prompt that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct PendingPrompt {
    pub uuid: String,
    pub text: String,
    /// The agent has it. Still kept here until its turn starts.
    pub sent: bool,
    /// Typed during a switch: meant for the session to come.
    pub for_next_session: bool,
}

/// All that wait, the oldest first.
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

    /// Takes those that `which` picks; gives back their uuids.
    pub(super) fn remove_where(&mut self, which: impl Fn(&PendingPrompt) -> bool) -> Vec<String> {
        let (taken, kept) = std::mem::take(&mut self.waiting).into_iter().partition(which);
        self.waiting = kept;
        let taken: VecDeque<PendingPrompt> = taken;
        taken.into_iter().map(|prompt| prompt.uuid).collect()
    }

    /// Some are with the agent.
    pub(super) fn any_sent(&self) -> bool {
        self.waiting.iter().any(|prompt| prompt.sent)
    }

    /// The agent no longer has any; gives back the uuids of those it had.
    pub(super) fn unsend(&mut self) -> Vec<String> {
        let had = self.waiting.iter_mut().filter(|prompt| prompt.sent);
        had.map(|prompt| {
            prompt.sent = false;
            prompt.uuid.clone()
        })
        .collect()
    }

    /// The session to come is the active one now.
    pub(super) fn session_arrived(&mut self) {
        for prompt in &mut self.waiting {
            prompt.for_next_session = false;
        }
    }

    /// Marks as sent those that were not, so many at most; gives back their
    /// uuids and texts.
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
