//! Spans of clocks and due times over the days on which clocks are put forward or back: Berlin's skip
//! 02:00 to 03:00 on 30 March 2025 and show it twice on 26 October 2025.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use chrono::{DateTime, Utc};
use upturn_core::calendar::Calendar;
use upturn_core::lead::lapse::Lapse;

const DAY_SHIFT: &str = r#"
    zone = "Europe/Berlin"
    revision = "days"
    [week]
    mon = ["09:00-18:00"]
    tue = ["09:00-18:00"]
    wed = ["09:00-18:00"]
    thu = ["09:00-18:00"]
    fri = ["09:00-18:00"]
"#;

/// From 22:00 to 06:00, each night.
const NIGHT_SHIFT: &str = r#"
    zone = "Europe/Berlin"
    revision = "nights"
    [week]
    mon = ["00:00-06:00", "22:00-24:00"]
    tue = ["00:00-06:00", "22:00-24:00"]
    wed = ["00:00-06:00", "22:00-24:00"]
    thu = ["00:00-06:00", "22:00-24:00"]
    fri = ["00:00-06:00", "22:00-24:00"]
    sat = ["00:00-06:00", "22:00-24:00"]
    sun = ["00:00-06:00", "22:00-24:00"]
"#;

/// A name, a calendar, a span, from when, and until when it lasts.
const CASES: [(&str, &str, &str, &str, &str); 14] = [
    // The day shift does not meet the change, but the same clock is another instant.
    (
        "days forward",
        DAY_SHIFT,
        "2 business hours",
        "2025-03-28T17:30:00+01:00",
        "2025-03-31T10:30:00+02:00",
    ),
    (
        "days back",
        DAY_SHIFT,
        "2 business hours",
        "2025-10-24T17:30:00+02:00",
        "2025-10-27T10:30:00+01:00",
    ),
    (
        "a day forward",
        DAY_SHIFT,
        "1 working day",
        "2025-03-28T17:30:00+01:00",
        "2025-03-31T17:30:00+02:00",
    ),
    // The missing hour is not worked; the doubled one is worked twice.
    (
        "nights forward",
        NIGHT_SHIFT,
        "4 business hours",
        "2025-03-29T23:30:00+01:00",
        "2025-03-30T04:30:00+02:00",
    ),
    (
        "nights back",
        NIGHT_SHIFT,
        "4 business hours",
        "2025-10-25T23:30:00+02:00",
        "2025-10-26T02:30:00+01:00",
    ),
    (
        "the shift is 7 hours",
        NIGHT_SHIFT,
        "7 business hours",
        "2025-03-29T22:00:00+01:00",
        "2025-03-30T06:00:00+02:00",
    ),
    (
        "one more minute",
        NIGHT_SHIFT,
        "421 business minutes",
        "2025-03-29T22:00:00+01:00",
        "2025-03-30T22:01:00+02:00",
    ),
    (
        "the shift is 9 hours",
        NIGHT_SHIFT,
        "9 business hours",
        "2025-10-25T22:00:00+02:00",
        "2025-10-26T06:00:00+01:00",
    ),
    (
        "into the gap",
        NIGHT_SHIFT,
        "1 business hour",
        "2025-03-30T01:00:00+01:00",
        "2025-03-30T03:00:00+02:00",
    ),
    (
        "the hour again",
        NIGHT_SHIFT,
        "1 business hour",
        "2025-10-26T02:30:00+02:00",
        "2025-10-26T02:30:00+01:00",
    ),
    // A time of day that is missing is the end of the gap; one that comes twice is the first.
    (
        "a day into the gap",
        NIGHT_SHIFT,
        "1 working day",
        "2025-03-29T02:30:00+01:00",
        "2025-03-30T03:00:00+02:00",
    ),
    (
        "a day into the doubled hour",
        NIGHT_SHIFT,
        "1 working day",
        "2025-10-25T02:30:00+02:00",
        "2025-10-26T02:30:00+02:00",
    ),
    // By the clock, a span is as long as it says.
    (
        "by the clock forward",
        NIGHT_SHIFT,
        "24h",
        "2025-03-29T12:00:00+01:00",
        "2025-03-30T13:00:00+02:00",
    ),
    (
        "by the clock back",
        NIGHT_SHIFT,
        "24h",
        "2025-10-25T12:00:00+02:00",
        "2025-10-26T11:00:00+01:00",
    ),
];

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

#[test]
fn a_span_is_time_that_people_work_also_where_an_hour_is_missing_or_comes_twice() {
    for (name, calendar, span, from, expected) in CASES {
        let calendar = Calendar::from_toml(calendar).unwrap();
        let span = Lapse::try_from(span.to_owned()).unwrap();
        assert_eq!(span.after(at(from), &calendar), Some(at(expected)), "case: {name}");
    }
}
