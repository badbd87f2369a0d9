//! Rows of a file: each becomes the JSON of one event, or says what is wrong with it.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use upturn_core::decode::{Receipt, Source, subject};

/// A row that is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line it begins on.
    pub(super) line: u64,
    /// Native JSON, without a line break.
    pub(super) text: String,
}

/// A row that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrongRow {
    /// The line it begins on.
    pub(super) line: u64,
    /// The column that is wrong, as the file names it, if it is one.
    pub(super) column: Option<String>,
    /// What is wrong and what would be right.
    pub(super) message: String,
}

impl fmt::Display for WrongRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}: column '{column}': {}", self.line, self.message),
            None => write!(f, "{}: {}", self.line, self.message),
        }
    }
}

/// Returns what is wrong with the native JSON `text` as an event of a file: the part and the reason.
///
/// What a file tells of has a time, and one that is believed at `now`: an event that was dated by
/// its receipt would count as if it had happened today.
pub(super) fn find_fault(text: &str, now: DateTime<Utc>) -> Option<(Option<&'static str>, String)> {
    match subject::decode(text.as_bytes(), Receipt::At(now)) {
        Err(error) => Some((error.field(), error.to_string())),
        Ok(event) => {
            let Some(stated_at) = event.stated_at else {
                return Some((Some("ts"), "ts is missing; say when it happened".to_owned()));
            };
            event.clock_suspect.then(|| {
                let at = stated_at.to_rfc3339_opts(SecondsFormat::Secs, true);
                let (past, future) = (Source::ACCEPT_PAST, Source::ACCEPT_FUTURE);
                let (past, future) = (past.num_days(), future.num_minutes());
                let fault = format!(
                    "ts is {at}; times are believed from {past} days back to {future} minutes \
                     ahead, so leave the row out"
                );
                (Some("ts"), fault)
            })
        }
    }
}
