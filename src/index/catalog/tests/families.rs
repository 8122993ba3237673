//! Forks that do not say so, files beside a transcript, and what a search finds.

use super::*;
use crate::index::TextHit;
use crate::store::SessionStore;

/// A store with sessions that are written line by line, and an index.
struct Written {
    temp: tempfile::TempDir,
    store: Arc<LocalStore>,
}

impl Written {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = Arc::new(LocalStore::new(temp.path()));
        fs::create_dir_all(temp.path().join("projects/-w")).unwrap();
        Self { temp, store }
    }

    fn path(&self, number: u8) -> PathBuf {
        self.temp.path().join(format!(
            "projects/-w/{}.jsonl",
            format_args!("00000000-0000-4000-8000-0000000000{number:02}")
        ))
    }

    fn write(&self, number: u8, lines: &[String]) -> PathBuf {
        let path = self.path(number);
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        path
    }

    /// The rows, from an index that is complete; by number.
    fn rows(&self) -> Vec<SessionRow> {
        let catalog = Catalog::open(self.store.clone(), &self.temp.path().join("i.db"), true);
        complete(&catalog);
        let mut rows = read(&catalog);
        rows.sort_by_key(|row| row.stored.id);
        rows
    }

    fn find(&self, text: &str) -> Vec<TextHit> {
        self.rows();
        let mut finder = TextFinder::open(self.store.clone(), &self.temp.path().join("i.db")).unwrap();
        let query = FullTextQuery::parse(text);
        let hits = finder.find(&query, |_| true, 10).unwrap().hits;
        let slow = crate::index::find_without_index(&*self.store, &query, |_| true, 10, |_, _| true);
        let own = hits.iter().filter(|hit| hit.subagent.is_none()).map(|hit| hit.offset);
        let slow = slow.unwrap().unwrap().hits;
        assert_eq!(own.collect::<Vec<_>>(), slow.iter().map(|hit| hit.offset).collect::<Vec<_>>(), "{text}");
        hits
    }
}

fn prompt(uuid: &str, parent: Option<&str>, text: &str) -> String {
    serde_json::json!({
        "type": "user", "uuid": uuid, "parentUuid": parent, "timestamp": "2026-11-20T10:00:00Z",
        "message": {"content": text},
    })
    .to_string()
}

fn reply(uuid: &str, parent: &str, tokens: u64) -> String {
    serde_json::json!({
        "type": "assistant", "uuid": uuid, "parentUuid": parent, "timestamp": "2026-11-20T10:00:01Z",
        "message": {"id": format!("m-{uuid}"), "model": "claude-opus-4-5", "role": "assistant",
            "content": [{"type": "text", "text": format!("answer {uuid}")}],
            "usage": {"input_tokens": tokens, "output_tokens": 0}},
    })
    .to_string()
}

fn cost(usd: f64) -> String {
    serde_json::json!({"type": "cost-state", "totalCostUSD": usd}).to_string()
}

#[test]
fn an_official_fork_counts_what_is_its_own_and_knows_its_parent() {
    let written = Written::new();
    let shared = [prompt("p", None, "go"), reply("a", "p", 1_000_000)];
    let own = |more: &[String]| [&shared[..], more].concat();
    written.write(2, &own(&[cost(5.0)]));
    // The fork: a line of its own before what it copied, and the running total of its parent.
    let begun = r#"{"type":"queue-operation","timestamp":"2026-11-20T11:00:00Z"}"#.to_owned();
    let next = [prompt("q", Some("a"), "on"), reply("b", "q", 200_000), cost(6.0)];
    written.write(1, &[&[begun][..], &own(&next)].concat());
    let rows = written.rows();
    let prices = crate::session::Prices::default();
    let paid = |row: &SessionRow| (prices.session_cost(&row.facts).unwrap().usd * 100.0).round() / 100.0;
    assert_eq!((paid(&rows[0]), paid(&rows[1])), (1.0, 5.0));
    assert_eq!(rows[0].parent_id(), Some(rows[1].stored.id));
    assert_eq!((rows[0].facts.turns, rows[0].facts.forked_turns), (2, 1));
    assert_eq!(rows[1].parent_id(), None);
    let by_day = |row: &SessionRow| {
        row.facts.days.iter().flat_map(|(_, used)| used.iter()).map(|(_, used)| used.total()).sum::<u64>()
    };
    assert_eq!((by_day(&rows[0]), by_day(&rows[1])), (200_000, 1_000_000));
    assert_eq!(prices.inherited_cost(&rows[0].facts), Some(5.0));
    // A second fork, without any line of its own.
    written.write(3, &own(&[]));
    let rows = written.rows();
    assert_eq!(rows.iter().map(by_day).sum::<u64>(), 1_200_000, "each is paid once");
}

#[test]
fn what_a_rewind_left_behind_is_not_found() {
    let written = Written::new();
    let lines = [
        prompt("p", None, "keep the apple"),
        reply("a", "p", 1),
        prompt("q", Some("a"), "eat the apple pie"),
        reply("b", "q", 1),
        prompt("r", Some("a"), "paint a banana"),
    ];
    written.write(1, &lines);
    let hits = written.find("apple");
    assert_eq!(hits.iter().map(|hit| hit.snippet.uuid.as_deref()).collect::<Vec<_>>(), [Some("p")]);
    assert_eq!((written.find("pie"), written.find("banana").len()), (vec![], 1));
    assert_eq!(hits[0].others, 0, "what is left behind is not counted either");
    // Going back to it brings it back, although it was read long ago.
    append(&written.path(1), r#"{"type":"last-prompt","lastPrompt":"x","leafUuid":"b"}"#);
    assert_eq!((written.find("pie").len(), written.find("banana")), (1, vec![]));
}

#[test]
fn the_words_of_subagents_are_found_beside_their_session() {
    let written = Written::new();
    let path = written.write(1, &[prompt("p", None, "explore it"), reply("a", "p", 1)]);
    let folder = path.with_extension("").join("subagents");
    fs::create_dir_all(&folder).unwrap();
    let aside = |line: String| line.replacen('{', r#"{"isSidechain":true,"#, 1);
    let file = folder.join("agent-x1.jsonl");
    fs::write(&file, aside(prompt("s", None, "look for cherries")) + "\n").unwrap();
    let [hit] = written.find("cherries").try_into().unwrap();
    assert_eq!(hit.subagent.as_deref(), Some("x1"));
    assert_eq!(hit.snippet.text, "look for cherries");
    let [row] = written.rows().try_into().unwrap();
    assert_eq!((row.facts.subagents.len(), row.facts.turns), (1, 1));
    // One that grew is read again, with its session.
    append(&file, &aside(reply("t", "s", 9)));
    append(&path, &prompt("q", Some("a"), "and on"));
    assert_eq!(written.find("answer t").len(), 1);
    assert_eq!(written.rows()[0].facts.usage.input_tokens, 10);
    fs::remove_file(path).unwrap();
    assert_eq!(written.find("cherries"), []);
}

#[test]
fn files_beside_a_transcript_are_heeded_and_noticed() {
    let written = Written::new();
    let path = written.write(1, &[prompt("p", None, "first words")]);
    let title = || written.rows()[0].facts.title_text().to_owned();
    assert_eq!(title(), "first words");
    let id = written.rows()[0].stored.id;
    written.store.rename(id, "Mine").unwrap();
    assert_eq!(title(), "Mine");
    let side = path.with_extension("");
    fs::remove_file(side.join("custom-title.json")).unwrap();
    fs::write(side.join("custom-title.json"), r#"{"customTitle":"Beside"}"#).unwrap();
    assert_eq!(title(), "Mine", "the end of the transcript says more");
    let filler = serde_json::json!({"type": "other", "text": "x".repeat(70_000)}).to_string();
    append(&path, &filler);
    assert_eq!(title(), "Beside");
    assert_eq!(written.rows()[0].aside(), None);
    fs::write(side.join("archived.json"), r#"{"archived":true,"at":"2026-11-20T10:00:00Z"}"#).unwrap();
    assert_eq!(written.rows()[0].aside(), Some("archived"));
}

#[test]
fn a_session_that_went_on_elsewhere_is_hidden_while_that_is_there() {
    let written = Written::new();
    let next = written.path(2).file_stem().unwrap().to_str().unwrap().to_owned();
    let mark = serde_json::json!({"type": "continued-in", "continuedInSessionId": next}).to_string();
    written.write(1, &[prompt("p", None, "old half"), mark]);
    assert_eq!(written.rows()[0].aside(), None, "it is the last there is");
    written.write(2, &[prompt("q", None, "new half")]);
    let asides: Vec<_> = written.rows().iter().map(SessionRow::aside).collect();
    assert_eq!(asides, [Some("continued"), None]);
}
