//! Taking items out of a conversation while it is read: for readers that cannot hold a
//! whole one.

use super::{Conversation, Item, ItemKind};

impl Conversation {
    /// Removes the items before the first tool call without a result, which nothing that is added
    /// changes any more. For readers that cannot hold a whole conversation.
    pub fn take_settled(&mut self) -> Vec<Item> {
        let is_open = |item: &Item| matches!(&item.kind, ItemKind::Tool(call) if call.result.is_none());
        let settled = self.items.iter().position(is_open).unwrap_or(self.items.len());
        self.take_first(settled)
    }

    /// Removes the first items, settled or not.
    pub fn take_first(&mut self, count: usize) -> Vec<Item> {
        self.call_positions.retain(|_, at| *at >= count);
        self.call_positions.values_mut().for_each(|at| *at -= count);
        self.call_of_result.clear();
        self.items.drain(..count).collect()
    }
}
