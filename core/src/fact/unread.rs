//! What a reader could not make out and left to a person.

use serde::{Deserialize, Serialize};

/// Something in a document that its reader could not make out. Nothing is reckoned with it; a set that
/// has one waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Unread {
    /// Where it stands: `/rows/3`.
    pub place: String,
    /// What is wrong with it, and as far as it is short, what it says.
    pub what: String,
}
