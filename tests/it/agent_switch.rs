//! The three switches of `hotseat agent`: answers, frames, refusals, and that a
//! switch happens entirely or not at all.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use hotseat::store::{LocalStore, belongs_to_cwd};
use serde_json::{Value, json};

use crate::support::agent::{Agent, Home, kinds};
use crate::support::sessions::Sample;

const SECRET: &str = "Remember the secret is PINEAPPLE.";
const QUESTION: &str = "What is the secret?";

/// An agent whose first session knows the secret; gives the session's id.
fn with_a_secret(home: &Home, flags: &[&str]) -> (Agent, String) {
    let mut agent = home.agent(flags);
    agent.turn(SECRET);
    let session = agent.session();
    (agent, session)
}

/// A switch that succeeds: the frames before its answer, and the answer.
fn switched(agent: &mut Agent, request: &Value) -> (Vec<Value>, Value) {
    let mut frames = agent.request(request);
    let answer = frames.pop().unwrap()["response"]["response"].clone();
    assert!(answer["duration_ms"].is_f64(), "{request}: {answer}");
    (frames, answer)
}

fn bytes_of(home: &Home, id: &str) -> Vec<u8> {
    std::fs::read(home.transcript_path(id)).unwrap()
}

#[test]
fn a_clear_forgets_and_a_resume_remembers_in_the_same_process() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);

    let (frames, answer) = switched(&mut agent, &json!({"subtype": "clear"}));
    assert_eq!(kinds(&frames), ["conversation_reset", "system/init"]);
    let second = answer["session_id"].as_str().unwrap().to_owned();
    assert_eq!(answer["previous_session_id"], first.as_str());
    assert_eq!((&frames[0]["session_id"], &frames[0]["trigger"]), (&json!(first), &json!("clear")));
    assert_eq!(frames[0]["new_conversation_id"], second.as_str());
    assert_eq!(frames[1]["session_id"], second.as_str());
    assert!(answer["transcript_path"].as_str().unwrap().contains(&second));
    assert!(agent.turn(QUESTION).contains("does not tell"));

    let (frames, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": first}));
    assert_eq!(kinds(&frames), ["conversation_reset", "system/init"]);
    assert_eq!(frames[0]["trigger"], "resume");
    assert_eq!((&answer["session_id"], &answer["previous_session_id"]), (&json!(first), &json!(second)));
    assert_eq!((&answer["message_count"], &answer["num_turns"]), (&json!(2), &json!(1)));
    assert_eq!((&answer["pid"], &answer["cwd"]), (&json!(agent.pid()), &json!(home.work())));
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));

    for request in [
        json!({"subtype": "load_session", "session_id": second}),
        json!({"subtype": "clear", "resume": first}),
    ] {
        let (frames, _) = switched(&mut agent, &request);
        assert_eq!(frames[0]["trigger"], "resume", "{request}");
    }
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
}

#[test]
fn no_frame_of_the_former_session_follows_a_switch() {
    let home = Home::new();
    let told = [("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1")];
    let mut agent = home.agent_with(&["--session-mirror", "--include-partial-messages"], &told);
    agent.turn(SECRET);
    let (_, answer) = switched(&mut agent, &json!({"subtype": "clear"}));
    agent.prompt("hello");
    let frames = agent.until(|frame| frame["state"] == "idle");
    let ids: HashSet<_> = frames.iter().filter_map(|frame| frame["session_id"].as_str()).collect();
    assert_eq!(ids, HashSet::from([answer["session_id"].as_str().unwrap()]));
    let mirrored = frames.iter().filter(|frame| frame["type"] == "transcript_mirror").count();
    assert_eq!(mirrored, 3, "prompt, reply and last-prompt");
}

#[test]
fn a_fork_goes_its_own_way_and_its_source_keeps_every_byte() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);
    let before = bytes_of(&home, &first);

    let (frames, answer) = switched(&mut agent, &json!({"subtype": "fork", "title": "Side way"}));
    assert_eq!((kinds(&frames).len(), &frames[0]["trigger"]), (2, &json!("fork")));
    assert_eq!((&answer["forked_from"], &answer["previous_session_id"]), (&json!(first), &json!(first)));
    let copy = answer["session_id"].as_str().unwrap().to_owned();
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
    assert_eq!(bytes_of(&home, &first), before);
    let text = home.transcript(&copy);
    assert!(text.contains("Side way") && text.contains("forkedFrom"), "{text}");

    let (_, answer) =
        switched(&mut agent, &json!({"subtype": "resume", "session_id": first, "fork_session": true}));
    assert_eq!(answer["forked_from"], first.as_str());
    assert_ne!(answer["session_id"], copy.as_str());
    assert_eq!(bytes_of(&home, &first), before);
}

#[test]
fn a_conversation_can_go_on_from_an_earlier_message() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);
    let lines = home.transcript(&first);
    let reply = lines.lines().find(|line| line.contains("\"type\":\"assistant\"")).unwrap();
    let reply: Value = serde_json::from_str(reply).unwrap();
    agent.turn("Remember the secret is MANGO now.");

    let back = json!({"subtype": "resume", "session_id": first, "resume_session_at": reply["uuid"]});
    let (_, answer) = switched(&mut agent, &back);
    assert_eq!(answer["message_count"], 2);
    let told = agent.turn(QUESTION);
    assert!(told.contains("PINEAPPLE") && !told.contains("MANGO"), "{told}");

    let fork = json!({"subtype": "fork", "session_id": first, "resume_session_at": reply["uuid"]});
    assert_eq!(switched(&mut agent, &fork).1["message_count"], 2);

    let nowhere = json!({"subtype": "resume", "session_id": first, "resume_session_at": "nowhere"});
    assert_eq!(agent.refused(&nowhere).0, "invalid_request");
}

#[test]
fn a_refused_switch_leaves_everything_as_it_was() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);
    let garbage = Sample { number: 7, cwd: home.work(), ..Sample::default() };
    std::fs::write(garbage.write(&home.config()).unwrap(), b"\xff\xfe\nnonsense\n").unwrap();
    let empty = Sample { number: 8, cwd: home.work(), ..Sample::default() };
    std::fs::write(empty.write(&home.config()).unwrap(), b"").unwrap();
    let files = home.transcripts().len();
    for (request, code) in [
        (
            json!({"subtype": "resume", "session_id": "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1"}),
            "session_not_found",
        ),
        (json!({"subtype": "resume", "session_id": "../../etc/passwd"}), "session_not_found"),
        (json!({"subtype": "clear", "resume": "nonsense"}), "session_not_found"),
        (json!({"subtype": "resume", "session_id": empty.id()}), "session_not_found"),
        (json!({"subtype": "resume", "session_id": garbage.id()}), "session_unreadable"),
        (json!({"subtype": "fork", "session_id": garbage.id()}), "invalid_request"),
        (json!({"subtype": "resume", "session_id": first, "cwd": "/no/such/folder"}), "invalid_request"),
    ] {
        let frames = agent.request(&request);
        assert_eq!(frames.len(), 1, "{request}: {frames:?}");
        assert_eq!(frames[0]["response"]["error_code"], code, "{request}: {}", frames[0]);
        assert_eq!(agent.session(), first, "{request}");
    }
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
    assert_eq!(home.transcripts().len(), files);
    agent.ask(&json!({"subtype": "clear"}));
    assert_eq!(agent.refused(&json!({"subtype": "fork"})).0, "invalid_request", "nothing to fork yet");
}

#[test]
fn while_a_turn_runs_a_switch_is_busy_or_interrupts() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &["--allowedTools", "Bash"]);
    agent.prompt("run: sleep 60");
    agent.until_type("assistant");
    let queued = agent.prompt("never");
    for request in [
        json!({"subtype": "clear"}),
        json!({"subtype": "fork"}),
        json!({"subtype": "resume", "session_id": first}),
    ] {
        assert_eq!(agent.refused(&request).0, "busy", "{request}");
    }
    let nowhere =
        json!({"subtype": "resume", "session_id": "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1", "interrupt": true});
    assert_eq!(agent.refused(&nowhere).0, "session_not_found");
    assert_eq!(
        agent.ask(&json!({"subtype": "initialize"}))["session_state"],
        "running",
        "not stopped in vain"
    );
    let frames = agent.request(&json!({"subtype": "clear", "interrupt": true}));
    let order: Vec<_> = kinds(&frames);
    let at = |kind: &str| {
        order.iter().position(|other| other == kind).unwrap_or_else(|| panic!("{kind}: {order:?}"))
    };
    assert!(at("result/error_during_execution") < at("conversation_reset"));
    assert!(at("conversation_reset") < at("system/init"));
    let cancelled = frames.iter().find(|frame| frame["state"] == "cancelled").unwrap();
    assert_eq!(cancelled["command_uuid"], queued.as_str());
    assert!(home.transcript(&first).contains("[Request interrupted by user for tool use]"));
    assert!(agent.turn(QUESTION).contains("does not tell"));
}

#[test]
fn two_processes_never_write_one_session() {
    let home = Home::new();
    let (agent, first) = with_a_secret(&home, &[]);
    let mut second = home.agent(&[]);
    let own = second.session();
    let (code, error) = second.refused(&json!({"subtype": "resume", "session_id": first}));
    assert_eq!(code, "session_in_use");
    assert!(error.contains(&agent.pid().to_string()) && error.contains("fork"), "{error}");
    assert_eq!(second.session(), own);

    let mut third = home.agent(&["--resume", &first]);
    assert_eq!(third.ended().0.code(), Some(1));
    assert!(third.stderr().contains("is open in"));

    let (_, answer) = switched(&mut second, &json!({"subtype": "fork", "session_id": first}));
    assert_eq!(answer["forked_from"], first.as_str());
    assert!(second.turn(QUESTION).contains("PINEAPPLE"));

    assert!(agent.close().success());
    switched(&mut second, &json!({"subtype": "resume", "session_id": first}));
}

#[test]
fn what_is_not_the_sessions_stays_and_what_is_goes() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);
    agent.ask(&json!({"subtype": "set_model", "model": "other"}));
    agent.ask(&json!({"subtype": "set_permission_mode", "mode": "acceptEdits"}));
    agent.ask(&json!({"subtype": "rename_session", "title": "Fruit"}));
    let used = agent.ask(&json!({"subtype": "initialize"}))["usage"]["output_tokens"].as_u64().unwrap();
    assert!(used > 0);

    let (frames, answer) = switched(&mut agent, &json!({"subtype": "clear"}));
    assert_eq!((&frames[1]["model"], &frames[1]["permissionMode"]), (&json!("other"), &json!("acceptEdits")));
    assert_eq!(answer["usage"]["output_tokens"], 0);
    agent.turn("hello");
    let stale = json!({"subtype": "rename_session", "title": "Late", "session_id": first});
    assert_eq!(agent.refused(&stale).0, "invalid_request");

    let (_, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": first}));
    assert_eq!(answer["usage"]["output_tokens"], used);
    assert!(home.transcript(&first).contains(r#""customTitle":"Fruit""#));
}

#[test]
fn a_title_given_before_the_first_prompt_is_written_with_it() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.ask(&json!({"subtype": "rename_session", "title": "Early"}));
    assert!(home.transcripts().is_empty());
    agent.turn("hello");
    let session = agent.session();
    assert!(home.transcript(&session).contains(r#""customTitle":"Early""#));
}

#[test]
fn an_ephemeral_agent_leaves_no_trace_and_still_switches() {
    let home = Home::new();
    let (keeper, kept) = with_a_secret(&home, &[]);
    assert!(keeper.close().success());
    let before = bytes_of(&home, &kept);

    let (mut agent, first) = with_a_secret(&home, &["--no-session-persistence"]);
    switched(&mut agent, &json!({"subtype": "clear"}));
    assert!(agent.turn(QUESTION).contains("does not tell"));
    switched(&mut agent, &json!({"subtype": "resume", "session_id": first}));
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
    switched(&mut agent, &json!({"subtype": "fork"}));
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
    switched(&mut agent, &json!({"subtype": "resume", "session_id": kept}));
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
    assert!(agent.close().success());
    assert_eq!(bytes_of(&home, &kept), before);
    assert_eq!(home.transcripts().len(), 1);
}

#[test]
fn a_session_of_another_folder_runs_in_its_own_or_where_it_is_told() {
    let home = Home::new();
    let other = home.work().parent().unwrap().join("other");
    std::fs::create_dir(&other).unwrap();
    let there = Sample { number: 2, cwd: other.clone(), ..Sample::default() };
    there.write(&home.config()).unwrap();
    let gone = Sample { number: 3, cwd: "/no/such/folder".into(), ..Sample::default() };
    gone.write(&home.config()).unwrap();

    let mut agent = home.agent(&["--permission-mode", "bypassPermissions"]);
    let (frames, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": there.id()}));
    assert_eq!((&answer["cwd"], &frames[1]["cwd"]), (&json!(other), &json!(other)));
    assert!(agent.turn("run: pwd").contains(other.to_str().unwrap()));

    let here = json!({"subtype": "resume", "session_id": there.id(), "cwd": home.work()});
    assert_eq!(switched(&mut agent, &here).1["cwd"], json!(home.work()));
    let (_, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": gone.id()}));
    assert_eq!(answer["cwd"], json!(home.work()));

    let fork = json!({"subtype": "fork", "session_id": gone.id(), "cwd": home.work()});
    let (_, answer) = switched(&mut agent, &fork);
    let copy = answer["transcript_path"].as_str().unwrap();
    assert_eq!(answer["cwd"], json!(home.work()));
    assert!(
        belongs_to_cwd(Path::new(copy), &home.work()),
        "a fork belongs to the folder it was told: {copy}"
    );

    let store = LocalStore::new(home.config());
    store.move_to(there.id().parse().unwrap(), &home.work()).unwrap().unwrap();
    let (_, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": there.id()}));
    assert_eq!(answer["cwd"], json!(home.work()), "a moved session works where it was moved to");
}

#[test]
fn whatever_lies_in_a_transcript_a_resume_goes_on_behind_it() {
    let home = Home::new();
    let gnarly = Sample { cwd: home.work(), ..Sample::gnarly(9, 6) };
    let path = gnarly.write(&home.config()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let mut agent = home.agent(&[]);
    let (_, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": gnarly.id()}));
    assert!(answer["repaired"].as_str().unwrap().contains("cut off"), "{answer}");
    assert!(answer["num_turns"].as_u64().unwrap() >= 3, "{answer}");
    agent.turn(SECRET);
    let after = std::fs::read(&path).unwrap();
    assert!(
        after.starts_with(&before) && after[before.len()] == b'\n',
        "appended behind, on a line of its own"
    );
    let (_, answer) = switched(&mut agent, &json!({"subtype": "resume", "session_id": gnarly.id()}));
    assert!(answer["repaired"].is_null(), "told once: {answer}");
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
}

#[test]
fn the_flags_start_where_the_requests_switch_to() {
    let home = Home::new();
    let (agent, first) = with_a_secret(&home, &[]);
    assert!(agent.close().success());
    let check = |flags: &[&str], same: bool| {
        let mut agent = home.agent(flags);
        assert_eq!(agent.session() == first, same, "{flags:?}");
        assert!(agent.turn(QUESTION).contains("PINEAPPLE"), "{flags:?}");
        assert!(agent.close().success());
    };
    check(&[&format!("--resume={first}")], true);
    check(&["--continue"], true);
    check(&[&format!("--resume={first}"), "--fork-session"], false);
    let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
    let mut named = home.agent(&[&format!("--session-id={id}")]);
    assert_eq!(named.session(), id);
    let mut taken = home.agent(&[&format!("--session-id={first}")]);
    assert_eq!(taken.ended().0.code(), Some(1));
    assert!(taken.stderr().contains("--resume"));
}

#[test]
fn a_stranger_in_the_file_is_no_hindrance() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);
    let mut file = std::fs::File::options().append(true).open(home.transcript_path(&first)).unwrap();
    writeln!(file, "{}", json!({"type": "tag", "tag": "fruit", "sessionId": first})).unwrap();
    write!(file, "{{\"torn").unwrap();
    agent.turn("hello");
    assert!(agent.close().success());
    let mut next = home.agent(&["--resume", &first]);
    assert!(next.turn(QUESTION).contains("PINEAPPLE"));
    assert!(next.turn("List my prompts").contains("hello"));
}

#[test]
fn a_session_that_does_not_exist_yet_begins_with_the_id_it_is_asked_by() {
    let home = Home::new();
    let (mut agent, first) = with_a_secret(&home, &[]);
    let id = "3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1";
    let request = json!({"subtype": "resume", "session_id": id, "create": true});
    let (_, answer) = switched(&mut agent, &request);
    assert_eq!((&answer["session_id"], &answer["message_count"]), (&json!(id), &json!(0)));
    assert!(agent.turn(QUESTION).contains("does not tell"));

    let back = json!({"subtype": "resume", "session_id": first, "create": true});
    switched(&mut agent, &back);
    assert!(agent.turn(QUESTION).contains("PINEAPPLE"));
    // The second time it is there, with its turn.
    assert_eq!(switched(&mut agent, &request).1["num_turns"], 1);
}
