//! What only codex does, tried on the real one: its sessions in the store, put
//! aside and brought back, forked at a message, taken back by a turn.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use hotseat::index::{Catalog, SessionRow};
use hotseat::session::conversation::{Conversation, ItemKind};
use hotseat::session::{SessionId, Transcript};
use hotseat::slot::{AgentEvent, PermissionDecision, PromptState, SlotEventKind, Switch};
use hotseat::store::{ForkSpec, ImportedSessions, LocalStore, Scope, SessionStore};

use serde_json::json;

use super::talk;
use crate::support::agent_bench::{self, Bench, Seated};
use crate::support::npm;

const TELL: &str = "Remember: the word is PINEAPPLE.";
const ASK: &str = "What do you know?";

/// What a person sees of codex's sessions.
struct Browser {
    store: std::sync::Arc<LocalStore>,
}

impl Browser {
    fn of(seated: &Seated) -> Self {
        let home = seated.slot.folder.path();
        let mirror = ImportedSessions::new(&home.join("cache"), &home.join("codex"));
        Self { store: std::sync::Arc::new(LocalStore::new(home.join("claude")).with_imported(mirror)) }
    }

    fn rows(&self) -> Vec<SessionRow> {
        Catalog::without_index(self.store.clone(), false).read(&Scope::All, |_, _| ()).unwrap()
    }

    /// The prompts and replies, each with its uuid.
    fn said(&self, session: SessionId) -> Vec<(String, String)> {
        self.rows();
        let bytes = self.store.read(session).unwrap();
        let conversation = Conversation::from_transcript(&Transcript::read(
            &hotseat::transcript::TranscriptText::read(&bytes),
        ));
        let said = conversation.items().iter().filter_map(|item| match &item.kind {
            ItemKind::Prompt(text) | ItemKind::Reply { text, .. } => Some((text.clone(), item.uuid.clone())),
            _ => None,
        });
        said.collect()
    }
}

fn texts(said: &[(String, String)]) -> Vec<&str> {
    said.iter().map(|(text, _)| text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_sessions_are_in_the_browser() {
    let Some(bench) = Bench::of("codex", "its_sessions_are_in_the_browser") else { return };
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say(TELL).await;
    let browser = Browser::of(&seated);
    let rows = browser.rows();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.stored.id, row.facts.agent.as_deref()), (told, Some("codex")));
    assert_eq!(row.facts.title_text(), TELL);
    assert_eq!((row.facts.turns, row.facts.usage.output_tokens), (1, 10));
    assert_eq!(texts(&browser.said(told)), [TELL, "The word is PINEAPPLE."]);

    // It follows what is said, and knows a fork by what it was forked from.
    let title = Some("A fork".to_owned());
    let forked = seated.switch(Switch::Fork { source: told, at: None, title, cwd: None }).await.to;
    seated.slot.say(ASK).await;
    let rows = browser.rows();
    assert_eq!((rows.len(), rows[0].stored.id, rows[0].parent_id()), (2, forked, Some(told)));
    assert_eq!(rows[0].facts.title_text(), "A fork");
    assert_eq!(texts(&browser.said(forked)), [TELL, "The word is PINEAPPLE.", ASK, "The word is PINEAPPLE."]);

    // One that is not in the seat has a title, is put aside and brought back.
    let handle = &seated.slot.handle;
    handle.rename(told, "A title of its own".to_owned()).await.unwrap();
    let titled = browser.rows().into_iter().find(|row| row.stored.id == told).unwrap();
    assert_eq!(titled.facts.title_text(), "A title of its own");
    let aside = || browser.rows().into_iter().find(|row| row.stored.id == told).unwrap().aside();
    handle.archive(told, false).await.unwrap();
    assert_eq!(aside(), Some("archived"));
    handle.archive(told, true).await.unwrap();
    assert_eq!(aside(), None);
    let unknown = handle.archive(SessionId::random(), false).await.unwrap_err();
    assert!(unknown.to_string().contains("no rollout found"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_ends_with_the_turn_of_a_message() {
    let Some(bench) = Bench::of("codex", "a_fork_ends_with_the_turn_of_a_message") else { return };
    let mut seated = bench.seat().await;
    let source = seated.agent.session;
    let first = uuid::Uuid::new_v4().to_string();
    seated.slot.submit(&first, "What is this?").await;
    seated.slot.prompt(&first, PromptState::Completed).await;
    seated.slot.say(TELL).await;
    let browser = Browser::of(&seated);
    let read = browser.said(source);
    assert_eq!(texts(&read), ["What is this?", "I know no word.", TELL, "The word is PINEAPPLE."]);
    // By our own id of a prompt, and by the one of a reply that was read from the copy.
    for at in [first, read[1].1.clone()] {
        let fork = |at: &str| Switch::Fork { source, at: Some(at.to_owned()), title: None, cwd: None };
        let forked = seated.switch(fork(&at)).await;
        assert!(seated.slot.say(ASK).await.contains("no word"), "{at}");
        let said = browser.said(forked.to);
        assert_eq!(texts(&said), ["What is this?", "I know no word.", ASK, "I know no word."]);
        let nowhere = seated.slot.handle.switch(fork("nowhere"), false).await.unwrap_err();
        assert!(nowhere.to_string().contains("no message nowhere"), "{nowhere}");
    }
    assert_eq!(browser.said(source), read);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_turn_is_taken_back() {
    let Some(bench) = Bench::of("codex", "the_last_turn_is_taken_back") else { return };
    let mut seated = bench.seat().await;
    let session = seated.agent.session;
    seated.slot.say("What is this?").await;
    seated.slot.say(TELL).await;
    let revert = uuid::Uuid::new_v4().to_string();
    seated.slot.submit(&revert, "/revert").await;
    seated.slot.prompt(&revert, PromptState::Completed).await;
    // The screen makes of the news what the file says afterwards.
    let mut shown = Conversation::default();
    for event in &seated.slot.heard {
        if let SlotEventKind::Agent(AgentEvent::ConversationChanged { uuid, change, .. }) = &event.kind {
            shown.apply(change.clone(), uuid, None);
        }
    }
    assert!(!shown.items().iter().any(|item| format!("{:?}", item.kind).contains("PINEAPPLE")), "{shown:?}");
    assert!(seated.slot.say(ASK).await.contains("no word"));
    let browser = Browser::of(&seated);
    let kept = ["What is this?", "I know no word.", ASK, "I know no word."];
    assert_eq!(texts(&browser.said(session)), kept);
    // And once more: the thread goes on in a third file.
    seated.slot.say(TELL).await;
    let again = uuid::Uuid::new_v4().to_string();
    seated.slot.submit(&again, "/revert").await;
    seated.slot.prompt(&again, PromptState::Completed).await;
    assert!(seated.slot.say(ASK).await.contains("no word"));
    assert_eq!(texts(&browser.said(session)), [kept.as_slice(), &kept[2..]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_packed_reads_as_before() {
    let Some(bench) = Bench::of("codex", "what_it_packed_reads_as_before") else { return };
    let mut seated = bench.seat().await;
    let told = seated.agent.session;
    seated.slot.say(TELL).await;
    seated.slot.handle.close().await;
    let browser = Browser::of(&seated);
    let said = browser.said(told);

    // It packs what nobody wrote to for a week, once it is told to and starts.
    let home = seated.slot.folder.path().join("codex");
    let plain = agent_bench::find(&home.join("sessions"), &told.to_string()).unwrap();
    let week_ago = SystemTime::now() - Duration::from_hours(8 * 24);
    File::options().append(true).open(&plain).unwrap().set_modified(week_ago).unwrap();
    let mut config = File::options().append(true).open(home.join("config.toml")).unwrap();
    config.write_all(b"[features]\nlocal_thread_store_compression = true\n").unwrap();
    let mut command = Command::new(npm::program("codex").unwrap());
    command.arg("app-server").env("CODEX_HOME", &home).env("STUB_KEY", "a key");
    let mut codex =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let info = json!({"clientInfo": {"name": "test", "version": "1"}, "capabilities": {}});
    let mut stdin = codex.stdin.take().unwrap();
    writeln!(stdin, "{}", json!({"id": 1, "method": "initialize", "params": info})).unwrap();
    writeln!(stdin, "{}", json!({"method": "initialized"})).unwrap();
    let began = Instant::now();
    while plain.exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "codex has packed nothing");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(stdin);
    codex.wait().unwrap();
    let packed = agent_bench::find(&home.join("sessions"), &told.to_string()).unwrap();
    assert!(packed.to_string_lossy().ends_with(".jsonl.zst"), "{packed:?}");

    assert_eq!(browser.said(told), said);
    std::fs::remove_dir_all(seated.slot.folder.path().join("cache")).unwrap();
    assert_eq!(browser.said(told), said, "from its beginning");
}

/// What was said with codex, tools and all, goes on with an agent of the official
/// format, in a copy.
async fn goes_on_in_a_copy(agent: &str, test: &str) {
    let (Some(codex), Some(other)) = (Bench::of("codex", test), Bench::of(agent, test)) else { return };
    let mut codex = codex.seat().await;
    let told = codex.agent.session;
    codex.slot.say(TELL).await;
    codex.slot.submit(&uuid::Uuid::new_v4().to_string(), "COMMAND: touch made").await;
    let id = talk::asked(&mut codex).await;
    codex.slot.handle.answer_permission(id, PermissionDecision::AllowOnce).await.unwrap();
    codex.slot.idle().await;
    codex.slot.handle.close().await;
    let before = codex.transcript(told);

    let mut other = other.seat().await;
    let home = other.slot.folder.path();
    let mirror = ImportedSessions::new(&home.join("mirror"), &codex.slot.folder.path().join("codex"));
    let store = LocalStore::new(home.join("claude")).with_imported(mirror);
    store.list(&Scope::All).unwrap();
    let fork = ForkSpec { cwd: Some(&other.agent.cwd), ..ForkSpec::default() };
    let copy = store.fork(told, &fork).unwrap().id;
    assert_eq!(other.switch(Switch::Resume(copy)).await.to, copy);
    // The model of these tests takes up the command, of which it has not heard before.
    other.slot.submit(&uuid::Uuid::new_v4().to_string(), ASK).await;
    let id = talk::asked(&mut other).await;
    other.slot.handle.answer_permission(id, PermissionDecision::AllowOnce).await.unwrap();
    let said = other.slot.reply().await;
    assert!(said.contains("PINEAPPLE"), "{agent}: {said}");
    assert_eq!(codex.transcript(told), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn claude_goes_on_in_a_copy() {
    goes_on_in_a_copy("claude", "claude_goes_on_in_a_copy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_agent_goes_on_in_a_copy() {
    goes_on_in_a_copy("hotseat", "our_own_agent_goes_on_in_a_copy").await;
}

/// codex describes a command by what it takes for its purpose; a person must see
/// all of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_the_command_line_that_runs() {
    let Some(bench) = Bench::of("codex", "what_is_approved_is_the_command_line_that_runs") else { return };
    let mut seated = bench.seat().await;
    let command = "printf evil | tee made && cat made";
    seated.slot.submit(&uuid::Uuid::new_v4().to_string(), &format!("COMMAND: {command}")).await;
    let request = seated.slot.until("a permission request", |event| match &event.kind {
        SlotEventKind::Agent(AgentEvent::PermissionRequested(request)) => Some(request.clone()),
        _ => None,
    });
    let request = request.await;
    assert!(request.input["command"].as_str().unwrap().contains(command), "{request:?}");
    seated.slot.handle.answer_permission(request.id, PermissionDecision::AllowSession).await.unwrap();
    seated.slot.idle().await;
    assert_eq!(std::fs::read_to_string(seated.agent.cwd.join("made")).unwrap(), "evil");
}

/// The project's own MCP server leaves a mark; codex takes a wider sandbox of a new
/// thread for a person's trust, and would start it.
#[tokio::test(flavor = "multi_thread")]
async fn no_thread_makes_codex_trust_the_folder() {
    let Some(bench) = Bench::of("codex", "no_thread_makes_codex_trust_the_folder") else { return };
    let (work, home) = (bench.launch().cwd, bench.home_path());
    let mark = home.join("mark");
    std::fs::create_dir_all(work.join(".codex")).unwrap();
    std::fs::create_dir_all(work.join(".git")).unwrap();
    let server = json!(["-c", format!("touch '{}'; sleep 2", mark.display())]);
    let hostile = format!("[mcp_servers.evil]\ncommand = \"sh\"\nargs = {server}\n");
    std::fs::write(work.join(".codex/config.toml"), hostile).unwrap();
    let config = home.join("codex/config.toml");
    let before = std::fs::read_to_string(&config).unwrap();
    let launch = bench.launch();

    let mut seated = bench.seat().await;
    let first = seated.agent.session;
    seated.slot.say(TELL).await;
    seated.switch(Switch::Clear).await;
    seated.slot.say(ASK).await;
    seated.switch(Switch::Resume(first)).await;
    seated.switch(Switch::Fork { source: first, at: None, title: None, cwd: None }).await;
    assert!(seated.slot.say(ASK).await.contains("PINEAPPLE"));
    assert!(!mark.exists(), "the project's own server was started");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);

    // Once a person trusts it, where codex looks, it counts: so the mark could have been there.
    let trust =
        hotseat::store::TrustStore::new(&home.join("claude"), &home.join("codex"), &home.join("state"));
    assert!(!trust.is_trusted(&work));
    trust.trust(&work, hotseat::store::TrustRecord::Codex).unwrap();
    assert!(trust.is_trusted(&work));
    let (slot, mut events) = hotseat::slot::spawn(launch);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !mark.exists() {
        assert!(Instant::now() < deadline, "a trusted project's server was not started");
        tokio::time::timeout(Duration::from_millis(100), events.recv()).await.ok();
    }
    slot.close().await;
}
