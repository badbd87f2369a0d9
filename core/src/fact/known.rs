//! Since when something a feed says is known, so that it can be asked what was known at a time.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something a source says, since when that is known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Known<T> {
    /// Who says it.
    pub source: Box<str>,
    /// When it came into force here.
    pub known_at: DateTime<Utc>,
    /// What it says.
    pub said: T,
}

/// Returns what was known at `at`, the oldest first; of what was known at the same time, in its order.
pub fn known_at<T>(known: &[Known<T>], at: DateTime<Utc>) -> Vec<&Known<T>> {
    let mut found: Vec<_> = known.iter().filter(|one| one.known_at <= at).collect();
    found.sort_by_key(|one| one.known_at);
    found
}
