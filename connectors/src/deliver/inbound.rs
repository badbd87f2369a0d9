//! What another system tells of a record it keeps.

use chrono::{DateTime, Utc};

use super::channel::Progress;

/// What another system told by itself, after its signature was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The delivery's id there: the same where it comes again.
    pub id: String,
    /// The record's id there.
    pub remote: Option<String>,
    /// The task's id here, where the other system repeats it.
    pub task: Option<String>,
    /// How the record stands.
    pub progress: Progress,
    /// When that changed there, if it says so.
    pub at: Option<DateTime<Utc>>,
}
