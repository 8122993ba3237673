//! A person's own editor, for long prompts. It has the terminal while it runs;
//! the loop goes on beside it, so a running turn is still taken in.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use super::persistence::private_file;
use crate::sys::private_files::private_dir;

/// What a failed editor left behind is kept this long.
const LEFTOVERS: Duration = Duration::from_hours(168);

/// Lets a person write a text in their editor and returns what became of it. The
/// text lies in a file that only they can read, under the state folder. It stays
/// there only where the editor failed after something new was written.
pub(super) async fn edit(configured: Option<&str>, state: &Path, text: &str) -> Result<String> {
    let folder = state.join("editor");
    private_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
    remove_leftovers(&folder);
    let file = folder.join(format!("{}.md", Uuid::new_v4()));
    std::io::Write::write_all(
        &mut private_file()
            .write(true)
            .create_new(true)
            .open(&file)
            .with_context(|| format!("writing {}", file.display()))?,
        text.as_bytes(),
    )
    .with_context(|| format!("writing {}", file.display()))?;
    let (program, args) = editor_command(configured);
    let status =
        tokio::process::Command::new(&program).args(args).arg(&file).kill_on_drop(true).status().await;
    let edited = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let failure = match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("the editor {program} ended with {status}")),
        Err(error) => Some(format!(
            "the editor {program} does not start ({error}); set $EDITOR or `editor` in the configuration"
        )),
    };
    match failure {
        Some(failure) if edited != text => {
            bail!("{failure}; what it wrote is in {}", file.display())
        }
        failure => {
            fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
            failure.map_or(Ok(edited), |failure| bail!(failure))
        }
    }
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

/// Removes what failed editors left long ago. What cannot be removed is tried
/// again the next time.
fn remove_leftovers(folder: &Path) {
    let is_old = |file: &fs::DirEntry| {
        let written = file.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = written.and_then(|written| SystemTime::now().duration_since(written).ok());
        age.is_some_and(|age| age > LEFTOVERS)
    };
    for file in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_old) {
        fs::remove_file(file.path()).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_editor_may_have_arguments() {
        let (program, args) = editor_command(Some("code --wait"));
        assert_eq!((program.as_str(), args), ("code", vec!["--wait".to_owned()]));
    }

    fn files(state: &Path) -> Vec<std::path::PathBuf> {
        fs::read_dir(state.join("editor")).unwrap().map(|file| file.unwrap().path()).collect()
    }

    /// An editor that does this with its file.
    fn script(folder: &Path, does: &str) -> String {
        let path = folder.join("editor.sh");
        fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_text_is_private_and_goes_with_the_editor() {
        let scratch = tempfile::tempdir().unwrap();
        let editor = script(
            scratch.path(),
            "stat -c %a \"$1\" \"$(dirname \"$1\")\" > \"$1.modes\"; cat \"$1.modes\" > \"$1\"; rm \"$1.modes\"",
        );
        let edited = edit(Some(&editor), scratch.path(), "as it was").await.unwrap();
        assert_eq!(edited, "600\n700\n");
        assert!(files(scratch.path()).is_empty());
    }

    #[tokio::test]
    async fn a_failed_editor_leaves_only_what_is_new() {
        let scratch = tempfile::tempdir().unwrap();
        assert!(edit(Some("false"), scratch.path(), "x").await.is_err());
        assert!(edit(Some("/no/such/editor"), scratch.path(), "x").await.is_err());
        assert!(files(scratch.path()).is_empty());
        let editor = script(scratch.path(), "echo new > \"$1\"; exit 1");
        let error = edit(Some(&editor), scratch.path(), "x").await.unwrap_err().to_string();
        let left = files(scratch.path());
        assert!(error.contains(left[0].to_str().unwrap()), "{error}");
        assert_eq!(fs::read_to_string(&left[0]).unwrap(), "new\n");
    }
}
