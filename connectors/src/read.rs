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
    /// Of what kind that is.
    pub fault: Fault,
}

/// Of what kind it is that is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is whole and says what cannot be.
    Wrong,
    /// It is no whole document of its kind: cut, something else, or word of a fault of its source.
    Broken,
    /// It is beyond a bound: deeper, longer or more than is read.
    Excess,
}

impl ReadError {
    /// Returns that what stands at `place` is wrong.
    pub fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: harmless(place.into()), what: harmless(what.into()), fault: Fault::Wrong }
    }

    /// Returns that there is no whole document.
    pub fn broken(what: impl Into<String>) -> Self {
        Self { fault: Fault::Broken, ..Self::whole(what) }
    }

    /// Returns that a bound is passed.
    pub fn excess(what: impl Into<String>) -> Self {
        Self { fault: Fault::Excess, ..Self::whole(what) }
    }

    /// Returns the error as one of the kind `fault`.
    #[must_use]
    pub fn being(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Returns that the document as a whole is wrong.
    pub fn whole(what: impl Into<String>) -> Self {
        Self::at("", what)
    }

    /// Returns the error with `place` put before its own.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.place.insert_str(0, &harmless(place.to_owned()));
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

/// How much an error tells of a place and of what is wrong there, in characters each.
const TOLD_MAX: usize = 400;

/// Returns `text`, which can quote a document, bounded and in one line that reads as it is written.
fn harmless(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TOLD_MAX) {
        text.truncate(end);
        text.push('…');
    }
    // Marks that turn the direction of writing would let a document rewrite the sentence around it.
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_harmful = |c: char| c.is_control() || turns(c);
    if text.contains(is_harmful) { text.replace(is_harmful, " ") } else { text }
}
