//! The days on which services of a timetable run, by GTFS: a carrier's or a depot's days of departure.
//!
//! **What it reads** a feed's zip archive, or its `calendar.txt` or `calendar_dates.txt` alone. One almanac
//! a service: its weekdays from the first to the last day, and the dates that are added or taken out.
//! **Example** `service = "FULLW"`.
//! **Settings** [`Settings`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::almanac::{Almanac, Work, Workdays, joined};
use upturn_core::fact::validity::Validity;

use super::{Told, day, gathered};
use crate::read::tree::{self, Node, Path, Spot};
use crate::read::{ReadError, archive, number, text};

/// How many services a feed may have.
const SERVICES_MAX: usize = 100_000;
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Which services are read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The only service to read. Default: all of them.
    pub service: Option<String>,
    /// The zone of the days: `Asia/Shanghai`. Default: that of the agency in an archive, else none.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Tz>,
}

/// What is known of a service.
#[derive(Default)]
struct Service {
    week: Option<(Workdays, Validity)>,
    dates: Vec<Told>,
}

/// Reads a feed by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Almanac>, ReadError> {
    let mut services = BTreeMap::new();
    let mut zone = settings.zone;
    if archive::is_zip(bytes) {
        let mut has_days = false;
        for name in ["calendar.txt", "calendar_dates.txt"] {
            if let Some(file) = archive::file(bytes, name)? {
                has_days = true;
                table(&file, &mut services).map_err(|error| in_file(name, error))?;
            }
        }
        if !has_days {
            let what = "the archive has neither calendar.txt nor calendar_dates.txt";
            return Err(ReadError::whole(what));
        }
        if zone.is_none() {
            let file = archive::file(bytes, "agency.txt")?;
            let own = file.map(|file| agency_zone(&file)).transpose();
            zone = own.map_err(|error| in_file("agency.txt", error))?.flatten();
        }
    } else {
        table(bytes, &mut services)?;
    }
    if let Some(service) = &settings.service {
        services.retain(|id, _| id == service);
        if services.is_empty() {
            let what = format!("there is no service '{}'", number::short(service));
            return Err(ReadError::at("setting 'service'", what));
        }
    }
    if services.is_empty() {
        return Err(ReadError::whole("it has no services"));
    }
    services.into_iter().map(|(id, service)| almanac(id, service, zone)).collect()
}

fn in_file(name: &str, error: ReadError) -> ReadError {
    error.within(&format!("{name}, "))
}

/// Reads a table into `services`: of weekdays, or of dates.
fn table(bytes: &[u8], services: &mut BTreeMap<String, Service>) -> Result<(), ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let tree = tree::of_table(&text, 1, b',')?;
    for row in rows(&tree) {
        let place = row.place();
        let within = |error: ReadError| error.within(&place);
        let id = cell(&row, "service_id").map_err(within)?;
        if services.len() == SERVICES_MAX && !services.contains_key(id) {
            return Err(ReadError::whole(format!("it has more than {SERVICES_MAX} services")));
        }
        let service = services.entry(id.to_owned()).or_default();
        if row.text(&Path::read("exception_type")).is_some() {
            service.dates.push(date(&row).map_err(within)?);
        } else if service.week.replace(week(&row).map_err(within)?).is_some() {
            return Err(ReadError::at(place, "the service stands there twice"));
        }
    }
    Ok(())
}

fn rows(tree: &Node) -> Vec<Spot<'_>> {
    Spot::root(tree).all(&Path::read("/rows/*"))
}

fn cell<'n>(row: &Spot<'n>, name: &str) -> Result<&'n str, ReadError> {
    let found = row.text(&Path::read(name)).filter(|text| !text.is_empty());
    found.ok_or_else(|| ReadError::at(format!(", {name}"), "there is nothing"))
}

fn day_in(row: &Spot<'_>, name: &str) -> Result<NaiveDate, ReadError> {
    let read = day(cell(row, name)?, "%Y%m%d", "20250128");
    read.map_err(|what| ReadError::at(format!(", {name}"), what))
}

fn week(row: &Spot<'_>) -> Result<(Workdays, Validity), ReadError> {
    let mut works = [false; 7];
    for (works, name) in works.iter_mut().zip(WEEKDAYS) {
        *works = match cell(row, name)? {
            "1" => true,
            "0" => false,
            other => {
                let what = format!("'{}' is neither 0 nor 1", number::short(other));
                return Err(ReadError::at(format!(", {name}"), what));
            }
        };
    }
    let (first, last) = (day_in(row, "start_date")?, day_in(row, "end_date")?);
    let span = Validity::new(Some(first), Some(last));
    let span = span.map_err(|error| ReadError::at(", end_date", error.to_string()))?;
    Ok((Workdays(works), span))
}

fn date(row: &Spot<'_>) -> Result<Told, ReadError> {
    let on = day_in(row, "date")?;
    match cell(row, "exception_type")? {
        "1" => Ok((on, Work::On, "added".to_owned())),
        "2" => Ok((on, Work::Off, "taken out".to_owned())),
        other => {
            let what = format!("'{}' is neither 1 nor 2", number::short(other));
            Err(ReadError::at(", exception_type", what))
        }
    }
}

fn agency_zone(bytes: &[u8]) -> Result<Option<Tz>, ReadError> {
    let text = text::decode(bytes, None)?;
    let tree = tree::of_table(&text, 1, b',')?;
    let Some(row) = rows(&tree).into_iter().next() else { return Ok(None) };
    let name = cell(&row, "agency_timezone")?;
    let zone = name.parse().map_err(|_| {
        let what = format!("'{}' is no zone; set 'zone'", number::short(name));
        ReadError::at(", agency_timezone", what)
    });
    zone.map(Some)
}

fn almanac(id: String, service: Service, zone: Option<Tz>) -> Result<Almanac, ReadError> {
    let days = gathered(service.dates).map_err(|error| error.within(&format!("{id}: ")))?;
    let of_dates = days.first().zip(days.last());
    // A service of dates alone runs on these and on no other day between them.
    let (week, span) = match (service.week, of_dates) {
        (Some((week, span)), _) => (week, Some(span)),
        (None, Some((first, last))) => {
            let span = Validity::new(Some(first.first_on), Some(last.last_on));
            (Workdays([false; 7]), span.ok())
        }
        (None, None) => (Workdays([false; 7]), None),
    };
    if week.0 == [false; 7] && !days.iter().any(|days| days.work == Work::On) {
        return Err(ReadError::at(id, "the service runs on no day at all"));
    }
    Ok(Almanac {
        region: id,
        part: String::new(),
        zone,
        revision: None,
        announced: joined(span),
        week: Some(week),
        days,
    })
}
