//! Carriers' lanes from a table that operations keep: how many days, on which weekdays, until when.
//!
//! **What it reads** JSON, XML and delimited text. `days` is a number (`2`), a range of equally frequent
//! ones (`2-4`), or days with their weights (`3:70 4:20 5:10`, `3:0.7;4:0.3`). `departures` are weekdays (`mon wed fri`) or
//! `daily`. A row that leads nowhere is refused.
//! **Example** `format = "csv"`, `zone = "Asia/Shanghai"`, with the columns `from`, `to`, `mode`, `days`,
//! `departures`, `cut_off`.
//! **Settings** [`Settings`].

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::calendar::hours::Minute;
use upturn_core::fact::almanac::Workdays;
use upturn_core::fact::lane::{Lane, Share};
use upturn_core::fact::validity::Validity;

use super::bounded;
use crate::read::table::{Cells, Layout, Table, path};
use crate::read::tree::Path;
use crate::read::{ReadError, number};

/// The most days that a lane is believed to take.
const DAYS_MAX: u16 = 365;
/// The smallest and the largest weight of a number of days.
const WEIGHT_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 6);
const WEIGHT_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// Where a table of lanes has what, by paths as [`Layout`] tells them. Each default is the setting's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is. Its `zone` is that of the lanes.
    #[serde(flatten)]
    pub layout: Layout,
    /// Where a lane begins.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Path>,
    /// Where it ends.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub to: Option<Path>,
    /// By what.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub mode: Option<Path>,
    /// Whose it is; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub carrier: Option<Path>,
    /// How many days it takes.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub days: Option<Path>,
    /// On which weekdays it departs; empty for every day.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub departures: Option<Path>,
    /// Until when goods are taken: `15:00`; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub cut_off: Option<Path>,
    /// The first day it runs; may be empty. Default: `valid_from`.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub valid_from: Option<Path>,
    /// The last day it runs; may be empty. Default: `valid_until`.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub valid_until: Option<Path>,
}

/// Reads a table by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Lane>, ReadError> {
    let table = Table::of(&settings.layout)?;
    let tree = table.open(bytes)?;
    let mut lanes: Vec<Lane> = Vec::new();
    for row in table.rows(&tree) {
        let lane = lane(settings, &Cells::of(&table, &row));
        lanes.push(lane.map_err(|error| error.within(&row.place()))?);
    }
    refuse_overlap(&lanes)?;
    bounded(lanes, "lanes")
}

/// Fails if two lanes of one way, carrier and mode run on the same day.
fn refuse_overlap(lanes: &[Lane]) -> Result<(), ReadError> {
    let key =
        |lane: &Lane| (lane.from.clone(), lane.to.clone(), lane.mode.clone(), lane.carrier.clone());
    let mut sorted: Vec<&Lane> = lanes.iter().collect();
    sorted.sort_by_key(|lane| (key(lane), lane.valid));
    for (one, next) in sorted.iter().zip(sorted.iter().skip(1)) {
        if key(one) == key(next) && one.valid.overlaps(&next.valid) {
            let place = format!("{} to {} by {}", one.from, one.to, one.mode);
            let what = format!("it stands there twice, {} and {}", one.valid, next.valid);
            return Err(ReadError::at(number::short(&place), what));
        }
    }
    Ok(())
}

fn lane(settings: &Settings, cells: &Cells<'_, '_>) -> Result<Lane, ReadError> {
    let from = cells.need(settings.from.as_ref(), "from")?;
    let to = cells.need(settings.to.as_ref(), "to")?;
    if from == to {
        return Err(at("to", "it is where the lane begins; a lane leads somewhere else"));
    }
    let days = cells.need(settings.days.as_ref(), "days")?;
    let departures = cells.find(settings.departures.as_ref(), "departures");
    let cut_off = cells.find(settings.cut_off.as_ref(), "cut_off").map(|text| {
        let wrong = || format!("'{}' is no time of day such as 15:00", number::short(text));
        Minute::parse(text).ok_or_else(|| at("cut_off", wrong()))
    });
    let valid = Validity::new(
        cells.find_day(settings.valid_from.as_ref(), "valid_from")?,
        cells.find_day(settings.valid_until.as_ref(), "valid_until")?,
    );
    Ok(Lane {
        from: from.to_owned(),
        to: to.to_owned(),
        mode: cells.need(settings.mode.as_ref(), "mode")?.to_owned(),
        carrier: cells.find(settings.carrier.as_ref(), "carrier").map(str::to_owned),
        days: shares(days).map_err(|what| at("days", what))?,
        departures: weekdays(departures).map_err(|what| at("departures", what))?,
        cut_off: cut_off.transpose()?,
        zone: settings.layout.zone,
        valid: valid.map_err(|error| at("valid_until", error.to_string()))?,
    })
}

fn at(name: &str, what: impl Into<String>) -> ReadError {
    ReadError::at(format!(", {name}"), what)
}

/// Reads a distribution of days.
fn shares(text: &str) -> Result<Vec<Share>, String> {
    let wrong =
        || format!("'{}' is no number of days such as 2, 2-4 or 3:70 4:30", number::short(text));
    let day = |text: &str| text.parse().ok().filter(|days| *days <= DAYS_MAX);
    let mut shares: Vec<Share> = Vec::new();
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = day(first.trim()).zip(day(last.trim())).ok_or_else(wrong)?;
        shares.extend((first..=last).map(|days| Share { days, weight: Decimal::ONE }));
    } else {
        let parts = text.split([' ', ';']).filter(|part| !part.is_empty());
        for part in parts {
            let (days, weight) = part.split_once(':').unwrap_or((part, "1"));
            let weight = number::decimal(weight).ok();
            let weight = weight.filter(|it| WEIGHT_MIN <= *it && *it <= WEIGHT_MAX);
            let (days, weight) = day(days).zip(weight).ok_or_else(wrong)?;
            shares.push(Share { days, weight });
        }
    }
    shares.sort_by_key(|share| share.days);
    let is_twice = shares.windows(2).any(|two| matches!(two, [a, b] if a.days == b.days));
    if shares.is_empty() || is_twice {
        return Err(wrong());
    }
    Ok(shares)
}

/// Reads weekdays; nothing is every day.
fn weekdays(text: Option<&str>) -> Result<Workdays, String> {
    let mut works = [false; 7];
    let parts = text.unwrap_or("daily").split([' ', ',', ';']).filter(|part| !part.is_empty());
    for part in parts {
        if part.eq_ignore_ascii_case("daily") {
            return Ok(Workdays([true; 7]));
        }
        let day: chrono::Weekday = part.parse().map_err(|_| {
            format!("'{}' is no weekday such as mon, and not daily", number::short(part))
        })?;
        let index = usize::try_from(day.num_days_from_monday()).unwrap_or_default();
        if let Some(works) = works.get_mut(index) {
            *works = true;
        }
    }
    Ok(Workdays(works))
}
