//! From when to when a fact holds.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The days on which something holds, the first and the last among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "Stated")]
pub struct Validity {
    /// The first day; none where the source names no beginning.
    from: Option<NaiveDate>,
    /// The last day; none where the source names no end.
    until: Option<NaiveDate>,
}

/// Two days that may be no [`Validity`].
#[derive(Deserialize)]
struct Stated {
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
}

impl TryFrom<Stated> for Validity {
    type Error = ValidityError;

    fn try_from(stated: Stated) -> Result<Self, ValidityError> {
        Self::new(stated.from, stated.until)
    }
}

/// Why two days are no [`Validity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ends on {until}, before it begins on {from}")]
pub struct ValidityError {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: NaiveDate,
}

impl Validity {
    /// Returns the days from `from` until `until`, both of them among them.
    pub fn new(from: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<Self, ValidityError> {
        match (from, until) {
            (Some(from), Some(until)) if until < from => Err(ValidityError { from, until }),
            _ => Ok(Self { from, until }),
        }
    }

    /// Returns the days from `from` to the one before `end`.
    pub fn before(from: Option<NaiveDate>, end: Option<NaiveDate>) -> Result<Self, ValidityError> {
        let last = end.map(|end| end.pred_opt().unwrap_or(end));
        Self::new(from, last)
    }

    /// Returns the first day.
    pub fn from(&self) -> Option<NaiveDate> {
        self.from
    }

    /// Returns the last day.
    pub fn until(&self) -> Option<NaiveDate> {
        self.until
    }

    /// Tells whether `day` is among them.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Tells whether some day is among both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_in_time = |one: &Self, other: &Self| match (one.from, other.until) {
            (Some(from), Some(until)) => from <= until,
            _ => true,
        };
        begins_in_time(self, other) && begins_in_time(other, self)
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.until) {
            (None, None) => f.write_str("at any time"),
            (Some(from), None) => write!(f, "from {from}"),
            (None, Some(until)) => write!(f, "until {until}"),
            (Some(from), Some(until)) => write!(f, "from {from} until {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    #[test]
    fn the_first_and_the_last_day_are_among_them() {
        let half = Validity::before(day("2020-07-01"), day("2021-01-01")).unwrap();
        assert_eq!(Validity::new(day("2020-07-01"), day("2020-12-31")), Ok(half));
        let cases = [
            ("2020-06-30", false),
            ("2020-07-01", true),
            ("2020-12-31", true),
            ("2021-01-01", false),
        ];
        for (text, expected) in cases {
            assert_eq!(half.holds_on(day(text).unwrap()), expected, "case: {text}");
        }
        assert!(Validity::new(day("2020-07-01"), day("2020-06-30")).is_err());
        assert!(Validity::before(day("2020-07-01"), day("2020-07-01")).is_err());
        assert!(Validity::new(day("2020-07-01"), day("2020-07-01")).is_ok());
    }

    #[test]
    fn two_overlap_where_they_share_a_day() {
        let cases = [
            ("", "", "", "", true),
            ("", "2020-06-30", "2020-07-01", "", false),
            ("", "2020-07-01", "2020-07-01", "", true),
            ("2020-01-01", "2020-01-31", "2020-02-01", "2020-02-28", false),
            ("2020-01-01", "2020-12-31", "2020-02-01", "2020-02-28", true),
        ];
        for (a, b, c, d, expected) in cases {
            let one = Validity::new(day(a), day(b)).unwrap();
            let other = Validity::new(day(c), day(d)).unwrap();
            assert_eq!(one.overlaps(&other), expected, "case: {one}, {other}");
            assert_eq!(other.overlaps(&one), expected, "case: {other}, {one}");
        }
    }
}
