//! Digests of values: what was approved, confirmed or sent is named by one.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a value's JSON, in which keys stand in the order of their types.
pub(crate) fn hash(value: &impl Serialize) -> String {
    let mut hasher = Sha256::new();
    // Of these types all can be written; what could not has the hash of nothing and fits nowhere.
    if let Ok(text) = serde_json::to_vec(value) {
        hasher.update(&text);
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
        text
    })
}
