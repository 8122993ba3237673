//! Sessions that codex keeps: what it takes to have them in the list.

use std::fs;
use std::path::Path;
use std::time::Instant;

use hotseat::index::Catalog;
use hotseat::store::{ImportedSessions, LocalStore, Scope, SessionStore};
use serde_json::{Value, json};
use uuid::Uuid;

use super::peer::{median, show};
use super::prose::Vocabulary;
use super::support::chance::Chance;

/// Bytes of all threads, and how many they are.
const BYTES: usize = 400_000_000;
const THREADS: u64 = 2_000;
/// The instructions that stand at the beginning of each (0.169.0).
const INSTRUCTIONS: usize = 20_000;
/// Rounds of what is quick.
const ROUNDS: usize = 10;

pub fn measure(root: &Path) {
    many(&root.join("many"));
    one(&root.join("one"));
}

/// All in one thread: what a list waits for.
fn one(root: &Path) {
    let codex = root.join("codex");
    write(&codex, 1);
    println!("One thread of codex, {} MB:\n", BYTES / 1_000_000);
    let store = || {
        let mirror = ImportedSessions::new(&root.join("mirror"), &codex);
        std::sync::Arc::new(LocalStore::new(root.join("claude")).with_imported(mirror))
    };
    let began = Instant::now();
    let rows = Catalog::without_index(store(), false).read(&Scope::All, |_, _| ()).unwrap();
    let listed = began.elapsed();
    let partial = rows[0].partial;
    let behind = store();
    while behind.sync_external(48 << 20).unwrap() {}
    let all = began.elapsed();
    println!("- its row: {} (partial: {partial}); all of it: {}\n", show(listed), show(all));
}

fn many(root: &Path) {
    let codex = root.join("codex");
    let files = write(&codex, THREADS);
    let bytes: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    println!("{THREADS} threads of codex, {} MB:\n", bytes / 1_000_000);
    let store = || {
        let mirror = ImportedSessions::new(&root.join("mirror"), &codex);
        std::sync::Arc::new(LocalStore::new(root.join("claude")).with_imported(mirror))
    };
    let began = Instant::now();
    let first = store().list(&Scope::All).unwrap().len();
    let listed = began.elapsed();
    while store().sync_external(48 << 20).unwrap() {}
    let all = began.elapsed();
    let rate = bytes as f64 / 1e6 / all.as_secs_f64();
    println!("- the first {first} rows: {}; all: {}, {rate:.0} MB/s", show(listed), show(all));
    let copies: u64 = store().list(&Scope::All).unwrap().iter().map(|stored| stored.size).sum();
    println!("- the copies: {} MB", copies / 1_000_000);

    let quick = |what: &str, before: &dyn Fn(usize)| {
        let times = (0..ROUNDS).map(|round| {
            before(round);
            let began = Instant::now();
            assert_eq!(store().list(&Scope::All).unwrap().len() as u64, THREADS);
            began.elapsed()
        });
        println!("- the list {what}: {}", show(median(times.collect())));
    };
    quick("with nothing new", &|_| ());
    quick("with one line appended", &|round| {
        let line = format!("{}\n", prompt("one more", 99));
        let mut text = fs::read(&files[round]).unwrap();
        text.extend(line.into_bytes());
        fs::write(&files[round], text).unwrap();
    });
    let rows = Catalog::without_index(store(), false).read(&Scope::All, |_, _| ()).unwrap();
    assert_eq!(rows.len() as u64, THREADS);
    assert!(rows.iter().all(|row| row.facts.agent.as_deref() == Some("codex")));
    println!();
}

/// Writes so many threads; gives back their files.
fn write(codex: &Path, threads: u64) -> Vec<std::path::PathBuf> {
    let folder = codex.join("sessions/2026/11/21");
    fs::create_dir_all(&folder).unwrap();
    let words = Vocabulary::new();
    let thread = |number: u64| {
        let mut chance = Chance::of(number);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes());
        let cwd = format!("/home/me/project-{}", number % 40);
        let instructions = "x".repeat(INSTRUCTIONS);
        let mut text = line(
            "session_meta",
            &json!({"id": id, "cwd": cwd, "cli_version": "0.169.0", "source": "cli",
            "base_instructions": {"text": instructions}}),
        );
        let mut turn = 0;
        while text.len() < BYTES / threads as usize {
            turn += 1;
            let mut said = String::new();
            words.prose(&mut chance, 600, &mut said);
            let mut output = String::new();
            words.prose(&mut chance, 3_000, &mut output);
            text +=
                &line("turn_context", &json!({"turn_id": format!("t{turn}"), "cwd": cwd, "model": "gpt"}));
            text += &prompt(&said, turn);
            let call = format!("c{turn}");
            let arguments = json!({"cmd": "cargo test"}).to_string();
            text += &line(
                "response_item",
                &json!({"type": "function_call", "name": "exec_command",
                "arguments": arguments, "call_id": call}),
            );
            text += &line(
                "response_item",
                &json!({"type": "function_call_output", "call_id": call,
                "output": format!("Process exited with code 0\nOutput:\n{output}")}),
            );
            // What it notes beside that, and encrypted reasoning.
            text += &line(
                "event_msg",
                &json!({"type": "item_completed", "item": {"type": "CommandExecution",
                "id": call, "aggregated_output": output}}),
            );
            text += &line(
                "response_item",
                &json!({"type": "reasoning", "summary": [], "encrypted_content": said}),
            );
            text += &line(
                "response_item",
                &json!({"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": said}]}),
            );
        }
        let path = folder.join(format!("rollout-2026-11-21T09-26-10-{id}.jsonl"));
        fs::write(&path, text).unwrap();
        path
    };
    (0..threads).map(thread).collect()
}

fn prompt(text: &str, turn: usize) -> String {
    let item =
        json!({"type": "UserMessage", "id": format!("p{turn}"), "content": [{"type": "text", "text": text}]});
    line("event_msg", &json!({"type": "item_completed", "item": item}))
}

fn line(kind: &str, payload: &Value) -> String {
    format!("{}\n", json!({"timestamp": "2026-11-21T09:26:10.000Z", "type": kind, "payload": payload}))
}
