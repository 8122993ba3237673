//! `hotseat sessions search | info | stats`, and what shells ask: what is found,
//! what it looks like to a program, and that nothing is changed by asking.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::shell::Home;

/// A session of this folder that holds one prompt.
fn said(home: &Home, number: u32, prompt: &str) -> String {
    let id = home.put(number, &format!("Talk {number}"));
    let cwd = home.path("work");
    let file = home.find(&id).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let leaf = text.rsplit_once(r#""leafUuid":""#).and_then(|(_, rest)| rest.split_once('"'));
    let entry = json!({
        "type": "user", "uuid": format!("{number:08}-1111-4111-8111-111111111111"),
        "parentUuid": leaf.map(|(leaf, _)| leaf),
        "sessionId": id, "timestamp": "2026-11-20T10:00:00Z", "cwd": cwd, "isSidechain": false,
        "message": {"role": "user", "content": prompt},
    });
    fs::write(&file, format!("{text}{entry}\n")).unwrap();
    id
}

/// The sessions a search finds, with or without an index.
fn found(home: &Home, words: &[&str]) -> Vec<String> {
    let output = home.run(&[&["search"], words].concat());
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut found: Vec<_> = lines.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(output.status.code(), Some(i32::from(found.is_empty())), "{words:?}");
    found
}

#[test]
fn what_was_said_is_found_with_an_index_and_without_one() {
    let home = Home::new();
    let code = said(&home, 1, "call foo_bar::baz in src/main.rs, please");
    let page = said(&home, 2, "修复登录页面 of the old grammar");
    let flag = said(&home, 3, "an old flag for the grammar");
    let check = |home: &Home| {
        for (words, ids) in [
            (&["foo_bar::baz"][..], vec![&code]),
            (&["src/main.rs"], vec![&code]),
            (&["登录"], vec![&page]),
            (&["gramm*"], vec![&page, &flag]),
            (&["\"old grammar\""], vec![&page]),
            (&["grammar", "--", "-flag"], vec![&page]),
            (&["grammar", "since:2026-11-01", "project:work"], vec![&page, &flag]),
            (&["grammar", "project:elsewhere"], vec![]),
            (&["nothing-of-this"], vec![]),
        ] {
            let mut ids: Vec<_> = ids.into_iter().cloned().collect();
            ids.sort();
            assert_eq!(found(home, words), ids, "{words:?}");
        }
    };
    check(&home);
    let later = said(&home, 4, "a tangerine, said after the index was made");
    assert_eq!(found(&home, &["tangerine"]), std::slice::from_ref(&later));
    fs::remove_file(home.find(&later).unwrap()).unwrap();
    assert_eq!(found(&home, &["tangerine"]), [] as [String; 0]);
    // A cache that is no folder: then the transcripts themselves are read.
    fs::remove_dir_all(home.path("cache")).unwrap();
    fs::write(home.path("cache"), "in the way").unwrap();
    check(&home);
}

#[test]
fn a_hit_says_where_it_is() {
    let home = Home::new();
    let id = said(&home, 1, "keep the old grammar");
    let hits = home.json(&["search", "grammar"]);
    assert_eq!(
        hits,
        json!([{
            "session_id": id, "title": "Talk 1", "cwd": home.path("work"),
            "uuid": "00000001-1111-4111-8111-111111111111", "role": "prompt",
            "at": "2026-11-20T10:00:00Z", "text": "keep the old grammar",
            "lit": (13..20).collect::<Vec<_>>(), "others": 0, "subagent": null,
        }])
    );
    assert!(home.refused(2, &["search", "cost:much", "x"]).contains("cost:>1"));
    assert!(home.refused(2, &["search", "--", "-grammar"]).contains("nothing to search for"));
}

#[test]
fn all_that_is_known_of_a_session() {
    let home = Home::new();
    let id = said(&home, 1, "hello\u{1b}[2J");
    let before = home.text(&id);
    let info = home.json(&["info", "Talk 1"]);
    for (field, value) in [
        ("session_id", json!(id)),
        ("pinned", json!(false)),
        ("turns", json!(4)),
        ("resume_command", json!(format!("hotseat --resume {id}"))),
        ("path", json!(home.find(&id).unwrap())),
    ] {
        assert_eq!(info[field], value, "{field}");
    }
    assert!(info["deleted_after"].as_i64() > info["last_modified"].as_i64());
    let sheet = home.done(&["info", &id[..8]]);
    assert!(sheet.starts_with("Talk 1\n") && !sheet.contains('\u{1b}'), "{sheet}");
    assert!(home.refused(1, &["info", "nobody"]).contains("no session “nobody”"));
    assert_eq!(home.text(&id), before);
}

#[test]
fn tokens_are_added_up_by_day_project_and_model() {
    let home = Home::new();
    for number in 1..=3 {
        home.put(number, &format!("Talk {number}"));
    }
    let total = |by: &str| home.json(&["stats", "--all", "--by", by])["total"].clone();
    assert_eq!(total("day")["sessions"], 3);
    assert!(total("day")["tokens"]["output"].as_u64() > Some(0));
    assert_eq!((total("day"), total("day")), (total("project"), total("model")));
    let rows = home.json(&["stats", "--all", "--by", "model"])["rows"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert!(home.done(&["stats", "--all", "--since", "1d"]).contains("No usage in this period"));
    assert!(home.refused(2, &["stats", "--since", "yesterday"]).contains("90d"));
}

#[test]
fn a_shell_completes_sessions_by_id_and_title() {
    let home = Home::new();
    let id = home.put(1, "Parser rewrite");
    for (typed, completed) in [(&id[..6], id.clone()), ("parser", "Parser rewrite".to_owned())] {
        for words in [&["sessions", "show"][..], &["sessions", "delete"], &["--resume"]] {
            let mut command = home.command(env!("CARGO_BIN_EXE_hotseat"));
            command.env("HOTSEAT_COMPLETE", "fish").args(["--", "hotseat"]).args(words).arg(typed);
            let answer = String::from_utf8(command.output().unwrap().stdout).unwrap();
            assert!(answer.starts_with(&completed), "{words:?} {typed}: {answer}");
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let home = Home::new();
    let folder = home.path("man");
    let mut command = home.command(env!("CARGO_BIN_EXE_hotseat"));
    assert!(command.arg("man").arg(&folder).status().unwrap().success());
    for page in ["hotseat.1", "hotseat-sessions.1", "hotseat-sessions-search.1", "hotseat-agent.1"] {
        let file = folder.join(page);
        assert!(fs::read_to_string(&file).is_ok_and(|text| text.contains(".SH SYNOPSIS")), "{page}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o111, 0);
    }
}
