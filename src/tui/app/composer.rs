//! The prompt being written: a draft for each session, a history, a completion.

use std::collections::HashMap;

use tui_textarea::{CursorMove, TextArea, WrapMode};

use crate::session::SessionId;

/// Prompts the history keeps.
const MAX_HISTORY: usize = 500;

/// The composer's state.
#[derive(Debug)]
pub struct Composer {
    /// The text being written.
    pub area: TextArea<'static>,
    /// The session the text is meant for; `None` before there is one.
    session: Option<SessionId>,
    /// The texts left behind in other sessions.
    drafts: HashMap<SessionId, String>,
    /// The drafts as they are on disk.
    saved_drafts: HashMap<SessionId, String>,
    /// Prompts sent, oldest first.
    history: Vec<String>,
    /// Which of them is shown, and the draft it stands in for.
    recalled: Option<(usize, String)>,
    /// Prompts sent to the agent whose turn has not begun.
    pub queued: Vec<QueuedPrompt>,
    /// The selected line of the completion.
    pub completion: usize,
}

/// A prompt that waits for the turns before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedPrompt {
    pub uuid: String,
    pub text: String,
}

impl Composer {
    /// Begins with the drafts and the history of former runs.
    pub fn new(drafts: HashMap<SessionId, String>, history: Vec<String>) -> Self {
        Self {
            area: area(""),
            session: None,
            saved_drafts: drafts.clone(),
            drafts,
            history,
            recalled: None,
            queued: Vec::new(),
            completion: 0,
        }
    }

    /// What is written.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Nothing is written.
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Puts a text in place of what is written.
    pub fn set(&mut self, text: &str) {
        self.area = area(text);
        self.completion = 0;
    }

    /// Inserts a text that was pasted. Line ends of other systems become ours.
    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
        self.completion = 0;
    }

    /// Goes to another session's draft. Text written before there was a session
    /// goes along.
    pub fn switch_session(&mut self, session: SessionId) {
        if self.session == Some(session) {
            return;
        }
        let text = self.text();
        match self.session {
            Some(former) => {
                if text.is_empty() {
                    self.drafts.remove(&former);
                } else {
                    self.drafts.insert(former, text);
                }
            }
            None if !text.is_empty() => {
                self.session = Some(session);
                return;
            }
            None => {}
        }
        self.session = Some(session);
        self.recalled = None;
        let draft = self.drafts.get(&session).cloned().unwrap_or_default();
        self.set(&draft);
    }

    /// The drafts that changed since the last call, to be kept on disk; empty
    /// ones are to be removed there.
    pub fn take_unsaved_drafts(&mut self) -> Vec<(SessionId, String)> {
        let mut drafts = self.drafts.clone();
        if let Some(session) = self.session {
            drafts.remove(&session);
            if !self.is_empty() {
                drafts.insert(session, self.text());
            }
        }
        let gone = self.saved_drafts.keys().filter(|session| !drafts.contains_key(session));
        let mut unkept: Vec<_> = gone.map(|session| (*session, String::new())).collect();
        let changed = drafts.iter().filter(|(session, text)| self.saved_drafts.get(session) != Some(text));
        unkept.extend(changed.map(|(session, text)| (*session, text.clone())));
        self.saved_drafts = drafts;
        unkept
    }

    /// Takes the text away to be sent, and remembers it.
    pub fn take_text(&mut self) -> String {
        let text = self.text();
        self.set("");
        self.recalled = None;
        if let Some(session) = self.session {
            self.drafts.remove(&session);
        }
        self.history.retain(|former| *former != text);
        self.history.push(text.clone());
        let surplus = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..surplus);
        text
    }

    /// The prompts that were sent, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Shows a prompt of the history; the draft comes back after the newest one.
    pub fn recall_prompt(&mut self, prompt: &str) {
        let Some(at) = self.history.iter().rposition(|former| former == prompt) else { return };
        let draft = self.recalled.take().map_or_else(|| self.text(), |(_, draft)| draft);
        self.set(prompt);
        self.recalled = Some((at, draft));
    }

    /// A prompt that did not get through: in front of what is written.
    pub fn restore_draft(&mut self, text: &str) {
        let joined = if self.is_empty() { text.to_owned() } else { format!("{text}\n{}", self.text()) };
        self.set(&joined);
    }

    /// The cursor is on the first line.
    pub fn at_first_line(&self) -> bool {
        self.area.cursor().0 == 0
    }

    /// The cursor is on the last line.
    pub fn at_last_line(&self) -> bool {
        self.area.cursor().0 + 1 >= self.area.lines().len()
    }

    /// Shows the prompt before (`-1`) or after (`1`) in the history.
    pub fn recall(&mut self, step: isize) {
        let at = self.recalled.as_ref().map_or(self.history.len(), |(at, _)| *at);
        let next = at.saturating_add_signed(step).min(self.history.len());
        if next == at {
            return;
        }
        let draft = self.recalled.take().map_or_else(|| self.text(), |(_, draft)| draft);
        if next == self.history.len() {
            self.set(&draft);
        } else {
            let text = self.history[next].clone();
            self.set(&text);
            self.recalled = Some((next, draft));
        }
    }
}

/// A text area with the cursor at the end of a text.
fn area(text: &str) -> TextArea<'static> {
    let mut area = TextArea::from(text.split('\n').map(str::to_owned));
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_session_keeps_its_draft() {
        let (one, two) = (SessionId::random(), SessionId::random());
        let mut composer = Composer::new(HashMap::new(), Vec::new());
        composer.paste("before there was a session");
        composer.switch_session(one);
        assert_eq!(composer.text(), "before there was a session");
        composer.switch_session(two);
        assert_eq!(composer.text(), "");
        composer.paste("two\r\nlines");
        composer.switch_session(one);
        let kept: HashMap<_, _> = composer.take_unsaved_drafts().into_iter().collect();
        assert_eq!(kept[&two], "two\nlines");
        assert_eq!(composer.take_unsaved_drafts(), []);
        composer.take_text();
        assert_eq!(composer.take_unsaved_drafts(), [(one, String::new())]);
    }

    #[test]
    fn the_history_gives_the_draft_back() {
        let mut composer = Composer::new(HashMap::new(), vec!["a".into(), "b".into()]);
        composer.paste("draft");
        composer.recall(-1);
        composer.recall(-1);
        composer.recall(-1);
        assert_eq!(composer.text(), "a");
        composer.recall(1);
        composer.recall(1);
        assert_eq!(composer.text(), "draft");
    }

    #[test]
    fn what_did_not_get_through_comes_first() {
        let mut composer = Composer::new(HashMap::new(), Vec::new());
        composer.paste("second");
        composer.restore_draft("first");
        assert_eq!(composer.text(), "first\nsecond");
    }
}
