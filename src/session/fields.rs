//! An entry's fields in their order, for a copy that changes a few of them.
//!
//! Values stay the JSON text they were, so what is unknown is copied to the
//! byte, whatever it means.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of one JSON object.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(String, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// Reads one object; `None` where it is none.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// A field's JSON.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, json)| json.as_ref())
    }

    /// Sets a field to this JSON, in its place or as the last.
    pub fn set(&mut self, key: &str, json: String) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, value)) => *value = Cow::Owned(json),
            None => self.0.push((key.to_owned(), Cow::Owned(json))),
        }
    }

    /// Keeps the fields for which this holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// All names with their JSON, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Cow<'a, str>)> {
        self.0.iter_mut().map(|(name, json)| (name.as_str(), json))
    }
}

impl fmt::Display for Fields<'_> {
    /// One line of JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, json)) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "{" } else { "," })?;
            f.write_str(&quoted(name))?;
            f.write_str(":")?;
            f.write_str(json)?;
        }
        f.write_str(if self.0.is_empty() { "{}" } else { "}" })
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, Cow<'de, str>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, json)) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push((name, Cow::Borrowed(json.get())));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(InOrder).map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_stays_to_the_byte() {
        let json = r#"{"big":12345678901234567890123,"e":1.0e5,"s":"\u00e9","o":{ "a" : [1, 2]},"n":null}"#;
        let mut fields = Fields::parse(json).unwrap();
        assert_eq!(fields.to_string(), json);
        fields.set("n", "1".into());
        fields.set("\"new\"", "2".into());
        fields.retain(|name| name != "big");
        let expected = r#"{"e":1.0e5,"s":"\u00e9","o":{ "a" : [1, 2]},"n":1,"\"new\"":2}"#;
        assert_eq!(fields.to_string(), expected);
        assert!(Fields::parse("[1]").is_none());
    }
}
