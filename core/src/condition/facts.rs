//! Facts: what conditions are judged by, read once however many of them ask.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::datum::Datum;
use crate::event::Event;
use crate::registry::Registry;

/// An event and the registry it is judged with.
#[derive(Debug)]
pub struct Facts<'e> {
    pub(super) event: &'e Event,
    pub(super) registry: &'e Registry,
    /// The event's attributes, each as JSON text, from when the first was asked for.
    members: OnceLock<Vec<(Cow<'e, str>, &'e RawValue)>>,
}

impl<'e> Facts<'e> {
    /// Returns what is known of `event`.
    pub fn new(event: &'e Event, registry: &'e Registry) -> Self {
        Self { event, registry, members: OnceLock::new() }
    }

    /// Returns the attribute called `name`, null where there is none; of several, the last.
    pub(super) fn attribute(&self, name: &str) -> Datum<'e> {
        let members = self.members.get_or_init(|| members(self.event.attributes.as_json()));
        let found = members.iter().rev().find(|(key, _)| key == name);
        found.map_or(Datum::Null, |(_, text)| Datum::of_text_of_json(text.get()))
    }
}

/// Returns the members of a JSON object, without building what they are.
fn members(object: &str) -> Vec<(Cow<'_, str>, &RawValue)> {
    let mut reader = serde_json::Deserializer::from_str(object);
    // The decoder has accepted it.
    reader.deserialize_map(Members).unwrap_or_default()
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            members.push((key.0, map.next_value()?));
        }
        Ok(members)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
