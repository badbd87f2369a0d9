//! Due times: `2 business hours`, `30 business minutes`, or a plain duration such as `36h`.

use chrono::{DateTime, TimeDelta, Utc};

use super::duration;
use super::finding::Fault;
use crate::calendar::Calendar;

/// When a task must be done, counted from its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Working time by the calendar.
    Business(TimeDelta),
    /// Time by the clock.
    Elapsed(TimeDelta),
}

/// The longest due time in business hours: a year of them.
const BUSINESS_HOURS_MAX: i64 = 2_000;

impl Due {
    /// Returns the due time `text` names.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let mut words = text.split_whitespace();
        let (Some(count), Some("business"), unit, None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            let elapsed = duration::parse(text).map_err(|_| bad(text))?;
            return if elapsed.is_zero() { Err(bad(text)) } else { Ok(Self::Elapsed(elapsed)) };
        };
        let count =
            count.parse::<i64>().ok().filter(|count| 0 < *count).ok_or_else(|| bad(text))?;
        let time = match unit {
            Some("hour" | "hours") => TimeDelta::try_hours(count),
            Some("minute" | "minutes") => TimeDelta::try_minutes(count),
            Some("day" | "days") => {
                return Err(Fault::new(
                    "not-supported-yet",
                    "business days are not supported by this version",
                    "write the hours of a working day: \"8 business hours\"",
                ));
            }
            _ => None,
        };
        let time = time.filter(|time| time.num_hours() <= BUSINESS_HOURS_MAX);
        time.map(Self::Business).ok_or_else(|| bad(text))
    }

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

fn bad(text: &str) -> Fault {
    Fault::new(
        "bad-due",
        format!("'{text}' is no due time"),
        format!(
            "write \"2 business hours\", \"30 business minutes\" (at most \
             {BUSINESS_HOURS_MAX} hours) or a duration such as \"36h\""
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_working_time_and_time_by_the_clock() {
        let cases = [
            ("2 business hours", Ok(Due::Business(TimeDelta::hours(2)))),
            ("1 business hour", Ok(Due::Business(TimeDelta::hours(1)))),
            ("30 business minutes", Ok(Due::Business(TimeDelta::minutes(30)))),
            ("36h", Ok(Due::Elapsed(TimeDelta::hours(36)))),
            ("1 business days", Err("not-supported-yet")),
            ("0 business hours", Err("bad-due")),
            ("2 busines hours", Err("bad-due")),
            ("two business hours", Err("bad-due")),
            ("99999 business hours", Err("bad-due")),
            ("2 hours", Err("bad-due")),
            ("0h", Err("bad-due")),
            ("", Err("bad-due")),
        ];
        for (text, expected) in cases {
            assert_eq!(Due::parse(text).map_err(|fault| fault.code), expected, "case: {text:?}");
        }
    }
}
