//! What a person can ask for.
//!
//! Key bindings, slash commands and clicks all resolve to a [`Command`], and
//! `update::dispatch` runs it. A command carries no state: what it applies to is
//! decided when it runs.

/// One thing a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Move up by one.
    Up,
    /// Move down by one.
    Down,
    /// Move up by a screen.
    PageUp,
    /// Move down by a screen.
    PageDown,
    /// Go to the first.
    Top,
    /// Go to the last.
    Bottom,
    /// Resume the highlighted session.
    Resume,
    /// Resume the n-th most recent session, counted from 1.
    ResumeRecent(u8),
    /// Clear: start a new session in the running process.
    Clear,
    /// Undo the last clear, delete, title or tag.
    Undo,
    /// Fork: continue in a copy.
    Fork,
    /// The agent's MCP servers.
    McpServers,
    /// Rewind the files to what they were when a prompt was sent.
    Rewind,
    /// Go to the session this one was forked from.
    ParentSession,
    /// Go back to the session that was active before.
    PreviousSession,
    /// Give the session a title.
    Rename,
    /// Give the session a tag.
    Tag,
    /// Move the session to the trash.
    Delete,
    /// Pin or unpin: keep a copy out of reach of the official clean-up.
    Pin,
    /// Show context, cost, clean-up date and health of the session.
    Details,
    /// Switch to another agent.
    Agents,
    /// Filter the browser as you type.
    Filter,
    /// List this project's sessions, or those of all projects.
    ToggleScope,
    /// Show or hide sessions that are empty, or that no person had.
    ToggleEmpty,
    /// Read what the session's subagents said.
    Subagents,
    /// Move the sessions of a folder that is gone to this one.
    MoveHere,
    /// Find a session from anywhere.
    Jump,
    /// Search the messages of all sessions; in that search, back to titles.
    SearchMessages,
    /// Include tool input and output in the search.
    ToggleToolSearch,
    /// Take what is highlighted in a dialog, or finish the line that is written.
    Accept,
    /// Close the dialog, or give up the line that is written.
    Close,
    /// Search the prompts that were sent.
    SearchHistory,
    /// Complete the filter that is being typed.
    Complete,
    /// Hide the browser, or lay it over the conversation.
    ToggleBrowser,
    /// Go to the next pane.
    FocusNext,
    /// Go to the pane before.
    FocusPrevious,
    /// Go to the composer.
    FocusComposer,
    /// Stop the turn; without one, step back towards the browser.
    Interrupt,
    /// Stop the turn; without one, clear the composer; pressed twice, quit.
    Cancel,
    /// Leave the agent's terminal for the list of sessions.
    LeaveTerminal,
    /// Send the prompt.
    Send,
    /// Insert a line break.
    NewLine,
    /// Write the prompt in `$EDITOR`.
    Editor,
    /// Recall the previous prompt, or take a queued one back.
    HistoryPrevious,
    /// Recall the next prompt.
    HistoryNext,
    /// Fold or unfold a tool call, a thought or a long output.
    Unfold,
    /// Fold or unfold all of them.
    UnfoldAll,
    /// Copy the message.
    Copy,
    /// Copy its first code block; repeated, the next one.
    CopyCode,
    SearchConversation,
    /// Go to the next match.
    SearchNext,
    /// Go to the previous match.
    SearchPrevious,
    /// Show or hide times and costs of turns.
    ToggleTimestamps,
    /// Show the permission request on the whole pane, or not.
    ToggleFullScreen,
    /// Allow the tool call once.
    AllowOnce,
    /// Allow such calls until the session is left.
    AllowSession,
    /// Deny the tool call.
    Deny,
    /// Deny the tool call with a reason for the agent.
    DenyBecause,
    /// Cycle the permission mode.
    CycleMode,
    /// Restart an agent that died.
    Restart,
    /// Show why the agent died: its exit and the end of its stderr.
    ShowExit,
    /// What the keys do.
    Help,
    /// Draw everything again.
    Redraw,
    /// Suspend to the shell; `fg` comes back.
    Suspend,
    /// Quit hotseat.
    Quit,
}
