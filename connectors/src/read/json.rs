//! JSON without floats: numbers keep their text, and a name that stands twice is an error.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Fault, ReadError};

/// The members of an object in their order, each as it is written.
#[derive(Debug, Default)]
pub struct Members<'j>(pub Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'j> Members<'j> {
    /// Returns the member `name`.
    pub fn get(&self, name: &str) -> Option<&'j RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Returns the member `name`, which must be there.
    pub fn need(&self, name: &str) -> Result<&'j RawValue, ReadError> {
        self.get(name).ok_or_else(|| ReadError::at(format!("/{name}"), "it is missing"))
    }

    /// Returns the text or number `name` as it is written, without quotes.
    pub fn text(&self, name: &str) -> Result<Cow<'j, str>, ReadError> {
        scalar(self.need(name)?).map_err(|what| ReadError::at(format!("/{name}"), what))
    }
}

impl<'de: 'j, 'j> Deserialize<'de> for Members<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;

        impl<'de> Visitor<'de> for Seen {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut names = std::collections::BTreeSet::new();
                let mut members = Vec::new();
                while let Some((Name(name), value)) =
                    map.next_entry::<Name<'de>, &'de RawValue>()?
                {
                    if !names.insert(name.clone()) {
                        let name = super::number::short(&name);
                        return Err(serde::de::Error::custom(format!("'{name}' stands twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Seen)
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'j>(#[serde(borrow)] Cow<'j, str>);

/// How deep a document may be.
const DEPTH_MAX: usize = 64;

/// Reads the document `text` as JSON, at most 64 levels deep.
pub fn read<'j, T: Deserialize<'j>>(text: &'j str) -> Result<T, ReadError> {
    refuse_depth(text)?;
    serde_json::from_str(text).map_err(|error| fault(&error))
}

/// Refuses what is deeper than any feed: what it holds is skipped without a look at how deep it is.
pub fn refuse_depth(text: &str) -> Result<(), ReadError> {
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if DEPTH_MAX < depth {
                    return Err(ReadError::excess("it is more than 64 levels deep"));
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Returns what the library says is wrong, with its place.
pub fn fault(error: &serde_json::Error) -> ReadError {
    let place = format!("line {}, column {}", error.line(), error.column());
    let what = error.to_string();
    let what = what.split(" at line").next().unwrap_or_default();
    let fault = if error.is_data() { Fault::Wrong } else { Fault::Broken };
    ReadError::at(place, what).being(fault)
}

/// Reads `value` as a part of a document.
pub fn part<'j, T: Deserialize<'j>>(value: &'j RawValue, place: &str) -> Result<T, ReadError> {
    serde_json::from_str(value.get()).map_err(|error| {
        let ReadError { what, fault, .. } = fault(&error);
        ReadError::at(place, what).being(fault)
    })
}

/// Returns the text of a JSON text or number as it is written.
pub fn scalar(value: &RawValue) -> Result<Cow<'_, str>, String> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Name<'_>>(json)
            .map(|Name(text)| text)
            .map_err(|_| "it is no text".to_owned()),
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(json)),
        Some(b'n') => Err("it is null".to_owned()),
        _ => Err("it is neither a text nor a number".to_owned()),
    }
}
