//! Images and documents of a conversation, as far as the Messages API takes them
//! together.
//!
//! Owns the limits of a whole request, and what is left out of one that was refused.
//! What is left out stays out: each request is the former one and what was added.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ContextBlock, MessageRole, ModelContext};
use crate::transcript::media::{ImageHead, REFUSED, without_media};

/// Images and documents that a request may hold.
const MAX_MEDIA: usize = 100;
/// So many stay when there are more: not every new one costs the provider's cache.
const KEPT_MEDIA: usize = 90;
/// Bytes of them, of the 32 MB that a request may have.
const MAX_BYTES: usize = 24 << 20;
/// Of more images than this, none may have a side longer than [`MAX_SIDE_OF_MANY`].
const MANY: usize = 20;
/// In pixels.
const MAX_SIDE_OF_MANY: u32 = 2000;

const TOO_MANY: &str = "[an image or a document was left out here: the API takes at most 100 in a conversation, 32 MB \
     in all, and where there are more than 20, no side over 2000 pixels]";

/// The images and documents of one block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaLoad {
    /// How many there are.
    pub count: usize,
    /// Pixels of the longest side of an image; 0 if it is not known.
    pub longest_side: u32,
    /// Bytes of JSON.
    pub bytes: usize,
}

#[derive(Deserialize)]
struct MediaBlock<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    source: Option<MediaSource<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MediaSource<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl MediaLoad {
    /// Of a block of Messages API content.
    pub fn of(json: &str) -> Self {
        let may_have = |kind: &str| memchr::memmem::find(json.as_bytes(), kind.as_bytes()).is_some();
        if !may_have("image") && !may_have("document") {
            return Self::default();
        }
        let Ok(block) = serde_json::from_str::<MediaBlock<'_>>(json) else { return Self::default() };
        match &*block.kind {
            "image" | "document" => Self { count: 1, longest_side: block.longest_side(), bytes: json.len() },
            "tool_result" => {
                let content = block.content.map_or("", RawValue::get);
                let parts: Vec<MediaBlock<'_>> = serde_json::from_str(content).unwrap_or_default();
                let media = parts.iter().filter(|part| matches!(&*part.kind, "image" | "document"));
                let sides = media.map(MediaBlock::longest_side);
                let (count, longest_side) = sides.fold((0, 0), |(n, side), one| (n + 1, one.max(side)));
                Self { count, longest_side, bytes: if count > 0 { json.len() } else { 0 } }
            }
            _ => Self::default(),
        }
    }
}

impl MediaBlock<'_> {
    fn longest_side(&self) -> u32 {
        let data = self.source.as_ref().and_then(|source| source.data).map_or("", RawValue::get);
        ImageHead::read(data.trim_matches('"')).map_or(0, |head| head.longest_side)
    }
}

/// Where a block is: its message and its place in that.
type Place = (usize, usize);

impl ModelContext {
    /// Leaves out images and documents, the oldest first, until the API takes those
    /// that stay.
    pub(super) fn limit_media(&mut self) {
        let mut media = self.media();
        let count = |media: &[(Place, MediaLoad)]| media.iter().map(|(_, load)| load.count).sum::<usize>();
        let bytes = |media: &[(Place, MediaLoad)]| media.iter().map(|(_, load)| load.bytes).sum::<usize>();
        let allowed = if count(&media) > MAX_MEDIA { KEPT_MEDIA } else { MAX_MEDIA };
        // The newest stay; what a person has just shown is never the first to go.
        while media.len() > 1 && (count(&media) > allowed || bytes(&media) > MAX_BYTES) {
            self.leave_out(media.remove(0).0, TOO_MANY);
        }
        let is_wide = |load: &MediaLoad| load.longest_side > MAX_SIDE_OF_MANY;
        while count(&media) > MANY
            && let Some(at) = media.iter().position(|(_, load)| is_wide(load))
        {
            let at = if at + 1 == media.len() { 0 } else { at };
            self.leave_out(media.remove(at).0, TOO_MANY);
        }
    }

    /// Leaves out the images and documents of a request that was refused: the API
    /// would refuse every later one, too.
    pub fn leave_out_refused_media(&mut self) {
        let taken = self.messages.iter().rposition(|message| message.role == MessageRole::Assistant);
        let from = taken.map_or(0, |reply| reply + 1);
        for (place, _) in self.media().into_iter().filter(|((message, _), _)| *message >= from) {
            self.leave_out(place, REFUSED);
        }
    }

    /// All blocks with media, oldest first.
    fn media(&self) -> Vec<(Place, MediaLoad)> {
        let messages = self.messages.iter().enumerate();
        let blocks = messages.flat_map(|(at, message)| {
            message.blocks.iter().enumerate().map(move |(block, content)| ((at, block), content.media()))
        });
        blocks.filter(|(_, load)| load.count > 0).collect()
    }

    fn leave_out(&mut self, (message, block): Place, note: &str) {
        let content = &mut Arc::make_mut(&mut self.messages[message]).blocks[block];
        let Some((value, count)) = without_media(content.json(), note) else { return };
        let Some(mended) = ContextBlock::from_value(&value) else { return };
        self.chars = self.chars.saturating_sub(content.json().len()) + mended.json().len();
        self.left_out += count;
        *content = mended;
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;

    fn image(side: u32) -> Value {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(side.to_be_bytes());
        bytes.extend(7_u32.to_be_bytes());
        let source = json!({"type": "base64", "media_type": "image/png", "data": STANDARD.encode(bytes)});
        json!({"type": "image", "source": source})
    }

    fn context(images: impl IntoIterator<Item = Value>) -> ModelContext {
        let mut context = ModelContext::default();
        for image in images {
            context.push_prompt(&json!([{"type": "text", "text": "look"}, image]));
            context.push_reply("m", "model", &json!({"type": "text", "text": "seen"}));
        }
        context
    }

    fn images(context: &ModelContext) -> usize {
        context.media().iter().map(|(_, load)| load.count).sum()
    }

    #[test]
    fn of_more_than_a_hundred_images_the_oldest_are_left_out_and_told() {
        let mut whole = context((0..100).map(|_| image(9)));
        assert_eq!((images(&whole), whole.take_left_out()), (100, 0));
        whole.push_prompt(&json!([image(9)]));
        assert_eq!((images(&whole), whole.take_left_out(), whole.take_left_out()), (90, 11, 0));
        assert!(whole.messages()[0].blocks[1].json().contains("left out"));
    }

    #[test]
    fn of_many_images_none_is_large() {
        let mut whole = context((0..20).map(|at| image(if at == 3 { 2001 } else { 9 })));
        assert_eq!((images(&whole), whole.take_left_out()), (20, 0));
        whole.push_prompt(&json!([image(9)]));
        assert_eq!((images(&whole), whole.take_left_out()), (20, 1));
        // What was just shown stays, and older ones go for it.
        whole.push_prompt(&json!([image(4000)]));
        assert_eq!((images(&whole), whole.take_left_out()), (20, 1));
        assert_eq!(whole.media().last().unwrap().1.longest_side, 4000);
    }

    #[test]
    fn what_came_with_a_refused_request_goes_and_what_was_taken_before_stays() {
        let mut whole = context([image(9)]);
        let result = json!({"type": "tool_result", "tool_use_id": "t", "content": [image(9), image(9)]});
        whole.push_user_block(&result);
        whole.leave_out_refused_media();
        assert_eq!((images(&whole), whole.take_left_out()), (1, 2));
    }

    #[test]
    fn a_prompt_that_the_api_refuses_is_mended_before_it_is_sent() {
        let mut whole = ModelContext::default();
        let large = json!({"type": "image", "source": {"type": "base64", "data": "A".repeat(6 << 20)}});
        whole.push_prompt(&json!([{"type": "text", "text": ""}, {"type": "hologram"}, large]));
        assert_eq!((whole.messages()[0].blocks.len(), images(&whole), whole.take_left_out()), (1, 0, 1));
        whole.push_prompt(&json!("  "));
        assert!(whole.messages().last().unwrap().blocks[0].json().contains("(no content)"));
    }
}
