//! Periods of demand by the date they begin on.

use chrono::{Datelike as _, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// What a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Frequency {
    /// A month, from its first day
    #[value(name = "MS")]
    Month,
    /// Seven days
    #[value(name = "7D")]
    Week,
    /// A day
    #[value(name = "D")]
    Day,
}

impl Frequency {
    /// Whether a period can begin on that day.
    pub(crate) fn is_beginning(self, on: NaiveDate) -> bool {
        match self {
            Self::Month => on.day() == 1,
            Self::Week | Self::Day => true,
        }
    }

    /// Returns the number of the period that `on` lies in, counted from one long ago; weeks begin on
    /// Mondays.
    pub(crate) fn number(self, on: NaiveDate) -> i64 {
        let days = i64::from(on.num_days_from_ce());
        match self {
            Self::Month => i64::from(on.year()) * 12 + i64::from(on.month0()),
            // The first day of the calendar was a Monday.
            Self::Week => (days - 1).div_euclid(7),
            Self::Day => days,
        }
    }

    /// Returns the day on which the period of `on` begins.
    pub(crate) fn beginning(self, on: NaiveDate) -> NaiveDate {
        let day = match self {
            Self::Month => on.with_day(1),
            Self::Week => {
                on.checked_sub_days(Days::new(u64::from(on.weekday().num_days_from_monday())))
            }
            Self::Day => Some(on),
        };
        day.unwrap_or(on)
    }

    /// Returns how many periods a season has, a year where that is usual.
    pub(crate) fn season(self) -> usize {
        match self {
            Self::Month => 12,
            Self::Week => 52,
            Self::Day => 7,
        }
    }

    /// Returns how many periods after `from` the period of `on` begins; `None` if none begins there
    /// or it is not after it.
    pub(crate) fn steps(self, from: NaiveDate, on: NaiveDate) -> Option<u32> {
        let days = on.signed_duration_since(from).num_days();
        let steps = match self {
            Self::Month => {
                let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
                self.is_beginning(on).then(|| month(on) - month(from))?
            }
            Self::Week => (days % 7 == 0).then_some(days / 7)?,
            Self::Day => days,
        };
        u32::try_from(steps).ok().filter(|steps| 0 < *steps)
    }

    /// Returns the beginning of the period that is `steps` after that of `from`; `None` at the end
    /// of the calendar.
    pub(crate) fn after(self, from: NaiveDate, steps: u32) -> Option<NaiveDate> {
        match self {
            Self::Month => from.checked_add_months(Months::new(steps)),
            Self::Week => from.checked_add_days(Days::new(u64::from(steps) * 7)),
            Self::Day => from.checked_add_days(Days::new(u64::from(steps))),
        }
    }
    /// Returns the beginning of the period that is `steps` before that of `from`.
    pub(crate) fn before(self, from: NaiveDate, steps: u32) -> Option<NaiveDate> {
        match self {
            Self::Month => from.checked_sub_months(Months::new(steps)),
            Self::Week => from.checked_sub_days(Days::new(u64::from(steps) * 7)),
            Self::Day => from.checked_sub_days(Days::new(u64::from(steps))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_lies_in_the_period_that_began_last() {
        use Frequency::{Day, Month, Week};
        let cases = [
            (Month, "2025-02-28", "2025-02-01"),
            (Week, "2025-01-05", "2024-12-30"),
            (Week, "2025-01-06", "2025-01-06"),
            (Day, "2025-01-06", "2025-01-06"),
        ];
        for (frequency, on, expected) in cases {
            let (on, first) = (day(on), day(expected));
            assert_eq!(frequency.beginning(on), first, "{frequency:?} {on}");
            assert_eq!(frequency.number(on), frequency.number(first), "{frequency:?} {on}");
            let before = first.pred_opt().unwrap();
            assert_eq!(frequency.number(on), frequency.number(before) + 1, "{frequency:?} {on}");
        }
    }

    #[test]
    fn periods_are_counted_from_the_last_one() {
        use Frequency::{Day, Month, Week};
        let cases = [
            (Month, "2024-12-01", "2025-02-01", Some(2)),
            (Month, "2024-12-01", "2025-02-02", None),
            (Week, "2024-12-30", "2025-01-13", Some(2)),
            (Week, "2024-12-30", "2025-01-12", None),
            (Day, "2024-02-28", "2024-03-01", Some(2)),
            (Day, "2024-02-28", "2024-02-28", None),
            (Day, "2024-02-28", "2024-02-27", None),
        ];
        for (frequency, from, on, expected) in cases {
            assert_eq!(frequency.steps(day(from), day(on)), expected, "{frequency:?} {from} {on}");
            if let Some(steps) = expected {
                assert_eq!(frequency.after(day(from), steps), Some(day(on)));
                assert_eq!(frequency.before(day(on), steps), Some(day(from)));
            }
        }
    }
}
