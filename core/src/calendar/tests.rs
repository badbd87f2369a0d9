//! Working time over breaks, holidays, make-up workdays and changes of clocks.

use super::*;

use proptest::prelude::*;

const CHINA: &str = r#"
    zone = "Asia/Shanghai"
    revision = "2024-11-12"
    announced_until = "2025-12-31"
    [week]
    mon = ["09:00-12:00", "13:00-18:00"]
    tue = ["09:00-12:00", "13:00-18:00"]
    wed = ["09:00-12:00", "13:00-18:00"]
    thu = ["09:00-12:00", "13:00-18:00"]
    fri = ["09:00-12:00", "13:00-18:00"]
    [[override]]
    on = "2025-01-26"
    hours = ["09:00-12:00", "13:00-18:00"]
    name = "make-up workday"
    [[override]]
    from = "2025-01-28"
    to = "2025-02-04"
    hours = []
    name = "Spring Festival"
    [[override]]
    on = "2025-02-08"
    hours = ["09:00-12:00", "13:00-18:00"]
    name = "make-up workday"
"#;

/// Without a break.
const NINE_TO_SIX: &str = r#"
    zone = "Asia/Shanghai"
    revision = "1"
    [week]
    mon = ["09:00-18:00"]
    tue = ["09:00-18:00"]
    wed = ["09:00-18:00"]
    thu = ["09:00-18:00"]
    fri = ["09:00-18:00"]
    [[override]]
    on = "2025-01-26"
    hours = ["09:00-18:00"]
    name = "make-up workday"
    [[override]]
    from = "2025-01-28"
    to = "2025-02-04"
    hours = []
    name = "Spring Festival"
"#;

/// Clocks go forward at 02:00 on 2025-03-30 and back at 03:00 on 2025-10-26.
const NIGHT_SHIFT: &str = r#"
    zone = "Europe/Berlin"
    revision = "1"
    [week]
    sun = ["00:00-06:00"]
"#;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

#[test]
fn adds_working_time_over_breaks_nights_holidays_and_make_up_workdays() {
    let calendar = Calendar::from_toml(CHINA).unwrap();
    let cases = [
        ("inside a morning", "2025-01-20T09:00:00+08:00", 2, "2025-01-20T11:00:00+08:00"),
        ("up to the break", "2025-01-20T09:00:00+08:00", 3, "2025-01-20T12:00:00+08:00"),
        ("over the break", "2025-01-20T11:00:00+08:00", 2, "2025-01-20T14:00:00+08:00"),
        ("from the break", "2025-01-20T12:30:00+08:00", 1, "2025-01-20T14:00:00+08:00"),
        ("over a night", "2025-01-20T17:00:00+08:00", 2, "2025-01-21T10:00:00+08:00"),
        ("over a weekend", "2025-01-17T17:30:00+08:00", 1, "2025-01-20T09:30:00+08:00"),
        ("a Sunday that is made up", "2025-01-25T10:00:00+08:00", 1, "2025-01-26T10:00:00+08:00"),
        ("over the festival", "2025-01-27T17:00:00+08:00", 2, "2025-02-05T10:00:00+08:00"),
        ("a Saturday that is made up", "2025-02-07T17:00:00+08:00", 2, "2025-02-08T10:00:00+08:00"),
        ("no time inside", "2025-01-20T10:11:12+08:00", 0, "2025-01-20T10:11:12+08:00"),
        ("no time at the end", "2025-01-20T18:00:00+08:00", 0, "2025-01-20T18:00:00+08:00"),
        ("no time outside", "2025-01-20T18:00:01+08:00", 0, "2025-01-21T09:00:00+08:00"),
    ];
    for (name, from, hours, expected) in cases {
        let found = calendar.add_business_time(at(from), TimeDelta::hours(hours));
        assert_eq!(found, Some(at(expected)), "case: {name}");
    }
}

#[test]
fn counts_real_hours_where_clocks_are_put_forward_or_back() {
    let calendar = Calendar::from_toml(NIGHT_SHIFT).unwrap();
    let cases = [
        (
            "six hours on a plain Sunday",
            "2025-03-23T00:00:00+01:00",
            6,
            "2025-03-23T06:00:00+01:00",
        ),
        ("five when forward", "2025-03-30T00:00:00+01:00", 5, "2025-03-30T06:00:00+02:00"),
        ("the gap is no time", "2025-03-30T01:00:00+01:00", 1, "2025-03-30T03:00:00+02:00"),
        ("seven when back", "2025-10-26T00:00:00+02:00", 7, "2025-10-26T06:00:00+01:00"),
        ("the hour again", "2025-10-26T02:30:00+02:00", 1, "2025-10-26T02:30:00+01:00"),
    ];
    for (name, from, hours, expected) in cases {
        let found = calendar.add_business_time(at(from), TimeDelta::hours(hours));
        assert_eq!(found, Some(at(expected)), "case: {name}");
    }
}

#[test]
fn counts_no_time_on_a_day_that_the_zone_skipped() {
    // Samoa had no 30 December 2011, a Friday.
    let text = r#"
        zone = "Pacific/Apia"
        revision = "1"
        [week]
        thu = ["09:00-10:00"]
        fri = ["09:00-10:00"]
        sat = ["09:00-10:00"]
    "#;
    let calendar = Calendar::from_toml(text).unwrap();
    let found = calendar.add_business_time(at("2011-12-29T09:00:00-10:00"), TimeDelta::hours(2));
    assert_eq!(found, Some(at("2011-12-31T10:00:00+14:00")));
}

#[test]
fn a_working_day_ends_at_the_same_time_of_the_next_day_that_is_worked_on() {
    let calendar = Calendar::from_toml(CHINA).unwrap();
    let cases = [
        ("over the festival", "2025-01-27T12:00:00+08:00", "2025-02-05T12:00:00+08:00"),
        ("a Sunday that is made up", "2025-01-24T17:30:00+08:00", "2025-01-26T17:30:00+08:00"),
        ("over a plain night", "2025-01-20T09:00:00+08:00", "2025-01-21T09:00:00+08:00"),
        ("from after hours", "2025-01-20T21:00:00+08:00", "2025-01-22T09:00:00+08:00"),
        ("from the break", "2025-01-20T12:30:00+08:00", "2025-01-21T13:00:00+08:00"),
        ("from a weekend", "2025-01-18T10:00:00+08:00", "2025-01-21T09:00:00+08:00"),
    ];
    for (name, from, expected) in cases {
        assert_eq!(calendar.add_working_day(at(from)), Some(at(expected)), "case: {name}");
    }
    let short = Calendar::from_toml(
        "zone = \"UTC\"\nrevision = \"1\"\n[week]\nmon = [\"09:00-18:00\"]\n\
         tue = [\"10:00-12:00\"]\nwed = [\"15:00-16:00\"]",
    );
    let short = short.unwrap();
    let cases = [
        ("a day that ends before", "2025-01-20T17:00:00Z", "2025-01-21T12:00:00Z"),
        ("a day that begins later", "2025-01-21T11:00:00Z", "2025-01-22T15:00:00Z"),
    ];
    for (name, from, expected) in cases {
        assert_eq!(short.add_working_day(at(from)), Some(at(expected)), "case: {name}");
    }
}

#[test]
fn the_worked_cases_of_two_business_hours_hold() {
    let calendar = Calendar::from_toml(NINE_TO_SIX).unwrap();
    let cases = [
        ("2025-01-24T17:30:00+08:00", "2025-01-26T10:30:00+08:00"),
        ("2025-01-27T17:30:00+08:00", "2025-02-05T10:30:00+08:00"),
    ];
    for (from, expected) in cases {
        let found = calendar.add_business_time(at(from), TimeDelta::hours(2));
        assert_eq!(found, Some(at(expected)), "case: {from}");
    }
}

#[test]
fn counts_the_working_time_between_two_times() {
    let calendar = Calendar::from_toml(CHINA).unwrap();
    let night = Calendar::from_toml(NIGHT_SHIFT).unwrap();
    let cases = [
        (&calendar, "2025-01-20T09:00:00+08:00", "2025-01-20T11:00:00+08:00", 120),
        (&calendar, "2025-01-20T11:00:00+08:00", "2025-01-20T14:00:00+08:00", 120),
        (&calendar, "2025-01-20T12:15:00+08:00", "2025-01-20T12:45:00+08:00", 0),
        (&calendar, "2025-01-24T17:30:00+08:00", "2025-01-26T10:30:00+08:00", 120),
        (&calendar, "2025-01-27T17:30:00+08:00", "2025-02-05T10:30:00+08:00", 120),
        (&calendar, "2025-01-25T00:00:00+08:00", "2025-01-26T00:00:00+08:00", 0),
        (&calendar, "2025-01-20T11:00:00+08:00", "2025-01-20T10:00:00+08:00", 0),
        (&night, "2025-03-30T00:00:00+01:00", "2025-03-30T12:00:00+02:00", 300),
        (&night, "2025-10-26T00:00:00+02:00", "2025-10-26T12:00:00+01:00", 420),
    ];
    for (calendar, from, until, minutes) in cases {
        let found = calendar.business_time_between(at(from), at(until));
        assert_eq!(found, TimeDelta::minutes(minutes), "case: {from} to {until}");
    }
}

#[test]
fn finds_nothing_beyond_five_years_or_for_a_negative_time() {
    let calendar = Calendar::default();
    let from = at("2025-01-20T09:00:00Z");
    let working_hours_in_five_years = TimeDelta::hours(5 * 261 * 8);
    assert!(calendar.add_business_time(from, working_hours_in_five_years).is_some());
    assert_eq!(calendar.add_business_time(from, working_hours_in_five_years * 2), None);
    assert_eq!(calendar.add_business_time(from, TimeDelta::milliseconds(-1)), None);
    assert_eq!(calendar.add_business_time(DateTime::<Utc>::MAX_UTC, TimeDelta::hours(1)), None);
    assert_eq!(calendar.add_business_time(DateTime::<Utc>::MIN_UTC, TimeDelta::hours(1)), None);
}

#[test]
fn finds_the_next_time_of_day_where_clocks_are_put_forward_or_back() {
    let calendar = Calendar::from_toml(NIGHT_SHIFT).unwrap();
    let cases = [
        ("later today", "2025-03-20T07:00:00+01:00", "08:30", "2025-03-20T08:30:00+01:00"),
        ("not this instant", "2025-03-20T08:30:00+01:00", "08:30", "2025-03-21T08:30:00+01:00"),
        ("tomorrow in summer", "2025-03-29T12:00:00+01:00", "08:30", "2025-03-30T08:30:00+02:00"),
        ("a time left out", "2025-03-29T12:00:00+01:00", "02:30", "2025-03-30T03:00:00+02:00"),
        (
            "a time that comes twice",
            "2025-10-25T12:00:00+02:00",
            "02:30",
            "2025-10-26T02:30:00+02:00",
        ),
        ("once is enough", "2025-10-26T02:30:00+02:00", "02:30", "2025-10-27T02:30:00+01:00"),
        ("midnight", "2025-03-20T07:00:00+01:00", "00:00", "2025-03-21T00:00:00+01:00"),
    ];
    for (name, after, minute, expected) in cases {
        let minute = Minute::parse(minute).unwrap();
        assert_eq!(calendar.next_at(at(after), minute), Some(at(expected)), "case: {name}");
    }
}

#[test]
fn tells_announced_days_from_days_without_holidays() {
    let calendar = Calendar::from_toml(CHINA).unwrap();
    assert!(calendar.is_announced_at(at("2025-12-31T23:59:59+08:00")));
    assert!(!calendar.is_announced_at(at("2026-01-01T00:00:00+08:00")));
    assert!(!Calendar::default().is_announced_at(at("2025-01-01T00:00:00Z")));
}

fn calendars() -> impl Strategy<Value = Calendar> {
    let texts = [CHINA, NIGHT_SHIFT];
    let mut known: Vec<_> = texts.map(|text| Calendar::from_toml(text).unwrap()).into();
    known.push(Calendar::default());
    proptest::sample::select(known)
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    // 2025, and often around the two nights on which the clocks of Berlin change.
    let seconds = prop_oneof![
        1_735_689_600_i64..1_767_225_600,
        1_743_202_800_i64..1_743_375_600,
        1_761_343_200_i64..1_761_519_600,
    ];
    seconds.prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

fn times() -> impl Strategy<Value = TimeDelta> {
    (0_i64..200_000).prop_map(TimeDelta::seconds)
}

proptest! {
    #[test]
    fn more_time_never_ends_earlier(
        calendar in calendars(), from in instants(), a in times(), b in times(),
    ) {
        let (less, more) = (a.min(b), a.max(b));
        prop_assert!(calendar.add_business_time(from, less) <= calendar.add_business_time(from, more));
    }

    #[test]
    fn a_later_start_never_ends_earlier(
        calendar in calendars(), a in instants(), b in instants(), time in times(),
    ) {
        let (early, late) = (a.min(b), a.max(b));
        prop_assert!(calendar.add_business_time(early, time) <= calendar.add_business_time(late, time));
    }

    #[test]
    fn two_times_one_after_the_other_are_their_sum(
        calendar in calendars(), from in instants(), a in times(), b in times(),
    ) {
        let between = calendar.add_business_time(from, a).unwrap();
        prop_assert_eq!(
            calendar.add_business_time(between, b),
            calendar.add_business_time(from, a + b)
        );
    }

    #[test]
    fn the_time_that_was_added_lies_between(
        calendar in calendars(), from in instants(), time in times(),
    ) {
        let until = calendar.add_business_time(from, time).unwrap();
        prop_assert_eq!(calendar.business_time_between(from, until), time);
    }

    #[test]
    fn the_result_lies_in_working_time_or_at_its_end(
        calendar in calendars(), from in instants(), time in times(),
    ) {
        let end = calendar.add_business_time(from, time).unwrap();
        prop_assert!(from <= end);
        let local = end.with_timezone(&calendar.zone()).naive_local();
        let shown = local.format("%H:%M:%S").to_string();
        let is_inside = calendar.hours_on(local.date()).ranges().iter().any(|range| {
            format!("{}:00", range.opens) <= shown && shown <= format!("{}:00", range.closes)
        });
        prop_assert!(is_inside, "{local}");
        prop_assert_eq!(calendar.add_business_time(end, TimeDelta::zero()), Some(end));
    }

    #[test]
    fn a_working_second_is_a_real_second(calendar in calendars(), from in instants()) {
        let open = calendar.add_business_time(from, TimeDelta::zero()).unwrap();
        let next = calendar.add_business_time(open, TimeDelta::seconds(1)).unwrap();
        prop_assert!(TimeDelta::seconds(1) <= next - open);
    }
}
