//! What the screen's tests begin from: a noon, some sessions, a setup, an agent.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, FixedOffset, Utc};
use uuid::Uuid;

use super::{AppSetup, Keymap};
use crate::index::SessionRow;
use crate::protocol::PermissionMode;
use crate::session::raw_entry::ForkedFrom;
use crate::session::summary::{SessionSummary, SessionTitle, TitleSource};
use crate::session::{Prices, SessionId};
use crate::slot::{AgentInfo, Capabilities};
use crate::store::StoredSession;

/// When every test happens.
pub fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Where every test happens.
pub fn greenwich() -> FixedOffset {
    FixedOffset::east_opt(0).unwrap()
}

/// The id of a number below 100.
pub fn id(number: u8) -> SessionId {
    format!("00000000-0000-4000-8000-0000000000{number:02}").parse().unwrap()
}

/// A session of a number and a title, so many minutes old, a fork of another or not.
pub fn row(number: u8, title: &str, minutes: u64, parent: Option<u8>) -> SessionRow {
    let stored = StoredSession {
        id: id(number),
        path: "x".into(),
        size: 10,
        modified: SystemTime::UNIX_EPOCH,
        inode: 0,
        side_modified: None,
    };
    let facts = SessionSummary {
        title: Some(SessionTitle { text: title.into(), source: TitleSource::Custom }),
        active: Some(noon() - Duration::from_secs(minutes * 60)),
        forked_from: parent
            .map(|parent| ForkedFrom { session_id: id(parent).to_string(), message_uuid: None }),
        ..SessionSummary::default()
    };
    SessionRow { stored, facts: facts.into(), holder: None, partial: false, read_error: None }
}

/// A start without anything special.
pub fn setup() -> AppSetup {
    AppSetup {
        keymap: Keymap::default(),
        folder: "/home/me/hotseat".into(),
        agent: "hotseat".into(),
        agents: Vec::new(),
        terminal: false,
        mode: PermissionMode::Default,
        resume: None,
        resume_elsewhere: None,
        is_trusted: true,
        ignores_project_settings: true,
        resume_newest: false,
        all: false,
        ephemeral: false,
        welcome: None,
        show_timestamps: false,
        browser_width: None,
        prices: Prices::default(),
        drafts: HashMap::new(),
        history: Vec::new(),
        run_id: Uuid::from_u128(7),
        offset: greenwich(),
        now: noon(),
    }
}

/// The agent after its handshake, in this session.
pub fn agent(session: SessionId) -> AgentInfo {
    AgentInfo {
        name: "hotseat".into(),
        version: "0.1.0".into(),
        pid: 4711,
        model: "offline".into(),
        notice: Some("offline model: it only knows this conversation".into()),
        session,
        transcript: "t".into(),
        cwd: "/home/me/hotseat".into(),
        permission_mode: PermissionMode::Default,
        commands: vec![("compact".into(), "make room".into())],
        models: Vec::new(),
        mcp_servers: (3, 3),
        repaired: None,
        capabilities: Capabilities::FULL,
    }
}
