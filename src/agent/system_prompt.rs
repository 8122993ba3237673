//! The system prompt: our default, and what hosts put in its place or behind it.
//!
//! The same session must give the same text each time, or the provider's cache is
//! lost.

use std::path::Path;

use super::flags::Flags;

const DEFAULT: &str = include_str!("../../assets/instructions.md");

/// The system prompt, without the folder it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemPrompt {
    /// Replaces the default; empty for no prompt at all.
    replacement: Option<String>,
    /// Appended to either.
    appended: Option<String>,
}

impl SystemPrompt {
    /// From the flags; an error if a file cannot be read.
    pub fn from_flags(flags: &Flags) -> std::io::Result<Self> {
        let from_file = flags.system_prompt_file.as_ref().map(std::fs::read_to_string).transpose()?;
        Ok(Self {
            replacement: flags.system_prompt.clone().or(from_file),
            appended: flags.append_system_prompt.clone(),
        })
    }

    /// Takes over what a host gives; `None` leaves what there is.
    pub fn set(&mut self, replacement: Option<String>, appended: Option<String>) {
        self.replacement = replacement.or(self.replacement.take());
        self.appended = appended.or(self.appended.take());
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
