//! A table of tax rates that nobody has written a reader for: settings say where things stand.
//!
//! **What it reads** JSON, XML and delimited text.
//! **Example** a sheet of rates that operations keep:
//! `format = "csv"`, `source = "our-vat"`, `country = "country"`, `rate = "percent"`, `from = "from"`,
//! `until = "until"`.
//! **Settings** [`Settings`].

use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::place::Country;
use upturn_core::fact::tax::{Category, Levy, Scope, TaxRate};
use upturn_core::fact::validity::Validity;

use super::{close, percent_of_fraction, percent_up_to};
use crate::read::ReadError;
use crate::read::table::{Layout, Table, needed_path, nowhere, path};
use crate::read::tree::{Path, Spot};

/// The highest percentage that is read. Tables are kept by people, who slip by a digit: what is beyond
/// belief is for the review to hold, with the number in it.
const PERCENT_MAX: Decimal = Decimal::from_parts(1_000, 0, 0, false, 0);

/// Where a table of tax rates has what, by paths as [`Layout`] tells them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    #[serde(flatten)]
    pub layout: Layout,
    /// The source's name, as quotes will show it: `our-vat`.
    pub source: String,
    /// The country of all rows.
    pub home: Option<Country>,
    /// The country, where rows differ.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub country: Option<Path>,
    /// The state or province: the row stands in the place of the country's own rate.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub region: Option<Path>,
    /// The rate.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub rate: Path,
    /// How rates are written. Default: `percent`.
    #[serde(default)]
    pub scale: Scale,
    /// What tax it is. Default: `vat`.
    pub levy: Option<Levy>,
    /// The kind of rate, `standard` or `reduced`, where rows differ. Default: `standard`.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub category: Option<Path>,
    /// The first day.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Path>,
    /// The first day of all rows, where the table is of one day: `2025-01-01`.
    pub valid_from: Option<NaiveDate>,
    /// The last day; nothing where the rate goes on.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Path>,
}

/// How rates are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// `25.5`.
    #[default]
    Percent,
    /// `0.255`.
    Fraction,
}

/// Reads a table by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<TaxRate>, ReadError> {
    if settings.home.is_some() == settings.country.is_some() {
        return Err(ReadError::at("setting 'country'", "either it or 'home' is needed"));
    }
    if settings.from.is_none() && settings.valid_from.is_none() {
        let what = "it or 'valid_from' is needed: rates without a day tax nothing";
        return Err(ReadError::at("setting 'from'", what));
    }
    let table = Table::of(&settings.layout)?;
    let tree = table.open(bytes)?;
    let mut rates = Vec::new();
    for row in table.rows(&tree) {
        let read = rate(settings, &table, &row).map_err(|error| error.within(&row.place()))?;
        rates.extend(read);
    }
    close(rates)
}

/// Returns the rate in `row`; none where nothing stands.
fn rate(
    settings: &Settings,
    table: &Table<'_>,
    row: &Spot<'_>,
) -> Result<Option<TaxRate>, ReadError> {
    let at = |key: &str, what: String| ReadError::at(format!(", {key}"), what);
    let Some(written) = table.text(row, &settings.rate) else { return Ok(None) };
    // A mark behind the number says no more than the setting does.
    let plain = table.number(written.trim_end_matches('%').trim_end());
    let percent = plain.and_then(|plain| match settings.scale {
        Scale::Percent => percent_up_to(PERCENT_MAX, &plain),
        Scale::Fraction => percent_of_fraction(&plain),
    });
    let country = match (&settings.country, settings.home) {
        (Some(path), _) => {
            let text = table.text(row, path).ok_or_else(|| nowhere("country"))?;
            super::country(text).map_err(|what| at("country", what))?
        }
        (None, Some(home)) => home,
        (None, None) => return Err(nowhere("country")),
    };
    let find = |path: &Option<Path>| path.as_ref().and_then(|path| table.text(row, path));
    let label = find(&settings.category).unwrap_or("standard");
    let category = match label {
        "standard" => Category::Standard,
        "reduced" => Category::Reduced,
        "super-reduced" => Category::SuperReduced,
        "parking" => Category::Parking,
        "exempt" => Category::Exempt,
        _ => return Err(at("category", "it is no kind of rate that is known".to_owned())),
    };
    let region = find(&settings.region);
    let from = match &settings.from {
        Some(path) => Some(table.day("from", row, path)?),
        None => settings.valid_from,
    };
    let until = settings.until.as_ref().map(|path| table.find_day("until", row, path));
    let valid = Validity::new(from, until.transpose()?.flatten());
    let place = region.map(|region| format!("-{region}")).unwrap_or_default();
    let since = from.map_or_else(|| "always".to_owned(), |from| from.to_string());
    Ok(Some(TaxRate {
        source: settings.source.clone(),
        rule: format!("{country}{place}/{label}/{since}"),
        country,
        region: region.map(str::to_owned),
        territory: None,
        levy: settings.levy.unwrap_or(Levy::Vat),
        category,
        label: label.to_owned(),
        percent: percent.map_err(|what| at("rate", what))?,
        is_supplement: false,
        scope: Scope::default(),
        valid: valid.map_err(|error| at("until", error.to_string()))?,
    }))
}
