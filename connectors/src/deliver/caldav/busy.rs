//! What lies in a consultant's calendar, as times at which the consultant is busy.
//!
//! Repetitions are worked out here: servers differ in what they make of times without a zone.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use icalendar::parser::{self, Component};
use rrule::{RRule, Unvalidated};
use upturn_core::booking::Span;
use upturn_core::calendar::instant;

use crate::read::ical::{self, Time, parameter, value};
use crate::read::number;

/// How often an appointment may have repeated since it began: daily for half a century.
const TIMES_MAX: usize = 20_000;
/// How often appointments repeat; what comes more often is worked out without end.
const FREQUENCIES: [&str; 5] = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
/// How far a day of one zone reaches beyond that of another.
const MARGIN: TimeDelta = TimeDelta::days(1);

/// Returns the question for what lies in a calendar `within` a time.
pub(super) fn query(within: Span) -> String {
    let stamp = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
    let (from, until) = (stamp(within.starts_at - MARGIN), stamp(within.ends_at + MARGIN));
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<c:calendar-query xmlns:d=\"DAV:\" \
         xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop><c:calendar-data/></d:prop><c:filter>\
         <c:comp-filter name=\"VCALENDAR\"><c:comp-filter name=\"VEVENT\">\
         <c:time-range start=\"{from}\" end=\"{until}\"/></c:comp-filter></c:comp-filter>\
         </c:filter></c:calendar-query>"
    )
}

/// Returns when its owner is busy because of `calendar`, as far as it lies `within` a time; whole days, and
/// times without a zone, are those of `zone`.
///
/// Fails, with what is wrong, where anything in it is not understood: nobody is taken for free by mistake.
pub(super) fn read(calendar: &str, within: Span, zone: Tz) -> Result<Vec<Span>, String> {
    let text = parser::unfold(calendar);
    let roots = ical::read(&text).map_err(|error| error.to_string())?;
    let parts = || roots.iter().flat_map(|root| &root.components);
    let zones: Vec<_> = parts().filter(|part| part.name.as_str() == "VTIMEZONE").collect();
    let events: Vec<_> = parts().filter(|part| part.name.as_str() == "VEVENT").collect();
    let reading = Reading { zones, own: zone };
    let mut busy = Vec::new();
    for event in &events {
        let changed: Vec<_> = if value(event, "RECURRENCE-ID").is_some() {
            Vec::new()
        } else {
            let same = |other: &&&Component<'_>| value(other, "UID") == value(event, "UID");
            let changes = events.iter().filter(same);
            let changes = changes.filter_map(|other| reading.changed(other).transpose());
            changes.collect::<Result<_, _>>()?
        };
        let is_free = value(event, "STATUS") == Some("CANCELLED")
            || value(event, "TRANSP") == Some("TRANSPARENT");
        if !is_free {
            busy.extend(reading.times(event, &changed, within)?);
        }
    }
    Ok(busy)
}

/// What times of a calendar are read with.
struct Reading<'r> {
    /// What the calendar says of its zones.
    zones: Vec<&'r Component<'r>>,
    /// The zone of what has none.
    own: Tz,
}

/// When an appointment is, by the clock of its zone.
#[derive(Clone, Copy)]
struct Start {
    local: NaiveDateTime,
    zone: Tz,
    is_day: bool,
}

impl Reading<'_> {
    /// Returns when `event` is, each time that is not `changed`, as far as it lies `within` a time.
    fn times(
        &self,
        event: &Component<'_>,
        changed: &[DateTime<Utc>],
        within: Span,
    ) -> Result<Vec<Span>, String> {
        let told = value(event, "DTSTART").ok_or("it has no DTSTART")?;
        let start = self.start(told, parameter(event, "DTSTART", "TZID"))?;
        let length = self.length(event, start)?;
        let times = self.begins(event, start, within.starts_at - length - MARGIN, within)?;
        let left_out = self.list(event, "EXDATE")?;
        let days: BTreeSet<NaiveDate> =
            left_out.iter().filter(|one| one.is_day).map(|one| one.local.date()).collect();
        let left_out: BTreeSet<_> = left_out.into_iter().filter_map(instant_of).collect();
        let mut busy = Vec::new();
        for time in times {
            let starts_at = instant_of(time).ok_or("it begins at no time")?;
            let is_left_out = left_out.contains(&starts_at) || days.contains(&time.local.date());
            if is_left_out || changed.contains(&starts_at) {
                continue;
            }
            let ends_at = if start.is_day {
                let local = time.local.checked_add_signed(length).ok_or("it never ends")?;
                instant_of(Start { local, ..time }).ok_or("it ends at no time")?
            } else {
                starts_at.checked_add_signed(length).ok_or("it never ends")?
            };
            let span = Span { starts_at, ends_at };
            if starts_at < ends_at && span.overlaps(within) {
                busy.push(span);
            }
        }
        Ok(busy)
    }

    /// Returns which time of a repetition `event` stands for, if it is a change of one.
    fn changed(&self, event: &Component<'_>) -> Result<Option<DateTime<Utc>>, String> {
        let Some(told) = value(event, "RECURRENCE-ID") else { return Ok(None) };
        if parameter(event, "RECURRENCE-ID", "RANGE").is_some() {
            return Err("it changes all later repetitions at once (RANGE)".to_owned());
        }
        let start = self.start(told, parameter(event, "RECURRENCE-ID", "TZID"))?;
        Ok(instant_of(start))
    }

    /// Returns when `event` begins, each time from `from` on and before the end of `within`.
    fn begins(
        &self,
        event: &Component<'_>,
        start: Start,
        from: DateTime<Utc>,
        within: Span,
    ) -> Result<Vec<Start>, String> {
        let mut begins = match value(event, "RRULE") {
            Some(rule) => repeated(rule, start, (from, within.ends_at))?,
            None => vec![start],
        };
        begins.extend(self.list(event, "RDATE")?);
        Ok(begins)
    }

    /// Returns how long `event` is.
    fn length(&self, event: &Component<'_>, start: Start) -> Result<TimeDelta, String> {
        let length = if let Some(told) = value(event, "DTEND") {
            let end = self.start(told, parameter(event, "DTEND", "TZID"))?;
            if start.is_day || end.is_day {
                end.local - start.local
            } else {
                let (from, until) = (instant_of(start), instant_of(end));
                until.zip(from).map(|(until, from)| until - from).ok_or("it has no length")?
            }
        } else if let Some(told) = value(event, "DURATION") {
            let wrong = || format!("'{}' is no length of time", number::short(told));
            let length = iso8601::duration(told).map_err(|_| wrong())?;
            TimeDelta::from_std(length.into()).map_err(|_| wrong())?
        } else if start.is_day {
            TimeDelta::days(1)
        } else {
            TimeDelta::zero()
        };
        Ok(length.max(TimeDelta::zero()))
    }

    /// Returns the times that the properties `name` of `event` list.
    fn list(&self, event: &Component<'_>, name: &str) -> Result<Vec<Start>, String> {
        let lines = event.properties.iter().filter(|property| property.name.as_str() == name);
        let mut times = Vec::new();
        for line in lines {
            let zone = line.params.iter().find(|one| one.key.as_str() == "TZID");
            let zone = zone.and_then(|zone| Some(zone.val.as_ref()?.as_str()));
            for told in line.val.as_str().split(',') {
                // Of a period, when it begins.
                let told = told.split('/').next().unwrap_or(told).trim();
                times.push(self.start(told, zone)?);
            }
        }
        Ok(times)
    }

    fn start(&self, told: &str, zone: Option<&str>) -> Result<Start, String> {
        Ok(match ical::time(told)? {
            Time::Day(day) => {
                Start { local: day.and_time(NaiveTime::MIN), zone: self.own, is_day: true }
            }
            Time::Utc(local) => Start { local, zone: Tz::UTC, is_day: false },
            Time::Local(local) => {
                let zone = zone.map_or(Ok(self.own), |name| self.zone(name))?;
                Start { local, zone, is_day: false }
            }
        })
    }

    /// Returns the zone called `name`: an IANA name, one behind a prefix, or one that the calendar explains.
    fn zone(&self, name: &str) -> Result<Tz, String> {
        let explained = self.zones.iter().find(|zone| value(zone, "TZID") == Some(name));
        let explained = explained.and_then(|zone| value(zone, "X-LIC-LOCATION"));
        let behind = name.match_indices('/').filter_map(|(at, _)| name.get(at + 1..));
        let mut names = [Some(name), explained].into_iter().flatten().chain(behind);
        names.find_map(|name| Tz::from_str(name).ok()).ok_or_else(|| {
            format!("'{}' is no zone that is known; use IANA names", number::short(name))
        })
    }
}

fn instant_of(start: Start) -> Option<DateTime<Utc>> {
    instant::at_time(start.zone, start.local.date(), start.local.time())
}

/// Returns when something begins that repeats by `rule`, each time from `from` on and before `until`.
fn repeated(
    rule: &str,
    start: Start,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Start>, String> {
    let rule = with_local_end(rule, start.zone)?;
    let wrong = |_| format!("'{}' is no rule of a repetition", number::short(&rule));
    let read: RRule<Unvalidated> = rule.parse().map_err(wrong)?;
    // The clock of the zone as if it were UTC's: it skips nothing and repeats nothing.
    let set = read.build(rrule::Tz::UTC.from_utc_datetime(&start.local)).map_err(wrong)?;
    let local = |at: DateTime<Utc>| at.with_timezone(&start.zone).naive_local();
    let (from, until) = (local(from), local(until));
    let mut found = Vec::new();
    for (time, at) in set.limit().into_iter().enumerate() {
        if TIMES_MAX <= time {
            return Err(format!("it repeats more than {TIMES_MAX} times"));
        }
        let local = at.naive_utc();
        if until <= local {
            break;
        }
        if from <= local {
            found.push(Start { local, ..start });
        }
    }
    Ok(found)
}

/// Returns `rule` with the end of the repetition by the clock of `zone`.
fn with_local_end(rule: &str, zone: Tz) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let until = part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("UNTIL"));
        let Some((_, told)) = until else {
            let frequency =
                part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("FREQ"));
            let is = |known: &&str, told: &str| told.eq_ignore_ascii_case(known);
            if let Some((_, told)) = frequency
                && !FREQUENCIES.iter().any(|known| is(known, told))
            {
                return Err(format!("it repeats by '{}' (RRULE)", number::short(told)));
            }
            parts.push(part.to_owned());
            continue;
        };
        let last = match ical::time(told)? {
            Time::Day(day) => day.and_hms_opt(23, 59, 59).unwrap_or_else(|| day.into()),
            Time::Local(local) => local,
            Time::Utc(utc) => utc.and_utc().with_timezone(&zone).naive_local(),
        };
        parts.push(format!("UNTIL={}", last.format("%Y%m%dT%H%M%SZ")));
    }
    Ok(parts.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// What is busy in the two weeks from Monday 23 March 2026 on, by the clock of Berlin, where clocks go
    /// forward on the 29th.
    fn busy(events: &[&str]) -> Result<Vec<String>, String> {
        let within =
            Span { starts_at: at("2026-03-23T00:00:00Z"), ends_at: at("2026-04-06T00:00:00Z") };
        let zone = Tz::Europe__Berlin;
        let events: Vec<_> = events
            .iter()
            .map(|event| format!("BEGIN:VEVENT\r\nUID:u1\r\n{event}\r\nEND:VEVENT\r\n"))
            .collect();
        let calendar = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Our time\r\n\
             X-LIC-LOCATION:Asia/Shanghai\r\nEND:VTIMEZONE\r\n{}END:VCALENDAR\r\n",
            events.concat()
        );
        let mut found = read(&calendar, within, zone)?;
        found.sort_unstable();
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).format("%m-%d %H:%M").to_string();
        Ok(found.iter().map(|s| format!("{} - {}", local(s.starts_at), local(s.ends_at))).collect())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "it is the table itself")]
    fn appointments_are_times_of_their_zones_with_their_repetitions() {
        let cases: [(&str, &[&str], &[&str]); 16] = [
            (
                "in UTC",
                &["DTSTART:20260324T090000Z\r\nDTEND:20260324T100000Z"],
                &["03-24 10:00 - 03-24 11:00"],
            ),
            (
                "in a named zone",
                &["DTSTART;TZID=Asia/Shanghai:20260324T170000\r\nDURATION:PT1H30M"],
                &["03-24 10:00 - 03-24 11:30"],
            ),
            (
                "in a zone behind a prefix",
                &[
                    "DTSTART;TZID=/example.org/20050126/Asia/Shanghai:20260324T170000\r\nDURATION:PT1H",
                ],
                &["03-24 10:00 - 03-24 11:00"],
            ),
            (
                "in a zone that the calendar explains",
                &["DTSTART;TZID=Our time:20260324T170000\r\nDURATION:PT1H"],
                &["03-24 10:00 - 03-24 11:00"],
            ),
            (
                "without a zone",
                &["DTSTART:20260324T100000\r\nDTEND:20260324T110000"],
                &["03-24 10:00 - 03-24 11:00"],
            ),
            ("a day", &["DTSTART;VALUE=DATE:20260324"], &["03-24 00:00 - 03-25 00:00"]),
            (
                "days over the night on which clocks go forward",
                &["DTSTART;VALUE=DATE:20260328\r\nDTEND;VALUE=DATE:20260330"],
                &["03-28 00:00 - 03-30 00:00"],
            ),
            ("a moment", &["DTSTART:20260324T090000Z"], &[]),
            ("long over", &["DTSTART:20250324T090000Z\r\nDURATION:PT1H"], &[]),
            (
                "what has begun before",
                &["DTSTART;VALUE=DATE:20260301\r\nDTEND;VALUE=DATE:20260324"],
                &["03-01 00:00 - 03-24 00:00"],
            ),
            ("cancelled", &["DTSTART:20260324T090000Z\r\nDURATION:PT1H\r\nSTATUS:CANCELLED"], &[]),
            (
                "transparent",
                &["DTSTART:20260324T090000Z\r\nDURATION:PT1H\r\nTRANSP:TRANSPARENT"],
                &[],
            ),
            (
                "every Tuesday for years, by the clock on the wall",
                &[
                    "DTSTART;TZID=Europe/Berlin:20200107T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;BYDAY=TU",
                ],
                &["03-24 10:00 - 03-24 11:00", "03-31 10:00 - 03-31 11:00"],
            ),
            (
                "to the last day, but one",
                &["DTSTART;TZID=Europe/Berlin:20260323T100000\r\nDURATION:PT1H\r\n\
                   RRULE:FREQ=DAILY;UNTIL=20260326T090000Z\r\nEXDATE;TZID=Europe/Berlin:20260324T100000"],
                &[
                    "03-23 10:00 - 03-23 11:00",
                    "03-25 10:00 - 03-25 11:00",
                    "03-26 10:00 - 03-26 11:00",
                ],
            ),
            (
                "one put off, one cancelled, one more",
                &[
                    "DTSTART;TZID=Europe/Berlin:20260323T100000\r\nDURATION:PT1H\r\n\
                     RRULE:FREQ=DAILY;COUNT=3\r\nRDATE;TZID=Europe/Berlin:20260401T100000",
                    "DTSTART:20260324T130000Z\r\nDURATION:PT1H\r\nRECURRENCE-ID:20260324T090000Z",
                    "DTSTART:20260325T090000Z\r\nDURATION:PT1H\r\nRECURRENCE-ID:20260325T090000Z\r\n\
                     STATUS:CANCELLED",
                ],
                &[
                    "03-23 10:00 - 03-23 11:00",
                    "03-24 14:00 - 03-24 15:00",
                    "04-01 10:00 - 04-01 11:00",
                ],
            ),
            (
                "days of every year, one left out",
                &[
                    "DTSTART;VALUE=DATE:20200330\r\nRRULE:FREQ=DAILY;UNTIL=20260401\r\nEXDATE;VALUE=DATE:20260331\
                   \r\nDTEND;VALUE=DATE:20200331",
                ],
                &[
                    "03-23 00:00 - 03-24 00:00",
                    "03-24 00:00 - 03-25 00:00",
                    "03-25 00:00 - 03-26 00:00",
                    "03-26 00:00 - 03-27 00:00",
                    "03-27 00:00 - 03-28 00:00",
                    "03-28 00:00 - 03-29 00:00",
                    "03-29 00:00 - 03-30 00:00",
                    "03-30 00:00 - 03-31 00:00",
                    "04-01 00:00 - 04-02 00:00",
                ],
            ),
        ];
        for (name, events, expected) in cases {
            let found = busy(events).unwrap_or_else(|why| panic!("case: {name}: {why}"));
            assert_eq!(found, expected, "case: {name}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_nobody_is_taken_for_free() {
        let cases = [
            ("DTEND:20260324T090000Z", "no DTSTART"),
            ("DTSTART:soon", "no day or time"),
            ("DTSTART;TZID=Far away:20260324T170000", "'Far away' is no zone"),
            ("DTSTART:20260324T090000Z\r\nDURATION:long", "'long' is no length of time"),
            ("DTSTART:20260324T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=NEVER", "by 'NEVER'"),
            ("DTSTART:20260324T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;BYDAY=XX", "no rule"),
            ("DTSTART:19000101T090000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY", "by 'SECONDLY'"),
            ("DTSTART:19000101T090000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=HOURLY", "more than 20000"),
            (
                "DTSTART:20260324T090000Z\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260324T090000Z",
                "RANGE",
            ),
        ];
        for (event, expected) in cases {
            let master = "DTSTART:20260323T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=3";
            let error = busy(&[master, event]).unwrap_err();
            assert!(error.contains(expected), "case: {expected}: {error}");
        }
    }
}
