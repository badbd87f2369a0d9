//! When a feed runs: a cron expression in a named zone.
//!
//! A slot is an instant the expression names. Each runs at most once; those that passed while nobody
//! looked are made up for by one run, that of the newest.

use std::fmt;
use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// How many slots are counted as missed at most.
const MISSED_MAX: usize = 1_000;

/// How far back the newest slot is looked for, nearest first: what has none in an hour has few in a day.
const BACK: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::days(1), TimeDelta::days(40)];

/// When a feed runs.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    cron: cron::Schedule,
    zone: Tz,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is no schedule ({why}); write minute, hour, day, month and weekday: 15 16 * * Mon-Fri"
)]
pub struct ScheduleError {
    text: String,
    why: String,
}

/// A slot that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The slot.
    pub slot: DateTime<Utc>,
    /// How many slots before it passed without a run, at most 1,000.
    pub missed: usize,
}

impl Schedule {
    /// Reads the five fields of cron: minute, hour, day of the month, month, weekday (names, or 1 to 7
    /// from Sunday on), as clocks in `zone` show them.
    pub fn read(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let error = |why: String| ScheduleError { text: text.chars().take(60).collect(), why };
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(error(format!("it has {fields} fields instead of 5")));
        }
        // The library wants seconds first.
        let cron = cron::Schedule::from_str(&format!("0 {text}"));
        let cron = cron.map_err(|reason| error(reason.to_string().replace('\n', " ")))?;
        Ok(Self { text: text.to_owned(), cron, zone })
    }

    /// Returns what is due at `now`, if the last slot that ran is `ran`.
    pub fn due(&self, ran: DateTime<Utc>, now: DateTime<Utc>) -> Option<Due> {
        let slot = self.newest(ran, now)?;
        let missed = self.after(ran).take_while(|earlier| *earlier < slot).take(MISSED_MAX).count();
        Some(Due { slot, missed })
    }

    /// Returns the newest slot after `ran` and up to `now`. Looks a little way back first, since there
    /// may be very many.
    fn newest(&self, ran: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from_near = BACK.into_iter().map(|back| ran.max(now - back));
        from_near
            .chain([ran])
            .find_map(|from| self.after(from).take_while(|slot| *slot <= now).last())
    }

    /// Returns the slots after `from`, in order. Where clocks are put back, a time they show twice is
    /// one slot, the first.
    pub fn after(&self, from: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let from = from.with_timezone(&self.zone);
        let mut shown = from.naive_local();
        self.cron.after(&from).filter_map(move |slot| {
            let is_new = shown < slot.naive_local();
            shown = shown.max(slot.naive_local());
            is_new.then(|| slot.with_timezone(&Utc))
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn slots_follow_the_clocks_of_their_zone() {
        let ecb = Schedule::read("15 16 * * Mon-Fri", Tz::Europe__Berlin).unwrap();
        let slots: Vec<_> = ecb.after(at("2026-03-26T12:00:00Z")).take(3).collect();
        let expected =
            ["2026-03-26T15:15:00Z", "2026-03-27T15:15:00Z", "2026-03-30T14:15:00Z"].map(at);
        assert_eq!(slots, expected, "the clocks go forward on Sunday");
    }

    #[test]
    fn what_was_missed_is_made_up_for_once() {
        let hourly = Schedule::read("0 * * * *", Tz::UTC).unwrap();
        let ran = at("2026-01-05T10:00:00Z");
        let cases = [
            ("2026-01-05T10:59:59Z", None),
            ("2026-01-05T11:00:00Z", Some(("2026-01-05T11:00:00Z", 0))),
            ("2026-01-05T14:30:00Z", Some(("2026-01-05T14:00:00Z", 3))),
        ];
        for (now, expected) in cases {
            let expected = expected.map(|(slot, missed)| Due { slot: at(slot), missed });
            assert_eq!(hourly.due(ran, at(now)), expected, "case: {now}");
        }
        let due = Due { slot: at("2027-01-05T10:00:00Z"), missed: 1_000 };
        assert_eq!(
            hourly.due(ran, at("2027-01-05T10:00:30Z")),
            Some(due),
            "the newest of very many"
        );
    }

    #[test]
    fn a_slot_within_an_hour_that_comes_twice_or_never_runs_at_most_once() {
        let nightly = Schedule::read("30 2 * * *", Tz::Europe__Berlin).unwrap();
        // On 25 October 2026 it is 02:30 twice, on 28 March 2027 never.
        for (from, expected) in [("2026-10-24T12:00:00Z", 1), ("2027-03-27T12:00:00Z", 0)] {
            let until = at(from) + TimeDelta::hours(24);
            let slots = nightly.after(at(from)).take_while(|slot| *slot <= until).count();
            assert_eq!(slots, expected, "case: {from}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_named() {
        for text in ["", "* * * *", "61 * * * *", "0 0 * * * *", "every day"] {
            assert!(Schedule::read(text, Tz::UTC).is_err(), "case: {text}");
        }
    }
}
