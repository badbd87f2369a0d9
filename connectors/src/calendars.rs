//! Calendars: holidays and make-up workdays, and the days on which something runs.
//!
//! To add a source: a file under `calendars/` with a pure reader, and a line in [`crate::feed::KINDS`].

use chrono::NaiveDate;
use upturn_core::fact::almanac::{self, Almanac, Days, Work};
use upturn_core::fact::validity::Validity;

use crate::read::{ReadError, number};

pub mod chinese_days;
pub mod gtfs;
pub mod holiday_cn;
pub mod icalendar;
pub mod nager;
pub mod uk_bank_holidays;

/// How many days one document may tell.
const DAYS_MAX: usize = 100_000;
/// The years that are believed.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// A day as a document tells it.
type Told = (NaiveDate, Work, String);

/// Returns the days of one region, in order; fails where they are too many, of no year that is
/// believed, or contradict each other.
fn gathered(told: Vec<Told>) -> Result<Vec<Days>, ReadError> {
    if DAYS_MAX < told.len() {
        return Err(ReadError::whole(format!("it tells more than {DAYS_MAX} days")));
    }
    let years = almanac::years(told.iter().map(|(day, ..)| *day));
    if let Some(year) = years.iter().find(|year| !YEARS.contains(year)) {
        return Err(ReadError::whole(format!(
            "it tells of the year {year}, which is not believed"
        )));
    }
    Days::gathered(told).map_err(|error| ReadError::whole(error.to_string()))
}

/// Returns an almanac of `region` that tells of whole `years`, without anything that only some sources
/// say.
fn of_years(region: &str, years: &[i32], told: Vec<Told>) -> Result<Almanac, ReadError> {
    Ok(Almanac {
        region: region.to_owned(),
        part: part(years),
        zone: None,
        revision: None,
        announced: almanac::whole_years(years.iter().copied()),
        week: None,
        days: gathered(told)?,
    })
}

/// Returns which part of what a source says a document of `years` is.
fn part(years: &[i32]) -> String {
    match years {
        [year] => year.to_string(),
        _ => String::new(),
    }
}

/// Returns the days from `first` to `last`, or none where that is too long to be believed.
fn days(first: NaiveDate, last: NaiveDate) -> Result<Vec<NaiveDate>, String> {
    let span = Validity::new(Some(first), Some(last)).map_err(|error| error.to_string())?;
    let days: Vec<_> = first.iter_days().take_while(|day| *day <= last).take(DAYS_MAX).collect();
    if days.len() == DAYS_MAX {
        return Err(format!("{span} is too long to be believed"));
    }
    Ok(days)
}

/// Returns the day `text` in `format`, which has to have as many characters as the format's days.
fn day(text: &str, format: &str, example: &str) -> Result<NaiveDate, String> {
    let read = NaiveDate::parse_from_str(text, format).ok();
    let is_whole = text.len() == example.len();
    read.filter(|_| is_whole)
        .ok_or_else(|| format!("'{}' is no day such as {example}", number::short(text)))
}
