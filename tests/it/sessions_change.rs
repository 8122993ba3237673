//! `hotseat sessions …`, the commands that change something: what they do, what
//! they say, how it is taken back, and what the official functions see then.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::sessions::Sample;
use crate::support::shell::Home;
use crate::support::skip::skip;

#[test]
fn names_are_given_and_taken_back() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let info = |home: &Home| {
        let text = home.text(&id);
        let last = |kind: &str, field: &str| {
            let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            entries.rev().find(|entry| entry["type"] == kind).map(|entry| entry[field].clone())
        };
        (last("custom-title", "customTitle"), last("tag", "tag"))
    };
    let said = home.done(&["rename", "plan", "It's a $HOME plan"]);
    assert!(said.starts_with("renamed “Plan” to “It's a $HOME plan”\n"), "{said}");
    let tagged = home.done(&["tag", &id[..8], "keep"]);
    assert_eq!(info(&home), (Some(json!("It's a $HOME plan")), Some(json!("keep"))));
    home.undo(&said);
    home.undo(&tagged);
    assert_eq!(info(&home), (Some(json!("Plan")), Some(json!(""))));
    assert!(home.refused(2, &["tag", "plan"]).contains("no tag given"));
}

#[test]
fn a_reference_that_fits_none_or_several_changes_nothing() {
    let home = Home::new();
    let ids = [home.put(1, "Plan one"), home.put(2, "Plan two")];
    let before: Vec<_> = ids.iter().map(|id| home.text(id)).collect();
    assert!(home.refused(1, &["rename", "plan", "x"]).contains("“plan” is ambiguous"));
    assert!(home.refused(1, &["delete", "nothing", "../../etc/passwd"]).contains("no session “nothing”"));
    assert_eq!(before, ids.iter().map(|id| home.text(id)).collect::<Vec<_>>());

    let answer = home.json(&["delete", "Plan two", "nothing", &ids[1]]);
    assert_eq!(answer["done"][0]["session_id"], ids[1].as_str());
    assert_eq!(
        (answer["done"].as_array().unwrap().len(), answer["failed"][0]["reference"].as_str()),
        (1, Some("nothing"))
    );
}

#[test]
fn a_fork_prints_its_id_and_leaves_the_original_alone() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let before = home.text(&id);
    let output =
        home.run(&["fork", "Plan", "--title", "Side way", "--cwd", home.path("claude").to_str().unwrap()]);
    let fork = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert_eq!(home.text(&id), before);
    assert!(home.text(&fork).contains("\"customTitle\":\"Side way\""));
    assert_ne!(home.find(&fork).unwrap().parent(), home.find(&id).unwrap().parent());
    home.undo(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(home.find(&fork), None);
    assert!(home.refused(1, &["fork", "Plan", "--at", "nowhere"]).contains("has no message nowhere"));
}

#[test]
fn a_broken_session_is_repaired_in_a_copy() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let text = home.text(&id);
    let mut lines: Vec<_> = text.lines().collect();
    let second = lines.iter().position(|line| line.contains("Turn 1:")).unwrap();
    lines[second] = &lines[second][..40];
    let broken = lines.join("\n") + "\n";
    fs::write(home.find(&id).unwrap(), &broken).unwrap();

    let document = |id: &str| home.done(&["export", id]);
    assert!(document(&id).contains("Turn 0:"), "the gap is bridged");
    let said = home.done(&["fork", &id, "--title", "As it is"]);
    assert!(said.contains("--repair recovers entries"), "{said}");
    let answer = home.json(&["fork", &id, "--repair"]);
    assert_eq!(answer["done"][0]["mended_cuts"], 1);
    let copy = document(answer["done"][0]["session_id"].as_str().unwrap());
    assert!(
        copy.starts_with("# Plan (repaired)\n") && copy.contains("Turn 0:") && copy.contains("Turn 2:"),
        "{copy}"
    );
    assert_eq!(home.text(&id), broken);
}

#[test]
fn what_is_deleted_can_be_brought_back() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let (path, text) = (home.find(&id).unwrap(), home.text(&id));
    let said = home.done(&["delete", "Plan"]);
    assert_eq!(home.find(&id), None);
    assert!(home.done(&["restore"]).contains(&format!("{id}  ")));
    assert_eq!(home.json(&["restore"])["trash"][0]["title"], "Plan");
    home.undo(&said);
    assert_eq!((home.find(&id), home.text(&id)), (Some(path), text));
    assert_eq!(home.done(&["restore"]), "The trash is empty.\n");

    home.done(&["delete", "Plan"]);
    home.put(1, "Plan");
    assert!(home.refused(1, &["restore", "Plan"]).contains("already exists"));
}

#[test]
fn a_session_that_is_open_elsewhere_is_not_deleted_unless_forced() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let register = home.path("claude/sessions");
    fs::create_dir(&register).unwrap();
    let entry = json!({"pid": std::process::id(), "sessionId": id, "status": "busy"});
    fs::write(register.join("1.json"), entry.to_string()).unwrap();
    for words in [&["delete", "Plan"][..], &["move", "Plan", "--to", "/"]] {
        assert!(home.refused(1, words).contains("is open in claude"), "{words:?}");
    }
    let nothing = home.done(&["prune", "--larger-than", "0", "--apply"]);
    assert_eq!(
        nothing,
        "No sessions of this folder's project (--all: of all projects) match.\n  skipped: 1 session, open in a live process\n"
    );
    home.done(&["delete", "Plan", "--force"]);
    assert_eq!(home.find(&id), None);
}

#[test]
fn prune_tells_what_it_passes_over_and_why() {
    let home = Home::new();
    let threads = home.path(".codex/sessions/2026/11/21");
    fs::create_dir_all(&threads).unwrap();
    for number in 0..2 {
        let id = format!("01a1fd6d-71cb-7e50-b56a-f73c5c30d40{number}");
        let payload = json!({"id": id, "cwd": home.path("work"), "cli_version": "0.169.0", "source": "cli"});
        let meta = json!({"timestamp": "2026-11-21T10:00:00Z", "ordinal": 0, "type": "session_meta", "payload": payload});
        fs::write(threads.join(format!("rollout-2026-11-21T09-26-10-{id}.jsonl")), format!("{meta}\n"))
            .unwrap();
    }
    let (gone, _pinned) = (home.put(1, "Gone"), home.put(2, "Pinned"));
    home.done(&["pin", "Pinned"]);
    let prune = ["prune", "--larger-than", "0"];
    let said = home.done(&prune);
    assert!(said.contains("1 session of this folder's project") && said.contains(&gone), "{said}");
    for line in ["2 sessions, owned by codex, which alone can delete them", "1 session, pinned"] {
        assert!(said.contains(&format!("\n  skipped: {line}\n")), "{said}");
    }
    let passed_over = json!([
        {"why": "kept_by_agent", "agent": "codex", "count": 2}, {"why": "pinned", "agent": null, "count": 1}
    ]);
    assert_eq!(home.json(&prune)["passed_over"], passed_over);

    // They begin alike, and are told with what tells them apart.
    let unclear = home.refused(1, &["show", "01a1fd6d"]);
    assert_eq!(unclear.matches("\n    01a1fd6d-71cb-7e50-b56a-f73c5c30d40").count(), 2, "{unclear}");
}

#[test]
fn list_and_prune_cover_this_folders_project_or_all() {
    let home = Home::new();
    let here = home.put(1, "Here");
    let elsewhere = Sample { number: 2, cwd: "/elsewhere".into(), ..Sample::default() };
    elsewhere.write(&home.path("claude")).unwrap();
    let listed = |all: &[&str]| {
        let list = home.json(&[&["list"], all].concat());
        let mut ids: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["session_id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let pruned = |all: &[&str]| {
        let prune = home.json(&[&["prune", "--larger-than", "0"], all].concat());
        let sessions = prune["sessions"].as_array().unwrap();
        let mut ids: Vec<_> =
            sessions.iter().map(|row| row["session_id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        (prune["scope"].as_str().unwrap().to_owned(), ids)
    };
    let both = {
        let mut both = vec![here.clone(), elsewhere.id()];
        both.sort();
        both
    };
    assert_eq!(listed(&[]), [&*here]);
    assert_eq!(pruned(&[]), ("project".to_owned(), vec![here]));
    assert_eq!(listed(&["--all"]), both);
    assert_eq!(pruned(&["--all"]), ("all".to_owned(), both));
}

#[test]
fn prune_takes_what_fits_and_only_when_told() {
    let home = Home::new();
    let (old, kept, pinned) = (home.put(1, "Old"), home.put(2, "Kept"), home.put(3, "Pinned"));
    let fresh =
        Sample { number: 4, started: chrono::Utc::now(), cwd: home.path("work"), ..Sample::default() };
    fresh.write(&home.path("claude")).unwrap();
    home.done(&["tag", "Kept", "keep"]);
    home.done(&["pin", "Pinned"]);
    let prune = ["prune", "--older-than", "30d", "--keep-tagged"];
    assert!(home.refused(2, &["prune"]).contains("specify --older-than or --larger-than"));
    assert!(home.refused(2, &["prune", "--older-than", "soon"]).contains("is not an age"));

    let said = home.done(&prune);
    assert!(
        said.contains(&old) && !said.contains(&kept) && said.contains("would move to the trash"),
        "{said}"
    );
    assert!(home.find(&old).is_some());
    let answer = home.json(&[&prune[..], &["--apply"]].concat());
    assert_eq!(
        (answer["sessions"][0]["session_id"].as_str(), answer["applied"].as_bool()),
        (Some(&*old), Some(true))
    );
    assert_eq!(home.find(&old), None);
    assert!([&kept, &pinned, &fresh.id()].into_iter().all(|id| home.find(id).is_some()));

    assert!(
        home.done(&["prune", "--trash", "--older-than", "1h"]).contains("No sessions in the trash match")
    );
    home.done(&["prune", "--trash", "--larger-than", "0"]);
    assert!(home.done(&["restore"]).contains(&old), "without --apply nothing is removed");
    assert!(home.done(&["prune", "--trash", "--larger-than", "0", "--yes"]).contains("removed for good"));
    assert!(home.refused(1, &["restore", &old]).contains("in the trash"));
}

#[test]
fn a_pinned_session_outlives_the_official_clean_up() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let text = home.text(&id);
    home.done(&["pin", "Plan"]);
    fs::remove_file(home.find(&id).unwrap()).unwrap();
    assert_eq!(home.json(&["pin"])["pinned"][0]["title"], "Plan");
    assert_eq!(home.text(&id), text);
    let said = home.done(&["delete", "Plan"]);
    assert!(said.contains("the pinned copy stays"), "{said}");
    home.done(&["pin"]);
    assert_eq!(home.find(&id), None, "what was deleted on purpose stays deleted");
    home.undo(&said);
    home.done(&["unpin", "Plan"]);
    assert_eq!(home.done(&["pin"]), "No pinned sessions.\n");
}

#[test]
fn a_store_that_cannot_be_written_says_so_and_loses_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let id = home.put(1, "Plan");
    let (path, text) = (home.find(&id).unwrap(), home.text(&id));
    let folder = path.parent().unwrap();
    let allow = |mode| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o500);
    if fs::write(folder.join("probe"), "").is_ok() {
        return eprintln!("root may write anywhere: nothing to see here");
    }
    for words in [&["delete", "Plan"][..], &["move", "Plan", "--to", "/"], &["fork", "Plan"]] {
        let said = home.refused(1, words);
        assert!(said.contains("ermission denied"), "{words:?}: {said}");
        assert_eq!(home.text(&id), text, "{words:?}");
    }
    allow(0o700);
}

#[test]
fn many_writers_at_once_harm_no_line() {
    let home = Home::new();
    let id = home.put(1, "Plan");
    let before = home.text(&id);
    let file = home.path("work/plan.tar");
    home.done(&["move", &id, "--keep", "--to-file", file.to_str().unwrap()]);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (home, id) = (&home, &id);
            scope.spawn(move || home.done(&["rename", id, &format!("Plan {number}")]));
        }
    });
    let text = home.text(&id);
    let added = text.strip_prefix(&before).unwrap();
    assert_eq!(added.lines().count(), 6);
    assert!(added.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{added}");

    home.done(&["delete", &id]);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let import = || home.run(&["import", file.to_str().unwrap()]).status.success();
        let running: Vec<_> = (0..4).map(|_| scope.spawn(import)).collect();
        running.into_iter().map(|import| import.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|done| **done).count(), 1, "{outcomes:?}");
    assert_eq!(home.text(&id), before);
}

/// What a Python expression gives, with the SDK's functions at hand; none where
/// there is no SDK.
fn sdk(home: &Home, test: &str, expression: &str) -> Option<Value> {
    let program = format!(
        "import json\nfrom claude_agent_sdk import *\n\
         print(json.dumps({expression}, default=lambda other: other.__dict__))"
    );
    // The SDK lies where the user's own home says it does.
    let python =
        Command::new("python3").args(["-c", &program]).env("CLAUDE_CONFIG_DIR", home.path("claude")).output();
    let Some(output) = python.ok().filter(|output| output.status.success()) else {
        skip(test, "python3 has no claude_agent_sdk", "python3 -m pip install claude-agent-sdk");
        return None;
    };
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_official_functions_see_what_was_done() {
    let test = "the_official_functions_see_what_was_done";
    let home = Home::new();
    let (id, gone) = (home.put(1, "Plan"), home.put(2, "Gone"));
    let other = home.path("🦀 other dir");
    fs::create_dir(&other).unwrap();
    home.done(&["rename", "Plan", "Renamed é"]);
    home.done(&["tag", "Renamed", "keep"]);
    let fork = home.json(&["fork", "Renamed é"])["done"][0]["session_id"].as_str().unwrap().to_owned();
    home.done(&["delete", "Gone"]);
    home.done(&["move", &fork, "--to", home.path("claude").to_str().unwrap()]);
    let list = |folder: &Path| {
        format!(
            "[(s.session_id, s.custom_title, s.tag) for s in list_sessions(directory={folder:?}, include_worktrees=False)]"
        )
    };
    let asked = format!(
        "[{}, {}, get_session_info({gone:?}), len(get_session_messages({fork:?})) == len(get_session_messages({id:?}))]",
        list(&home.path("work")),
        list(&home.path("claude")),
    );
    let Some(seen) = sdk(&home, test, &asked) else { return };
    let expected = json!([[[id, "Renamed é", "keep"]], [[fork, "Renamed é ⑂2", null]], null, true]);
    assert_eq!(seen, expected);
    // The CLI's name for a folder with an emoji has two dashes; ours is the same.
    home.done(&["move", &id, "--to", other.to_str().unwrap()]);
    let name = home.find(&id).unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.ends_with("----other-dir"), "{name}");
}
