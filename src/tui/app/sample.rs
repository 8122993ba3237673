//! What the screen's tests begin from: a noon, some sessions, a setup, an agent.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, FixedOffset, Utc};
use uuid::Uuid;

use super::{Keymap, Setup};
use crate::index::Row;
use crate::protocol::PermissionMode;
use crate::session::facts::{Facts, Title, TitleSource};
use crate::session::line::ForkedFrom;
use crate::session::{Prices, SessionId};
use crate::slot::{Abilities, Agent};
use crate::store::Stored;

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
pub fn row(number: u8, title: &str, minutes: u64, parent: Option<u8>) -> Row {
    let stored =
        Stored { id: id(number), path: "x".into(), size: 10, modified: SystemTime::UNIX_EPOCH, inode: 0 };
    let facts = Facts {
        title: Some(Title { text: title.into(), source: TitleSource::Custom }),
        active: Some(noon() - Duration::from_secs(minutes * 60)),
        forked_from: parent
            .map(|parent| ForkedFrom { session_id: id(parent).to_string(), message_uuid: None }),
        ..Facts::default()
    };
    Row { stored, facts: facts.into(), open_in: None, partial: false, problem: None }
}

/// A start without anything special.
pub fn setup() -> Setup {
    Setup {
        keymap: Keymap::default(),
        folder: "/home/me/hotseat".into(),
        agent: "hotseat".into(),
        agents: Vec::new(),
        terminal: false,
        mode: PermissionMode::Default,
        resume: None,
        resume_newest: false,
        all: false,
        ephemeral: false,
        welcome: None,
        times: false,
        browser_width: None,
        prices: Prices::default(),
        drafts: HashMap::new(),
        history: Vec::new(),
        run: Uuid::from_u128(7),
        offset: greenwich(),
        now: noon(),
    }
}

/// The agent after its handshake, in this session.
pub fn agent(session: SessionId) -> Agent {
    Agent {
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
        mcp: (3, 3),
        repaired: None,
        abilities: Abilities::WHOLE,
    }
}
