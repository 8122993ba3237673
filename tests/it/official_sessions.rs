//! Our sessions read by the official Python SDK, and the SDK's by us.
//!
//! Needs `python3` with `claude_agent_sdk`; without it every test here says so
//! and passes.

use std::path::Path;
use std::process::Command;

use hotseat::session::raw_entry::EntryKind;
use hotseat::session::summary::SessionSummary;
use hotseat::session::transcript::PathScope;
use hotseat::session::{SessionId, Transcript};
use hotseat::store::{ForkSpec, LocalStore, Scope, SessionStore};
use serde_json::Value;

use crate::support::claude::has_sdk;
use crate::support::sessions::Sample;

/// A scratch folder with a store in it.
struct Scratch {
    temp: tempfile::TempDir,
    store: LocalStore,
}

impl Scratch {
    /// None where the SDK is missing.
    fn new(test: &str) -> Option<Self> {
        if !has_sdk(test) {
            return None;
        }
        let temp = tempfile::tempdir().expect("a scratch folder");
        let store = LocalStore::new(temp.path());
        Some(Self { temp, store })
    }

    /// Writes a sample and gives its id.
    fn put(&self, sample: &Sample) -> SessionId {
        sample.write(self.temp.path()).expect("a sample can be written");
        sample.id().parse().expect("a sample has an id")
    }

    /// The JSON that an expression gives, with the SDK's functions at hand.
    fn sdk(&self, expression: &str) -> Value {
        let program = format!(
            "import json\nfrom claude_agent_sdk import *\n\
             from claude_agent_sdk._internal.sessions import _sanitize_path\n\
             print(json.dumps({expression}, default=lambda other: other.__dict__))"
        );
        let mut python = Command::new("python3");
        python.args(["-c", &program]).env("CLAUDE_CONFIG_DIR", self.temp.path());
        let output = python.output().expect("python3 runs");
        assert!(output.status.success(), "{expression}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The messages of sessions as the SDK gives them.
    fn official_messages_of(&self, ids: &[SessionId]) -> Vec<Vec<Value>> {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let lists = self.sdk(&format!("[get_session_messages(id) for id in {ids:?}]"));
        serde_json::from_value(lists).expect("lists of messages")
    }

    fn official_messages(&self, id: SessionId) -> Vec<Value> {
        self.official_messages_of(&[id]).swap_remove(0)
    }

    /// The same messages as we read them.
    fn our_messages(&self, id: SessionId) -> Vec<Value> {
        let bytes = self.store.read(id).expect("readable");
        let clean = hotseat::transcript::TranscriptText::read(&bytes);
        let transcript = Transcript::read(&clean);
        let lines = transcript
            .path(transcript.leaf(), PathScope::Model)
            .into_iter()
            .map(|at| &transcript.entries[at]);
        let shown = lines
            .filter(|line| matches!(line.kind(), EntryKind::User | EntryKind::Assistant) && !line.is_meta());
        shown.map(|line| serde_json::from_str(line.json()).expect("an entry")).collect()
    }
}

fn uuids(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["uuid"].as_str()).collect()
}

/// What was said, whatever the entries are called.
fn said(messages: &[Value]) -> Vec<&Value> {
    messages.iter().map(|message| &message["message"]["content"]).collect()
}

fn samples() -> [Sample; 3] {
    let plain = Sample { title: Some("Plain".into()), ..Sample::default() };
    [plain, Sample { turns: 12, bytes: 300_000, number: 2, ..Sample::default() }, Sample::gnarly(3, 11)]
}

#[test]
fn both_read_the_same_messages() {
    let Some(scratch) = Scratch::new("both_read_the_same_messages") else { return };
    let ids: Vec<_> = samples().iter().map(|sample| scratch.put(sample)).collect();
    for (id, official) in ids.iter().zip(scratch.official_messages_of(&ids)) {
        assert!(official.len() > 5);
        assert_eq!(uuids(&scratch.our_messages(*id)), uuids(&official));
    }
}

#[test]
fn both_list_the_same_sessions() {
    let Some(scratch) = Scratch::new("both_list_the_same_sessions") else { return };
    for sample in samples() {
        let id = scratch.put(&sample);
        scratch.store.tag(id, "keep").expect("a tag");
    }
    let listed = scratch.sdk("list_sessions(directory='/work/sample')");
    let listed = listed.as_array().expect("a list");
    let ours = scratch.store.list(&Scope::Project("/work/sample".into())).expect("a list");
    assert_eq!((listed.len(), ours.len()), (3, 3));
    for official in listed {
        let id: SessionId = official["session_id"].as_str().expect("an id").parse().expect("an id");
        let bytes = scratch.store.read(id).expect("readable");
        let facts = SessionSummary::from_transcript(&Transcript::read(
            &hotseat::transcript::TranscriptText::read(&bytes),
        ));
        let stored = ours.iter().find(|stored| stored.id == id).expect("listed by both");
        assert_eq!(official["summary"], facts.title_text());
        assert_eq!(official["first_prompt"].as_str(), facts.first_prompt.as_deref());
        assert_eq!(official["git_branch"].as_str(), facts.branch.as_deref());
        assert_eq!(official["cwd"].as_str(), facts.cwd.as_deref());
        assert_eq!(official["tag"].as_str(), facts.tag.as_deref());
        assert_eq!(official["file_size"], stored.size);
        assert_eq!(official["created_at"].as_i64(), facts.created.map(|at| at.timestamp_millis()));
    }
}

#[test]
fn the_official_functions_read_our_fork_and_we_read_theirs() {
    let test = "the_official_functions_read_our_fork_and_we_read_theirs";
    let Some(scratch) = Scratch::new(test) else { return };
    for sample in samples() {
        let source = scratch.put(&sample);
        let bytes = scratch.store.read(source).expect("readable");
        let our_fork = scratch.store.fork(source, &ForkSpec::default()).expect("a fork").id;
        let their_fork = scratch.sdk(&format!("fork_session('{source}').session_id"));
        let their_fork = their_fork.as_str().expect("an id").parse().expect("an id");
        let official = scratch.official_messages_of(&[source, our_fork, their_fork]);
        for (fork, official_fork) in [our_fork, their_fork].into_iter().zip(&official[1..]) {
            assert_eq!(uuids(&scratch.our_messages(fork)), uuids(official_fork), "{sample:?}");
            assert_eq!(said(official_fork), said(&official[0]), "{sample:?}");
        }
        assert_eq!(scratch.store.read(source).expect("readable"), bytes, "the source is as it was");
    }
}

#[test]
fn a_fork_at_a_message_ends_there_for_both() {
    let Some(scratch) = Scratch::new("a_fork_at_a_message_ends_there_for_both") else { return };
    let source = scratch.put(&Sample::default());
    let messages = scratch.official_messages(source);
    let fork = |uuid| {
        scratch.store.fork(source, &ForkSpec { at: Some(uuid), ..ForkSpec::default() }).expect("a fork").id
    };
    let forks: Vec<_> = uuids(&messages).into_iter().map(fork).collect();
    for (at, (fork, copy)) in forks.iter().zip(scratch.official_messages_of(&forks)).enumerate() {
        // A turn is a prompt, a reply of three blocks, their result, another reply.
        let end = if (1..=4).contains(&(at % 6)) { at / 6 * 6 + 5 } else { at + 1 };
        assert_eq!(said(&copy), said(&messages[..end]), "{at}");
        assert_eq!(uuids(&scratch.our_messages(*fork)), uuids(&copy), "{at}");
    }
}

#[test]
fn a_name_given_by_one_is_seen_by_the_other() {
    let Some(scratch) = Scratch::new("a_name_given_by_one_is_seen_by_the_other") else { return };
    let id = scratch.put(&Sample::default());
    scratch.store.rename(id, "Ours ⑂2").expect("a title");
    let title = || scratch.sdk(&format!("get_session_info('{id}').custom_title"));
    assert_eq!(title(), "Ours ⑂2");
    scratch.sdk(&format!("[rename_session('{id}', 'Theirs'), tag_session('{id}', 'x')]"));
    let bytes = scratch.store.read(id).expect("readable");
    let facts = SessionSummary::from_transcript(&Transcript::read(
        &hotseat::transcript::TranscriptText::read(&bytes),
    ));
    assert_eq!((facts.title_text(), facts.tag.as_deref()), ("Theirs", Some("x")));
    scratch.store.delete(id).expect("deleted");
    assert_eq!(scratch.sdk(&format!("get_session_info('{id}')")), Value::Null);
    scratch.store.restore(id).expect("restored");
    assert_eq!(title(), "Theirs");
}

#[test]
fn a_folder_has_the_same_name_for_both() {
    let Some(scratch) = Scratch::new("a_folder_has_the_same_name_for_both") else { return };
    let long = format!("/{}", ["deep-er"; 40].join("/"));
    let folders = ["/home/me/my_app.rs", "/home/mé/x y", long.as_str()];
    let names = scratch.sdk(&format!("[_sanitize_path(folder) for folder in {folders:?}]"));
    for (folder, name) in folders.iter().zip(names.as_array().expect("names")) {
        let writer = scratch.store.open(SessionId::random(), Path::new(folder)).expect("a writer");
        let expected = scratch.temp.path().join("projects").join(name.as_str().expect("a name"));
        assert_eq!(writer.path().parent(), Some(expected.as_path()), "{folder}");
    }
}
