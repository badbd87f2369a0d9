//! Public holidays of many countries, by Nager.Date, version 3 of its API.
//!
//! **What it reads** the answer of `/api/v3/PublicHolidays/{year}/{country}`. A holiday of some counties
//! alone is in their almanacs (`FR-57`), which have the country's holidays, too. Days on which only
//! schools, banks or authorities close, and observances, are left out: people work. For China it has one
//! day of Spring Festival and no make-up workdays; use another source there.
//! **Example** `https://date.nager.at/api/v3/PublicHolidays/2025/DE`.
//! **Settings** none.

use std::collections::BTreeMap;

use serde::Deserialize;
use upturn_core::fact::almanac::{self, Almanac, Work};

use super::{Told, day, of_years};
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::{ReadError, json, text};

/// How many counties a document may name.
const COUNTIES_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Holiday {
    date: String,
    local_name: String,
    name: String,
    country_code: String,
    counties: Option<Vec<String>>,
    #[serde(default)]
    types: Vec<String>,
}

/// What holds for it unless settings say otherwise; they list the countries.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec!["https://date.nager.at/api/v3/PublicHolidays/{year}/{each}".to_owned()],
        ahead: Some(1),
        ..Source::default()
    },
    credit: "Nager.Date.",
    ..Supply::CALENDARS
};

/// Reads a year of a country.
pub fn read(bytes: &[u8]) -> Result<Vec<Almanac>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let holidays: Vec<Holiday> = json::read(&text)?;
    let mut everywhere: Vec<Told> = Vec::new();
    let mut local: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    let mut all_days = Vec::new();
    let country = match holidays.first() {
        Some(first) => first.country_code.clone(),
        None => return Err(ReadError::whole("it has no holidays: the year is not announced")),
    };
    for (index, holiday) in holidays.into_iter().enumerate() {
        let place = format!("/{index}");
        if holiday.country_code != country {
            let what = format!("it is not of {country}, as the first one");
            return Err(ReadError::at(format!("{place}/countryCode"), what));
        }
        let on = day(&holiday.date, "%Y-%m-%d", "2025-01-28");
        let on = on.map_err(|what| ReadError::at(format!("{place}/date"), what))?;
        all_days.push(on);
        if !holiday.types.is_empty() && !holiday.types.iter().any(|kind| kind == "Public") {
            continue;
        }
        let name = if holiday.local_name == holiday.name {
            holiday.name
        } else {
            format!("{} {}", holiday.local_name, holiday.name)
        };
        let told = (on, Work::Off, name);
        let Some(counties) = holiday.counties else {
            everywhere.push(told);
            continue;
        };
        for county in counties {
            local.entry(county).or_default().push(told.clone());
        }
        if COUNTIES_MAX < local.len() {
            return Err(ReadError::whole(format!("it names more than {COUNTIES_MAX} counties")));
        }
    }
    let years = almanac::years(all_days);
    let mut almanacs = vec![of_years(&country, &years, everywhere.clone())?];
    for (county, own) in local {
        let told = everywhere.iter().cloned().chain(own).collect();
        almanacs.push(of_years(&county, &years, told)?);
    }
    Ok(almanacs)
}
