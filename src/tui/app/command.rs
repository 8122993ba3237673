//! What a person can mean. The keymap, the slash commands and the mouse all
//! answer with one of these; nothing else changes what the program does.

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
    /// Give the highlighted session the seat.
    Resume,
    /// Give the n-th recent session the seat, from 1.
    ResumeRecent(u8),
    /// Leave for a new, empty session.
    Clear,
    /// Take the last clear, delete, title or tag back.
    Undo,
    /// Go on in a copy.
    Fork,
    /// The agent's MCP servers.
    McpServers,
    /// Bring the files back to what they were when a prompt came.
    Rewind,
    /// Go to the session this one was forked from.
    ParentSession,
    /// Go to the session that had the seat before.
    PreviousSession,
    /// Give the session a title.
    Rename,
    /// Give the session a tag.
    Tag,
    /// Move the session to the trash.
    Delete,
    /// Keep a copy of the session that no clean-up finds, or give it up.
    Pin,
    /// What is known of the session.
    Details,
    /// Give the seat to another agent.
    Agents,
    /// Filter the browser as you type.
    Filter,
    /// This project's sessions, or those of all projects.
    ToggleScope,
    /// Show the sessions that hold nothing, or hide them.
    ToggleEmpty,
    /// Find a session from anywhere.
    Jump,
    /// Search what was said in all sessions; there, back to titles.
    SearchMessages,
    /// Search what tools were asked and gave back, too.
    ToggleToolSearch,
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
    /// Stop the turn; without one, step back to the pane before.
    Interrupt,
    /// Stop the turn; without one, empty the composer; twice, quit.
    Cancel,
    /// From the agent's terminal back to the list of sessions.
    LeaveTerminal,
    /// Send the prompt.
    Send,
    /// Break the line.
    NewLine,
    /// Write the prompt in `$EDITOR`.
    Editor,
    /// The prompt before, or the queued one back.
    HistoryPrevious,
    /// The prompt after.
    HistoryNext,
    /// Open or close a tool call, a thought, a long output.
    Unfold,
    /// Open or close all of them.
    UnfoldAll,
    /// Copy the message.
    Copy,
    /// Copy its code block; again: the next one.
    CopyCode,
    /// Search in the conversation.
    SearchConversation,
    /// The next hit.
    SearchNext,
    /// The hit before.
    SearchPrevious,
    /// Show when things were said and what turns cost.
    ToggleTimestamps,
    /// Let the tool run this time.
    AllowOnce,
    /// Let the tool run in this session.
    AllowSession,
    /// Do not let the tool run.
    Deny,
    /// Do not let the tool run, and say why.
    DenyBecause,
    /// Ask before less, or before more.
    CycleMode,
    /// Start a dead agent again.
    Restart,
    /// Why the agent died.
    ShowExit,
    /// What the keys do.
    Help,
    /// Draw everything again.
    Redraw,
    /// To the shell and back with `fg`.
    Suspend,
    /// Leave hotseat.
    Quit,
}
