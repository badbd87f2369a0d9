//! China's public holidays and make-up workdays, as holiday-cn gathers them from the State Council's
//! notices: a JSON file a year.
//!
//! **What it reads** `2025.json`. A file can have days of the year before. A file without days is a year
//! that is not announced yet. The newest notice is the revision: the one of 2020 came while the festival
//! ran.
//! **Example** `https://raw.githubusercontent.com/NateScarlet/holiday-cn/master/2025.json`.
//! **Settings** none.

use chrono_tz::Tz;
use serde::Deserialize;
use upturn_core::fact::almanac::{Almanac, Work};

use super::{day, of_years};
use crate::read::{ReadError, json, text};

#[derive(Deserialize)]
struct Document {
    year: i32,
    #[serde(default)]
    papers: Vec<String>,
    days: Vec<Stated>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stated {
    name: String,
    date: String,
    is_off_day: bool,
}

/// Reads a year.
pub fn read(bytes: &[u8]) -> Result<Vec<Almanac>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let Document { year, mut papers, days } = json::read(&text)?;
    let mut told = Vec::new();
    for (index, Stated { name, date, is_off_day }) in days.into_iter().enumerate() {
        let on = day(&date, "%Y-%m-%d", "2025-01-28");
        let on = on.map_err(|what| ReadError::at(format!("/days/{index}/date"), what))?;
        told.push((on, if is_off_day { Work::Off } else { Work::On }, name));
    }
    let years: &[i32] = if told.is_empty() { &[] } else { &[year] };
    let almanac = of_years("CN", years, told)?;
    let zone = Some(Tz::Asia__Shanghai);
    Ok(vec![Almanac { part: year.to_string(), zone, revision: papers.pop(), ..almanac }])
}
