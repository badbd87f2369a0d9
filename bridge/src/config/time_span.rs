//! Lengths of time as settings write them: `400d`, `5m`, `90s`.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A length of time, from nothing to a hundred years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct TimeSpan(TimeDelta);

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeSpanError {
    /// Not a number and a unit.
    #[error("'{0}' is no length of time; write a number and ms, s, m, h or d, such as \"5m\"")]
    Form(Box<str>),
    /// Longer than anything is kept.
    #[error("'{0}' is longer than a hundred years, 36500d; make it shorter")]
    Length(Box<str>),
}

/// The units in milliseconds, longest first.
const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const MAX_MS: i64 = 36_500 * 86_400_000;

impl TimeSpan {
    /// Returns a span of whole days.
    pub(crate) fn days(days: u16) -> Self {
        Self(TimeDelta::days(i64::from(days)))
    }

    /// Returns a span of whole minutes.
    pub(crate) fn minutes(minutes: u16) -> Self {
        Self(TimeDelta::minutes(i64::from(minutes)))
    }

    /// Returns the time as chrono has it.
    pub(crate) fn as_delta(self) -> TimeDelta {
        self.0
    }

    fn parse(text: &str) -> Result<Self, TimeSpanError> {
        let form = || TimeSpanError::Form(text.into());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(form)?;
        let (number, unit) = text.split_at_checked(digits).ok_or_else(form)?;
        let found = UNITS.iter().find(|(name, _)| *name == unit.trim_start());
        let (_, unit_ms) = found.ok_or_else(form)?;
        if number.is_empty() {
            return Err(form());
        }
        // A number with too many digits is too long a time as well.
        let ms = number.parse::<i64>().ok().and_then(|number| number.checked_mul(*unit_ms));
        let ms = ms.filter(|ms| *ms <= MAX_MS);
        ms.map(|ms| Self(TimeDelta::milliseconds(ms)))
            .ok_or_else(|| TimeSpanError::Length(text.into()))
    }
}

impl TryFrom<String> for TimeSpan {
    type Error = TimeSpanError;

    fn try_from(text: String) -> Result<Self, TimeSpanError> {
        Self::parse(&text)
    }
}

impl From<TimeSpan> for String {
    fn from(span: TimeSpan) -> Self {
        span.to_string()
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.num_milliseconds();
        let whole = UNITS.iter().find(|(_, unit_ms)| ms % unit_ms == 0 && ms != 0);
        let (unit, unit_ms) = whole.unwrap_or(&("s", 1_000));
        write!(f, "{}{unit}", ms / unit_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_with_a_unit_and_shows_it_in_the_largest_that_fits() {
        let cases = [
            ("400d", 400 * 86_400_000, "400d"),
            ("5m", 300_000, "5m"),
            ("5 m", 300_000, "5m"),
            ("90s", 90_000, "90s"),
            ("120s", 120_000, "2m"),
            ("24h", 86_400_000, "1d"),
            ("1500ms", 1_500, "1500ms"),
            ("0d", 0, "0s"),
            ("36500d", 36_500 * 86_400_000, "36500d"),
        ];
        for (text, ms, shown) in cases {
            let span = TimeSpan::parse(text).unwrap();
            assert_eq!(span.as_delta().num_milliseconds(), ms, "case: {text}");
            assert_eq!(span.to_string(), shown, "case: {text}");
        }
    }

    #[test]
    fn refuses_what_is_no_length_of_time() {
        for text in ["", "5", "m", "-5m", "5 minutes", "1.5h", "5m30s", "٥m", " 5m"] {
            let expected = Err(TimeSpanError::Form(text.into()));
            assert_eq!(TimeSpan::parse(text), expected, "case: {text}");
        }
        for text in ["36501d", "99999999999999999999d", "9223372036854775807d"] {
            let expected = Err(TimeSpanError::Length(text.into()));
            assert_eq!(TimeSpan::parse(text), expected, "case: {text}");
        }
    }
}
