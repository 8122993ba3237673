//! A person's own editor, for long prompts. Has the terminal while it runs.

use std::fs;

use anyhow::{Context, Result, ensure};
use uuid::Uuid;

/// Lets a person write a text in their editor and returns what became of it.
/// When anything fails the file is left, so nothing that was written is lost.
pub(super) async fn edit(configured: Option<&str>, text: &str) -> Result<String> {
    let file = std::env::temp_dir().join(format!("hotseat-{}.md", Uuid::new_v4()));
    fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    let (program, args) = editor_command(configured);
    let status =
        tokio::process::Command::new(&program).args(args).arg(&file).status().await.with_context(|| {
            format!("starting the editor {program}; set $EDITOR or `editor` in the configuration")
        })?;
    ensure!(
        status.success(),
        "the editor {program} ended with {status}; what it wrote is in {}",
        file.display()
    );
    let edited = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    Ok(edited)
}

/// The editor a person wants, with its arguments.
fn editor_command(configured: Option<&str>) -> (String, Vec<String>) {
    let wanted = configured
        .map(str::to_owned)
        .or_else(|| std::env::var("VISUAL").ok())
        .or_else(|| std::env::var("EDITOR").ok())
        .filter(|wanted| !wanted.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = wanted.split_whitespace().map(str::to_owned);
    (words.next().unwrap_or_default(), words.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_may_have_arguments() {
        let (program, args) = editor_command(Some("code --wait"));
        assert_eq!((program.as_str(), args), ("code", vec!["--wait".to_owned()]));
    }

    #[tokio::test]
    async fn what_the_editor_leaves_is_the_text() {
        assert_eq!(edit(Some("true"), "as it was").await.unwrap(), "as it was");
        assert!(edit(Some("false"), "x").await.is_err());
        assert!(edit(Some("/no/such/editor"), "x").await.is_err());
    }
}
