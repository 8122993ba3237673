use std::io::Write;

use serde_json::{Value, json};

use super::*;
use crate::session::conversation::{Conversation, ItemKind, Notice};
use crate::session::{SessionSummary, Transcript};
use crate::store::{LocalStore, Scope, SessionStore, StoreError};

mod copy_job;

const ONE: &str = "01a1fd6d-71cb-7e50-b56a-f73c5c30d40f";
const FORK: &str = "01a1fd6d-733c-7d23-920a-afcd14a8a558";

/// A scratch folder with what codex keeps, and a store that mirrors it.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn codex(&self) -> PathBuf {
        self.folder.path().join("codex")
    }

    fn mirror(&self) -> ImportedSessions {
        self.mirror_in("cache")
    }

    fn mirror_in(&self, cache: &str) -> ImportedSessions {
        ImportedSessions::new(&self.folder.path().join(cache), &self.codex())
    }

    fn store(&self) -> LocalStore {
        LocalStore::new(self.folder.path().join("claude")).with_imported(self.mirror())
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Appends lines to the file of a thread; its name sorts by `part`.
    fn write(&self, name: &str, lines: &[Value]) -> PathBuf {
        let folder = self.codex().join("sessions/2026/11/21");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("rollout-{name}.jsonl"));
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        path
    }

    fn meta(&self, id: &str, ordinal: u64, base: &Value) -> Value {
        line(
            ordinal,
            "session_meta",
            &json!({"id": id, "cwd": self.work(), "cli_version": "0.169.0",
            "git": {"branch": "main"}, "source": "cli", "history_base": base}),
        )
    }

    fn facts(&self, id: &str) -> SessionSummary {
        SessionSummary::from_bytes(&self.store().read(id.parse().unwrap()).unwrap())
    }

    fn said(&self, id: &str) -> Vec<String> {
        let transcript = self.store().read(id.parse().unwrap()).unwrap();
        let conversation = Conversation::from_transcript(&Transcript::read(
            &crate::transcript::TranscriptText::read(&transcript),
        ));
        let words = |body: &ItemKind| match body {
            ItemKind::Prompt(text) => format!("> {text}"),
            ItemKind::Reply { text, .. } => text.clone(),
            ItemKind::Thinking(text) => format!("({text})"),
            ItemKind::Tool(call) => {
                let result = call.result.as_ref().map(|result| (result.text.clone(), result.is_error));
                format!("{} {} {result:?}", call.name, call.input)
            }
            ItemKind::Notice(Notice::Compacted, text) => format!("compacted: {text}"),
            ItemKind::Notice(notice, _) => format!("{notice:?}"),
            ItemKind::TurnEnd(_) => "end".to_owned(),
        };
        conversation.items().iter().map(|item| words(&item.kind)).collect()
    }
}

fn line(ordinal: u64, kind: &str, payload: &Value) -> Value {
    json!({"timestamp": format!("2026-11-21T09:26:{:02}.000Z", ordinal % 60), "ordinal": ordinal,
        "type": kind, "payload": payload})
}

fn prompt(ordinal: u64, text: &str) -> Value {
    let item = json!({"type": "UserMessage", "id": format!("prompt-{ordinal}"),
        "content": [{"type": "text", "text": text}]});
    line(ordinal, "event_msg", &json!({"type": "item_completed", "item": item}))
}

fn reply(ordinal: u64, text: &str) -> Value {
    line(
        ordinal,
        "response_item",
        &json!({"type": "message", "id": format!("msg_{ordinal}"), "role": "assistant",
        "content": [{"type": "output_text", "text": text}]}),
    )
}

#[test]
fn a_thread_reads_as_a_session_and_follows_what_is_appended() {
    let scratch = Scratch::new();
    let name = format!("2026-11-21T09-26-10-{ONE}");
    let tokens = |ordinal, total| {
        let of = |number| json!({"input_tokens": number, "cached_input_tokens": 40, "output_tokens": 10, "total_tokens": number});
        line(
            ordinal,
            "event_msg",
            &json!({"type": "token_count", "info": {"total_token_usage": of(total), "last_token_usage": of(100)}}),
        )
    };
    scratch.write(&name, &[
        scratch.meta(ONE, 0, &Value::Null),
        line(1, "response_item", &json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>"}]})),
        line(2, "turn_context", &json!({"cwd": scratch.work(), "model": "gpt-5"})),
        prompt(3, "Fix the parser"),
        line(4, "response_item", &json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Look first"}], "encrypted_content": "x"})),
        line(5, "response_item", &json!({"type": "function_call", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}", "call_id": "c1"})),
        tokens(6, 100),
        line(7, "response_item", &json!({"type": "function_call_output", "call_id": "c1", "output": "Wall time: 0.1\nProcess exited with code 2\nOutput:\nno such file"})),
        tokens(8, 100),
        reply(9, "Done."),
        tokens(10, 200),
    ]);
    let store = scratch.store();
    let listed = store.list(&Scope::Project(scratch.work())).unwrap();
    assert_eq!(listed.len(), 1);
    let facts = scratch.facts(ONE);
    assert_eq!(facts.agent.as_deref(), Some("codex"));
    assert_eq!(
        (facts.title_text(), facts.turns, facts.model.as_deref()),
        ("Fix the parser", 1, Some("gpt-5"))
    );
    assert_eq!((facts.usage.input_tokens, facts.usage.output_tokens), (120, 20), "each count once");
    let before = [
        "> Fix the parser",
        "(Look first)",
        r#"Bash {"command":"ls"} Some(("no such file", true))"#,
        "Done.",
    ];
    assert_eq!(scratch.said(ONE), before);

    scratch.write(&name, &[prompt(11, "And the lexer"), reply(12, "Done too.")]);
    // What a crash left of a copy is of no account.
    fs::write(super::temp_copy_path(&scratch.mirror().projects, ONE.parse().unwrap()), "{half").unwrap();
    let grown = store.list(&Scope::All).unwrap();
    assert!(grown[0].size > listed[0].size, "appended to, not made anew");
    assert_eq!(grown[0].inode, listed[0].inode);
    assert_eq!(scratch.said(ONE)[4..], ["> And the lexer", "Done too."]);
}

#[test]
fn a_fork_holds_what_it_was_forked_from_and_a_thread_taken_back_does_not() {
    let scratch = Scratch::new();
    let first = scratch.write(
        &format!("2026-11-21T09-26-10-{ONE}"),
        &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "one"), reply(2, "first")],
    );
    let one = fs::metadata(&first).unwrap().len();
    scratch.write(&format!("2026-11-21T09-26-10-{ONE}"), &[prompt(3, "two"), reply(4, "second")]);
    let two = fs::metadata(&first).unwrap().len();
    let base = |ordinal, bytes| json!({"thread_id": ONE, "end_ordinal_exclusive": ordinal, "end_byte_offset": bytes});
    scratch.write(
        &format!("2026-11-21T09-26-11-{FORK}"),
        &[scratch.meta(FORK, 5, &base(5, two)), prompt(6, "three")],
    );
    assert_eq!(scratch.store().list(&Scope::All).unwrap().len(), 2);
    assert_eq!(scratch.said(FORK), ["> one", "first", "> two", "second", "> three"]);
    let facts = scratch.facts(FORK);
    assert_eq!(facts.forked_from.unwrap().session_id, ONE);
    assert_eq!(facts.forked_turns, 2);

    // Taken back by a turn, it goes on in a file with an id of its own; taken back
    // again, from there.
    let parts = ["01a1fd6d-73d9-7f12-a02a-9f252f4a4aeb", "01a1fd6d-8000-7b93-9e6b-cb387a140eff"];
    let second = scratch
        .write(&format!("2026-11-21T09-26-12-{ONE}_{}", parts[0]), &[scratch.meta(ONE, 3, &base(3, one))]);
    let three = fs::metadata(&second).unwrap().len();
    scratch.write(&format!("2026-11-21T09-26-12-{ONE}_{}", parts[0]), &[prompt(4, "other")]);
    scratch.store().list(&Scope::All).unwrap();
    assert_eq!(scratch.said(ONE), ["> one", "first", "> other"]);
    assert!(scratch.facts(ONE).forked_from.is_none());
    let again = json!({"thread_id": parts[0], "end_ordinal_exclusive": 4, "end_byte_offset": three});
    scratch.write(
        &format!("2026-11-21T09-26-12-{ONE}_{}", parts[1]),
        &[scratch.meta(ONE, 4, &again), prompt(5, "last")],
    );
    scratch.store().list(&Scope::All).unwrap();
    assert_eq!(scratch.said(ONE), ["> one", "first", "> last"]);
    assert_eq!(scratch.said(FORK).len(), 5, "the fork is of what was there then");

    // Where what was before cannot be read, what came after is there.
    fs::remove_file(&first).unwrap();
    fs::create_dir(&first).unwrap();
    scratch.write(&format!("2026-11-21T09-26-11-{FORK}"), &[prompt(7, "four")]);
    scratch.store().list(&Scope::All).unwrap();
    assert_eq!(scratch.said(FORK).last().unwrap(), "> four");
}

#[test]
fn copies_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.write(
        &format!("2026-11-21T09-26-10-{ONE}"),
        &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "hello")],
    );
    let copy = scratch.store().list(&Scope::All).unwrap()[0].path.clone();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&copy), mode(copy.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_fork_that_repeats_its_parent_counts_its_own_turns_and_tokens_only() {
    let scratch = Scratch::new();
    let tokens = |at, total, last| {
        let of = |number| json!({"input_tokens": number, "output_tokens": 0, "total_tokens": number});
        let info = json!({"total_token_usage": of(total), "last_token_usage": of(last)});
        line(at, "event_msg", &json!({"type": "token_count", "info": info}))
    };
    let parent =
        [scratch.meta(ONE, 0, &Value::Null), prompt(1, "one"), reply(2, "first"), tokens(3, 100, 100)];
    scratch.write(&format!("2026-11-21T09-26-10-{ONE}"), &parent);
    let mut meta = scratch.meta(FORK, 10, &Value::Null);
    meta["payload"]["forked_from_id"] = json!(ONE);
    let own = [prompt(11, "two"), reply(12, "second"), tokens(13, 120, 20)];
    let fork = [&[meta.clone()], &parent[..], &own].concat();
    scratch.write(&format!("2026-11-21T09-26-11-{FORK}"), &fork);
    // One that has nothing of its own yet knows its parent too.
    let bare = "01a1fd6d-8000-7d23-920a-afcd14a8a558";
    meta["payload"]["id"] = json!(bare);
    scratch.write(&format!("2026-11-21T09-26-12-{bare}"), &[meta]);
    scratch.store().list(&Scope::All).unwrap();
    assert_eq!(scratch.said(FORK), ["> one", "first", "> two", "second"]);
    let (one, fork) = (scratch.facts(ONE), scratch.facts(FORK));
    assert_eq!((one.usage.input_tokens, fork.usage.input_tokens), (100, 20));
    assert_eq!((fork.turns, fork.forked_turns), (2, 1));
    for id in [FORK, bare] {
        assert_eq!(scratch.facts(id).forked_from.unwrap().session_id, ONE);
    }
}

#[test]
fn older_versions_read_the_same() {
    let scratch = Scratch::new();
    scratch.write(&format!("2025-09-01T09-26-10-{ONE}"), &[
        scratch.meta(ONE, 0, &Value::Null),
        line(1, "event_msg", &json!({"type": "user_message", "message": "hello"})),
        prompt(2, "hello"),
        line(3, "response_item", &json!({"type": "function_call", "name": "shell", "arguments": "{\"command\":[\"bash\",\"-lc\",\"ls -l\"]}", "call_id": "c"})),
        line(4, "response_item", &json!({"type": "function_call_output", "call_id": "c", "output": "{\"output\":\"a\\n\",\"metadata\":{\"exit_code\":0}}"})),
        line(5, "event_msg", &json!({"type": "user_message", "message": "wrong way"})),
        reply(6, "no"),
        line(7, "event_msg", &json!({"type": "thread_rolled_back", "num_turns": 1})),
        line(8, "event_msg", &json!({"type": "user_message", "message": "right way"})),
        line(9, "event_msg", &json!({"type": "turn_aborted"})),
        line(10, "compacted", &json!({"message": "all of it"})),
        line(11, "response_item", &json!({"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin", "call_id": "p"})),
    ]);
    scratch.store().list(&Scope::All).unwrap();
    let expected = [
        "> hello",
        r#"Bash {"command":"ls -l"} Some(("a\n", false))"#,
        "> right way",
        "Interrupted",
        "compacted: all of it",
        r#"apply_patch {"patch":"*** Begin"} None"#,
    ];
    assert_eq!(scratch.said(ONE), expected);
}

#[test]
fn titles_come_along_and_what_is_gone_goes() {
    let scratch = Scratch::new();
    let path = scratch.write(
        &format!("2026-11-21T09-26-10-{ONE}"),
        &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "hello")],
    );
    scratch.store().list(&Scope::All).unwrap();
    for (title, at) in [("First", "2050-01-01T00:00:00.5Z"), ("Second", "2050-01-02T00:00:00.5Z")] {
        let line = json!({"id": ONE, "thread_name": title, "updated_at": at});
        let index = scratch.codex().join("session_index.jsonl");
        writeln!(File::options().create(true).append(true).open(index).unwrap(), "{line}").unwrap();
        scratch.store().list(&Scope::All).unwrap();
        assert_eq!(scratch.facts(ONE).title_text(), title);
    }
    fs::remove_file(path).unwrap();
    assert!(scratch.store().list(&Scope::All).unwrap().is_empty());
}

#[test]
fn a_copy_is_only_read_here() {
    let scratch = Scratch::new();
    let id: SessionId = ONE.parse().unwrap();
    scratch.write(
        &format!("2026-11-21T09-26-10-{ONE}"),
        &[scratch.meta(ONE, 0, &Value::Null), prompt(1, "hello")],
    );
    let store = scratch.store();
    store.list(&Scope::All).unwrap();
    let before = store.read(id).unwrap();
    let refused = |done: Result<(), StoreError>| {
        assert!(matches!(done, Err(StoreError::OwnedByOtherAgent(_))), "{done:?}");
    };
    refused(store.rename(id, "x"));
    refused(store.tag(id, "x"));
    refused(store.delete(id));
    refused(store.pin(id));
    refused(store.move_to(id, &scratch.work()).map(drop));
    refused(store.open(id, &scratch.work()).map(drop));
    assert_eq!(store.read(id).unwrap(), before);
}

#[test]
fn a_fork_of_a_copy_is_a_session_like_any_other() {
    let scratch = Scratch::new();
    let id: SessionId = ONE.parse().unwrap();
    let count = json!({"total_tokens": 9, "input_tokens": 9});
    scratch.write(
        &format!("2026-11-21T09-26-10-{ONE}"),
        &[
            scratch.meta(ONE, 0, &Value::Null),
            prompt(1, "hello"),
            line(
                2,
                "response_item",
                &json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}),
            ),
            reply(3, "hi"),
            line(
                4,
                "event_msg",
                &json!({"type": "token_count", "info": {"total_token_usage": count, "last_token_usage": count}}),
            ),
            prompt(5, "more"),
        ],
    );
    let store = scratch.store();
    store.list(&Scope::All).unwrap();
    let forked = store.fork(id, &crate::store::ForkSpec::default()).unwrap();
    let stored = store.find(forked.id).unwrap();
    assert!(stored.path.starts_with(scratch.folder.path().join("claude/projects")), "{:?}", stored.path);
    assert!(project_dir::belongs_to_cwd(&stored.path, &scratch.work()));
    let facts = scratch.facts(&forked.id.to_string());
    assert_eq!((facts.agent, facts.turns, facts.messages), (None, 2, 3));
    assert_eq!(facts.forked_from.unwrap().session_id, ONE);
    // Its reasoning bears no signature, so a model would refuse to read it.
    assert_eq!(scratch.said(&forked.id.to_string()), ["> hello", "hi", "> more"]);
    store.rename(forked.id, "Mine").unwrap();
}

#[test]
fn what_is_no_rollout_harms_nobody() {
    let scratch = Scratch::new();
    let good = format!("2026-11-21T09-26-10-{ONE}");
    let path = scratch.write(
        &good,
        &[
            json!(7),
            json!({"type": "session_meta"}),
            scratch.meta(ONE, 0, &json!({"thread_id": "x"})),
            line(1, "event_msg", &json!("text")),
            line(2, "from the future", &json!({})),
            prompt(3, "hello"),
        ],
    );
    writeln!(File::options().append(true).open(&path).unwrap(), "{{\"timestamp\":\"torn").unwrap();
    write!(File::options().append(true).open(&path).unwrap(), "{{\"begun").unwrap();
    scratch.write("2026-11-21T09-26-10-..", &[json!({})]);
    scratch.write("x", &[json!({})]);
    // Of a circle, each part is taken once.
    let base = json!({"thread_id": FORK, "end_ordinal_exclusive": 9, "end_byte_offset": 1});
    scratch
        .write(&format!("2026-11-21T09-26-11-{FORK}"), &[scratch.meta(FORK, 0, &base), prompt(1, "round")]);
    // One that does not say where it works is somewhere, too.
    let nowhere = "01a1fd6d-8000-7d23-920a-afcd14a8a558";
    scratch.write(&format!("2026-11-21T09-26-12-{nowhere}"), &[prompt(1, "lost")]);
    let store = scratch.store();
    assert_eq!(store.list(&Scope::All).unwrap().len(), 3);
    assert_eq!(
        scratch.facts(ONE).health.torn + scratch.facts(ONE).health.foreign,
        3,
        "as torn as the original"
    );
    assert!(scratch.facts(nowhere).health.is_good());
    assert_eq!(scratch.said(nowhere), ["> lost"]);
    assert_eq!(scratch.said(ONE), ["> hello"]);
    assert_eq!(scratch.said(FORK), ["> round"]);
}
