//! Calendars of feeds, of operations and of parties: which days are worked, judged by plain counting.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Timelike as _, Utc, Weekday};
use proptest::prelude::*;
use upturn_core::calendar::Calendar;
use upturn_core::calendar::overlay::Overlay;
use upturn_core::fact::almanac::{Almanac, Days, Work, whole_years};
use upturn_core::fact::known::Known;

const OFFICE: &str = r#"
    zone = "Asia/Shanghai"
    revision = "week"
    [week]
    mon = ["09:00-18:00"]
    tue = ["09:00-18:00"]
    wed = ["09:00-18:00"]
    thu = ["09:00-18:00"]
    fri = ["09:00-18:00"]
"#;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Returns a year's almanac of China, with its festival and the workdays that make up for it.
fn almanac(year: i32, festival: [&str; 2], work: &[&str]) -> Almanac {
    let [first, last] = festival.map(day);
    let off = first.iter_days().take_while(|day| *day <= last);
    let off = off.map(|day| (day, Work::Off, "Spring Festival".to_owned()));
    let on = work.iter().map(|on| (day(on), Work::On, "Spring Festival".to_owned()));
    Almanac {
        region: "CN".to_owned(),
        part: year.to_string(),
        zone: Some(chrono_tz::Tz::Asia__Shanghai),
        revision: None,
        announced: whole_years([year]),
        week: None,
        days: Days::gathered(off.chain(on)).unwrap(),
    }
}

fn china_2025() -> Almanac {
    almanac(2025, ["2025-01-28", "2025-02-04"], &["2025-01-26", "2025-02-08"])
}

fn office() -> Calendar {
    Calendar::from_toml(OFFICE).unwrap()
}

fn with(almanacs: &[&Almanac], today: &str) -> Calendar {
    office().with_almanacs(almanacs, day(today)).unwrap()
}

#[test]
fn two_hours_before_spring_festival_end_on_a_sunday_or_after_it() {
    let calendar = with(&[&china_2025()], "2025-01-01");
    let cases = [
        ("2025-01-24T17:30:00+08:00", "2025-01-26T10:30:00+08:00"),
        ("2025-01-27T17:30:00+08:00", "2025-02-05T10:30:00+08:00"),
        ("2025-02-07T17:30:00+08:00", "2025-02-08T10:30:00+08:00"),
    ];
    for (from, expected) in cases {
        let found = calendar.add_business_time(at(from), TimeDelta::hours(2));
        assert_eq!(found, Some(at(expected)), "case: {from}");
    }
    assert_eq!(calendar.last_workday_before(day("2025-01-28")), Some(day("2025-01-27")));
    assert_eq!(calendar.last_workday_before(day("2025-01-27")), Some(day("2025-01-26")));
    assert_eq!(calendar.last_workday_before(day("2025-01-26")), Some(day("2025-01-24")));
    assert_eq!(calendar.add_workdays(day("2025-01-27"), 1), Some(day("2025-02-05")));
    assert_eq!(calendar.add_workdays(day("2025-01-25"), 0), Some(day("2025-01-26")));
    assert_eq!(calendar.workday_before(day("2025-02-05"), 2), Some(day("2025-01-26")));
    let closed = calendar.closed_between(day("2025-01-25"), day("2025-02-01"));
    let shown: Vec<_> =
        closed.iter().map(|one| (one.first_on, one.last_on, one.names.len())).collect();
    let expected = [("2025-01-25", "2025-01-25", 0), ("2025-01-28", "2025-02-04", 1)];
    assert_eq!(shown, expected.map(|(first, last, names)| (day(first), day(last), names)));
}

#[test]
fn a_later_revision_of_a_year_takes_the_place_of_the_earlier_one() {
    let first = almanac(2020, ["2020-01-24", "2020-01-30"], &["2020-01-19", "2020-02-01"]);
    let longer = almanac(2020, ["2020-01-24", "2020-02-02"], &["2020-01-19"]);
    let known =
        |known_at, said| Known { source: "holiday-cn".into(), known_at: at(known_at), said };
    let known = [
        known("2020-01-27T12:00:00Z", longer),
        known("2019-11-21T12:00:00Z", first),
        known("2019-11-21T12:00:00Z", Almanac { region: "HK".to_owned(), ..china_2025() }),
    ];
    let cases = [
        ("2019-11-20T00:00:00Z", "2020-01-31", true, None),
        ("2020-01-20T00:00:00Z", "2020-01-31", true, Some("2020-12-31")),
        ("2020-01-20T00:00:00Z", "2020-02-01", true, Some("2020-12-31")),
        ("2020-01-28T00:00:00Z", "2020-01-31", false, Some("2020-12-31")),
        ("2020-01-28T00:00:00Z", "2020-02-01", false, Some("2020-12-31")),
        ("2020-01-28T00:00:00Z", "2020-02-03", true, Some("2020-12-31")),
    ];
    for (asked, on, expected, until) in cases {
        let calendar = office().with_known(&known, "CN", at(asked)).unwrap();
        assert_eq!(calendar.is_workday(day(on)), expected, "case: {asked} {on}");
        // On the days before 2020 nothing is announced, though 2020 is known.
        let is_before = at(asked) < at("2020-01-01T00:00:00Z");
        assert_eq!(calendar.announced_until(), until.filter(|_| !is_before).map(day), "{asked}");
    }
}

#[test]
fn an_empty_year_is_not_announced_and_a_gap_ends_what_is() {
    let empty = Almanac {
        announced: Vec::new(),
        days: Vec::new(),
        part: "2026".to_owned(),
        ..china_2025()
    };
    let calendar = with(&[&china_2025(), &empty], "2025-06-01");
    assert_eq!(calendar.announced_until(), Some(day("2025-12-31")));
    assert!(!calendar.is_announced_at(at("2026-02-17T00:00:00+08:00")));
    let after_the_gap = almanac(2027, ["2027-02-05", "2027-02-11"], &[]);
    let calendar = with(&[&china_2025(), &after_the_gap], "2025-06-01");
    assert_eq!(calendar.announced_until(), Some(day("2025-12-31")));
    let calendar = with(&[&china_2025(), &after_the_gap], "2027-06-01");
    assert_eq!(calendar.announced_until(), Some(day("2027-12-31")));
}

#[test]
fn days_of_another_zone_and_a_week_without_work_are_refused() {
    let far = Almanac { zone: Some(chrono_tz::Tz::UTC), ..china_2025() };
    let error = office().with_almanacs(&[&far], day("2025-01-01")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the days of 'CN' are in the zone UTC, the calendar is in Asia/Shanghai; use one zone"
    );
}

#[test]
fn operations_widen_a_window_for_one_supplier() {
    let overlay = r#"
        for = "supplier:acme"
        revision = "2024-12-01"
        [[widen]]
        window = "Spring Festival"
        before = 3
        after = 5
        [[widen]]
        window = "Golden Week"
        [[override]]
        on = "2025-02-08"
        hours = ["10:00-12:00"]
        name = "short day"
    "#;
    let overlay = Overlay::from_toml(overlay).unwrap();
    assert_eq!(overlay.party.to_string(), "supplier:acme");
    let public = with(&[&china_2025()], "2025-01-01");
    let own = public.with_overlay(&overlay);
    assert_eq!(overlay.unmatched(&public), ["Golden Week"]);
    let cases = [
        ("2025-01-24", true),
        ("2025-01-26", false),
        ("2025-01-27", false),
        ("2025-02-07", false),
        ("2025-02-08", true),
        ("2025-02-10", true),
    ];
    for (on, expected) in cases {
        assert_eq!(own.is_workday(day(on)), expected, "case: {on}");
    }
    assert_eq!(own.last_workday_before(day("2025-01-28")), Some(day("2025-01-24")));
    let closed = own.add_business_time(at("2025-01-24T17:00:00+08:00"), TimeDelta::hours(2));
    assert_eq!(closed, Some(at("2025-02-08T11:00:00+08:00")));
}

#[test]
fn mistakes_in_an_overlay_are_listed_with_their_lines() {
    let text = "for = \"warehouse:1\"\nrevision = 5\nfoo = 1\n[[widen]]\nbefore = 1\n[[widen]]\n\
                window = \"x\"\nbefore = 99\nafter = \"two\"\n[[override]]\non = \"2025-02-30\"\n\
                hours = []\n";
    let errors = Overlay::from_toml(text).unwrap_err();
    let shown: Vec<_> = errors.iter().map(|error| format!("{}: {error}", error.line())).collect();
    let expected = [
        "1: 'warehouse:1' is nobody; write site, supplier or carrier and an id: \"supplier:acme\"",
        "2: 'revision' is of type integer; write a text in quotes",
        "3: unknown key 'foo'; an overlay has for, revision, widen, override",
        "4: the widened window has no 'window'; add window = \"Spring Festival\"",
        "8: 'before' is no number of days from 0 to 60",
        "9: 'after' is of type string; write a number of days: 7",
        "11: '2025-02-30' is no day; write it as \"2026-02-15\"",
    ];
    assert_eq!(shown, expected);
}

/// Tells whether the office works on `day` in 2025, without any of the code that is tested.
fn works(day: NaiveDate) -> bool {
    let text = day.to_string();
    match text.as_str() {
        "2025-01-26" | "2025-02-08" => true,
        text if ("2025-01-28"..="2025-02-04").contains(&text) => false,
        _ => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
    }
}

/// Returns whether somebody works in the minute `at`.
fn works_at(at: DateTime<Utc>) -> bool {
    let local = at + TimeDelta::hours(8);
    works(local.date_naive()) && (9..18).contains(&local.hour())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn workdays_are_those_that_plain_counting_finds(offset in 0_i64..70, count in 0_usize..12) {
        let calendar = with(&[&china_2025()], "2025-01-01");
        let from = day("2025-01-10") + TimeDelta::days(offset);
        prop_assert_eq!(calendar.is_workday(from), works(from));
        let mut after = from;
        let mut left = count;
        while left > 0 || !works(after) {
            after += TimeDelta::days(1);
            left -= usize::from(works(after) && left > 0);
        }
        prop_assert_eq!(calendar.add_workdays(from, count), Some(after));
        let mut before = from - TimeDelta::days(1);
        while !works(before) {
            before -= TimeDelta::days(1);
        }
        prop_assert_eq!(calendar.last_workday_before(from), Some(before));
    }

    #[test]
    fn working_minutes_are_those_that_plain_counting_finds(
        minute in 0_i64..60 * 24 * 40, added in 0_i64..900,
    ) {
        let calendar = with(&[&china_2025()], "2025-01-01");
        let from = at("2025-01-10T00:00:00Z") + TimeDelta::minutes(minute);
        prop_assert_eq!(calendar.is_open(from), works_at(from));
        let mut open = from;
        while !works_at(open) {
            open += TimeDelta::minutes(1);
        }
        prop_assert_eq!(calendar.open_from(from), Some(open));
        if added > 0 {
            let mut end = from;
            let mut left = added;
            while left > 0 {
                left -= i64::from(works_at(end));
                end += TimeDelta::minutes(1);
            }
            let found = calendar.add_business_time(from, TimeDelta::minutes(added));
            prop_assert_eq!(found, Some(end));
        }
    }

    #[test]
    fn closed_windows_have_no_workday_and_leave_none_out(offset in 0_i64..60, length in 0_i64..20) {
        let calendar = with(&[&china_2025()], "2025-01-01");
        let first = day("2025-01-10") + TimeDelta::days(offset);
        let last = first + TimeDelta::days(length);
        let closed = calendar.closed_between(first, last);
        let in_one = |day: NaiveDate| {
            closed.iter().filter(|one| one.first_on <= day && day <= one.last_on).count()
        };
        for on in first.iter_days().take_while(|day| *day <= last) {
            prop_assert_eq!(in_one(on), usize::from(!works(on)), "{} in {:?}", on, closed);
        }
        for one in &closed {
            prop_assert!(first <= one.last_on && one.first_on <= last);
            prop_assert!(works(one.first_on.pred_opt().unwrap()));
            prop_assert!(works(one.last_on.succ_opt().unwrap()));
        }
    }
}
