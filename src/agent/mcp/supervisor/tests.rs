use std::path::{Path, PathBuf};
use std::time::Instant;

use super::*;
use crate::agent::outbox::Outbox;

/// A supervised server that this shell script plays; no guard is needed, `env` runs the words behind it.
fn server(script: &str, folder: &Path) -> McpServer {
    let guard = folder.join("guard");
    // Stands in for `hotseat guard --grace 0 --owner PID -- PROGRAM…`.
    std::fs::write(&guard, "#!/bin/sh\nshift 6\nexec \"$@\"\n").unwrap();
    let mut mode = std::fs::metadata(&guard).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&guard, mode).unwrap();
    let transport = McpTransport::Program {
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: std::collections::BTreeMap::new(),
    };
    let tool_context = ToolContext::new(PathBuf::from(folder), guard);
    let host = HostClient::new(Outbox::open(std::io::sink()));
    McpServer::spawn("s".to_owned(), "user", Ok(transport), tool_context, host, Arc::default())
}

#[tokio::test]
async fn a_server_that_dies_at_its_start_is_tried_with_growing_pauses() {
    let temp = tempfile::tempdir().unwrap();
    let server = server("echo >> starts; echo boom >&2; exit 1", temp.path());
    let began = Instant::now();
    let starts = || std::fs::read_to_string(temp.path().join("starts")).unwrap_or_default().lines().count();
    while starts() < 3 || !matches!(server.state(), McpState::Failed(error) if error.contains("boom")) {
        assert!(began.elapsed() < Duration::from_secs(50), "{} starts, {:?}", starts(), server.state());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // They come at 0, 0.5 and 1.5 s, or later on a busy machine.
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_hangs_in_its_handshake_hears_us() {
    let temp = tempfile::tempdir().unwrap();
    let server = server("echo $$ > pid; exec sleep 1000", temp.path());
    while std::fs::read_to_string(temp.path().join("pid")).map_or(true, |pid| pid.trim().is_empty()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    assert_eq!(server.enable(false).await, Ok(()));
    assert!(matches!(server.state(), McpState::Disabled));
    server.close().await;
    assert!(began.elapsed() < HANDSHAKE_TIMEOUT / 2, "{:?}", began.elapsed());
}
