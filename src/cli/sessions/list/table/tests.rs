use std::time::SystemTime;

use super::*;
use crate::session::SessionSummary;
use crate::session::summary::{SessionTitle, TitleSource};
use crate::store::StoredSession;

fn row(number: u8, title: &str, more: SessionSummary) -> SessionRow {
    let id = format!("{number:02x}000000-0000-4000-8000-000000000000").parse().unwrap();
    let title = Some(SessionTitle { text: title.into(), source: TitleSource::Custom });
    SessionRow {
        stored: StoredSession {
            id,
            path: "/x".into(),
            size: 1,
            modified: SystemTime::UNIX_EPOCH,
            inode: 0,
            side_modified: None,
        },
        facts: SessionSummary { title, active: "2026-11-20T10:00:00Z".parse().ok(), ..more }.into(),
        holder: None,
        partial: false,
        read_error: None,
    }
}

fn rows() -> Vec<SessionRow> {
    let facts = SessionSummary {
        turns: 41,
        cost_usd: Some(3.18),
        tag: Some("keep".into()),
        branch: Some("main".into()),
        cwd: Some("/home/me/work/parser".into()),
        ..SessionSummary::default()
    };
    vec![
        row(1, "Parser rewrite ⑂2", facts),
        row(2, "修复登录页面 of a login page that nobody understands any more", SessionSummary::default()),
        row(3, "hostile\u{1b}[2J\ttitle", SessionSummary::default()),
    ]
}

fn table(most: usize) -> String {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let rows = rows();
    let ids: Vec<_> = rows.iter().map(|row| row.stored.id.short_prefix([])).collect();
    render_table(
        &rows,
        &ids,
        &Prices::default(),
        now,
        OutputTarget { width: Some(most), styled: false },
        TableShape { all: true, subagents: true, width: most },
    )
}

#[test]
fn a_table_fits_and_gives_up_columns_from_the_right() {
    let text = table(120);
    assert!(text.starts_with("ID        TITLE"), "{text}");
    let first = text.lines().nth(1).unwrap();
    for part in
        ["01000000", "Parser rewrite ⑂2", "2 h", "41", "$3.18", "/home/me/work/parser", "keep", "main"]
    {
        assert!(first.contains(part), "{part}: {text}");
    }
    assert!(!table(80).contains("BRANCH") && table(80).contains("TURNS"), "{}", table(80));
    for most in [36, 40, 60, 80, 120, 300] {
        let wide = table(most);
        assert!(wide.lines().all(|line| width(line) <= most), "{most}:\n{wide}");
        assert!(!wide.contains('\u{1b}'));
    }
}

#[test]
fn what_is_odd_about_a_session_is_told_in_its_row() {
    let facts = SessionSummary {
        gaps: 1,
        origin: crate::session::SessionOrigin::Headless,
        subagents: vec![crate::session::summary::SubagentSummary {
            id: "a1".into(),
            agent_type: Some("Explore".into()),
            ..Default::default()
        }],
        ..SessionSummary::default()
    };
    let rows = [row(1, "Parser", facts)];
    let page = OutputTarget { width: Some(80), styled: false };
    let shape = TableShape { all: false, subagents: true, width: 80 };
    let text = render_table(&rows, &["01".to_owned()], &Prices::default(), Utc::now(), page, shape);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].starts_with("01  ⚠ [headless] Parser"), "{text}");
    assert_eq!(lines[2], "    └ a1  Explore");
    assert!(render_lines(&rows, &Prices::default(), true).ends_with("\n\ta1\tExplore\n"));
}

#[test]
fn lines_keep_their_columns_whatever_a_title_holds() {
    let text = render_lines(&rows(), &Prices::default(), false);
    assert!(text.lines().all(|line| line.split('\t').count() == 8), "{text}");
    let first = "01000000-0000-4000-8000-000000000000\t2026-11-20T10:00:00Z\t41\t3.18\tkeep\tmain\t\
                 /home/me/work/parser\tParser rewrite ⑂2";
    assert_eq!(text.lines().next(), Some(first));
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn an_id_is_never_cut_shorter_than_it_has_to_be_typed() {
    let ids = ["01000000", "02000000-0000-4", "03000000"].map(str::to_owned);
    let page = OutputTarget { width: Some(40), styled: false };
    let shape = TableShape { all: true, subagents: false, width: 40 };
    let text = render_table(&rows(), &ids, &Prices::default(), Utc::now(), page, shape);
    assert!(text.contains("\n02000000-0000-4  修复"), "{text}");
    assert!(text.lines().all(|line| width(line) <= 40), "{text}");
}
