//! Due times: `2 business hours`, `1 business days`, or a plain duration such as `36h`.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::Calendar;

/// When a task must be done, counted from its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Working time by the calendar.
    Business(TimeDelta),
    /// Time by the clock.
    Elapsed(TimeDelta),
}

impl Due {
    /// Returns the due time of a task made at `from`.
    ///
    /// `None` where the calendar has no working time within the years it is asked to look ahead.
    pub fn after(self, from: DateTime<Utc>, calendar: &Calendar) -> Option<DateTime<Utc>> {
        match self {
            Self::Business(time) => calendar.add_business_time(from, time),
            Self::Elapsed(time) => from.checked_add_signed(time),
        }
    }
}
