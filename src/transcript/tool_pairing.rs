//! Calls and their results, as the Messages API wants them: each call once, with
//! one result, right behind its reply, in front of everything else.

use std::collections::{HashMap, HashSet};

use super::model_block::{BlockKind, ModelBlock};
use super::model_messages::{EntryContent, ModelRole, NO_CONTENT};

/// The result of a call whose own was lost.
const LOST: &str = "[Tool result missing due to internal error]";
/// The result of a call at the end: the session ended before the tool did. In
/// Claude Code's words, so that both give the model the same bytes.
const CUT_OFF: &str = "[Tool call interrupted: the session ended before this call's result was recorded, so its \
    outcome is unknown. Check whether it took effect before relying on it or running it again.]";
/// Stands for a result without a call that a conversation begins with, in Claude Code's words.
const ORPHANED: &str = "[Orphaned tool result removed due to conversation resume]";
/// Stands for a reply of which only a second call under the same id was left.
const NO_CALL: &str = "[Tool use interrupted]";
/// Stands behind the result of a search for tools.
const TOOLS_LOADED: &str = "Tool loaded.";

/// The results of a conversation by the call that each answers, with their order.
#[derive(Default)]
struct Results {
    by_call: HashMap<String, (usize, ModelBlock)>,
}

/// Pairs all calls with their results, wherever these lie.
pub(super) fn pair(mut items: Vec<EntryContent>) -> Vec<EntryContent> {
    drop_repeated_calls(&mut items);
    let (mut results, emptied) = Results::take_out(&mut items);
    let mut paired: Vec<EntryContent> = Vec::with_capacity(items.len() + 2);
    let mut open: Vec<String> = Vec::new();
    let mut items = items.into_iter().zip(emptied).peekable();
    while let Some((mut item, emptied)) = items.next() {
        if item.role == ModelRole::Assistant {
            if item.is_filler() {
                paired.extend(results.answer(&mut open, CUT_OFF));
            }
            open.extend(item.calls().map(str::to_owned));
            paired.push(item);
            continue;
        }
        paired.extend(results.answer(&mut open, LOST));
        if item.blocks.is_empty() {
            let stands_alone = paired.last().is_none_or(|last| last.role == ModelRole::Assistant)
                && items.peek().is_none_or(|(next, _)| next.role == ModelRole::Assistant);
            // What only moved to its call leaves no hole.
            if emptied != Emptied::ByALostResult || !stands_alone {
                continue;
            }
            let words = if paired.is_empty() { ORPHANED } else { NO_CONTENT };
            item.blocks.push(ModelBlock::text(words));
        }
        paired.push(item);
    }
    paired.extend(results.answer(&mut open, CUT_OFF));
    if paired.first().is_some_and(|first| first.role == ModelRole::Assistant) {
        paired.insert(0, EntryContent::note(vec![ModelBlock::text(NO_CONTENT)]));
    }
    paired
}

/// The API refuses a second call under one id.
fn drop_repeated_calls(items: &mut [EntryContent]) {
    let mut called = HashSet::new();
    for item in items.iter_mut().filter(|item| item.role == ModelRole::Assistant) {
        item.blocks.retain(|block| match block.kind() {
            BlockKind::ToolUse(id) => called.insert(id.clone()),
            _ => true,
        });
        if item.blocks.is_empty() {
            item.blocks.push(ModelBlock::text(NO_CALL));
        }
    }
}

/// Why nothing is left of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emptied {
    /// Something is, or its results went to their calls.
    No,
    /// It held a result that no call wants.
    ByALostResult,
}

impl Results {
    /// Takes all results out of the messages: the first for each call counts.
    fn take_out(items: &mut [EntryContent]) -> (Self, Vec<Emptied>) {
        let calls: HashSet<String> = items.iter().flat_map(EntryContent::calls).map(str::to_owned).collect();
        let mut results = Self::default();
        let mut emptied = Vec::with_capacity(items.len());
        for item in items {
            let mut lost = Emptied::No;
            item.blocks.retain(|block| {
                let BlockKind::ToolResult { call, .. } = block.kind() else { return true };
                if calls.contains(call) && !results.by_call.contains_key(call) {
                    let order = results.by_call.len();
                    results.by_call.insert(call.clone(), (order, block.clone()));
                } else {
                    lost = Emptied::ByALostResult;
                }
                false
            });
            emptied.push(lost);
        }
        (results, emptied)
    }

    /// The message that answers all open calls: those without a result first.
    fn answer(&mut self, open: &mut Vec<String>, missing: &str) -> Option<EntryContent> {
        if open.is_empty() {
            return None;
        }
        let mut blocks = Vec::new();
        let mut found = Vec::new();
        for call in open.drain(..) {
            match self.by_call.remove(&call) {
                Some(result) => found.push(result),
                None => blocks.push(ModelBlock::missing_result(&call, missing)),
            }
        }
        found.sort_by_key(|(order, _)| *order);
        let loaded = |(_, block): &&(usize, ModelBlock)| {
            matches!(block.kind(), BlockKind::ToolResult { names_tools: true, .. })
        };
        let loaded = found.iter().filter(loaded).count();
        blocks.extend(found.into_iter().map(|(_, block)| block));
        blocks.extend((0..loaded).map(|_| ModelBlock::text(TOOLS_LOADED)));
        Some(EntryContent::note(blocks))
    }
}
