//! Weather by Open-Meteo: now, by the hour and by the day.
//!
//! **What it reads** the answer of `/v1/forecast` or `/v1/archive`, for one place or for several; blocks
//! of other lengths are not read. Times get the offset that the answer names. Older names of variables
//! become the newer ones (`windspeed_10m` is `wind_speed_10m`). What is null is not known. The coordinates
//! are those of the source's grid, not those asked for. Data: CC BY 4.0.
//! **Example** `https://api.open-meteo.com/v1/forecast?latitude=31.2&longitude=121.5&daily=snowfall_sum&timezone=Asia/Shanghai`.
//! **Settings** [`Settings`].

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeZone as _};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::weather::{Measured, Weather, When};

use crate::read::row::Row;
use crate::read::table::texts;
use crate::read::{ReadError, number, text, tree};

/// How many facts one document may hold: a year of hours at ten places.
const FACTS_MAX: usize = 100_000;

/// Beginnings of older names of variables, and the newer ones.
const NEWER: &[(&str, &str)] = &[
    ("cloudcover", "cloud_cover"),
    ("dewpoint", "dew_point"),
    ("relativehumidity", "relative_humidity"),
    ("weathercode", "weather_code"),
    ("winddirection", "wind_direction"),
    ("windgusts", "wind_gusts"),
    ("windspeed", "wind_speed"),
];

/// Which places are told of.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The sites or lanes they are, in the order they are asked for. Default: none has a name.
    #[serde(default, deserialize_with = "texts")]
    pub places: Vec<String>,
}

/// Reads an answer by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Weather>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let tree = tree::of_json(&text)?;
    let root = Row::root(&tree);
    if root.flag("error")? {
        let reason = root.text("reason").unwrap_or("nothing else");
        return Err(ReadError::whole(format!("it says: {}", number::short(reason))));
    }
    let places = if root.has("latitude") { vec![root] } else { root.rows("*") };
    if !settings.places.is_empty() && settings.places.len() != places.len() {
        let (named, told) = (settings.places.len(), places.len());
        let what = format!("it names {named}, and the document tells of {told}");
        return Err(ReadError::at("setting 'places'", what));
    }
    let mut facts = Vec::new();
    for (index, row) in places.iter().enumerate() {
        let place = settings.places.get(index).cloned();
        facts.extend(Place::read(row, place)?.facts()?);
        if FACTS_MAX < facts.len() {
            return Err(ReadError::whole(format!("it has more than {FACTS_MAX} times")));
        }
    }
    if facts.is_empty() {
        return Err(ReadError::whole("it has no weather: ask for hourly or daily variables"));
    }
    Ok(facts)
}

/// What an answer says of one place.
struct Place<'n> {
    row: &'n Row<'n>,
    name: Option<String>,
    latitude: Decimal,
    longitude: Decimal,
    offset: FixedOffset,
}

impl<'n> Place<'n> {
    fn read(row: &'n Row<'n>, name: Option<String>) -> Result<Self, ReadError> {
        let degrees = |path: &str, max: i64| {
            let read = number::decimal(row.need(path)?).map_err(|what| row.wrong(path, what))?;
            if Decimal::from(max) < read.abs() {
                return Err(row.wrong(path, format!("it is not from -{max} to {max}")));
            }
            Ok(read)
        };
        let path = "utc_offset_seconds";
        let offset = row.need(path)?.parse().ok().and_then(FixedOffset::east_opt);
        Ok(Self {
            latitude: degrees("latitude", 90)?,
            longitude: degrees("longitude", 180)?,
            offset: offset.ok_or_else(|| row.wrong(path, "it is no offset in seconds"))?,
            row,
            name,
        })
    }

    fn facts(&self) -> Result<Vec<Weather>, ReadError> {
        let mut facts = Vec::new();
        for name in ["current", "current_weather"] {
            if let Some(now) = self.row.row(name) {
                let at = self.instant(&now, "time")?;
                let mut values = BTreeMap::new();
                let units = format!("{name}_units");
                for own in now.names() {
                    if !matches!(own, "time" | "interval") {
                        self.add(&mut values, (own, own), (&now, &units))?;
                    }
                }
                facts.push(self.weather(When::Now(at), values));
            }
        }
        for (name, is_day) in [("hourly", false), ("daily", true)] {
            if let Some(block) = self.row.row(name) {
                facts.extend(self.series(name, &block, is_day)?);
            }
        }
        Ok(facts)
    }

    /// Returns the facts of a block of parallel arrays.
    fn series(&self, name: &str, block: &Row<'_>, is_day: bool) -> Result<Vec<Weather>, ReadError> {
        let count = block.rows("time/*").len();
        let variables: Vec<_> = block.names().filter(|own| *own != "time").collect();
        for own in &variables {
            let length = block.rows(&format!("{own}/*")).len();
            if length != count {
                let what = format!("it has {length} values for {count} times");
                return Err(block.wrong(own, what));
            }
        }
        let units = format!("{name}_units");
        let mut facts = Vec::new();
        for index in 0..count {
            let time = format!("time/{index}");
            let when = if is_day {
                When::Day(self.day(block, &time)?)
            } else {
                When::Hour(self.instant(block, &time)?)
            };
            let mut values = BTreeMap::new();
            for own in &variables {
                self.add(&mut values, (own, &format!("{own}/{index}")), (block, &units))?;
            }
            facts.push(self.weather(when, values));
        }
        Ok(facts)
    }

    fn weather(&self, when: When, values: BTreeMap<String, Measured>) -> Weather {
        let (latitude, longitude) = (self.latitude, self.longitude);
        Weather { place: self.name.clone(), latitude, longitude, when, values }
    }

    /// Adds the value of the variable `own` at `path` of `block`, if it is known.
    fn add(
        &self,
        values: &mut BTreeMap<String, Measured>,
        (own, path): (&str, &str),
        (block, units): (&Row<'_>, &str),
    ) -> Result<(), ReadError> {
        let Some(text) = block.text(path) else { return Ok(()) };
        let value = match number::decimal(text) {
            // The source writes -0.0 for what is too little to be told.
            Ok(number) if number.is_zero() => "0".to_owned(),
            Ok(_) => text.to_owned(),
            Err(_) if NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").is_ok() => {
                text.to_owned()
            }
            Err(what) => return Err(block.wrong(path, what)),
        };
        let unit = self.row.own(&format!("{units}/{own}"));
        values.insert(newer(own), Measured { value, unit });
        Ok(())
    }

    fn instant(&self, row: &Row<'_>, path: &str) -> Result<DateTime<FixedOffset>, ReadError> {
        let text = row.need(path)?;
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok();
        let at = local.and_then(|local| self.offset.from_local_datetime(&local).single());
        let at = at.or_else(|| self.of_seconds(text));
        at.ok_or_else(|| row.wrong(path, format!("'{}' is no time", number::short(text))))
    }

    fn day(&self, row: &Row<'_>, path: &str) -> Result<NaiveDate, ReadError> {
        let text = row.need(path)?;
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let day = day.or_else(|| Some(self.of_seconds(text)?.date_naive()));
        day.ok_or_else(|| row.wrong(path, format!("'{}' is no day", number::short(text))))
    }

    /// Returns the time that is so many seconds after 1970, as `timeformat=unixtime` has it.
    fn of_seconds(&self, text: &str) -> Option<DateTime<FixedOffset>> {
        Some(DateTime::from_timestamp(text.parse().ok()?, 0)?.with_timezone(&self.offset))
    }
}

/// Returns the newer name of a variable.
fn newer(name: &str) -> String {
    let known = NEWER.iter().find_map(|(old, new)| Some((new, name.strip_prefix(old)?)));
    known.map_or_else(|| name.to_owned(), |(new, rest)| format!("{new}{rest}"))
}
