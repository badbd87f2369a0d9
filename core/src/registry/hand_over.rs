//! Hand-overs: what somebody has to say when a task goes to another person or to a pool.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A kind of hand-over, and the least that has to come with one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// Its word: `to-service`.
    pub id: Box<str>,
    /// Its name in English.
    pub en: Box<str>,
    /// Its name in Simplified Chinese.
    pub zh: Box<str>,
    /// What has to be said, all of it.
    pub field: Vec<HandOverField>,
}

/// Something that has to be said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HandOverField {
    /// Its word: `next-step`.
    pub id: Box<str>,
    /// Its name in English.
    pub en: Box<str>,
    /// Its name in Simplified Chinese.
    pub zh: Box<str>,
}

/// The kinds of hand-over; where nobody has written any, there is one that asks for what stands and what
/// comes next.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct HandOvers(Vec<HandOver>);

/// Why a document describes no kinds of hand-over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandOverError {
    /// It is no TOML, or says something else.
    #[error("{message}; write [[kind]] with id, en, zh and [[kind.field]] with the same")]
    Document {
        /// What is wrong.
        message: String,
        /// Where it is, in bytes.
        at: usize,
    },
    /// An id that stands twice, or is none.
    #[error("'{0}' is no id, or stands twice; use a-z, 0-9 and '-', each id once")]
    Id(Box<str>),
    /// A kind that asks for nothing.
    #[error("'{0}' asks for nothing; a hand-over has at least one field and at most {FIELDS_MAX}")]
    Fields(Box<str>),
    /// More kinds than a person chooses from.
    #[error("there are no kinds, or more than {KINDS_MAX}; a person has to choose one")]
    Kinds,
}

/// The most kinds.
pub const KINDS_MAX: usize = 20;
/// The most fields of a kind.
pub const FIELDS_MAX: usize = 12;
/// The longest id, in bytes.
const ID_MAX: usize = 40;

impl Default for HandOvers {
    fn default() -> Self {
        let field = |id: &str, en: &str, zh: &str| HandOverField {
            id: id.into(),
            en: en.into(),
            zh: zh.into(),
        };
        Self(vec![HandOver {
            id: "general".into(),
            en: "General".into(),
            zh: "一般移交".into(),
            field: vec![
                field("situation", "What the customer was told", "已告知客户的内容"),
                field("next-step", "What comes next", "下一步"),
            ],
        }])
    }
}

impl HandOvers {
    /// Returns the kinds that a TOML document describes.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, HandOverError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Document {
            kind: Vec<HandOver>,
        }

        let Document { kind: kinds } =
            toml::from_str(text).map_err(|error| HandOverError::Document {
                message: error.message().to_owned(),
                at: error.span().map_or(0, |span| span.start),
            })?;
        if kinds.is_empty() || KINDS_MAX < kinds.len() {
            return Err(HandOverError::Kinds);
        }
        check_ids(kinds.iter().map(|kind| &kind.id))?;
        for kind in &kinds {
            if kind.field.is_empty() || FIELDS_MAX < kind.field.len() {
                return Err(HandOverError::Fields(kind.id.clone()));
            }
            check_ids(kind.field.iter().map(|field| &field.id))?;
        }
        Ok(Self(kinds))
    }

    /// Returns all of them.
    pub fn all(&self) -> &[HandOver] {
        &self.0
    }

    /// Returns the kind called `id`.
    pub fn find(&self, id: &str) -> Option<&HandOver> {
        self.0.iter().find(|kind| &*kind.id == id)
    }
}

fn check_ids<'i>(ids: impl Iterator<Item = &'i Box<str>>) -> Result<(), HandOverError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        let is_id = (1..=ID_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_id || !seen.insert(id) {
            return Err(HandOverError::Id(id.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "[[kind]]\nid = \"to-service\"\nen = \"To service\"\nzh = \"移交售后\"\n";
    const FIELD: &str = "[[kind.field]]\nid = \"fault\"\nen = \"Fault\"\nzh = \"故障\"\n";

    #[test]
    fn reads_kinds_and_says_what_is_wrong_with_them() {
        let read = |parts: &[&str]| HandOvers::from_toml(&parts.concat());
        let found = read(&[KIND, FIELD]).unwrap();
        assert_eq!(found.find("to-service").map(|kind| kind.field.len()), Some(1));
        assert!(found.find("general").is_none() && HandOvers::default().find("general").is_some());
        let cases: [(&[&str], &str); 6] = [
            (&["kind = []"], "there are no kinds"),
            (&[KIND, "field = []"], "'to-service' asks for nothing"),
            (&[KIND, FIELD, FIELD], "'fault' is no id, or stands twice"),
            (&[KIND, FIELD, KIND, FIELD], "'to-service' is no id, or stands twice"),
            (&[KIND, "must = 1\n", FIELD], "unknown field `must`"),
            (&["[[kind]]\nid = 1"], "invalid type"),
        ];
        for (parts, expected) in cases {
            let error = read(parts).unwrap_err().to_string();
            assert!(error.starts_with(expected), "case: {parts:?}: {error}");
        }
    }
}
