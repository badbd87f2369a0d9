//! Any calendar in iCalendar's format: whole days off, and workdays that make up for them.
//!
//! **What it reads** `VEVENT`s: days, or times that begin and end on one day. What the event says decides
//! what the days are: `work` is looked for in the lines `SUMMARY:…`, `TRANSP:…`, `STATUS:…` and
//! `CATEGORIES:…`, `skip` as well; the rest are days off. Cancelled events are left out. Whole years are
//! announced that have an event, unless `complete` is off. Days may repeat, as far as the repetition has an
//! end; one without an end is refused, since nothing tells until when it is announced.
//! **Example** `work = "^SUMMARY:.*班"`, `zone = "Asia/Shanghai"`, `region = "CN"`.
//! **Settings** [`Settings`].

use chrono::{Days as DayCount, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use icalendar::parser::Component;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::calendar::hours::Hours;
use upturn_core::fact::almanac::{self, Almanac, Work};

use super::{DAYS_MAX, Told, days, gathered, part};
use crate::read::ical::{self, Time, value};
use crate::read::{Fault, ReadError, number, text};

mod repeat;

/// What tells a make-up workday where nobody says otherwise.
const WORK: &str = r"^SUMMARY:.*(上班|补班|[(（]班[)）]|\bworkday\b|\bmake-?up\b)";
/// The largest automaton a pattern may become, in bytes.
const PATTERN_MAX: usize = 1 << 18;

/// How the events of a calendar are understood.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose days they are: `CN`. Default: the calendar's name.
    pub region: Option<String>,
    /// The zone of days and of times without one: `Asia/Shanghai`. Default: what the calendar says.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Tz>,
    /// Which events are workdays: a regular expression, tried on each line `SUMMARY:…`, `TRANSP:…`,
    /// `STATUS:…`, `CATEGORIES:…`. Default: a summary with 上班, 补班, (班), workday or make-up.
    pub work: Option<String>,
    /// Which events are neither days off nor workdays, in the same way. Default: none.
    pub skip: Option<String>,
    /// Whether a year with an event is told completely, so that its other days are ordinary. Default:
    /// `true`; set it to `false` for a list of closures.
    pub complete: Option<bool>,
}

/// Reads a calendar by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Almanac>, ReadError> {
    let work = pattern("work", settings.work.as_deref().or(Some(WORK)))?;
    let skip = pattern("skip", settings.skip.as_deref())?;
    let whole = ical::unfolded(bytes);
    let text = text::decode(&whole, None)?;
    text::refuse_web_page(&text)?;
    let roots = ical::read(&text)?;
    let mut calendars = roots.iter().filter(|root| root.name.as_str() == "VCALENDAR");
    let calendar = calendars.next().ok_or_else(|| ReadError::whole("it has no VCALENDAR"))?;
    if calendars.next().is_some() {
        return Err(ReadError::whole("it has more than one VCALENDAR"));
    }
    let zone = settings.zone.map_or_else(|| own_zone(calendar), |zone| Ok(Some(zone)))?;
    let reading = Reading { zone, work, skip };
    let mut told: Vec<Told> = Vec::new();
    let mut revision: Option<&str> = None;
    let events = calendar.components.iter().filter(|part| part.name.as_str() == "VEVENT");
    for (event, number) in events.zip(1..) {
        let read = reading.event(event);
        told.extend(read.map_err(|what| {
            let fault = if repeat::is_too_often(event) { Fault::Excess } else { Fault::Wrong };
            ReadError::at(place(event, number), what).being(fault)
        })?);
        revision = revision.max(value(event, "LAST-MODIFIED"));
    }
    let region = settings.region.clone();
    let region = region.or_else(|| value(calendar, "X-WR-CALNAME").map(str::to_owned));
    let region = region.ok_or_else(|| {
        ReadError::at("setting 'region'", "the calendar has no name; say whose days they are")
    })?;
    let is_complete = settings.complete.unwrap_or(true);
    let years = almanac::years(told.iter().map(|(day, ..)| *day).filter(|_| is_complete));
    Ok(vec![Almanac {
        region,
        part: part(&years),
        zone,
        revision: revision.map(str::to_owned),
        announced: almanac::whole_years(years.iter().copied()),
        week: None,
        days: gathered(told)?,
    }])
}

fn place(event: &Component<'_>, number: usize) -> String {
    match value(event, "SUMMARY") {
        Some(summary) => format!("event {number} ('{}')", number::short(summary)),
        None => format!("event {number}"),
    }
}

fn pattern(key: &str, text: Option<&str>) -> Result<Option<Regex>, ReadError> {
    let build = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        builder.case_insensitive(true).multi_line(true).size_limit(PATTERN_MAX).build()
    };
    let wrong = |error: regex::Error| ReadError::at(format!("setting '{key}'"), error.to_string());
    text.map(build).transpose().map_err(wrong)
}

/// Returns the zone the calendar says it is in, if it says so.
fn own_zone(calendar: &Component<'_>) -> Result<Option<Tz>, ReadError> {
    let mut zones = calendar.components.iter().filter(|part| part.name.as_str() == "VTIMEZONE");
    let only = zones.next().filter(|_| zones.next().is_none());
    let told = value(calendar, "X-WR-TIMEZONE").or_else(|| value(only?, "TZID"));
    let Some(name) = told else { return Ok(None) };
    zone_named(name).map(Some).map_err(ReadError::whole)
}

fn zone_named(name: &str) -> Result<Tz, String> {
    name.parse()
        .map_err(|_| format!("'{}' is no zone; set 'zone' to an IANA name", number::short(name)))
}

struct Reading {
    zone: Option<Tz>,
    work: Option<Regex>,
    skip: Option<Regex>,
}

impl Reading {
    /// Returns the days of an event; none if it says nothing of work.
    fn event(&self, event: &Component<'_>) -> Result<Vec<Told>, String> {
        if value(event, "STATUS") == Some("CANCELLED") {
            return Ok(Vec::new());
        }
        let keys = ["SUMMARY", "TRANSP", "STATUS", "CATEGORIES"];
        let lines = keys.iter().filter_map(|key| Some(format!("{key}:{}\n", value(event, key)?)));
        let lines: String = lines.collect();
        let is = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|it| it.is_match(&lines));
        if is(&self.skip) {
            return Ok(Vec::new());
        }
        let name = value(event, "SUMMARY").unwrap_or_default().to_owned();
        let start = value(event, "DTSTART").ok_or("it has no DTSTART")?;
        let (first, last, hours) = match ical::time(start)? {
            Time::Day(first) => (first, last_day(event, first)?, None),
            Time::Local(_) | Time::Utc(_) if repeat::is_in(event) => {
                return Err("it has times and repeats; give it days, or skip it".to_owned());
            }
            Time::Local(_) | Time::Utc(_) => self.times(event, start)?,
        };
        let work = match (is(&self.work), hours) {
            (true, None) => Work::On,
            (true, Some(hours)) => Work::At(hours),
            (false, None) => Work::Off,
            (false, Some(_)) => {
                return Err("it is off for a part of a day alone; skip it, or say that it is work"
                    .to_owned());
            }
        };
        let mut told = Vec::new();
        for begins in repeat::days(event, first)? {
            let ends = begins.checked_add_signed(last - first).unwrap_or(begins);
            told.extend(
                days(begins, ends)?.into_iter().map(|day| (day, work.clone(), name.clone())),
            );
            if DAYS_MAX < told.len() {
                return Err(format!("it tells more than {DAYS_MAX} days"));
            }
        }
        Ok(told)
    }

    /// Returns the days of an event with times, and the hours if they are a part of one day.
    fn times(
        &self,
        event: &Component<'_>,
        start: &str,
    ) -> Result<(NaiveDate, NaiveDate, Option<Hours>), String> {
        let end = value(event, "DTEND").ok_or("it has a time and no DTEND")?;
        let (start, end) = (self.local(event, "DTSTART", start)?, self.local(event, "DTEND", end)?);
        if end <= start {
            return Err(format!("it ends at {end}, not after it begins at {start}"));
        }
        let (first, from) = (start.date(), start.time());
        let (last, until) = (end.date(), end.time());
        let midnight = chrono::NaiveTime::MIN;
        if from == midnight && until == midnight {
            let last = last.pred_opt().unwrap_or(last);
            return Ok((first, last, None));
        }
        let ends_at_midnight = until == midnight && first.succ_opt() == Some(last);
        if first != last && !ends_at_midnight {
            return Err("it has times on more than one day; give it days".to_owned());
        }
        let until =
            if ends_at_midnight { "24:00".to_owned() } else { until.format("%H:%M").to_string() };
        let range = format!("{}-{until}", from.format("%H:%M"));
        let hours = Hours::parse([range.as_str()]).map_err(|error| error.to_string())?;
        Ok((first, first, Some(hours)))
    }

    /// Returns the local time of the property `key`, whose text is `text`.
    fn local(&self, event: &Component<'_>, key: &str, text: &str) -> Result<NaiveDateTime, String> {
        let stated = ical::parameter(event, key, "TZID").map(zone_named).transpose()?;
        let needed = || "it has a time in UTC; set 'zone' to that of the days".to_owned();
        match (ical::time(text)?, stated, self.zone) {
            (Time::Day(_), ..) => Err(format!("its {key} is a day, and the other end a time")),
            (Time::Utc(time), _, zone) => {
                Ok(time.and_utc().with_timezone(&zone.ok_or_else(needed)?).naive_local())
            }
            (Time::Local(time), Some(stated), Some(zone)) if stated != zone => {
                let at = stated.from_local_datetime(&time).earliest();
                let at = at.ok_or_else(|| format!("there is no {time} in {stated}"))?;
                Ok(at.with_timezone(&zone).naive_local())
            }
            (Time::Local(time), ..) => Ok(time),
        }
    }
}

/// Returns the last day of an event of whole days; `DTEND` is the day after it.
fn last_day(event: &Component<'_>, first: NaiveDate) -> Result<NaiveDate, String> {
    if let Some(end) = value(event, "DTEND") {
        let Time::Day(end) = ical::time(end)? else {
            return Err("its DTEND is a time, and the other end a day".to_owned());
        };
        if end < first {
            return Err(format!("it ends on {end}, before it begins on {first}"));
        }
        // Some write one day with the same end.
        return Ok(end.pred_opt().unwrap_or(end).max(first));
    }
    let Some(duration) = value(event, "DURATION") else { return Ok(first) };
    let weeks = duration.strip_prefix('P').and_then(|rest| rest.strip_suffix('W'));
    let plain = duration.strip_prefix('P').and_then(|rest| rest.strip_suffix('D'));
    let count = match (weeks, plain) {
        (Some(weeks), _) => weeks.parse::<u64>().ok().and_then(|weeks| weeks.checked_mul(7)),
        (None, Some(days)) => days.parse().ok(),
        (None, None) => None,
    };
    let last = count
        .filter(|count| 0 < *count)
        .and_then(|count| first.checked_add_days(DayCount::new(count - 1)));
    last.ok_or_else(|| format!("'{}' is no number of days or weeks", number::short(duration)))
}
