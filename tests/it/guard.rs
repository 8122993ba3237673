//! `hotseat guard`: what it runs ends with it, and it ends with its owner.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::alive::{gone, lives};

const HOTSEAT: &str = env!("CARGO_BIN_EXE_hotseat");

fn guard(arguments: &[&str]) -> Command {
    let mut command = Command::new(HOTSEAT);
    command.arg("guard").args(arguments).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The pids in the next line that the program prints.
fn pids(lines: &mut BufReader<ChildStdout>) -> Vec<u32> {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn stdout(child: &mut Child) -> BufReader<ChildStdout> {
    BufReader::new(child.stdout.take().unwrap())
}

#[test]
fn it_exits_as_its_program_does() {
    let check = |program: &[&str], code: i32, stderr: &str| {
        let output = guard(&[&["--"], program].concat()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{program:?}: {said}");
        assert!(said.contains(stderr), "{program:?}: {said}");
    };
    check(&["true"], 0, "");
    check(&["sh", "-c", "exit 7"], 7, "");
    check(&["sh", "-c", "kill -9 $$"], 137, "");
    check(&["/does/not/exist", "x"], 127, "could not start /does/not/exist: No such file");
    check(&["/"], 126, "could not start /: Permission denied");
}

#[test]
fn the_program_has_the_streams_to_itself() {
    let mut child = guard(&["--", "sh", "-c", "cat; echo done >&2"]).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"one\ntwo\n"[..], &b"done\n"[..]));
}

#[test]
fn what_the_program_leaves_behind_is_killed() {
    let mut child = guard(&["--", "sh", "-c", "trap '' TERM; sleep 1000 & echo $!; exit 3"]).spawn().unwrap();
    let left = pids(&mut stdout(&mut child));
    assert_eq!(child.wait().unwrap().code(), Some(3));
    gone(&left);
}

#[test]
fn a_signal_to_the_group_is_for_the_program() {
    let script = "trap 'exit 9' TERM; echo $$; while :; do sleep 0.01; done";
    let mut child = guard(&["--", "sh", "-c", script]).spawn().unwrap();
    pids(&mut stdout(&mut child));
    let group = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process_group(group, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn the_end_of_the_thread_that_spawned_it_is_not_the_end_of_the_owner() {
    let (started, watched) = std::sync::mpsc::channel();
    let (told, end) = std::sync::mpsc::channel::<()>();
    let spawner = std::thread::spawn(move || {
        started.send(guard(&["--", "cat"]).spawn().unwrap()).unwrap();
        end.recv().unwrap();
    });
    let mut child = watched.recv().unwrap();
    let (mut lines, mut stdin) = (stdout(&mut child), child.stdin.take().unwrap());
    let mut echoes = || {
        stdin.write_all(b"still here\n").unwrap();
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert_eq!(line, "still here\n");
    };
    echoes();
    told.send(()).unwrap();
    spawner.join().unwrap();
    echoes();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// The owner is itself a guard here: any process will do.
fn owned(script: &str, grace: &str) -> (Child, BufReader<ChildStdout>) {
    let mut owner =
        guard(&["--", HOTSEAT, "guard", "--grace", grace, "--", "sh", "-c", script]).spawn().unwrap();
    let lines = stdout(&mut owner);
    (owner, lines)
}

#[test]
fn a_killed_owner_takes_the_program_and_its_children_along() {
    let (mut owner, mut lines) = owned("trap '' TERM; sleep 1000 & echo $$ $! $PPID; wait", "0");
    let pids = pids(&mut lines);
    owner.kill().unwrap();
    owner.wait().unwrap();
    gone(&pids);
}

#[test]
fn a_program_that_ends_with_its_stdin_is_given_the_time() {
    let (mut owner, mut lines) = owned("sleep 1000 & echo $$ $! $PPID; cat; echo finished", "60");
    let pids = pids(&mut lines);
    // Waiting for a child closes the stdin that it still has.
    let stdin = owner.stdin.take();
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(lives(pids[0]), "its stdin is still open");
    drop(stdin);
    let mut last = String::new();
    lines.read_line(&mut last).unwrap();
    assert_eq!(last, "finished\n");
    gone(&pids);
}

#[test]
fn an_owner_that_was_gone_before_the_guard_looked_is_noticed() {
    let mut child = guard(&["--grace", "0", "--owner", "999999999", "--", "sleep", "1000"]).spawn().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
#[cfg(target_os = "linux")]
fn what_left_the_group_is_found() {
    let escape = "setsid sleep 1000 & echo $!; ";
    let mut child = guard(&["--", "sh", "-c", &format!("{escape} sleep 0.1; exit 3")]).spawn().unwrap();
    let escaped = pids(&mut stdout(&mut child));
    assert_eq!(child.wait().unwrap().code(), Some(3));
    gone(&escaped);
    // Twice removed, and its parent is no more.
    let (mut owner, mut lines) = owned("setsid sh -c 'setsid sleep 1000 & echo $!'; cat", "0");
    let escaped = pids(&mut lines);
    owner.kill().unwrap();
    owner.wait().unwrap();
    gone(&escaped);
}

#[test]
fn its_owner_can_have_everything_killed_at_once() {
    let script = "trap '' TERM HUP INT; setsid sleep 1000 & sleep 1000 & echo $$ $! $PPID; wait";
    let mut child = guard(&["--grace", "60", "--", "sh", "-c", script]).spawn().unwrap();
    let all = pids(&mut stdout(&mut child));
    hotseat::sys::guarded::kill_guarded(rustix::process::Pid::from_child(&child));
    assert!(!child.wait().unwrap().success());
    gone(&all);
}
