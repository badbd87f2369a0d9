//! Reading what feeds send: text in its encoding, numbers and days exactly as they are written.
//!
//! Everything here is pure and bounded. What is wrong is named with its place in the document.

use std::fmt;

pub mod archive;
pub mod ical;
pub mod json;
pub mod number;
pub mod row;
pub mod table;
pub mod text;
pub mod tree;
pub mod xml;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Where: `/rates/USD`, `line 7`; empty for the whole.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl ReadError {
    /// Returns an error at `place`.
    pub fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// Returns an error of the whole document.
    pub fn whole(what: impl Into<String>) -> Self {
        Self::at("", what)
    }

    /// Returns the error with `place` put before its own.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.place.insert_str(0, place);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.place {
            "" => f.write_str(&self.what),
            place => write!(f, "{place}: {}", self.what),
        }
    }
}

impl std::error::Error for ReadError {}
