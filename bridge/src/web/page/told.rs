//! What a page tells of what its reader just did there.

use serde::Deserialize;

/// What came of it, in words.
#[derive(Debug)]
pub(crate) struct Told {
    /// The words.
    pub(crate) words: String,
    /// Whether it was not done.
    pub(crate) is_refusal: bool,
}

/// What the reader just did, by the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    /// In a word of the page's own; empty where nothing was done.
    #[serde(default)]
    pub(crate) did: String,
}
