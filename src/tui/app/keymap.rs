//! The one table of keys: it dispatches them, and it makes the help screen,
//! the hint line and the README's list, so none of these can disagree.

use std::collections::BTreeMap;

use super::command::Command;
use super::key::Key;

/// Where a key has its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyContext {
    /// In the list of sessions.
    Browser,
    /// While its filter is written.
    Filter,
    /// In the search for a session from anywhere.
    Jump,
    Conversation,
    /// While writing a prompt.
    Composer,
    /// In the terminal of an agent that has one; all other keys are the agent's.
    Terminal,
    /// While a tool waits for permission.
    Permission,
    /// In a text to read: help, details, a preview.
    Viewer,
    /// In a list to pick from.
    Picker,
    /// In a line to write: a title, a tag, a reason.
    Line,
    /// Everywhere the place itself does not say otherwise.
    Anywhere,
}

impl KeyContext {
    /// All places, in the order of the help screen.
    pub const ALL: [Self; 11] = [
        Self::Browser,
        Self::Filter,
        Self::Jump,
        Self::Conversation,
        Self::Composer,
        Self::Terminal,
        Self::Permission,
        Self::Viewer,
        Self::Picker,
        Self::Line,
        Self::Anywhere,
    ];

    /// The heading of its part of the help screen.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Browser => "In the browser",
            Self::Filter => "In its filter",
            Self::Jump => "In the jump and the prompt history",
            Self::Conversation => "In the conversation",
            Self::Composer => "In the composer",
            Self::Terminal => "In the agent's terminal",
            Self::Permission => "When a tool asks",
            Self::Viewer => "In a text",
            Self::Picker => "In a list to pick from",
            Self::Line => "In a line to write",
            Self::Anywhere => "Anywhere",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// What it does.
    pub command: Command,
    /// Its name in the configuration's `[keys]`.
    pub name: &'static str,
    /// Where.
    pub context: KeyContext,
    /// The keys, first the one to show.
    pub keys: Vec<Key>,
    /// The word in the hint line; empty: not hinted.
    pub hint: &'static str,
    /// The line in the help screen.
    pub help: &'static str,
}

/// A key in the hint line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHint {
    pub key: Key,
    /// What it does, in a word.
    pub label: &'static str,
    /// What it does.
    pub command: Command,
}

type BindingRow = (Command, &'static str, KeyContext, &'static [&'static str], &'static str, &'static str);

#[rustfmt::skip]
const DEFAULT_BINDINGS: &[BindingRow] = {
    use Command as C;
    use KeyContext as P;
    &[
        (C::Resume, "seat", P::Browser, &["enter", "l", "right"], "resume", "resume the highlighted session"),
        (C::Clear, "clear", P::Browser, &["c"], "clear", "clear (new session)"),
        (C::Undo, "undo", P::Browser, &["u"], "undo", "undo the last clear, delete, title or tag"),
        (C::Fork, "fork", P::Browser, &["f"], "fork", "fork: continue in a copy, named “title ⑂2”"),
        (C::PreviousSession, "flip", P::Browser, &["`"], "last", "switch between the last two sessions"),
        (C::ParentSession, "parent", P::Browser, &["b"], "", "go to the session this one was forked from"),
        (C::Rename, "rename", P::Browser, &["r"], "", "rename"),
        (C::Tag, "tag", P::Browser, &["t"], "", "tag (empty removes it)"),
        (C::Delete, "delete", P::Browser, &["d", "delete"], "", "delete (to the trash; u brings it back)"),
        (C::Details, "details", P::Browser, &["I"], "", "details: context, cost, clean-up, health"),
        (C::Pin, "pin", P::Browser, &["p"], "", "pin / unpin (protect from clean-up)"),
        (C::Filter, "filter", P::Browser, &["/"], "filter", "filter as you type; Esc clears the filter"),
        (C::SearchMessages, "find", P::Browser, &["ctrl-f"], "", "search messages in all sessions (also //)"),
        (C::ToggleScope, "all", P::Browser, &["a"], "", "this project's sessions / all sessions"),
        (C::ToggleEmpty, "empty", P::Browser, &["A"], "", "show or hide what is hidden: empty, archived, of programs, jobs and teams"),
        (C::Subagents, "subagents", P::Browser, &["s"], "", "read what the session's subagents said"),
        (C::MoveHere, "move", P::Browser, &["M"], "", "move the sessions of a folder that is gone here"),
        (C::Up, "up", P::Browser, &["up", "k"], "", "up"),
        (C::Down, "down", P::Browser, &["down", "j"], "", "down"),
        (C::PageUp, "page-up", P::Browser, &["pageup", "ctrl-u"], "", "page up"),
        (C::PageDown, "page-down", P::Browser, &["pagedown", "ctrl-d"], "", "page down"),
        (C::Top, "top", P::Browser, &["home", "g"], "", "go to the first"),
        (C::Bottom, "bottom", P::Browser, &["end", "G"], "", "go to the last"),
        (C::ResumeRecent(1), "recent-1", P::Browser, &["1"], "", "resume the newest session; 2 … 9 the ones after it"),
        (C::ResumeRecent(2), "recent-2", P::Browser, &["2"], "", ""),
        (C::ResumeRecent(3), "recent-3", P::Browser, &["3"], "", ""),
        (C::ResumeRecent(4), "recent-4", P::Browser, &["4"], "", ""),
        (C::ResumeRecent(5), "recent-5", P::Browser, &["5"], "", ""),
        (C::ResumeRecent(6), "recent-6", P::Browser, &["6"], "", ""),
        (C::ResumeRecent(7), "recent-7", P::Browser, &["7"], "", ""),
        (C::ResumeRecent(8), "recent-8", P::Browser, &["8"], "", ""),
        (C::ResumeRecent(9), "recent-9", P::Browser, &["9"], "", ""),
        (C::FocusComposer, "compose", P::Browser, &["i"], "", "write a prompt"),
        (C::Agents, "agents", P::Browser, &["@"], "", "switch agent"),
        (C::Restart, "restart", P::Browser, &["R"], "", "restart an agent that died"),
        (C::ShowExit, "why", P::Browser, &["W"], "", "show crash output"),
        (C::Help, "help", P::Browser, &["?", "f1"], "keys", "these keys"),
        (C::Quit, "quit", P::Browser, &["q"], "", "quit"),

        (C::Accept, "filter-resume", P::Filter, &["enter"], "resume", "resume the highlighted session"),
        (C::Up, "filter-up", P::Filter, &["up", "ctrl-p", "ctrl-k"], "", "up"),
        (C::Down, "filter-down", P::Filter, &["down", "ctrl-n", "ctrl-j"], "", "down"),
        (C::PageUp, "filter-page-up", P::Filter, &["pageup"], "", "page up"),
        (C::PageDown, "filter-page-down", P::Filter, &["pagedown"], "", "page down"),
        (C::Close, "filter-clear", P::Filter, &["esc"], "clear filter", "clear the filter"),
        (C::Complete, "filter-complete", P::Filter, &["tab", "right"], "complete", "complete agent: tag: branch: project: model: cost: turns: since: before:"),
        (C::SearchMessages, "filter-find", P::Filter, &["ctrl-f"], "search messages", "search messages in all sessions"),

        (C::Accept, "jump-resume", P::Jump, &["enter"], "take", "resume the highlighted session; in the history: take the prompt"),
        (C::Up, "jump-up", P::Jump, &["up", "ctrl-p", "ctrl-k"], "", "up"),
        (C::Down, "jump-down", P::Jump, &["down", "ctrl-n", "ctrl-j"], "", "down"),
        (C::PageUp, "jump-page-up", P::Jump, &["pageup"], "", "page up"),
        (C::PageDown, "jump-page-down", P::Jump, &["pagedown"], "", "page down"),
        (C::Close, "jump-close", P::Jump, &["esc"], "close", "close it without a choice"),
        (C::SearchMessages, "jump-find", P::Jump, &["tab", "ctrl-f"], "titles / messages", "search titles / messages"),
        (C::ToggleToolSearch, "jump-tools", P::Jump, &["ctrl-t"], "tools", "include tool input and output"),
        (C::Complete, "jump-complete", P::Jump, &["right"], "", "complete a filter, as in the browser"),

        (C::Up, "item-up", P::Conversation, &["up", "k"], "", "previous message"),
        (C::Down, "item-down", P::Conversation, &["down", "j"], "", "next message"),
        (C::Unfold, "unfold", P::Conversation, &["o", "enter", "space"], "open", "fold or unfold a tool call, a thought, a long output"),
        (C::UnfoldAll, "unfold-all", P::Conversation, &["O"], "", "fold or unfold all"),
        (C::Copy, "copy", P::Conversation, &["y"], "copy", "copy the message"),
        (C::CopyCode, "copy-code", P::Conversation, &["Y"], "", "copy its code block; again for the next one"),
        (C::Fork, "fork-here", P::Conversation, &["f"], "fork here", "fork from this message"),
        (C::SearchConversation, "search", P::Conversation, &["/"], "search", "search in the conversation"),
        (C::SearchNext, "search-next", P::Conversation, &["n"], "", "next match"),
        (C::SearchPrevious, "search-previous", P::Conversation, &["N"], "", "previous match"),
        (C::SearchMessages, "conversation-find", P::Conversation, &["ctrl-f"], "", "search messages in all sessions"),
        (C::ToggleTimestamps, "times", P::Conversation, &["T"], "times", "show times and what turns cost"),
        (C::Rewind, "rewind", P::Conversation, &["w"], "", "rewind files to before this prompt"),
        (C::ParentSession, "conversation-parent", P::Conversation, &["b"], "", "go to the session this one was forked from"),
        (C::Details, "conversation-details", P::Conversation, &["I"], "", "details: context, cost, clean-up, health"),
        (C::Clear, "conversation-clear", P::Conversation, &["c"], "", "clear (new session)"),
        (C::Undo, "conversation-undo", P::Conversation, &["u"], "", "undo the last clear, delete, title or tag"),
        (C::PreviousSession, "conversation-flip", P::Conversation, &["`"], "", "switch between the last two sessions"),
        (C::PageUp, "scroll-up", P::Conversation, &["pageup", "ctrl-u"], "", "page up"),
        (C::PageDown, "scroll-down", P::Conversation, &["pagedown", "ctrl-d"], "", "page down"),
        (C::Top, "scroll-top", P::Conversation, &["home", "g"], "", "go to the beginning"),
        (C::Bottom, "scroll-bottom", P::Conversation, &["end", "G"], "", "go to the end and follow it"),
        (C::FocusComposer, "conversation-compose", P::Conversation, &["i"], "write", "write a prompt"),
        (C::Restart, "conversation-restart", P::Conversation, &["R"], "", "restart an agent that died"),
        (C::ShowExit, "conversation-why", P::Conversation, &["W"], "", "show crash output"),
        (C::Help, "conversation-help", P::Conversation, &["?", "f1"], "keys", "these keys"),
        (C::Quit, "conversation-quit", P::Conversation, &["q"], "", "quit"),

        (C::Send, "send", P::Composer, &["enter"], "send", "send (queue while a turn runs)"),
        (C::NewLine, "new-line", P::Composer, &["alt-enter", "shift-enter", "ctrl-j"], "new line", "new line"),
        (C::Interrupt, "composer-leave", P::Composer, &["esc"], "sessions", "stop the turn; otherwise go to the sessions"),
        (C::Help, "composer-help", P::Composer, &["f1"], "keys", "these keys (also /help)"),
        (C::Editor, "editor", P::Composer, &["ctrl-g"], "editor", "edit in $EDITOR"),
        (C::HistoryPrevious, "history-previous", P::Composer, &["up"], "", "previous prompt (on the first line); takes a queued prompt back"),
        (C::HistoryNext, "history-next", P::Composer, &["down"], "", "next prompt (on the last line)"),
        (C::PageUp, "composer-page-up", P::Composer, &["pageup"], "", "scroll the conversation up"),
        (C::PageDown, "composer-page-down", P::Composer, &["pagedown"], "", "scroll the conversation down"),
        (C::SearchHistory, "history", P::Composer, &["ctrl-r"], "history", "search the prompt history"),
        (C::Quit, "composer-quit", P::Composer, &["ctrl-d"], "", "quit, if nothing is written"),

        (C::LeaveTerminal, "leave", P::Terminal, &["ctrl-]", "ctrl-5"], "sessions", "back to the list of sessions (--agent claude-tty)"),
        (C::PageUp, "terminal-page-up", P::Terminal, &["shift-pageup"], "scroll", "scroll up a page"),
        (C::PageDown, "terminal-page-down", P::Terminal, &["shift-pagedown"], "", "scroll down a page"),

        (C::AllowOnce, "allow-once", P::Permission, &["y", "1", "enter"], "once", "allow once"),
        (C::AllowSession, "allow-session", P::Permission, &["s", "2"], "this session", "allow such calls until the session is left (clear, resume, fork)"),
        (C::Deny, "deny", P::Permission, &["n", "3"], "no", "deny"),
        (C::DenyBecause, "deny-because", P::Permission, &["r"], "deny with a reason", "deny, with a reason for the agent"),
        (C::ToggleFullScreen, "permission-full-screen", P::Permission, &["f"], "full screen", "show the request on the whole pane"),
        (C::Up, "permission-up", P::Permission, &["up", "k"], "", "scroll the request up"),
        (C::Down, "permission-down", P::Permission, &["down", "j"], "", "scroll the request down"),
        (C::PageUp, "permission-page-up", P::Permission, &["pageup"], "", "scroll the request up a page"),
        (C::PageDown, "permission-page-down", P::Permission, &["pagedown"], "", "scroll the request down a page"),
        (C::Top, "permission-top", P::Permission, &["home"], "", "go to the beginning of the request"),
        (C::Bottom, "permission-bottom", P::Permission, &["end"], "", "go to the end of the request"),

        (C::Close, "viewer-close", P::Viewer, &["esc", "q"], "close", "close it"),
        (C::Up, "viewer-up", P::Viewer, &["up", "k"], "", "up"),
        (C::Down, "viewer-down", P::Viewer, &["down", "j"], "", "down"),
        (C::PageUp, "viewer-page-up", P::Viewer, &["pageup", "ctrl-u"], "", "page up"),
        (C::PageDown, "viewer-page-down", P::Viewer, &["pagedown", "space", "ctrl-d"], "", "page down"),
        (C::Top, "viewer-top", P::Viewer, &["home", "g"], "", "go to the beginning"),
        (C::Bottom, "viewer-bottom", P::Viewer, &["end", "G"], "", "go to the end"),
        (C::Filter, "viewer-filter", P::Viewer, &["/"], "", "search the keys (in this help)"),
        (C::Accept, "viewer-accept", P::Viewer, &["enter"], "", "do what the preview shows"),
        (C::Restart, "viewer-restart", P::Viewer, &["R"], "", "restart an agent that died"),

        (C::Accept, "picker-accept", P::Picker, &["enter"], "switch", "take what is highlighted"),
        (C::Up, "picker-up", P::Picker, &["up", "k", "ctrl-p"], "", "up"),
        (C::Down, "picker-down", P::Picker, &["down", "j", "ctrl-n"], "", "down"),
        (C::Close, "picker-close", P::Picker, &["esc"], "close", "close it without a choice"),

        (C::Accept, "line-accept", P::Line, &["enter"], "save", "save the line"),
        (C::Close, "line-cancel", P::Line, &["esc"], "cancel", "cancel"),

        (C::Jump, "jump", P::Anywhere, &["ctrl-p"], "jump", "find a session"),
        (C::ResumeRecent(1), "jump-1", P::Anywhere, &["alt-1"], "", "resume the newest session; Alt-2 … Alt-9 the ones after it"),
        (C::ResumeRecent(2), "jump-2", P::Anywhere, &["alt-2"], "", ""),
        (C::ResumeRecent(3), "jump-3", P::Anywhere, &["alt-3"], "", ""),
        (C::ResumeRecent(4), "jump-4", P::Anywhere, &["alt-4"], "", ""),
        (C::ResumeRecent(5), "jump-5", P::Anywhere, &["alt-5"], "", ""),
        (C::ResumeRecent(6), "jump-6", P::Anywhere, &["alt-6"], "", ""),
        (C::ResumeRecent(7), "jump-7", P::Anywhere, &["alt-7"], "", ""),
        (C::ResumeRecent(8), "jump-8", P::Anywhere, &["alt-8"], "", ""),
        (C::ResumeRecent(9), "jump-9", P::Anywhere, &["alt-9"], "", ""),
        (C::PreviousSession, "flip-anywhere", P::Anywhere, &["alt-`", "ctrl-^"], "", "switch between the last two sessions"),
        (C::FocusNext, "focus-next", P::Anywhere, &["tab"], "next pane", "next pane"),
        (C::CycleMode, "mode", P::Anywhere, &["shift-tab"], "", "cycle permission mode"),
        (C::FocusPrevious, "focus-previous", P::Anywhere, &["alt-tab", "ctrl-o"], "", "previous pane"),
        (C::ToggleBrowser, "browser", P::Anywhere, &["\\", "ctrl-b"], "", "hide or show the browser (in the composer: Ctrl-B)"),
        (C::Interrupt, "interrupt", P::Anywhere, &["esc"], "", "stop the turn; otherwise step back"),
        (C::Cancel, "cancel", P::Anywhere, &["ctrl-c"], "", "stop the turn; otherwise clear the prompt; twice: quit"),
        (C::Redraw, "redraw", P::Anywhere, &["ctrl-l"], "", "redraw the screen"),
        (C::Suspend, "suspend", P::Anywhere, &["ctrl-z"], "", "suspend to the shell; fg comes back"),
        (C::Quit, "quit-anywhere", P::Anywhere, &["ctrl-q"], "", "quit"),
    ]
};

/// The table with the person's own keys in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<KeyBinding>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bindings = DEFAULT_BINDINGS.iter().map(|&(command, name, place, keys, hint, help)| KeyBinding {
            command,
            name,
            context: place,
            keys: keys
                .iter()
                .map(|key| key.parse().expect("the table's own keys parse: a test reads them all"))
                .collect(),
            hint,
            help,
        });
        Self { bindings: bindings.collect() }
    }
}

impl Keymap {
    /// The default keys with some of them replaced, by the names of the table.
    /// What could not be understood is returned beside it, for a person.
    pub fn with_overrides(overrides: &BTreeMap<String, Vec<String>>) -> (Self, Vec<String>) {
        let mut keymap = Self::default();
        let mut problems = Vec::new();
        for (name, keys) in overrides {
            let Some(binding) = keymap.bindings.iter_mut().find(|binding| binding.name == name) else {
                problems.push(format!("keys.{name}: unknown command"));
                continue;
            };
            let (good, bad): (Vec<_>, Vec<_>) =
                keys.iter().map(|key| key.parse::<Key>()).partition(Result::is_ok);
            problems.extend(
                bad.into_iter().filter_map(Result::err).map(|problem| format!("keys.{name}: {problem}")),
            );
            binding.keys = good.into_iter().flatten().collect();
        }
        (keymap, problems)
    }

    /// The names that `[keys]` may use, with their keys as they are written there.
    pub fn defaults() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        DEFAULT_BINDINGS.iter().map(|row| (row.1, row.3))
    }

    /// What a key means in a place. In the composer a character is a character.
    pub fn command(&self, place: KeyContext, key: Key) -> Option<Command> {
        let find = |place| {
            self.bindings.iter().find(|binding| binding.context == place && binding.keys.contains(&key))
        };
        let writing = place == KeyContext::Composer && key.is_text();
        let anywhere = || if writing { None } else { find(KeyContext::Anywhere) };
        find(place).or_else(anywhere).map(|binding| binding.command)
    }

    /// What a key means in a place where text is written: what it means
    /// elsewhere does not count.
    pub fn command_in(&self, place: KeyContext, key: Key) -> Option<Command> {
        let binding =
            self.bindings.iter().find(|binding| binding.context == place && binding.keys.contains(&key));
        binding.map(|binding| binding.command)
    }

    /// The first key for a command in a place, to show to a person.
    pub fn key(&self, place: KeyContext, command: Command) -> Option<Key> {
        let find = |place| {
            self.bindings.iter().find(|binding| binding.context == place && binding.command == command)
        };
        find(place).or_else(|| find(KeyContext::Anywhere)).and_then(|binding| binding.keys.first().copied())
    }

    /// Key and word of each hint of a place, most important first.
    pub fn hints(&self, place: KeyContext) -> impl Iterator<Item = KeyHint> {
        [place, KeyContext::Anywhere].into_iter().flat_map(|place| self.hints_in(place))
    }

    /// The same, without those that are the same everywhere.
    pub fn hints_in(&self, place: KeyContext) -> impl Iterator<Item = KeyHint> {
        let hinted = move |binding: &&KeyBinding| binding.context == place && !binding.hint.is_empty();
        self.bindings.iter().filter(hinted).filter_map(|binding| {
            Some(KeyHint { key: *binding.keys.first()?, label: binding.hint, command: binding.command })
        })
    }

    /// Keys, help and command of each line of a place.
    pub fn help(&self, place: KeyContext) -> impl Iterator<Item = (String, &'static str, Command)> {
        self.bindings
            .iter()
            .filter(move |binding| {
                binding.context == place && !binding.help.is_empty() && !binding.keys.is_empty()
            })
            .map(|binding| {
                let keys = binding.keys.iter().map(ToString::to_string).collect::<Vec<_>>();
                (keys.join("  "), binding.help, binding.command)
            })
    }
}

#[cfg(test)]
mod tests;
