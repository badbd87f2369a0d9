//! When a letter goes out: after its hold, in working hours, or with others at a time of day.

use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::calendar::Calendar;
use upturn_core::calendar::hours::Minute;

/// How far ahead a day with working hours is looked for.
const DAYS_MAX: usize = 400;

/// When letters of a route go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// How long a letter is kept back.
    pub(crate) hold: TimeDelta,
    /// Whether letters wait for working hours.
    pub(crate) is_quiet: bool,
    /// The time of day at which letters are collected.
    pub(crate) digest: Option<Minute>,
}

/// When one letter goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// By itself, not before.
    Alone(DateTime<Utc>),
    /// With all others that are collected for this time.
    Together(DateTime<Utc>),
}

impl Timing {
    /// Returns when a letter written at `now` goes out. A calendar without working hours keeps nothing
    /// back.
    pub(crate) fn departure(&self, calendar: &Calendar, now: DateTime<Utc>) -> Departure {
        let free = now + self.hold;
        if let Some(minute) = self.digest {
            return Departure::Together(self.collected_at(calendar, minute, free).unwrap_or(free));
        }
        let open = self.is_quiet.then(|| calendar.add_business_time(free, TimeDelta::zero()));
        Departure::Alone(open.flatten().unwrap_or(free))
    }

    /// Returns the next time that clocks show `minute`, on a day with working hours if it is quiet
    /// outside them.
    fn collected_at(
        &self,
        calendar: &Calendar,
        minute: Minute,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let first = calendar.next_at(after, minute)?;
        let mut at = first;
        for _ in 0..DAYS_MAX {
            let day = at.with_timezone(&calendar.zone()).date_naive();
            if !self.is_quiet || !calendar.hours_on(day).is_day_off() {
                return Some(at);
            }
            at = calendar.next_at(at, minute)?;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Germany around the night on which clocks go forward, a Sunday, and a Monday off.
    const CALENDAR: &str = r#"
        zone = "Europe/Berlin"
        revision = "1"
        [week]
        mon = ["09:00-17:00"]
        tue = ["09:00-17:00"]
        wed = ["09:00-17:00"]
        thu = ["09:00-17:00"]
        fri = ["09:00-17:00"]
        [[override]]
        on = "2025-03-31"
        hours = []
        name = "company day"
    "#;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// Checks cases at once: a name, when the letter is written, and when it goes out.
    fn check(timing: Timing, cases: &[(&str, &str, &str)]) {
        let calendar = Calendar::from_toml(CALENDAR).unwrap();
        for (case, now, expected) in cases {
            let departure = timing.departure(&calendar, at(now));
            let expected = match timing.digest {
                None => Departure::Alone(at(expected)),
                Some(_) => Departure::Together(at(expected)),
            };
            assert_eq!(departure, expected, "case: {case}");
        }
    }

    #[test]
    fn a_letter_waits_for_its_hold_and_for_working_hours() {
        let timing = Timing { hold: TimeDelta::seconds(5), ..Timing::default() };
        check(timing, &[("night", "2025-03-27T22:00:00+01:00", "2025-03-27T22:00:05+01:00")]);
        let quiet = Timing { is_quiet: true, ..timing };
        check(
            quiet,
            &[
                ("night", "2025-03-27T22:00:00+01:00", "2025-03-28T09:00:00+01:00"),
                ("at work", "2025-03-28T10:00:00+01:00", "2025-03-28T10:00:05+01:00"),
                ("held beyond work", "2025-03-28T16:59:58+01:00", "2025-04-01T09:00:00+02:00"),
                ("clocks put forward", "2025-03-29T12:00:00+01:00", "2025-04-01T09:00:00+02:00"),
            ],
        );
    }

    #[test]
    fn letters_are_collected_until_a_time_of_day() {
        let at_half_past = |hour: &str| Timing {
            hold: TimeDelta::seconds(5),
            is_quiet: false,
            digest: Minute::parse(&format!("{hour}:30")),
        };
        check(
            at_half_past("08"),
            &[
                ("next day", "2025-03-29T12:00:00+01:00", "2025-03-30T08:30:00+02:00"),
                ("held beyond it", "2025-03-28T08:29:58+01:00", "2025-03-29T08:30:00+01:00"),
            ],
        );
        let left_out =
            ("a time left out", "2025-03-29T12:00:00+01:00", "2025-03-30T03:00:00+02:00");
        check(at_half_past("02"), &[left_out]);
        let quiet = Timing { is_quiet: true, ..at_half_past("08") };
        check(
            quiet,
            &[("on a working day", "2025-03-29T12:00:00+01:00", "2025-04-01T08:30:00+02:00")],
        );
    }
}
