//! What the turns of a conversation lack, or have too much of, before their calls are
//! paired: replies in pieces, prompts without an answer, requests that were refused.
//!
//! Owns the steps between single entries and messages; [`super::model_messages`] says
//! in which order they are taken.

use super::attachment::reminder;
use super::model_block::{BlockKind, ModelBlock};
use super::model_messages::{EntryContent, ModelRole, NO_CONTENT, Source};

/// Answers a prompt that was never answered, so that the model does not take
/// the next one as a part of it.
const NO_RESPONSE: &str = "No response requested.";

/// Leaves out images and documents that came with a request which the API refused:
/// it would refuse every later one, too.
pub(super) fn drop_refused_media(items: &mut [EntryContent]) {
    for at in 0..items.len() {
        if items[at].source == Source::Refusal {
            let request = items[..at].iter_mut().rev();
            // What was there when a reply came was taken.
            for item in request.take_while(|item| item.role == ModelRole::User || item.is_error()) {
                for block in &mut item.blocks {
                    block.leave_out_media();
                }
            }
        }
    }
}

/// Leaves out replies that only asked for tools which never answered, if the
/// person went on. At the end they stay: the model should know that the outcome
/// is not known.
pub(super) fn drop_unanswered_calls(items: &mut Vec<EntryContent>) {
    let answered: std::collections::HashSet<String> = items
        .iter()
        .flat_map(|item| &item.blocks)
        .filter_map(|block| match block.kind() {
            BlockKind::ToolResult { call, .. } => Some(call.clone()),
            _ => None,
        })
        .collect();
    let last_user = items.iter().rposition(|item| item.role == ModelRole::User).unwrap_or(0);
    let mut at = 0;
    items.retain(|item| {
        at += 1;
        let mut calls = item.calls().peekable();
        calls.peek().is_none() || at > last_user || calls.any(|call| answered.contains(call))
    });
}

/// Blocks of one reply are one item, though results may lie between them.
pub(super) fn merge_replies(items: Vec<EntryContent>) -> Vec<EntryContent> {
    let mut merged: Vec<EntryContent> = Vec::with_capacity(items.len());
    for item in items {
        let same_reply = (item.role == ModelRole::Assistant && item.source == Source::Message)
            .then(|| {
                let is_only_results = |other: &&EntryContent| {
                    let mut blocks = other.blocks.iter();
                    blocks.all(|block| matches!(block.kind(), BlockKind::ToolResult { .. }))
                };
                let before = merged.iter().enumerate().rev();
                let mut before =
                    before.skip_while(|(_, other)| other.role == ModelRole::User && is_only_results(other));
                before.next().filter(|(_, other)| {
                    other.role == ModelRole::Assistant
                        && other.source == Source::Message
                        && other.reply_id == item.reply_id
                })
            })
            .flatten()
            .map(|(at, _)| at);
        match same_reply {
            Some(at) => merged[at].blocks.extend(item.blocks),
            None => merged.push(item),
        }
    }
    merged
}

/// A prompt at the end was never answered, nor was what tools said there.
pub(super) fn answer_last_prompt(items: &mut Vec<EntryContent>) {
    let run = items.iter().rev().take_while(|item| item.role == ModelRole::User || item.blocks.is_empty());
    let run: Vec<_> = run.take_while(|item| !item.is_error()).collect();
    let is_only_noted = run.iter().any(|item| item.is_local_caveat());
    let is_open = run.iter().any(|item| item.role == ModelRole::User && !item.blocks.is_empty());
    let ends_in_call = items.last().is_some_and(|item| item.calls().next().is_some());
    if (is_open && !is_only_noted && !items.last().is_some_and(EntryContent::is_error)) || ends_in_call {
        let answer = ModelBlock::text(NO_RESPONSE);
        items.push(EntryContent {
            role: ModelRole::Assistant,
            reply_id: None,
            model: None,
            is_prompt: false,
            blocks: vec![answer],
            source: Source::Filler,
        });
    }
}

/// Says something where nothing is left of what the person said, and two
/// replies would become one.
pub(super) fn keep_turns_apart(items: Vec<EntryContent>) -> Vec<EntryContent> {
    let mut apart: Vec<EntryContent> = Vec::with_capacity(items.len() + 1);
    let mut was_blank = false;
    for mut item in items {
        let had_words = item.blocks.len();
        item.blocks.retain(|block| *block.kind() != BlockKind::Blank);
        if item.blocks.is_empty() {
            was_blank |= had_words > 0 && item.role == ModelRole::User;
            continue;
        }
        let follows_reply = apart.last().is_none_or(|last| last.role == ModelRole::Assistant);
        if item.role == ModelRole::Assistant && follows_reply {
            if was_blank {
                apart.push(EntryContent::note(vec![ModelBlock::text(NO_CONTENT)]));
            } else if apart.is_empty() {
                let lost = reminder("The beginning of this conversation is lost.");
                apart.push(EntryContent::note(vec![ModelBlock::text(&lost)]));
            }
        }
        was_blank = false;
        apart.push(item);
    }
    apart
}
