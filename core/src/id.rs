//! Identities: texts that were checked once, where they came in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A device's identity, as its topic names it: `devices/{device}/events`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(Box<str>);

impl DeviceId {
    /// The longest identity, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Returns the identity `text` names, or why it names none.
    pub fn new(text: &str) -> Result<Self, IdError> {
        check(text, Self::MAX_LEN, |c| c.is_ascii_alphanumeric() || "-_.:*@".contains(c)).map_err(
            |fault| IdError {
                what: "device id",
                allowed: "letters, digits, '-', '_', '.', ':', '*' or '@'",
                fault,
            },
        )?;
        Ok(Self(text.into()))
    }

    /// Returns the identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A rule's identity: stable over its versions, part of every task's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(Box<str>);

impl RuleId {
    /// The longest identity, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Returns the identity `text` names, or why it names none.
    pub fn new(text: &str) -> Result<Self, IdError> {
        check(text, Self::MAX_LEN, |c| c.is_ascii_alphanumeric() || "-_".contains(c)).map_err(
            |fault| IdError { what: "rule id", allowed: "letters, digits, '-' or '_'", fault },
        )?;
        Ok(Self(text.into()))
    }

    /// Returns the identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event's identity among those of its device and time, as its sender wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(Box<str>);

impl EventId {
    /// The longest identity, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Returns the identity `text` names, or why it names none.
    pub fn new(text: &str) -> Result<Self, IdError> {
        check(text, Self::MAX_LEN, |c| !c.is_control()).map_err(|fault| IdError {
            what: "event id",
            allowed: "any characters but control characters",
            fault,
        })?;
        Ok(Self(text.into()))
    }

    /// Returns the identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A task's identity: a hash of its cause, so the same log always makes the same task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct TaskId(Box<str>);

impl TaskId {
    /// Returns the identity that the store or an address wrote down; any text, since looking up a
    /// wrong one finds nothing.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {fault}; use {allowed}")]
pub struct IdError {
    what: &'static str,
    allowed: &'static str,
    fault: Fault,
}

impl IdError {
    /// Returns the part of an event or a document that the text stood in: `device` or `id`.
    pub fn field(&self) -> &'static str {
        if self.what == "device id" { "device" } else { "id" }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("has {len} bytes, not 1 to {max}")]
    Length { len: usize, max: usize },
    #[error("contains {0:?}")]
    Character(char),
}

fn check(text: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<(), Fault> {
    if text.is_empty() || max < text.len() {
        return Err(Fault::Length { len: text.len(), max });
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(found) => Err(Fault::Character(found)),
        None => Ok(()),
    }
}

macro_rules! text_conversions {
    ($($id:ident),*) => {$(
        impl TryFrom<String> for $id {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0.into()
            }
        }
    )*};
}
text_conversions!(DeviceId, RuleId, EventId);

macro_rules! display_as_text {
    ($($id:ident),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
display_as_text!(DeviceId, RuleId, EventId, TaskId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_an_identity_and_what_would_be_right() {
        let cases = [
            (
                "",
                "device id has 0 bytes, not 1 to 128; use letters, digits, '-', '_', '.', ':', '*' or '@'",
            ),
            ("a#b", "device id contains '#'; use letters, digits, '-', '_', '.', ':', '*' or '@'"),
            (
                "a\0b",
                "device id contains '\\0'; use letters, digits, '-', '_', '.', ':', '*' or '@'",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(DeviceId::new(text).unwrap_err().to_string(), expected, "case: {text:?}");
        }
        assert!(DeviceId::new("DE*ABC*E42").is_ok());
        assert!(RuleId::new("a.b").is_err());
    }
}
