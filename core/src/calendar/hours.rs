//! Working hours of a day: `09:00-12:00`, `13:00-18:00`.

use std::fmt;

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

/// The working hours of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Hours {
    // Invariant: in order, and none begins before the one before it ends.
    ranges: Vec<Range>,
}

/// Working time without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Range {
    /// When work begins.
    pub opens: Minute,
    /// When work ends; later than it begins.
    pub closes: Minute,
}

/// A minute of the day by the clock on the wall, from 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Minute(u16);

/// Why texts are no working hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not two times of day.
    #[error("'{0}' is no range of hours; write it as \"09:00-17:30\"")]
    Range(Box<str>),
    /// No working time.
    #[error("'{0}' has no length; let it end later than it begins, or leave it out")]
    Empty(Range),
    /// Past midnight.
    #[error(
        "'{0}' goes past midnight; end it at 24:00 and put the rest into the hours of the next day"
    )]
    Midnight(Range),
    /// A range that begins before another one ends.
    #[error("'{second}' does not come after '{first}'; put the ranges of a day in order, apart")]
    Order {
        /// The range before.
        first: Range,
        /// The range that is too early.
        second: Range,
    },
}

impl Hours {
    /// Returns the hours that texts such as `09:00-12:00` describe; no texts are a day off.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, HoursError> {
        let mut ranges: Vec<Range> = Vec::new();
        for text in texts {
            let second = Range::parse(text)?;
            if let Some(first) = ranges.last().filter(|first| second.opens < first.closes) {
                return Err(HoursError::Order { first: *first, second });
            }
            ranges.push(second);
        }
        Ok(Self { ranges })
    }

    /// Returns 09:00 to 17:00.
    pub(super) fn office() -> Self {
        Self { ranges: vec![Range { opens: Minute(9 * 60), closes: Minute(17 * 60) }] }
    }

    /// Returns the ranges, in order.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Returns whether nobody works.
    pub fn is_day_off(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl Range {
    fn parse(text: &str) -> Result<Self, HoursError> {
        let ends = text.split_once('-').and_then(|(opens, closes)| {
            Some((Minute::parse(opens.trim())?, Minute::parse(closes.trim())?))
        });
        let (opens, closes) = ends.ok_or_else(|| HoursError::Range(text.into()))?;
        let range = Self { opens, closes };
        if opens == closes {
            return Err(HoursError::Empty(range));
        }
        if closes < opens {
            return Err(HoursError::Midnight(range));
        }
        Ok(range)
    }
}

impl Minute {
    pub(super) const MIDNIGHT: Self = Self(24 * 60);

    /// Reads a time of day: `08:30`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let hour = two_digits(hour)?;
        let minute = two_digits(minute).filter(|minute| *minute < 60)?;
        let parsed = Self(hour * 60 + minute);
        (parsed <= Self::MIDNIGHT).then_some(parsed)
    }

    /// Returns the time of day, or `None` at 24:00, which is the next day's 00:00.
    pub(super) fn as_time(self) -> Option<NaiveTime> {
        NaiveTime::from_num_seconds_from_midnight_opt(u32::from(self.0) * 60, 0)
    }
}

fn two_digits(text: &str) -> Option<u16> {
    let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opens, self.closes)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_ranges_of_a_day() {
        let cases: [&[&str]; 4] = [
            &[],
            &["09:00-12:00", "13:00-18:00"],
            &["00:00-24:00"],
            &["08:00-12:00", "12:00-13:30", "22:00-24:00"],
        ];
        for texts in cases {
            let hours = Hours::parse(texts.iter().copied()).unwrap();
            let shown: Vec<_> = hours.ranges().iter().map(Range::to_string).collect();
            assert_eq!(shown, texts, "case: {texts:?}");
        }
        assert_eq!(Hours::parse([" 09:00 - 17:00 "]), Hours::parse(["09:00-17:00"]));
    }

    #[test]
    fn says_what_is_wrong_with_a_range_and_what_would_be_right() {
        let form = "is no range of hours; write it as \"09:00-17:30\"";
        let cases: [(&[&str], String); 11] = [
            (&["9-17"], format!("'9-17' {form}")),
            (&["09:00"], format!("'09:00' {form}")),
            (&["9:00-17:00"], format!("'9:00-17:00' {form}")),
            (&["09:60-17:00"], format!("'09:60-17:00' {form}")),
            (&["09:00-24:01"], format!("'09:00-24:01' {form}")),
            (&["09:00-+7:00"], format!("'09:00-+7:00' {form}")),
            (&["09:00-99:00"], format!("'09:00-99:00' {form}")),
            (&["０9:00-17:00"], format!("'０9:00-17:00' {form}")),
            (
                &["09:00-09:00"],
                "'09:00-09:00' has no length; let it end later than it begins, or leave it out"
                    .to_owned(),
            ),
            (
                &["22:00-06:00"],
                "'22:00-06:00' goes past midnight; end it at 24:00 and put the rest into the \
                 hours of the next day"
                    .to_owned(),
            ),
            (
                &["09:00-12:00", "11:00-18:00"],
                "'11:00-18:00' does not come after '09:00-12:00'; put the ranges of a day in \
                 order, apart"
                    .to_owned(),
            ),
        ];
        for (texts, expected) in cases {
            let error = Hours::parse(texts.iter().copied()).unwrap_err();
            assert_eq!(error.to_string(), expected, "case: {texts:?}");
        }
    }
}
