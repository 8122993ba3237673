use std::sync::Arc;

use super::*;
use crate::index::TextHit;
use crate::index::text::{Snippet, SnippetRole};
use crate::tui::app::{SearchScope, TextQuery, TextResults};

fn sought(text: &str) -> TextQuery {
    TextQuery { text: text.into(), tools: false, restrict_to: None }
}

/// A hit in a message of a session; the message begins at this byte.
fn hit(session: u8, uuid: &str, offset: u64) -> TextHit {
    let (role, text) = (SnippetRole::Prompt, "the old grammar".to_owned());
    let snippet =
        Snippet { uuid: Some(uuid.into()), role, at: None, text, match_positions: (8..15).collect() };
    TextHit { session: id(session), offset, subagent: None, others: 0, snippet }
}

fn found(hits: Vec<TextHit>) -> TextResults {
    TextResults { hits, ..TextResults::default() }
}

impl Program {
    fn finds(&mut self, text: &str, hits: Vec<TextHit>) -> Vec<Effect> {
        self.does(Event::SearchResults { sought: sought(text), found: Ok(found(hits)) })
    }

    /// A part of a transcript of a million bytes was read.
    fn reads_part(&mut self, session: u8, prompts: &[&str], bytes: u64) -> Vec<Effect> {
        let mut conversation = Conversation::default();
        for prompt in prompts {
            conversation.apply(ConversationEvent::Prompt(format!("grammar {prompt}")), prompt, None);
        }
        let opened = LoadedTranscript { conversation, title: None, whole: false, bytes, size: 1_000_000 };
        self.does(Event::TranscriptRead { session: id(session), read: Ok(opened) })
    }

    fn jump(&self) -> &crate::tui::app::Jump {
        let Some(Overlay::Jump(jump)) = &self.app.overlay else { panic!("no jump: {:?}", self.app.overlay) };
        jump
    }

    fn selected(&self) -> Option<&str> {
        self.app.page()?.selected_uuid()
    }
}

#[test]
fn the_words_of_a_subagent_are_read_and_not_resumed() {
    let mut program = Program::warm();
    program.rows(vec![row(1, "Parser", None), row(2, "Lexer", None)]);
    let said = TextHit { subagent: Some("x1".to_owned()), ..hit(2, "b", 7) };
    program.keys("ctrl-p tab");
    program.types("gram");
    program.finds("gram", vec![said]);
    assert!(program.keys("enter").contains(&Effect::ReadSubagents(id(2))));
    assert!(program.app.overlay.is_none());
    program.does(Event::SubagentsRead(vec![("Explore · x1".to_owned(), "the flag".to_owned())]));
    assert!(matches!(program.app.overlay, Some(Overlay::Viewer(ViewerContent::Subagents(_), 0))));
}

#[test]
fn tab_completes_a_filter_and_else_goes_to_the_next_pane() {
    let mut program = Program::warm();
    let mut tagged = row(1, "Parser rewrite", None);
    Arc::make_mut(&mut tagged.facts).tag = Some("keep".into());
    program.rows(vec![tagged, row(2, "Flaky test", None)]);
    program.keys("/");
    program.types("ta");
    program.keys("tab");
    assert_eq!(program.app.browser.query(), "tag:");
    program.keys("right");
    assert_eq!((program.app.browser.query(), program.app.browser.matches()), ("tag:keep", 1));
    program.keys("left right");
    assert_eq!(program.app.focus, Focus::Browser);
    program.keys("tab");
    assert_eq!(program.app.focus, Focus::Composer);
}

#[test]
fn two_slashes_and_ctrl_f_search_what_was_said() {
    let mut program = Program::warm();
    program.keys("/ /");
    assert_eq!(program.jump().scope, SearchScope::Messages);
    program.keys("esc");
    program.types("gram");
    assert!(
        program.keys("ctrl-f").contains(&Effect::SearchMessages(sought("gram"))),
        "what was typed goes along"
    );
    assert_eq!(program.keys("tab"), [], "back to titles");
    assert_eq!(program.jump().scope, SearchScope::Titles);
}

#[test]
fn only_the_answer_to_what_was_typed_last_counts() {
    let mut program = Program::warm();
    program.keys("ctrl-p tab");
    program.types("gra");
    assert_eq!(program.keys("m"), [Effect::SearchMessages(sought("gram"))]);
    assert_eq!(program.finds("gra", vec![hit(2, "b", 0)]), []);
    assert_eq!(program.jump().count(), 0);
    let opened = Effect::ReadTranscript { session: id(1), bytes: INITIAL_READ_BYTES };
    assert_eq!(program.finds("gram", vec![hit(1, "b", 0), hit(2, "c", 0)]), [opened]);
    assert_eq!((program.jump().count(), program.app.shown), (2, Some(id(1))));
    program.keys("down");
    assert_eq!(program.app.shown, Some(id(2)), "previewed behind the box");
    program.does(Event::SearchResults { sought: sought("gram"), found: Err("the disk is gone".into()) });
    assert_eq!(program.jump().text_search.problem.as_deref(), Some("the disk is gone"));
}

#[test]
fn a_message_far_back_is_read_and_comes_into_sight() {
    let mut program = Program::warm();
    let mut long = row(1, "Parser rewrite", None);
    long.stored.size = 1_000_000;
    program.rows(vec![long]);
    program.keys("ctrl-p tab");
    program.types("gram");
    program.finds("gram", vec![hit(1, "b", 200_000)]);
    let reach = 800_000 + 64 * 1024;
    let further = [Effect::ReadTranscript { session: id(1), bytes: reach }];
    assert_eq!(program.reads_part(1, &["c", "d"], INITIAL_READ_BYTES), further);
    assert_eq!(program.selected(), None);
    assert_eq!(program.reads_part(1, &["a", "b", "c", "d"], reach), []);
    assert_eq!(program.selected(), Some("b"));
    let page = program.app.page().unwrap();
    assert!(page.scroll.reveal);
    assert_eq!(page.search.as_ref().unwrap().words, ["grammar"]);
    assert_eq!(program.keys("enter"), [resume(1)]);
    program.switched("resume", FRESH, 1);
    assert_eq!(program.selected(), Some("b"), "seated at that message");
    assert_eq!(program.app.focus, Focus::Composer);
}

#[test]
fn a_message_that_was_rewound_away_is_told() {
    let mut program = Program::warm();
    program.keys("ctrl-p tab");
    program.types("gram");
    program.finds("gram", vec![hit(1, "gone", 999_000)]);
    program.reads_part(1, &["c", "d"], INITIAL_READ_BYTES);
    assert!(program.toast().contains("rewound"), "{}", program.toast());
}

#[test]
fn leaving_forgets_where_the_search_was() {
    let mut program = Program::warm();
    program.keys("ctrl-p tab");
    program.types("gram");
    program.finds("gram", vec![hit(1, "c", 999_000)]);
    program.reads_part(1, &["c"], INITIAL_READ_BYTES);
    assert_eq!(program.selected(), Some("c"));
    program.keys("esc");
    assert_eq!(program.app.shown, Some(id(FRESH)));
    assert_eq!(program.app.pages[&id(1)].selected, None);
}

#[test]
fn filters_narrow_a_text_and_tools_are_a_key_away() {
    let mut program = Program::warm();
    program.keys("ctrl-p tab");
    program.types("gram turns:");
    let effects = program.keys("0");
    let restrict_to = Some(vec![id(1), id(2), id(3)]);
    assert_eq!(
        effects,
        [Effect::SearchMessages(TextQuery { restrict_to: restrict_to.clone(), ..sought("gram") })]
    );
    assert_eq!(
        program.keys("ctrl-t"),
        [Effect::SearchMessages(TextQuery { restrict_to, tools: true, ..sought("gram") })]
    );
}

#[test]
fn a_question_is_asked_again_when_the_list_changed_and_the_cursor_stays() {
    let mut program = Program::warm();
    program.keys("ctrl-p tab");
    program.types("gram");
    program.finds("gram", vec![hit(1, "a", 0), hit(2, "b", 0)]);
    program.keys("down");
    let effects =
        program.does(Event::SessionList { all: true, rows: vec![row(1, "One", None)], progress: None });
    assert!(effects.contains(&Effect::SearchMessages(sought("gram"))), "{effects:?}");
    program.finds("gram", vec![hit(3, "c", 0), hit(1, "a", 0), hit(2, "b", 0)]);
    let Some(Overlay::Jump(jump)) = &program.app.overlay else { panic!("the box is gone") };
    assert_eq!(jump.selected(), Some(id(2)));
    assert!(!program.does(Event::Tick).contains(&Effect::SearchMessages(sought("gram"))));
}

#[test]
fn thousands_are_ranked_beside_the_draw_loop_and_enter_does_not_wait() {
    let mut program = Program::warm();
    let mut rows = vec![row(2, "Flaky test", None); 10_001];
    rows[9_000] = row(1, "Parser rewrite", None);
    program.rows(rows);
    program.keys("/");
    let effects = program.keys("p");
    let Some(Effect::RankSessions(work)) = effects.last() else { panic!("{effects:?}") };
    assert_eq!(program.app.browser.matches(), 10_001, "the former list stays meanwhile");
    let hits = work.run();
    program.does(Event::Ranked { work: work.clone(), hits });
    assert_eq!(program.app.browser.matches(), 1);
    assert_eq!(program.app.shown, Some(id(1)));
    program.keys("backspace");
    program.types("pars");
    assert_eq!(program.keys("enter"), [resume(1)]);
}
