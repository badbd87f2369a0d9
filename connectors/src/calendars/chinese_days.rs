//! China's public holidays and make-up workdays, as the npm package `chinese-days` has them.
//!
//! **What it reads** `dist/years/2025.json`, or the file of all years: `holidays` and `workdays`, each
//! with its English and its Chinese name. `inLieuDays` are among the holidays and say nothing new.
//! A year is announced where its first of January is among the holidays: a file can have the last day of
//! the year before.
//! **Example** `https://cdn.jsdelivr.net/npm/chinese-days/dist/years/2025.json`.
//! **Settings** none.

use chrono::Datelike as _;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::value::RawValue;
use upturn_core::fact::almanac::{Almanac, Work};

use super::{Told, day, of_years};
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

#[derive(Deserialize)]
struct Document<'j> {
    #[serde(borrow)]
    holidays: &'j RawValue,
    #[serde(borrow)]
    workdays: &'j RawValue,
}

/// Reads one year or all.
pub fn read(bytes: &[u8]) -> Result<Vec<Almanac>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let Document { holidays, workdays } = json::read(&text)?;
    let mut told = Vec::new();
    add(&mut told, holidays, "/holidays", &Work::Off)?;
    add(&mut told, workdays, "/workdays", &Work::On)?;
    let new_year =
        |(day, work, _): &Told| (day.ordinal() == 1 && *work == Work::Off).then_some(day.year());
    let mut years: Vec<_> = told.iter().filter_map(new_year).collect();
    years.sort_unstable();
    let almanac = of_years("CN", &years, told)?;
    Ok(vec![Almanac { zone: Some(Tz::Asia__Shanghai), ..almanac }])
}

fn add(told: &mut Vec<Told>, days: &RawValue, place: &str, work: &Work) -> Result<(), ReadError> {
    let days: Members<'_> = json::part(days, place)?;
    for (date, said) in &days.0 {
        let at = |what| ReadError::at(format!("{place}/{}", number::short(date)), what);
        let on = day(date, "%Y-%m-%d", "2025-01-28").map_err(at)?;
        let said = json::scalar(said).map_err(at)?;
        let mut names = said.split(',').map(str::trim);
        let (english, chinese) = (names.next().unwrap_or_default(), names.next());
        let name = chinese.map_or_else(|| english.to_owned(), |own| format!("{own} {english}"));
        told.push((on, work.clone(), name));
    }
    Ok(())
}
