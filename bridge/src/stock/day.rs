//! A day as a piece of advice keeps it.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A day. Where people may read it, it is the date; where bytes count, the days since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) NaiveDate);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            self.0.serialize(to)
        } else {
            to.serialize_i32(self.0.to_epoch_days())
        }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            return NaiveDate::deserialize(from).map(Self);
        }
        let days = i32::deserialize(from)?;
        let day = NaiveDate::from_epoch_days(days);
        day.map(Self).ok_or_else(|| de::Error::custom("a day beyond the calendar"))
    }
}
