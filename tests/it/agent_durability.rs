//! What `hotseat agent` has on disk, however it ends.

use std::io::Write;
use std::time::Duration;

use hotseat::store::{LocalStore, SessionStore};
use serde_json::{Value, json};

use crate::support::agent;
use crate::support::agent::{Agent, Home, eventually};

/// How often the process is killed.
const KILLS: u64 = 100;
/// The end of a graceful exit, as the issue of this program promises it.
const GRACE: Duration = Duration::from_secs(2);

#[test]
fn a_secret_survives_the_process_that_was_told() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    let session = agent.session();
    assert!(agent.close().success());

    let mut agent = home.agent(&["--resume", &session]);
    assert!(agent.turn("What is the secret?").contains("PINEAPPLE"));
    assert_eq!(agent.session(), session);
}

/// Sends prompts until the process is killed under it; gives the prompts whose
/// result was seen.
fn turns_until_killed(agent: &mut Agent, round: u64) -> Vec<String> {
    let mut seen = Vec::new();
    for turn in 0.. {
        let prompt = format!("Remember round {round} turn {turn} END.");
        agent.prompt(&prompt);
        loop {
            match agent.next() {
                Some(frame) if frame["type"] == "result" => break,
                Some(_) => {}
                None => return seen,
            }
        }
        seen.push(prompt);
    }
    seen
}

#[test]
fn no_turn_whose_result_was_seen_is_lost_to_a_kill_at_any_instant() {
    let home = Home::new();
    let mut session = None;
    let mut finished = Vec::new();
    for round in 0..KILLS {
        let resume = session.as_ref().map(|id: &String| format!("--resume={id}"));
        let flags: Vec<_> = resume.iter().map(String::as_str).collect();
        let mut agent = home.agent(&flags);
        let id = agent.session();
        assert!(session.get_or_insert_with(|| id.clone()) == &id);
        // Instants spread over what a few turns take, the same in every run.
        let instant = Duration::from_micros(round * 7919 % 30_000);
        let pid = agent.pid().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(instant);
            std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        });
        finished.extend(turns_until_killed(&mut agent, round));
        killer.join().unwrap();
        agent.ended();
        if finished.is_empty() {
            // Killed before its first entry, a session has no file to resume.
            session = None;
        }
    }
    assert!(finished.len() > 50, "only {} turns were finished", finished.len());
    let mut agent = home.agent(&["--resume", &session.unwrap()]);
    let listed = agent.turn("List my prompts");
    let lost: Vec<_> = finished.iter().filter(|prompt| !listed.contains(prompt.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), finished.len());
}

#[test]
fn a_last_line_cut_off_at_any_byte_is_stepped_over_and_said() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    agent.turn("hello");
    let session = agent.session();
    assert!(agent.close().success());
    let path = home.transcript_path(&session);
    let whole = std::fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for cut in [last_line + 1, usize::midpoint(last_line, whole.len()), whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let mut agent = home.agent(&["--resume", &session]);
        let said = agent.ask(&json!({"subtype": "initialize"}))["repaired"].clone();
        assert!(said.is_string(), "cut at {cut}: {said}");
        assert!(agent.turn("What is the secret?").contains("PINEAPPLE"), "cut at {cut}");
        assert!(agent.close().success());
        let after = std::fs::read(&path).unwrap();
        assert!(after.starts_with(&whole[..cut]) && after[cut] == b'\n', "cut at {cut}");
        let text = String::from_utf8(after).unwrap();
        let torn = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
        assert!(torn <= 1, "cut at {cut}: {text}");
    }
}

/// Ends an agent in the middle of a turn; the turn must be recorded as
/// interrupted, and the exit be clean and quick.
fn check_end(ends: impl Fn(&mut Agent)) {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-mode", "bypassPermissions"]);
    agent.turn("hello");
    agent.prompt("run: touch begun; sleep 60");
    eventually("the command runs", || home.work().join("begun").exists());
    let session = home.transcripts()[0].file_stem().unwrap().to_str().unwrap().to_owned();
    ends(&mut agent);
    let (status, took) = agent.ended();
    assert_eq!(status.code(), Some(0), "{}", agent.stderr());
    assert!(took < GRACE, "{took:?}");
    assert!(home.transcript(&session).contains("[Request interrupted by user for tool use]"));
    assert!(home.transcript(&session).ends_with('\n'));
    let mut next = home.agent(&["--resume", &session]);
    assert!(next.turn("List my prompts").contains("run: touch begun"));
}

#[test]
fn every_way_to_ask_for_the_end_records_the_turn_and_exits_0() {
    for name in ["TERM", "HUP", "INT"] {
        check_end(|agent| agent.signal(name));
    }
    check_end(|agent| {
        agent.ask(&json!({"subtype": "end_session"}));
    });
}

#[test]
fn a_prompt_sent_just_before_the_end_of_stdin_is_answered() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.prompt("one");
    agent.prompt("two");
    agent.close_stdin();
    agent.result();
    assert!(agent.result()["result"].as_str().unwrap().contains("2 prompts of yours"));
    assert_eq!(agent.ended().0.code(), Some(0));
}

#[test]
fn a_turn_is_finished_however_long_it_takes_after_the_end_of_stdin() {
    let home = Home::new();
    let mut agent = home.agent(&["--permission-mode", "bypassPermissions"]);
    agent.prompt("run: sleep 2; echo the-late-word");
    agent.close_stdin();
    assert!(agent.result()["result"].as_str().unwrap().contains("the-late-word"));
    assert_eq!(agent.ended().0.code(), Some(0));
}

#[test]
fn nobody_is_left_to_permit_anything_once_stdin_has_ended() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.prompt("run: touch a");
    agent.until_type("control_request");
    agent.close_stdin();
    let result = agent.result();
    assert_eq!(
        (&result["subtype"], &result["permission_denials"][0]["tool_name"]),
        (&json!("success"), &json!("Bash"))
    );
    let (status, took) = agent.ended();
    assert!(status.success() && took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_host_that_never_reads_does_not_keep_it_from_ending() {
    let home = Home::new();
    let mut command = home.command(agent::HOTSEAT);
    command.args(["agent", "--include-partial-messages"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let long = format!("Remember {}?", "word ".repeat(60_000));
    let line = json!({"type": "user", "message": {"role": "user", "content": long}});
    for _ in 0..8 {
        writeln!(stdin, "{line}").unwrap();
    }
    eventually("it has something to say", || !home.transcripts().is_empty());
    drop(stdin);
    let began = std::time::Instant::now();
    eventually("it ends", || child.try_wait().unwrap().is_some());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a_conversation_that_is_cut_off_goes_on_whole_in_a_repaired_copy() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    agent.turn("Hello.");
    let session = agent.session();
    assert!(agent.close().success());
    let path = home.transcript_path(&session);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    let hello = lines.iter().position(|line| line.contains(r#""content":"Hello.""#)).unwrap();
    lines[hello] = &lines[hello][..30];
    let broken = lines.join("\n") + "\n";
    std::fs::write(&path, &broken).unwrap();

    let mut agent = home.agent(&[]);
    let mut switch = |subtype| {
        let answer = agent.request(&json!({"subtype": subtype, "session_id": session})).pop().unwrap();
        let answer = answer["response"]["response"].clone();
        (answer["repaired"].as_str().unwrap_or_default().to_owned(), answer["num_turns"].clone())
    };
    let (said, turns) = switch("resume");
    assert!(said.contains("the conversation goes on before the gap"), "{said}");
    assert_eq!(turns, 1);
    let (said, turns) = switch("fork");
    assert!(said.contains("bridges 1 gap"), "{said}");
    assert_eq!(turns, 1);
    assert!(agent.turn("What is the secret?").contains("PINEAPPLE"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), broken, "the original is never edited");
}

#[test]
fn a_pinned_session_is_resumed_although_a_clean_up_took_it() {
    let home = Home::new();
    let mut agent = home.agent(&[]);
    agent.turn("Remember the secret is PINEAPPLE.");
    let session = agent.session();
    assert!(agent.close().success());
    LocalStore::new(home.config()).pin(session.parse().unwrap()).unwrap();
    std::fs::remove_file(home.transcript_path(&session)).unwrap();

    let mut agent = home.agent(&["--resume", &session]);
    assert!(agent.turn("What is the secret?").contains("PINEAPPLE"));
    assert!(home.transcript_path(&session).exists());
}
