//! Meetings with consultants: which times are free, and which of them are offered.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike as _, Utc};

use crate::calendar::Calendar;

/// How long a meeting is.
pub const LENGTH: TimeDelta = TimeDelta::hours(1);
/// How many times are offered at most.
pub const OFFERS_MAX: usize = 3;
/// Within how many working days a meeting is looked for, today's included.
const DAYS: usize = 10;
/// How long before it a meeting is booked at least, so that nobody is taken by surprise.
const NOTICE: TimeDelta = TimeDelta::hours(1);
/// How far apart meetings can begin, from the beginning of working hours on.
const STEP: TimeDelta = TimeDelta::minutes(30);
/// Working days are looked for at most so far ahead, in real time.
const AHEAD: TimeDelta = TimeDelta::days(60);

/// A time with its beginning and without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it is over.
    pub ends_at: DateTime<Utc>,
}

/// What is known of a consultant's time.
#[derive(Clone, Debug)]
pub struct Diary<'d> {
    /// The consultant's id.
    pub consultant: &'d str,
    /// When the consultant works.
    pub calendar: &'d Calendar,
    /// What the consultant has to do, in any order; it may overlap.
    pub busy: &'d [Span],
}

/// An hour of a consultant's that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot<'d> {
    /// The consultant's id.
    pub consultant: &'d str,
    /// The hour.
    pub span: Span,
}

impl Span {
    /// Returns whether the two have any time in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.starts_at < other.ends_at && other.starts_at < self.ends_at
    }
}

/// Returns the time in which meetings by `calendar` are looked for at `now`: to the end of the tenth working
/// day, or none where nobody works.
pub fn horizon(calendar: &Calendar, now: DateTime<Utc>) -> Option<Span> {
    let ends_at = working_hours(calendar, now).last()?.1.ends_at;
    Some(Span { starts_at: now, ends_at })
}

/// Returns the hours of `diary` that can be booked at `now`, in order; they may overlap.
pub fn free<'d>(diary: &Diary<'d>, now: DateTime<Utc>) -> Vec<Slot<'d>> {
    let earliest = now + NOTICE;
    let mut found = Vec::new();
    for (_, hours) in working_hours(diary.calendar, now) {
        let mut starts_at = hours.starts_at;
        while starts_at + LENGTH <= hours.ends_at {
            let span = Span { starts_at, ends_at: starts_at + LENGTH };
            let is_busy = || diary.busy.iter().any(|busy| span.overlaps(*busy));
            if earliest <= starts_at && !is_busy() {
                found.push(Slot { consultant: diary.consultant, span });
            }
            starts_at += STEP;
        }
    }
    found
}

/// Returns at most three free hours, in order: the earliest, on different half-days as far as there are such;
/// of several consultants who are free at one time, whoever has less to do.
pub fn offer<'d>(diaries: &[Diary<'d>], now: DateTime<Utc>) -> Vec<Slot<'d>> {
    let mut all: Vec<_> = diaries
        .iter()
        .flat_map(|diary| {
            let load = load(diary, now);
            let ranked =
                move |slot: Slot<'d>| (slot.span, load, slot.consultant, half_day(diary, slot));
            free(diary, now).into_iter().map(ranked)
        })
        .collect();
    all.sort_unstable();

    let mut offered: Vec<Slot<'d>> = Vec::new();
    let mut half_days = BTreeSet::new();
    for may_share in [false, true] {
        for (span, _, consultant, half_day) in &all {
            let is_apart = offered.iter().all(|other| !other.span.overlaps(*span));
            let is_elsewhere = may_share || !half_days.contains(half_day);
            if offered.len() < OFFERS_MAX && is_apart && is_elsewhere {
                half_days.insert(*half_day);
                offered.push(Slot { consultant, span: *span });
            }
        }
    }
    offered.sort_unstable_by_key(|slot| slot.span);
    offered
}

/// A day by the clock of a consultant, and whether it is its second half.
type HalfDay = (NaiveDate, bool);

fn half_day(diary: &Diary<'_>, slot: Slot<'_>) -> HalfDay {
    let local = slot.span.starts_at.with_timezone(&diary.calendar.zone());
    (local.date_naive(), 12 <= local.hour())
}

/// Returns how much a consultant has to do while meetings are looked for.
fn load(diary: &Diary<'_>, now: DateTime<Utc>) -> TimeDelta {
    let Some(horizon) = horizon(diary.calendar, now) else { return TimeDelta::zero() };
    let inside = |busy: &Span| {
        let (from, until) =
            (busy.starts_at.max(horizon.starts_at), busy.ends_at.min(horizon.ends_at));
        (until - from).max(TimeDelta::zero())
    };
    diary.busy.iter().map(inside).sum()
}

/// Returns the working hours of the next ten working days, those that are over today included, each with
/// its day.
fn working_hours(
    calendar: &Calendar,
    now: DateTime<Utc>,
) -> impl Iterator<Item = (NaiveDate, Span)> {
    let zone = calendar.zone();
    let today = now.with_timezone(&zone).date_naive();
    // From before today on, so that hours that have begun still begin when they began.
    let from = now.checked_sub_signed(TimeDelta::days(2)).unwrap_or(now);
    let until = now.checked_add_signed(AHEAD).unwrap_or(now);
    let mut days = BTreeSet::new();
    let all = calendar.working_from(from).map(move |(starts_at, ends_at)| {
        let day = starts_at.with_timezone(&zone).date_naive();
        (day, Span { starts_at, ends_at })
    });
    all.skip_while(move |(day, _)| *day < today).take_while(move |(day, span)| {
        days.insert(*day);
        span.starts_at <= until && days.len() <= DAYS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weekdays from 9 to 12 and from 13 to 18; Sunday 26 January 2025 is made up for, and from the 28th
    /// to 4 February nobody works.
    const SHANGHAI: &str = r#"
        zone = "Asia/Shanghai"
        revision = "1"
        [week]
        mon = ["09:00-12:00", "13:00-18:00"]
        tue = ["09:00-12:00", "13:00-18:00"]
        wed = ["09:00-12:00", "13:00-18:00"]
        thu = ["09:00-12:00", "13:00-18:00"]
        fri = ["09:00-12:00", "13:00-18:00"]
        [[override]]
        on = "2025-01-26"
        hours = ["09:00-12:00"]
        name = "make-up workday"
        [[override]]
        from = "2025-01-28"
        to = "2025-02-04"
        hours = []
        name = "Spring Festival"
    "#;

    /// Clocks go forward at 02:00 on Sunday 2025-03-30.
    const NIGHT: &str = r#"
        zone = "Europe/Berlin"
        revision = "1"
        [week]
        sun = ["01:00-05:00"]
    "#;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn span(starts_at: &str, ends_at: &str) -> Span {
        Span { starts_at: at(starts_at), ends_at: at(ends_at) }
    }

    fn starts(calendar: &Calendar, now: &str, busy: &[Span]) -> Vec<String> {
        let diary = Diary { consultant: "wu", calendar, busy };
        let offered = offer(&[diary], at(now));
        assert!(offered.iter().all(|slot| slot.span.ends_at - slot.span.starts_at == LENGTH));
        let local = |slot: &Slot<'_>| slot.span.starts_at.with_timezone(&calendar.zone());
        offered.iter().map(|slot| local(slot).format("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "it is the table itself")]
    fn three_hours_are_offered_on_half_days_of_their_own() {
        let calendar = Calendar::from_toml(SHANGHAI).unwrap();
        let day =
            |day: &str| span(&format!("{day}T00:00:00+08:00"), &format!("{day}T23:59:59+08:00"));
        let all = [span("2025-01-01T00:00:00Z", "2025-06-01T00:00:00Z")];
        let cases: [(&str, &str, &[Span], &[&str]); 10] = [
            (
                "nothing to do",
                "2025-01-20T08:00:00+08:00",
                &[],
                &["01-20 09:00", "01-20 13:00", "01-21 09:00"],
            ),
            (
                "an hour's notice, on the half hour",
                "2025-01-20T09:10:00+08:00",
                &[],
                &["01-20 10:30", "01-20 13:00", "01-21 09:00"],
            ),
            (
                "overlapping meetings",
                "2025-01-20T08:00:00+08:00",
                &[
                    span("2025-01-20T08:30:00+08:00", "2025-01-20T10:15:00+08:00"),
                    span("2025-01-20T09:45:00+08:00", "2025-01-20T10:30:00+08:00"),
                    span("2025-01-20T13:00:00+08:00", "2025-01-20T17:30:00+08:00"),
                ],
                &["01-20 10:30", "01-21 09:00", "01-21 13:00"],
            ),
            (
                "what ends when an hour begins leaves it free",
                "2025-01-20T08:00:00+08:00",
                &[span("2025-01-20T08:00:00+08:00", "2025-01-20T09:00:00+08:00")],
                &["01-20 09:00", "01-20 13:00", "01-21 09:00"],
            ),
            (
                "a whole day",
                "2025-01-20T08:00:00+08:00",
                &[day("2025-01-20"), day("2025-01-21")],
                &["01-22 09:00", "01-22 13:00", "01-23 09:00"],
            ),
            (
                "after hours on a Friday before a Sunday that is made up",
                "2025-01-24T18:00:00+08:00",
                &[],
                &["01-26 09:00", "01-27 09:00", "01-27 13:00"],
            ),
            (
                "over the festival",
                "2025-01-27T12:30:00+08:00",
                &[],
                &["01-27 13:30", "02-05 09:00", "02-05 13:00"],
            ),
            (
                "two hours of one half-day, where there is nothing else",
                "2025-01-20T08:00:00+08:00",
                &[span("2025-01-20T11:30:00+08:00", "2025-03-20T09:00:00+08:00")],
                &["01-20 09:00", "01-20 10:00"],
            ),
            (
                "three working weeks off",
                "2025-01-06T08:00:00+08:00",
                &[span("2025-01-06T00:00:00+08:00", "2025-01-18T00:00:00+08:00")],
                &[],
            ),
            ("nothing free", "2025-01-20T08:00:00+08:00", &all, &[]),
        ];
        for (name, now, busy, expected) in cases {
            assert_eq!(starts(&calendar, now, busy), expected, "case: {name}");
        }
    }

    #[test]
    fn an_hour_is_an_hour_where_clocks_are_put_forward() {
        let calendar = Calendar::from_toml(NIGHT).unwrap();
        let diary = Diary { consultant: "wu", calendar: &calendar, busy: &[] };
        let found: Vec<_> = free(&diary, at("2025-03-29T12:00:00+01:00"))
            .iter()
            .map(|slot| slot.span.starts_at.with_timezone(&calendar.zone()))
            .take_while(|start| start.date_naive() == "2025-03-30".parse().unwrap())
            .map(|start| start.format("%H:%M").to_string())
            .collect();
        assert_eq!(found, ["01:00", "01:30", "03:00", "03:30", "04:00"]);
    }

    #[test]
    fn meetings_are_looked_for_within_ten_working_days() {
        let calendar = Calendar::from_toml(SHANGHAI).unwrap();
        let cases = [
            ("a plain fortnight", "2025-01-06T08:00:00+08:00", Some("2025-01-17T18:00:00+08:00")),
            ("today counts", "2025-01-06T20:00:00+08:00", Some("2025-01-17T18:00:00+08:00")),
            ("from a Saturday", "2025-01-04T08:00:00+08:00", Some("2025-01-17T18:00:00+08:00")),
            ("over the festival", "2025-01-27T08:00:00+08:00", Some("2025-02-17T18:00:00+08:00")),
        ];
        for (name, now, expected) in cases {
            let found = horizon(&calendar, at(now)).map(|span| span.ends_at);
            assert_eq!(found, expected.map(at), "case: {name}");
        }
    }

    #[test]
    fn of_several_who_are_free_whoever_has_less_to_do_is_offered() {
        let calendar = Calendar::from_toml(SHANGHAI).unwrap();
        let long = [span("2025-01-21T13:00:00+08:00", "2025-01-21T18:00:00+08:00")];
        let short = [span("2025-01-20T13:00:00+08:00", "2025-01-20T14:00:00+08:00")];
        let diary = |consultant, busy| Diary { consultant, calendar: &calendar, busy };
        let diaries = [diary("ann", &long[..]), diary("bob", &short[..])];
        let offered = offer(&diaries, at("2025-01-20T08:00:00+08:00"));
        let found: Vec<_> = offered.iter().map(|slot| slot.consultant).collect();
        assert_eq!(found, ["bob", "ann", "bob"]);
    }
}
