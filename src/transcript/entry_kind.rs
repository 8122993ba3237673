//! The kinds of entries that have a meaning here.

/// The `type` of a line, as far as hotseat gives it a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A prompt, or the results of tools.
    User,
    /// One content block of a reply.
    Assistant,
    /// A notice of the agent's: a compaction, an error, a local command.
    System,
    /// A file or context block given with a prompt.
    Attachment,
    /// Progress of a running tool.
    Progress,
    /// A title a person gave.
    CustomTitle,
    /// A title a model gave.
    AiTitle,
    /// A summary of the conversation.
    Summary,
    /// A tag a person gave, empty for none.
    Tag,
    /// The last prompt and the leaf of the conversation.
    LastPrompt,
    /// Running totals of the official CLI.
    CostState,
    /// The permission mode was changed between two prompts.
    PermissionMode,
    /// What stands in place of long tool results.
    ContentReplacement,
    /// The transcript is a copy of what another agent keeps (hotseat's own).
    Imported,
    /// Anything else: kept, passed over.
    Other,
}

impl EntryKind {
    /// Entries with a uuid and a parent: the ones a conversation is made of.
    pub fn is_conversation(self) -> bool {
        matches!(
            self,
            EntryKind::User
                | EntryKind::Assistant
                | EntryKind::System
                | EntryKind::Attachment
                | EntryKind::Progress
        )
    }
}
