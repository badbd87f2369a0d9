//! Times for people: how long from now, and exactly when in the zone of the display.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use fluent_bundle::FluentValue;

use super::i18n::{key, text, text_with};
use super::language::Language;
use crate::store::task_view::Today;

/// A time as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// For programs: RFC 3339 in UTC.
    pub(crate) machine: String,
    /// To the millisecond, with the zone.
    pub(crate) exact: String,
    /// To the minute, for a column.
    pub(crate) short: String,
    /// To the second, where the order of events matters.
    pub(crate) seconds: String,
    /// From now: `3 hours ago`.
    pub(crate) relative: String,
}

/// How a due time stands to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DueState {
    /// Past.
    Overdue,
    /// Before tomorrow.
    Today,
    /// Tomorrow or after.
    Later,
}

impl DueState {
    /// Returns how `due_at` stands to `today`.
    pub(crate) fn of(due_at: DateTime<Utc>, today: Today) -> Self {
        if due_at < today.now {
            Self::Overdue
        } else if due_at < today.ends_at {
            Self::Today
        } else {
            Self::Later
        }
    }

    /// Returns the word that the style sheet knows it by.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Today => "today",
            Self::Later => "later",
        }
    }
}

/// What times are told by: a language, a zone and now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller {
    /// The reader's language.
    pub(crate) language: Language,
    /// The zone of the display.
    pub(crate) zone: Tz,
    /// Now.
    pub(crate) now: DateTime<Utc>,
}

impl Teller {
    /// Returns the rest of this day in the zone.
    pub(crate) fn today(&self) -> Today {
        let tomorrow = self.day_of(self.now) + Days::new(1);
        let ends_at = self.beginning_of(tomorrow).unwrap_or(self.now + TimeDelta::days(1));
        Today { now: self.now, ends_at }
    }

    /// Returns the day of `at` in the zone.
    pub(crate) fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// Returns when `day` begins in the zone.
    pub(crate) fn beginning_of(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        // A midnight that the clocks skip: the day begins with the first hour that there is.
        let begins_at = (0..4).find_map(|hour| {
            let at = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?);
            self.zone.from_local_datetime(&at).earliest()
        });
        begins_at.map(|at| at.to_utc())
    }

    /// Returns `at` as a page shows it.
    pub(crate) fn when(&self, at: DateTime<Utc>) -> When {
        let local = at.with_timezone(&self.zone);
        let day = local.date_naive();
        let this_year = self.now.with_timezone(&self.zone).format("%Y").to_string();
        let format = if day.format("%Y").to_string() == this_year {
            "%m-%d %H:%M"
        } else {
            "%Y-%m-%d %H:%M"
        };
        When {
            machine: machine(at),
            exact: format!("{} {}", local.format("%Y-%m-%d %H:%M:%S%.3f"), self.zone.name()),
            short: local.format(format).to_string(),
            seconds: local.format(&format!("{format}:%S")).to_string(),
            relative: self.relative(at),
        }
    }

    /// Returns `at` for a sentence: to the second, with the zone.
    pub(crate) fn in_sentence(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        format!("{} {}", local.format("%Y-%m-%d %H:%M:%S"), self.zone.name())
    }

    /// Returns a due time in words: `overdue by 3 hours`, `in 3 hours`.
    pub(crate) fn due(&self, due_at: DateTime<Utc>) -> String {
        if due_at < self.now {
            let amount = self.amount(self.now - due_at);
            text_with(self.language, key!("due-overdue"), [("amount", FluentValue::from(amount))])
        } else {
            self.relative(due_at)
        }
    }

    fn relative(&self, at: DateTime<Utc>) -> String {
        let away = at - self.now;
        if away.abs() < TimeDelta::minutes(1) {
            return text(self.language, key!("time-now"));
        }
        let amount = [("amount", FluentValue::from(self.amount(away.abs())))];
        if away < TimeDelta::zero() {
            text_with(self.language, key!("time-ago"), amount)
        } else {
            text_with(self.language, key!("time-in"), amount)
        }
    }

    /// Returns how long `time` is, in the largest unit that is not coarse.
    fn amount(&self, time: TimeDelta) -> String {
        let (key, n) = if time < TimeDelta::hours(2) {
            (key!("amount-minutes"), time.num_minutes().max(1))
        } else if time < TimeDelta::hours(48) {
            (key!("amount-hours"), time.num_hours())
        } else {
            (key!("amount-days"), time.num_days())
        };
        text_with(self.language, key, [("n", FluentValue::from(n))])
    }
}

/// Returns `at` as programs want it: RFC 3339 in UTC with milliseconds.
pub(crate) fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller(now: &str, language: Language, zone: Tz) -> Teller {
        Teller { language, zone, now: now.parse().unwrap() }
    }

    #[test]
    fn tells_how_long_from_now() {
        let cases = [
            ("2025-03-05T12:00:30Z", "now", "现在"),
            ("2025-03-05T11:59:00Z", "1 minute ago", "1 分钟前"),
            ("2025-03-05T13:35:00Z", "in 95 minutes", "95 分钟后"),
            ("2025-03-05T14:00:00Z", "in 2 hours", "2 小时后"),
            ("2025-03-07T11:59:00Z", "in 47 hours", "47 小时后"),
            ("2025-03-03T12:00:00Z", "2 days ago", "2 天前"),
        ];
        for (at, en, zh) in cases {
            let at = at.parse().unwrap();
            for (language, expected) in [(Language::En, en), (Language::ZhCn, zh)] {
                let teller = teller("2025-03-05T12:00:00Z", language, Tz::UTC);
                assert_eq!(teller.relative(at), expected, "case: {at}");
            }
        }
        let teller = teller("2025-03-05T12:00:00Z", Language::En, Tz::UTC);
        assert_eq!(teller.due("2025-03-05T09:00:00Z".parse().unwrap()), "Overdue by 3 hours");
    }

    #[test]
    fn shows_times_in_the_zone_and_says_which() {
        let teller = teller("2025-03-05T12:00:00Z", Language::En, Tz::Asia__Shanghai);
        let when = teller.when("2025-03-05T17:30:15.250Z".parse().unwrap());
        assert_eq!(when.machine, "2025-03-05T17:30:15.250Z");
        assert_eq!(when.exact, "2025-03-06 01:30:15.250 Asia/Shanghai");
        assert_eq!(when.short, "03-06 01:30");
        assert_eq!(when.seconds, "03-06 01:30:15");
        let when = teller.when("2024-03-05T17:30:00Z".parse().unwrap());
        assert_eq!(when.short, "2024-03-06 01:30");
    }

    #[test]
    fn ends_the_day_at_midnight_of_the_zone() {
        let cases = [
            ("2025-03-05T12:00:00Z", Tz::UTC, "2025-03-06T00:00:00Z"),
            ("2025-03-05T17:00:00Z", Tz::Asia__Shanghai, "2025-03-06T16:00:00Z"),
            // In Beirut the clocks skip midnight of 30 March 2025.
            ("2025-03-29T12:00:00Z", Tz::Asia__Beirut, "2025-03-29T22:00:00Z"),
        ];
        for (now, zone, expected) in cases {
            let today = teller(now, Language::En, zone).today();
            assert_eq!(machine(today.ends_at), expected.replace('Z', ".000Z"), "case: {zone}");
            assert_eq!(DueState::of(today.ends_at, today), DueState::Later);
            assert_eq!(DueState::of(today.now, today), DueState::Today);
        }
    }
}
