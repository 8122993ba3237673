//! A JSON object as an ordered list of raw fields, for copies that change a few.
//!
//! Values stay the JSON text they were, so unknown fields are copied to the byte.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of one JSON object: names and values as they were written.
#[derive(Debug)]
pub(super) struct RawObject<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> RawObject<'a> {
    /// Reads one object; `None` if the text is not one.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// A field's JSON.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| unquoted(name) == key).map(|(_, json)| json.as_ref())
    }

    /// Sets a field to this JSON, in its place or as the last.
    pub fn set(&mut self, key: &str, json: String) {
        match self.0.iter_mut().find(|(name, _)| unquoted(name) == key) {
            Some((_, value)) => *value = Cow::Owned(json),
            None => self.0.push((Cow::Owned(json_string(key)), Cow::Owned(json))),
        }
    }

    /// Keeps only the fields that `keep` accepts, by name.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(unquoted(name)));
    }

    /// All names with their JSON, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Cow<'a, str>)> {
        self.0.iter_mut().map(|(name, json)| (unquoted(name), json))
    }

    /// One line of JSON.
    pub fn to_line(&self) -> String {
        let length: usize = self.0.iter().map(|(name, json)| name.len() + json.len() + 2).sum();
        let mut line = String::with_capacity(length + 2);
        line.push('{');
        for (at, (name, json)) in self.0.iter().enumerate() {
            if at > 0 {
                line.push(',');
            }
            line.push_str(name);
            line.push(':');
            line.push_str(json);
        }
        line.push('}');
        line
    }
}

/// A name without its quotes; names that matter have no escapes.
fn unquoted(name: &str) -> &str {
    name.trim_matches('"')
}

pub(super) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de: 'a, 'a> Deserialize<'de> for RawObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(Cow<'de, str>, Cow<'de, str>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, json)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    fields.push((Cow::Borrowed(name.get()), Cow::Borrowed(json.get())));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(InOrder).map(RawObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_stays_to_the_byte() {
        let json = r#"{"big":12345678901234567890123,"e":1.0e5,"s":"\u00e9","o":{ "a" : [1, 2]},"n":null,"k\u00e9":0}"#;
        let mut fields = RawObject::parse(json).unwrap();
        assert_eq!(fields.to_line(), json);
        fields.set("n", "1".into());
        fields.set("\"new\"", "2".into());
        fields.retain(|name| name != "big");
        let expected = r#"{"e":1.0e5,"s":"\u00e9","o":{ "a" : [1, 2]},"n":1,"k\u00e9":0,"\"new\"":2}"#;
        assert_eq!(fields.to_line(), expected);
        assert_eq!(RawObject::parse("{}").unwrap().to_line(), "{}");
        assert!(RawObject::parse("[1]").is_none());
    }
}
