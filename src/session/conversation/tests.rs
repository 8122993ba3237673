use super::*;

fn reply(text: &str) -> ConversationEvent {
    ConversationEvent::Block { block: MessageBlock::Text(text.into()), model: None, usage: None }
}

fn texts(conversation: &Conversation) -> Vec<String> {
    let show = |item: &Item| match &item.kind {
        ItemKind::Prompt(text) => format!("> {text}"),
        ItemKind::Reply { text, .. } => text.clone(),
        ItemKind::Thinking(text) => format!("~ {text}"),
        ItemKind::Tool(call) => {
            format!("{}: {}", call.name, call.result.as_ref().map_or("running", |result| &result.text))
        }
        ItemKind::Notice(notice, _) => format!("{notice:?}"),
        ItemKind::TurnEnd(_) => "end".into(),
    };
    conversation.items().iter().map(show).collect()
}

#[test]
fn a_complete_block_replaces_what_was_streamed_of_it() {
    let mut conversation = Conversation::default();
    conversation.apply(ConversationEvent::Prompt("hi".into()), "p", None);
    conversation.apply(ConversationEvent::ThinkingDelta("hm".into()), "", None);
    conversation.apply(ConversationEvent::TextDelta("he".into()), "", None);
    conversation.apply(ConversationEvent::TextDelta("llo".into()), "", None);
    assert_eq!(texts(&conversation), ["> hi", "~ hm", "hello"]);
    conversation.apply(reply("hello."), "a", None);
    assert_eq!(texts(&conversation), ["> hi", "~ hm", "hello."]);
    assert!(!conversation.items()[2].live);
    assert_eq!(conversation.items()[2].uuid, "a");
}

#[test]
fn a_reply_that_broke_off_leaves_nothing() {
    let mut conversation = Conversation::default();
    conversation.apply(ConversationEvent::Prompt("hi".into()), "p", None);
    conversation.apply(reply("whole block"), "a", None);
    conversation.apply(ConversationEvent::TextDelta("half".into()), "", None);
    conversation.apply(ConversationEvent::Retracted(vec!["a".into()]), "", None);
    assert_eq!(texts(&conversation), ["> hi"]);
    conversation.apply(ConversationEvent::TextDelta("anew".into()), "", None);
    assert_eq!(texts(&conversation), ["> hi", "anew"]);
}

#[test]
fn where_no_reply_came_the_reason_stands_as_a_notice() {
    let line = r#"{"type":"assistant","uuid":"a","isApiErrorMessage":true,"message":{"id":"m","model":"<synthetic>","content":[{"type":"text","text":"API Error: 529"}]}}"#;
    let conversation = Conversation::from_transcript(&Transcript::read(
        &crate::transcript::TranscriptText::read(line.as_bytes()),
    ));
    assert_eq!(texts(&conversation), ["Error"]);
}

#[test]
fn a_result_finds_its_call() {
    let transcript = [
        r#"{"type":"user","uuid":"p","message":{"content":"go"}}"#,
        r#"{"type":"assistant","uuid":"a","parentUuid":"p","message":{"id":"m","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}]}}"#,
        r#"{"type":"user","uuid":"r","parentUuid":"a","toolUseResult":{"stdout":"ok"},"message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]}}"#,
        r#"{"type":"user","uuid":"i","parentUuid":"r","message":{"content":[{"type":"text","text":"[Request interrupted by user]"}]}}"#,
    ]
    .join("\n");
    let conversation = Conversation::from_transcript(&Transcript::read(
        &crate::transcript::TranscriptText::read(transcript.as_bytes()),
    ));
    assert_eq!(texts(&conversation), ["> go", "Bash: ok", "Interrupted"]);
    assert_eq!(conversation.turns(), 1);
}

#[test]
fn a_result_without_its_call_changes_nothing() {
    let mut conversation = Conversation::default();
    let result = ToolResult { text: String::new(), is_error: false, detail: None };
    conversation.apply(ConversationEvent::Result { tool_use_id: "t".into(), result }, "r", None);
    assert!(conversation.is_empty());
}

#[test]
fn an_older_reading_goes_in_front_once() {
    let grown = |uuids: &[&str]| {
        let mut conversation = Conversation::default();
        for uuid in uuids {
            conversation.apply(ConversationEvent::Prompt((*uuid).into()), uuid, None);
        }
        conversation
    };
    let mut conversation = grown(&["c", "d"]);
    assert_eq!(conversation.prepend_older(grown(&["a", "b", "c"])), 2);
    assert_eq!(texts(&conversation), ["> a", "> b", "> c", "> d"]);
    assert_eq!(conversation.prepend_older(grown(&["x", "y"])), 0);
}
