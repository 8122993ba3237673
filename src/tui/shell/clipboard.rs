//! The clipboard: the terminal's (OSC 52, works over ssh) and the system's.

use std::io::stdout;
use std::process::Stdio;

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Programs that take a text for the system's clipboard, and the variable that
/// says that they can.
const CLIPBOARD_PROGRAMS: [(&str, &[&str], &str); 3] = [
    ("wl-copy", &[], "WAYLAND_DISPLAY"),
    ("xclip", &["-selection", "clipboard"], "DISPLAY"),
    ("pbcopy", &[], "__CF_USER_TEXT_ENCODING"),
];

/// Tells the terminal. It does not say whether it understood.
pub(super) fn copy_to_terminal(text: &str) -> std::io::Result<()> {
    execute!(stdout(), CopyToClipboard::to_clipboard_from(text))
}

/// Tells the system's clipboard, where there is one.
pub(super) async fn copy_to_system(text: String) {
    let Some((program, args, _)) =
        CLIPBOARD_PROGRAMS.iter().find(|(.., variable)| std::env::var_os(variable).is_some())
    else {
        return;
    };
    let child = Command::new(program)
        .args(*args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(mut child) => {
            if let Some(mut stdin) = child.stdin.take() {
                // A program that does not read is a program that did not copy.
                let _ = stdin.write_all(text.as_bytes()).await;
            }
            let _ = child.wait().await;
        }
        Err(error) => tracing::info!(program, %error, "no system clipboard"),
    }
}
