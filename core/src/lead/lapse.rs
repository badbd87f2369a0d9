//! Spans of time as documents write them: `1 working day`, `2 business hours`, `36h`, `at once`.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::rule::due::Due;

/// A span of time, by the clock or by a calendar; it keeps the words it was written in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Lapse {
    text: Box<str>,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    None,
    WorkingDays(u8),
    Due(Due),
}

/// The most working days.
const DAYS_MAX: u8 = 30;

/// Why a text is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no span of time; write \"at once\", \"1 working day\" (at most {DAYS_MAX}), \
     \"2 business hours\" or \"36h\""
)]
pub struct LapseError(String);

impl Lapse {
    /// Returns no time at all.
    pub fn at_once() -> Self {
        Self { text: "at once".into(), span: Span::None }
    }

    /// Returns a working day.
    pub fn working_day() -> Self {
        Self { text: "1 working day".into(), span: Span::WorkingDays(1) }
    }

    /// Returns the time that is so long after `from`; `None` where the calendar has no working time
    /// within the years it is asked to look ahead.
    pub fn after(&self, from: DateTime<Utc>, calendar: &Calendar) -> Option<DateTime<Utc>> {
        match self.span {
            Span::None => Some(from),
            Span::WorkingDays(days) => {
                (0..days).try_fold(from, |at, _| calendar.add_working_day(at))
            }
            Span::Due(due) => due.after(from, calendar),
        }
    }
}

impl TryFrom<String> for Lapse {
    type Error = LapseError;

    fn try_from(text: String) -> Result<Self, LapseError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let span = match *words {
            ["at", "once"] => Some(Span::None),
            [days, "working", "day" | "days"] => {
                let days = days.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
                days.map(Span::WorkingDays)
            }
            _ => Due::parse(&text).ok().map(Span::Due),
        };
        match span {
            Some(span) => Ok(Self { text: text.into(), span }),
            None => Err(LapseError(text)),
        }
    }
}

impl From<Lapse> for String {
    fn from(lapse: Lapse) -> Self {
        lapse.text.into()
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
