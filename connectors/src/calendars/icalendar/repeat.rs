//! Repetitions of whole days, as far as they have an end.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _};
use icalendar::parser::Component;
use rrule::{RRule, Tz, Unvalidated};

use crate::read::ical::{self, Time, value};
use crate::read::number;

/// How often an event may repeat.
const TIMES_MAX: u16 = 2_000;
/// How often in a year, at most, something that is told by days comes.
const FREQUENCIES: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/// Tells whether an event repeats, or changes a repetition.
pub(super) fn is_in(event: &Component<'_>) -> bool {
    ["RRULE", "RDATE", "RECURRENCE-ID"].iter().any(|key| value(event, key).is_some())
}

/// Tells whether an event comes more often than once a day, which would be days without end.
pub(super) fn is_too_often(event: &Component<'_>) -> bool {
    let parts = value(event, "RRULE").unwrap_or_default().split(';');
    let mut told = parts.filter_map(|part| part.split_once('='));
    told.any(|(key, told)| key.eq_ignore_ascii_case("FREQ") && !is_by_days(told))
}

fn is_by_days(frequency: &str) -> bool {
    FREQUENCIES.iter().any(|known| frequency.eq_ignore_ascii_case(known))
}

/// Returns the days on which an event that begins on `first` begins, in order.
pub(super) fn days(event: &Component<'_>, first: NaiveDate) -> Result<Vec<NaiveDate>, String> {
    if let Some(key) = ["RDATE", "RECURRENCE-ID"].iter().find(|key| value(event, key).is_some()) {
        return Err(format!("it repeats by dates of its own ({key}); list the days one by one"));
    }
    let Some(rule) = value(event, "RRULE") else { return Ok(vec![first]) };
    let rule = plain(rule)?;
    let wrong = |_| format!("'{}' is no rule of a repetition", number::short(&rule));
    let start = Tz::UTC.from_utc_datetime(&first.and_time(NaiveTime::MIN));
    let read: RRule<Unvalidated> = rule.parse().map_err(wrong)?;
    let found = read.build(start).map_err(wrong)?.all(TIMES_MAX);
    if found.limited {
        return Err(format!("it repeats more than {TIMES_MAX} times"));
    }
    let left_out = left_out(event)?;
    let days = found.dates.iter().map(DateTime::date_naive);
    Ok(days.filter(|day| !left_out.contains(day)).collect())
}

/// Returns a rule with its end at a time, as a rule of times has it; fails if it has none.
fn plain(rule: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    let mut has_end = false;
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (key, told) = part.split_once('=').unwrap_or((part, ""));
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is("FREQ") && !is_by_days(told) {
            let told = number::short(told);
            return Err(format!("it repeats by '{told}' (RRULE); days repeat daily at most"));
        }
        has_end |= is("COUNT") || is("UNTIL");
        parts.push(if is("UNTIL") && told.len() == 8 {
            format!("UNTIL={told}T000000Z")
        } else if is("UNTIL") && !told.ends_with('Z') {
            format!("UNTIL={told}Z")
        } else {
            part.to_owned()
        });
    }
    if !has_end {
        return Err(
            "it repeats without an end (RRULE); give it COUNT or UNTIL, or skip it".to_owned()
        );
    }
    Ok(parts.join(";"))
}

/// Returns the days on which a repetition is left out.
fn left_out(event: &Component<'_>) -> Result<Vec<NaiveDate>, String> {
    let lines = event.properties.iter().filter(|property| property.name.as_str() == "EXDATE");
    let mut days = Vec::new();
    for text in lines.flat_map(|property| property.val.as_str().split(',')) {
        days.push(match ical::time(text.trim())? {
            Time::Day(day) => day,
            Time::Local(time) | Time::Utc(time) => time.date(),
        });
    }
    Ok(days)
}
