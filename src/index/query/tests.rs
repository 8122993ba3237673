use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::*;
use crate::session::SessionSummary;
use crate::session::summary::{SessionTitle, TitleSource};
use crate::store::StoredSession;

fn now() -> DateTime<FixedOffset> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A session of this title that was active so many hours ago.
fn row(title: &str, hours: i64) -> SessionRow {
    let stored = StoredSession {
        id: crate::session::SessionId::random(),
        path: "x".into(),
        size: 10,
        modified: std::time::SystemTime::UNIX_EPOCH,
        inode: 0,
        side_modified: None,
    };
    let facts = SessionSummary {
        title: Some(SessionTitle { text: title.into(), source: TitleSource::Custom }),
        active: Some((now() - TimeDelta::hours(hours)).to_utc()),
        ..SessionSummary::default()
    };
    SessionRow { stored, facts: facts.into(), holder: None, partial: false, read_error: None }
}

/// A session with something in every field.
fn whole() -> SessionRow {
    let mut row = row("Parser rewrite", 50);
    row.facts = SessionSummary {
        tag: Some("keep".into()),
        branch: Some("feature/Grammar".into()),
        cwd: Some("/home/me/hotseat".into()),
        model: Some("claude-opus-5-5".into()),
        cost_usd: Some(3.18),
        turns: 41,
        first_prompt: Some("Make the lexer faster".into()),
        last_prompt: Some("and now the error path".into()),
        ..(*row.facts).clone()
    }
    .into();
    row
}

fn parse(typed: &str) -> SessionQuery {
    SessionQuery::parse(typed, now())
}

fn order(typed: &str, titles: &[&str]) -> Vec<String> {
    let rows: Vec<SessionRow> = titles.iter().zip(1..).map(|(title, hours)| row(title, hours)).collect();
    let ranked = parse(typed).rank_all(&rows, None);
    ranked.into_iter().map(|at| titles[at].to_owned()).collect()
}

#[test]
fn filters_let_through_what_they_say() {
    let check = |typed: &str, through: bool| {
        let query = parse(typed);
        assert_eq!((query.matches_filters(&whole()), &query.errors[..]), (through, &[][..]), "{typed}");
        let not = parse(&format!("-{typed}"));
        assert_eq!(not.matches_filters(&whole()), !through, "not {typed}");
    };
    for typed in [
        "tag:keep",
        "tag:k",
        "TAG:Keep",
        "tag:",
        "branch:grammar",
        "project:hot",
        "project:me/hot",
        "model:opus",
    ] {
        check(typed, true);
    }
    for typed in ["tag:eep", "branch:main", "project:me", "model:sonnet"] {
        check(typed, false);
    }
    for typed in ["cost:>3", "cost:>=3.18", "cost:3.18", "cost:<$4", "turns:>20", "turns:41", "turns:<=41"] {
        check(typed, true);
    }
    for typed in ["cost:>3.18", "turns:<41", "since:today", "since:2d", "before:2026-11-18"] {
        check(typed, false);
    }
    for typed in ["since:3d", "after:2026-11-18", "before:yesterday", "before:2d", "project:\"hotseat\""] {
        check(typed, true);
    }
}

#[test]
fn what_a_session_does_not_have_passes_no_filter() {
    for typed in ["tag:", "branch:x", "cost:<1", "model:x", "project:x"] {
        assert!(!parse(typed).matches_filters(&row("bare", 1)), "{typed}");
        assert!(parse(&format!("-{typed}")).matches_filters(&row("bare", 1)), "-{typed}");
    }
}

#[test]
fn a_mistake_is_told_in_its_place_and_the_rest_filters() {
    let check = |typed: &str, at: &str, problem: &str| {
        let query = parse(typed);
        let [mistake] = &query.errors[..] else { panic!("{typed}: {:?}", query.errors) };
        assert_eq!((&typed[mistake.span.clone()], mistake.message.as_str()), (at, problem));
    };
    let times = "“tomorow” is not a time (try 3d, 2w, yesterday or 2026-10-01)";
    check("parser since:tomorow", "since:tomorow", times);
    check("cost:abc x", "cost:abc", "“abc” is not a number (try cost:>1)");
    check("cost: x", "cost:", "“” is not a number (try cost:>1)");
    check("-tga:keep", "-tga:keep", "unknown filter “tga:”; did you mean “tag:”?");
    check("brnach:x", "brnach:x", "unknown filter “brnach:”; did you mean “branch:”?");
    let query = parse("tag:keep since:tomorow rewrite");
    assert!(query.score(&whole()).is_some());
    assert!(query.score(&row("rewrite", 1)).is_none());
    assert_eq!(query.words_text(), "rewrite");
}

#[test]
fn a_word_with_a_colon_is_a_word() {
    for typed in ["foo_bar::baz", "http://example.org", "std::fs", "main.rs:12", "note:this", "-std::fs"] {
        let query = parse(typed);
        assert!(query.errors.is_empty() && !query.has_filters(), "{typed}");
        assert_eq!(query.words_text(), typed);
    }
    assert_eq!(order("note:this", &["a note", "a note:this"]), ["a note:this"]);
}

#[test]
fn exact_and_word_start_come_first_then_what_is_recent() {
    let titles = ["unparsed", "sparse parser", "Parser rewrite", "parser", "p-a-r-s-e-r", "lexer"];
    assert_eq!(order("parser", &titles), ["parser", "Parser rewrite", "sparse parser", "p-a-r-s-e-r"]);
    assert_eq!(order("pars", &titles)[..3], ["Parser rewrite", "parser", "sparse parser"]);
    assert_eq!(
        order("tag", &["the art gallery", "vintage", "tag it", "tag"]),
        ["tag", "tag it", "vintage", "the art gallery"]
    );
    assert_eq!(order("b a", &["a b", "ab", "b", "a b again"])[..2], ["a b", "a b again"]);
}

#[test]
fn the_title_comes_before_other_fields() {
    let mut tagged = row("something else", 1);
    Arc::make_mut(&mut tagged.facts).tag = Some("parser".into());
    let mut said = row("nothing", 2);
    Arc::make_mut(&mut said.facts).last_prompt = Some("look at the parser".into());
    let rows = [said, tagged, row("an unparserable one", 3), row("p a r s e r", 4)];
    assert_eq!(parse("parser").rank_all(&rows, None), [2, 1, 0, 3]);
}

#[test]
fn a_session_is_found_by_any_field_and_shown_by_it() {
    let check = |typed: &str, field: Option<SessionField>, lit: &str| {
        let (query, row) = (parse(typed), whole());
        assert!(query.score(&row).is_some(), "{typed}");
        assert_eq!(query.matched_field(&row), field, "{typed}");
        let field = field.unwrap_or(SessionField::Title);
        let text = field.of(&row).unwrap();
        let shown: String = query
            .match_positions(&row, field, text)
            .into_iter()
            .filter_map(|at| text.chars().nth(at))
            .collect();
        assert_eq!(shown, lit, "{typed}");
    };
    check("rewrite pars", None, "Parsrewrite");
    check("lexer", Some(SessionField::FirstPrompt), "lexer");
    check("\"error path\"", Some(SessionField::LastPrompt), "error path");
    check("keep", Some(SessionField::Tag), "keep");
    check("grammar pars", Some(SessionField::Branch), "Grammar");
    check("hotseat", Some(SessionField::Folder), "hotseat");
    check("me/hot", Some(SessionField::Folder), "me/hot");
    assert_eq!(parse("me").matched_field(&whole()), None, "every path has a home");
    assert!(parse("parser -keep").score(&whole()).is_none());
    assert!(parse("parser -flaky").score(&whole()).is_some());
    assert!(parse("\"prsr\"").score(&whole()).is_none(), "quotes want it in one piece");
}

#[test]
fn a_query_that_grows_asks_only_the_former_hits() {
    let narrows = |former: &str, typed: &str| parse(typed).is_refinement_of(&parse(former));
    for (former, typed) in
        [("", "p"), ("p", "pa"), ("pa", "pa re"), ("tag:k pa", "tag:k par"), ("\"a b", "\"a bc")]
    {
        assert!(narrows(former, typed), "{former} → {typed}");
    }
    for (former, typed) in [
        ("pa", "p"),
        ("cost:<1", "cost:<10"),
        ("pa", "\"pa\""),
        ("-pa", "-par"),
        ("sr", "src/"),
        ("x pa", "pa"),
    ] {
        assert!(!narrows(former, typed), "{former} → {typed}");
    }
    let rows: Vec<SessionRow> = ["parser", "lexer", "sparse", "p a r"].map(|title| row(title, 1)).into();
    let (short, long) = (parse("pa"), parse("pars"));
    let former = short.rank_all(&rows, None);
    assert_eq!(long.rank_all(&rows, Some(&former)), long.rank_all(&rows, None));
}

#[test]
fn filters_complete_to_names_and_to_what_the_sessions_have() {
    let mut rows = vec![whole(), whole(), row("bare", 1)];
    Arc::make_mut(&mut rows[1].facts).tag = Some("two words".into());
    Arc::make_mut(&mut rows[2].facts).tag = Some("keep".into());
    let check = |typed: &str, expected: &[&str]| {
        let found = complete(typed, &rows);
        let found = found.map(|found| (typed[..found.span.start].to_owned(), found.candidates));
        let (before, candidates) = found.unwrap_or_default();
        let shown: Vec<String> = candidates.iter().map(|candidate| format!("{before}{candidate}")).collect();
        assert_eq!(shown, expected, "{typed}");
    };
    check("ta", &["tag:"]);
    check("x -be", &["x -before:"]);
    check("t", &[]);
    check("tag:", &["tag:keep", "tag:\"two words\""]);
    check("tag:K", &["tag:keep"]);
    check("tag:\"tw", &["tag:\"two words\""]);
    check("tag:keep", &[]);
    check("project:h", &["project:hotseat"]);
    check("model:claude", &["model:claude-opus-5-5"]);
    check("since:", &["since:today", "since:yesterday", "since:3d", "since:2w", "since:6mo"]);
    check("foo:", &[]);
    check("ta ", &[]);
}

#[test]
fn nothing_that_is_typed_breaks_it() {
    let pieces =
        ["tag:", "\"", "-", ":", "登录", "::", "cost:>", " ", "e\u{301}", "since:9999999999d", "ß", "İ"];
    for one in pieces {
        for two in pieces {
            for three in pieces {
                let typed = format!("{one}{two}{three}");
                let query = parse(&typed);
                query.score(&whole());
                query.match_positions(&whole(), SessionField::Title, "Parser");
                assert!(query.errors.iter().all(|mistake| typed.get(mistake.span.clone()).is_some()));
                complete(&typed, &[whole()]);
            }
        }
    }
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_id() {
    let mut row = row("Parser rewrite", 1);
    row.stored.id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1".parse().unwrap();
    row.facts = SessionSummary { agent_session: Some("ses_e01B8".into()), ..(*row.facts).clone() }.into();
    for typed in ["3f9c", "3F9C1A52-0b", "parser 3f9c1", "ses_", "ses_e01b8"] {
        assert!(parse(typed).score(&row).is_some(), "{typed}");
        assert_eq!(parse(typed).matched_field(&row), None, "{typed}");
    }
    for typed in ["3f9", "9c1a", "3f9c2", "-3f9c", "ses_e01b8x", "ses"] {
        assert_eq!(parse(typed).score(&row).is_some(), typed.starts_with('-'), "{typed}");
    }
    assert!(!parse("3f9c").is_refinement_of(&parse("3f9")), "what was left out may fit now");
    assert!(parse("3f9c1").is_refinement_of(&parse("3f9c")));
}
