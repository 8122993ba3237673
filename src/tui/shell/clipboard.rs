//! Copies to the clipboard: through the terminal (OSC 52, which works over ssh)
//! and through a system program.

use std::process::Stdio;

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Programs that take a text for the system's clipboard, and the variable that
/// says that they can.
const CLIPBOARD_PROGRAMS: [(&str, &[&str], &str); 3] = [
    ("wl-copy", &[], "WAYLAND_DISPLAY"),
    ("xclip", &["-selection", "clipboard"], "DISPLAY"),
    ("pbcopy", &[], "__CF_USER_TEXT_ENCODING"),
];

/// What copies a text when it is written to the terminal, which does not say
/// whether it understood.
pub(super) fn sequence(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    queue!(bytes, CopyToClipboard::to_clipboard_from(text)).expect("a vector takes every byte");
    bytes
}

/// Copies a text through a program of the system, if there is one.
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
