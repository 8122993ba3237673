//! The prompts that were typed and have not started: none of them is lost.

use std::collections::VecDeque;

/// A prompt that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub uuid: String,
    pub text: String,
    /// The agent has it. Still kept here until its turn starts.
    pub sent: bool,
    /// Typed during a switch: meant for the session to come.
    pub for_next: bool,
}

/// All that wait, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    waiting: VecDeque<Waiting>,
}

impl Prompts {
    pub(super) fn push(&mut self, uuid: String, text: String, for_next: bool) {
        self.waiting.push_back(Waiting { uuid, text, sent: false, for_next });
    }

    pub(super) fn find(&self, uuid: &str) -> Option<&Waiting> {
        self.waiting.iter().find(|prompt| prompt.uuid == uuid)
    }

    pub(super) fn take(&mut self, uuid: &str) -> Option<Waiting> {
        let at = self.waiting.iter().position(|prompt| prompt.uuid == uuid)?;
        self.waiting.remove(at)
    }

    /// Takes those that `which` picks; gives back their uuids.
    pub(super) fn take_all(&mut self, which: impl Fn(&Waiting) -> bool) -> Vec<String> {
        let (taken, kept) = std::mem::take(&mut self.waiting).into_iter().partition(which);
        self.waiting = kept;
        let taken: VecDeque<Waiting> = taken;
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
    pub(super) fn arrive(&mut self) {
        for prompt in &mut self.waiting {
            prompt.for_next = false;
        }
    }

    /// Marks as sent those that were not, so many at most; gives back their
    /// uuids and texts.
    pub(super) fn send(&mut self, most: usize) -> Vec<(String, String)> {
        let unsent = self.waiting.iter_mut().filter(|prompt| !prompt.sent).take(most);
        unsent
            .map(|prompt| {
                prompt.sent = true;
                (prompt.uuid.clone(), prompt.text.clone())
            })
            .collect()
    }
}
