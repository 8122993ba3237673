//! Images as the Messages API takes them, and the notes that stand for others.
//!
//! Owns the limits of one image and how its first bytes are read. What many images
//! of a conversation may be together is the sender's affair.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Characters of base64 of the largest image that the Messages API takes.
const MAX_IMAGE: usize = 5 * 1024 * 1024;
/// Pixels of the longest side that it takes.
const MAX_SIDE: u32 = 8000;
/// Characters of base64 that are looked at for an image's sides: photographs may
/// have a preview in front of them.
const HEAD_CHARS: usize = 256 * 1024;

const TOO_LARGE: &str = "[an image was left out here: it is larger than the 5 MB that the API takes]";
const TOO_WIDE: &str =
    "[an image was left out here: one of its sides is longer than the 8000 pixels that the API takes]";
const NO_IMAGE: &str = "[an image was left out here: there is nothing of it that the API takes]";
/// Stands for an image or a document with which the API refused a request.
pub const REFUSED: &str = "[an image or a document was left out here: the API refused the request with it]";

/// What becomes of an image.
#[derive(Debug, PartialEq)]
pub(super) enum MendedImage {
    /// It is sent as it is.
    Fine,
    /// This is sent instead.
    Mended(Value),
    /// This note stands for it.
    Refused(&'static str),
}

#[derive(Deserialize)]
struct ImageSource<'a> {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl MendedImage {
    /// Looks at a block of the type `image` and its source.
    pub fn of(block: &RawValue, source: Option<&RawValue>) -> Self {
        let Some(source) = source.and_then(|raw| serde_json::from_str::<ImageSource<'_>>(raw.get()).ok())
        else {
            return Self::Refused(NO_IMAGE);
        };
        if source.kind.as_deref().is_some_and(|kind| kind != "base64") {
            return Self::Fine;
        }
        let data = source.data.map_or("", RawValue::get).trim_matches('"');
        if data.is_empty() {
            return Self::Refused(NO_IMAGE);
        }
        if data.len() > MAX_IMAGE {
            return Self::Refused(TOO_LARGE);
        }
        let Some(head) = ImageHead::read(data) else { return Self::Fine };
        if head.longest_side > MAX_SIDE {
            return Self::Refused(TOO_WIDE);
        }
        if source.media_type.as_deref() == Some(head.media_type) {
            return Self::Fine;
        }
        // The API looks, too, and refuses a wrong name.
        match serde_json::from_str::<Value>(block.get()) {
            Ok(mut value) => {
                value["source"]["type"] = json!("base64");
                value["source"]["media_type"] = json!(head.media_type);
                Self::Mended(value)
            }
            Err(_) => Self::Refused(NO_IMAGE),
        }
    }
}

/// What the first bytes of an image say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHead {
    /// Its type, such as `image/png`.
    pub media_type: &'static str,
    /// Pixels of its longer side; 0 if they are not found.
    pub longest_side: u32,
}

impl ImageHead {
    /// Reads the beginning of base64; `None` if it is none of the four formats.
    pub fn read(base64: &str) -> Option<Self> {
        let length = base64.len().min(HEAD_CHARS) / 4 * 4;
        let bytes = STANDARD.decode(base64.get(..length)?.trim_end_matches('=')).ok();
        // A short one may end in padding.
        let bytes = bytes.or_else(|| STANDARD.decode(base64.get(..length)?).ok())?;
        let (media_type, sides) = match &*bytes {
            [0x89, b'P', b'N', b'G', 13, 10, 26, 10, ..] => ("image/png", png_sides(&bytes)),
            [b'G', b'I', b'F', b'8', ..] => ("image/gif", gif_sides(&bytes)),
            [0xff, 0xd8, 0xff, ..] => ("image/jpeg", jpeg_sides(&bytes)),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
                ("image/webp", webp_sides(&bytes))
            }
            _ => return None,
        };
        Some(Self { media_type, longest_side: sides.map_or(0, |(width, height)| width.max(height)) })
    }
}

fn big_endian(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    Some(bytes.get(at..at + length)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn little_endian(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    Some(bytes.get(at..at + length)?.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn png_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((big_endian(bytes, 16, 4)?, big_endian(bytes, 20, 4)?))
}

fn gif_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((little_endian(bytes, 6, 2)?, little_endian(bytes, 8, 2)?))
}

fn webp_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little_endian(bytes, 24, 3)? + 1, little_endian(bytes, 27, 3)? + 1)),
        b"VP8L" => {
            let bits = little_endian(bytes, 21, 4)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Some((little_endian(bytes, 26, 2)? & 0x3fff, little_endian(bytes, 28, 2)? & 0x3fff)),
        _ => None,
    }
}

fn jpeg_sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        match marker {
            // Fill bytes.
            0xff => at += 1,
            0xc4 | 0xc8 | 0xcc => at += 2 + big_endian(bytes, at + 2, 2)? as usize,
            0xc0..=0xcf => return Some((big_endian(bytes, at + 7, 2)?, big_endian(bytes, at + 5, 2)?)),
            _ => at += 2 + big_endian(bytes, at + 2, 2)? as usize,
        }
    }
}

/// A block with this note in the place of its images and documents, and how many
/// those are; `None` if it has none.
pub fn without_media(block: &str, note: &str) -> Option<(Value, usize)> {
    let may_have = |kind: &str| memchr::memmem::find(block.as_bytes(), kind.as_bytes()).is_some();
    if !may_have("image") && !may_have("document") {
        return None;
    }
    let is_media = |block: &Value| matches!(block["type"].as_str(), Some("image" | "document"));
    let mut value: Value = serde_json::from_str(block).ok()?;
    let text = json!({"type": "text", "text": note});
    if is_media(&value) {
        return Some((text, 1));
    }
    let mut count = 0;
    if value["type"] == "tool_result" {
        for part in value["content"].as_array_mut().into_iter().flatten().filter(|part| is_media(part)) {
            *part = text.clone();
            count += 1;
        }
    }
    (count > 0).then_some((value, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(media_type: &str, bytes: &[u8]) -> MendedImage {
        let data = STANDARD.encode(bytes);
        let source = json!({"type": "base64", "media_type": media_type, "data": data});
        let block = json!({"type": "image", "source": source});
        let raw = |value: &Value| serde_json::value::to_raw_value(value).unwrap();
        MendedImage::of(&raw(&block), Some(&raw(&source)))
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    #[test]
    fn an_image_with_a_long_side_is_left_out_and_a_wrong_type_is_put_right() {
        assert_eq!(mended("image/png", &png(8000, 10)), MendedImage::Fine);
        assert_eq!(mended("image/png", &png(10, 8001)), MendedImage::Refused(TOO_WIDE));
        let MendedImage::Mended(value) = mended("image/jpeg", &png(1, 1)) else { panic!("not mended") };
        assert_eq!(value["source"]["media_type"], "image/png");
        // Nobody knows what it is: the API says so, once.
        assert_eq!(mended("image/png", b"neither fish nor fowl"), MendedImage::Fine);
        assert_eq!(mended("image/png", b""), MendedImage::Refused(NO_IMAGE));
        assert_eq!(mended("image/png", &vec![0; MAX_IMAGE]), MendedImage::Refused(TOO_LARGE));
    }

    #[test]
    fn the_sides_of_all_formats_are_found() {
        let side = |bytes: &[u8]| ImageHead::read(&STANDARD.encode(bytes)).map(|head| head.longest_side);
        assert_eq!(side(b"GIF89a\x2c\x01\x10\x00"), Some(300));
        assert_eq!(side(b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0f\x27\0\0\0\0"), Some(10_000));
        let mut jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08".to_vec();
        jpeg.extend([0x03, 0x20, 0x25, 0x80]);
        assert_eq!(side(&jpeg), Some(9600));
        assert_eq!(side(b"\xff\xd8\xff\xe0\xff\xff"), Some(0));
        assert_eq!(side(b"%PDF-1.7"), None);
    }
}
