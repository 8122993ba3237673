//! A second writer of the active session: another program that has the session open and
//! appends to its transcript, too.
//!
//! The official CLI takes no lock, so this cannot be prevented, only noticed: before a
//! prompt is recorded, after each turn, and every two seconds while the agent is idle.
//! What continues the conversation is taken up before the next prompt. What hangs
//! elsewhere is a branch: the person is told, and may go there (`/reload`), leave it
//! (`/fork`) or make a session of it (`/both`). Must never drop either branch.

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::active_session::{ActiveSession, ResumePoint};
use super::frames::RequestError;
use super::runtime::AgentRuntime;
use super::switch::to_request_error;
use crate::protocol::ErrorCode;
use crate::session::prompt;
use crate::session::summary::one_line;
use crate::store::{ForkSpec, Holder, StoreError};
use crate::transcript::{EntryKind, RawEntry, Transcript, TranscriptText};

/// Between two looks while idle. A look is one `stat` and one `readdir`.
pub(super) const IDLE_CHECK: Duration = Duration::from_secs(2);
/// The most bytes of entries that a host is sent when they are taken up.
const MAX_SENT_BYTES: usize = 4 << 20;

/// What another program appended to the active session and the conversation does not have.
#[derive(Debug, Default)]
pub struct ForeignBranch {
    /// Its messages, by uuid.
    uuids: HashSet<String>,
    /// Prompts and replies.
    messages: usize,
    /// The entry that its first message hangs on; `None` if it has more than one beginning.
    parent: Option<String>,
    /// Its last message.
    tip: String,
    /// The entries as they were written.
    entries: Vec<String>,
}

impl ForeignBranch {
    /// Adds an entry that another program appended.
    fn push(&mut self, entry: &RawEntry<'_>) {
        let is_message = matches!(
            entry.kind(),
            EntryKind::User | EntryKind::Assistant | EntryKind::System | EntryKind::Attachment
        );
        let Some(uuid) = entry.uuid().filter(|_| is_message && !entry.is_sidechain()) else { return };
        let parent = entry.parent_uuid().map(String::from);
        if self.uuids.is_empty() {
            self.parent = parent;
        } else if parent.is_none_or(|parent| !self.uuids.contains(&parent)) {
            self.parent = None;
        }
        self.messages += usize::from(matches!(entry.kind(), EntryKind::User | EntryKind::Assistant));
        uuid.as_ref().clone_into(&mut self.tip);
        self.uuids.insert(uuid.into_owned());
        self.entries.push(entry.json().to_owned());
    }

    /// Its last prompt, as a title.
    fn last_prompt(&self) -> Option<String> {
        let prompt = |entry: &String| prompt::from_entry(&RawEntry::parse(entry)?);
        self.entries.iter().rev().find_map(prompt).map(|prompt| one_line(&prompt))
    }

    /// Whether it goes on where the conversation ends.
    fn continues(&self, leaf: Option<&str>) -> bool {
        self.parent.is_some() && self.parent.as_deref() == leaf
    }
}

impl AgentRuntime {
    /// Looks for a second writer, and says it once if there is one.
    pub(super) fn check_other_writer(&mut self) {
        if !self.settings.persists {
            return;
        }
        let is_new = match self.read_foreign_entries() {
            Ok(is_new) => is_new,
            Err(error) => return tracing::warn!("cannot look for a second writer: {error}"),
        };
        let holder = self.store.holder(self.session.id);
        let known = self.session.other_holder.replace(holder.as_ref().map_or(0, |holder| holder.pid));
        let is_new_holder = holder.as_ref().is_some_and(|holder| Some(holder.pid) != known);
        if is_new {
            self.report_branch(holder.as_ref());
        } else if let Some(holder) = holder.filter(|_| is_new_holder) {
            self.send_second_writer(
                &format!(
                    "{} has this session open, too. If both continue it, their prompts become two branches; \
                     /fork continues here in a session of its own.",
                    who(Some(&holder))
                ),
                json!({"holder": holder_json(&holder)}),
            );
        }
    }

    /// Takes up what others appended to the end of the conversation, before a prompt is recorded.
    pub(super) fn take_up_foreign_entries(&mut self) {
        self.check_other_writer();
        let continues = |foreign: &ForeignBranch| foreign.continues(self.session.leaf());
        if !self.session.foreign.as_ref().is_some_and(continues) {
            return;
        }
        if let Err(error) = self.reload_session() {
            self.send_warning(&format!("what another program added cannot be read: {error}"));
        }
    }

    /// Continues the active session where the other writer stopped. Says what happened.
    pub(super) fn reload_branch(&mut self) -> Result<String, RequestError> {
        self.check_other_writer();
        if self.session.foreign.is_none() {
            return Ok("No other program has added anything to this session.".to_owned());
        }
        let left = self.session.leaf().map(str::to_owned);
        let is_branch =
            !self.session.foreign.as_ref().is_some_and(|foreign| foreign.continues(left.as_deref()));
        let count = self.reload_session().map_err(|error| to_request_error(&error))?;
        let mut said = format!("The conversation continues after {}.", messages(count));
        if let Some(left) = left.filter(|_| is_branch) {
            let id = self.session.id;
            let _ = write!(said, " The branch that was left is kept: hotseat sessions fork {id} --at {left}");
        }
        Ok(said)
    }

    /// Makes a session of the other writer's branch, and stays on this one.
    pub(super) fn keep_both_branches(&mut self) -> Result<String, RequestError> {
        self.check_other_writer();
        let Some(foreign) = &self.session.foreign else {
            let error = "no other program has added a branch to this session";
            return Err(RequestError::new(ErrorCode::InvalidRequest, error));
        };
        let title = foreign.last_prompt();
        let order =
            ForkSpec { at: Some(&foreign.tip), title: title.as_deref(), repair: true, ..ForkSpec::default() };
        let fork = self.store.fork(self.session.id, &order).map_err(|error| to_request_error(&error))?;
        self.session.foreign = None;
        Ok(format!(
            "The other program's branch is the session {} now; this one continues on its own.",
            fork.id
        ))
    }

    /// Reads what others appended since the last look. Returns whether a branch began.
    fn read_foreign_entries(&mut self) -> Result<bool, StoreError> {
        let id = self.session.id;
        let ranges = self.session.appended_by_others().map_err(|source| StoreError::Io {
            doing: format!("cannot look at {}", self.session.path().display()),
            source,
        })?;
        let was_known = self.session.foreign.is_some();
        let mut foreign = self.session.foreign.take().unwrap_or_default();
        for range in ranges {
            let bytes = self.store.read_range(id, range.start, range.end - range.start)?;
            let text = TranscriptText::read(&bytes);
            Transcript::read_part(&text).entries.iter().for_each(|entry| foreign.push(entry));
        }
        let is_there = !foreign.uuids.is_empty();
        self.session.foreign = is_there.then_some(foreign);
        Ok(is_there && !was_known)
    }

    fn report_branch(&self, holder: Option<&Holder>) {
        let Some(foreign) = &self.session.foreign else { return };
        let (who, messages) = (who(holder), messages(foreign.messages));
        let continues = foreign.continues(self.session.leaf());
        let content = if continues {
            format!(
                "{who} added {messages} to this session. The next prompt continues after them; \
                 /fork continues here without them."
            )
        } else {
            format!(
                "{who} wrote {messages} into this session on a branch of its own, which is not part of this \
                 conversation. /reload continues there, /fork continues here in a session of its own, /both \
                 makes a session of that branch."
            )
        };
        let rest = json!({
            "messages": foreign.messages,
            "tip": foreign.tip,
            "is_branch": !continues,
            "holder": holder.map(holder_json),
        });
        self.send_second_writer(&content, rest);
    }

    /// Loads the session anew, up to the other writer's last message, and sends the host what was added.
    /// Returns how many messages that is. A failure leaves the session as it is.
    fn reload_session(&mut self) -> Result<usize, StoreError> {
        let Some(foreign) = &self.session.foreign else { return Ok(0) };
        let at = ResumePoint { message: Some(&foreign.tip), cwd: Some(&self.session.cwd) };
        let (id, here) = (self.session.id, self.session.cwd.clone());
        let loaded = ActiveSession::load(&*self.store_of(id), id, at, &here, &self.settings.prices)?;
        let former = std::mem::replace(&mut self.session, loaded);
        let foreign = self.session.continue_from(former).unwrap_or_default();
        let mut left = MAX_SENT_BYTES;
        let fits = |entry: &&String| {
            left = left.saturating_sub(entry.len());
            left > 0
        };
        let entries: Vec<Value> = foreign
            .entries
            .iter()
            .take_while(fits)
            .filter_map(|entry| serde_json::from_str(entry).ok())
            .collect();
        self.send_system("entries_added", json!({"entries": entries, "messages": foreign.messages}));
        Ok(foreign.messages)
    }

    /// Says something about a second writer: `informational`, as any host shows it, with facts for those
    /// that know them.
    fn send_second_writer(&self, content: &str, mut facts: Value) {
        tracing::warn!("{content}");
        facts["content"] = json!(content);
        facts["level"] = json!("warning");
        facts["reason"] = json!("second_writer");
        self.send_system("informational", facts);
    }
}

fn who(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) if holder.pid > 0 => format!("{} (pid {})", holder.program, holder.pid),
        Some(holder) => holder.program.clone(),
        None => "Another program".to_owned(),
    }
}

fn holder_json(holder: &Holder) -> Value {
    json!({"pid": holder.pid, "program": holder.program, "status": holder.status})
}

fn messages(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(entries: &[(&str, &str, Option<&str>)]) -> ForeignBranch {
        let mut branch = ForeignBranch::default();
        for (kind, uuid, parent) in entries {
            let line = json!({"type": kind, "uuid": uuid, "parentUuid": parent, "message": {"content": "x"}});
            branch.push(&RawEntry::parse(&line.to_string()).unwrap());
        }
        branch
    }

    #[test]
    fn what_hangs_on_the_leaf_continues_the_conversation() {
        let linear = branch(&[("user", "c", Some("b")), ("assistant", "d", Some("c"))]);
        assert!(linear.continues(Some("b")) && !linear.continues(Some("a")) && !linear.continues(None));
        assert_eq!((linear.messages, linear.tip.as_str()), (2, "d"));
    }

    #[test]
    fn what_hangs_elsewhere_or_begins_twice_is_a_branch() {
        assert!(!branch(&[("user", "c", Some("a"))]).continues(Some("b")));
        assert!(!branch(&[("user", "c", Some("b")), ("user", "d", Some("a"))]).continues(Some("b")));
        assert!(!branch(&[("user", "c", None)]).continues(None), "a beginning of its own");
    }

    #[test]
    fn titles_and_tags_are_no_messages() {
        assert!(branch(&[("custom-title", "c", None), ("last-prompt", "d", None)]).uuids.is_empty());
    }
}
