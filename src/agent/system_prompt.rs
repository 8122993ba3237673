//! What the model is told about its work, ahead of every conversation.
//!
//! Owns the default and what hosts put in its place or behind it. The same
//! session gives the same text each time, or the provider's cache would forget.

use std::path::Path;

use super::flags::Flags;

/// What our agent is told where the host says nothing.
const DEFAULT: &str = include_str!("../../assets/instructions.md");

/// Instructions, but for the folder they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemPrompt {
    /// In place of the default; empty for none at all.
    replacement: Option<String>,
    /// Behind either.
    appended: Option<String>,
}

impl SystemPrompt {
    /// As the flags say.
    pub fn from_flags(flags: &Flags) -> std::io::Result<Self> {
        let from_file = flags.system_prompt_file.as_ref().map(std::fs::read_to_string).transpose()?;
        Ok(Self {
            replacement: flags.system_prompt.clone().or(from_file),
            appended: flags.append_system_prompt.clone(),
        })
    }

    /// The text for a session in this folder.
    pub fn text(&self, cwd: &Path) -> Option<String> {
        let folder = cwd.display().to_string();
        let own = match &self.replacement {
            Some(own) => own.clone(),
            None => DEFAULT.replace("{folder}", &folder).replace("{platform}", std::env::consts::OS),
        };
        let parts = [Some(own), self.appended.clone()];
        let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_words_replace_ours_or_follow_them() {
        let text = |own: Option<&str>, more: Option<&str>| {
            let instructions =
                SystemPrompt { replacement: own.map(str::to_owned), appended: more.map(str::to_owned) };
            instructions.text(Path::new("/work"))
        };
        assert!(text(None, None).unwrap().contains("/work"));
        assert!(text(None, Some("two")).unwrap().ends_with("\n\ntwo"));
        assert_eq!(text(Some("one"), Some("two")).as_deref(), Some("one\n\ntwo"));
        assert_eq!(text(Some(""), None), None);
    }
}
